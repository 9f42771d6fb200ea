"""What is denied, in the words of the wire: a kind of error, its code, and when trying again makes sense."""

from __future__ import annotations

import logging
from typing import Final

from headwater.control import Denied, Reason
from headwater.gateway.stage import Refuse
from headwater.gateway.wire.errors import Kind, Problem

LOG: Final = logging.getLogger("headwater.gateway.decisions")
#: Beyond it a budget is a quota, not a rate.
_LONG_US: Final = 3_600_000_000
#: Reason → kind of error, and the code that clients' programs look at.
_KINDS: Final[dict[Reason, tuple[Kind, str | None]]] = {
    Reason.CREDENTIAL: (Kind.UNAUTHENTICATED, None),
    Reason.PLACE: (Kind.BLOCKED, "ip_not_authorized"),
    Reason.ACCOUNT: (Kind.BLOCKED, "account_inactive"),
    Reason.SUSPENDED: (Kind.BLOCKED, "account_suspended"),
    Reason.HELD: (Kind.BLOCKED, "account_under_review"),
    Reason.STEP_UP: (Kind.BLOCKED, "verification_required"),
    Reason.SCOPE: (Kind.BLOCKED, "insufficient_scope"),
    Reason.MODEL: (Kind.NOT_FOUND, "model_not_found"),
    Reason.FEATURE: (Kind.BLOCKED, "feature_not_available"),
    Reason.CONTEXT: (Kind.INVALID, "context_length_exceeded"),
    Reason.BUDGET_SPENT: (Kind.RATE_LIMITED, None),
    Reason.BUDGET_TOO_LARGE: (Kind.INVALID, "request_too_large_for_limits"),
    Reason.STORE_GONE: (Kind.UNAVAILABLE, None),
    Reason.ENDED: (Kind.TIMEOUT, "request_ended"),
}


def problem_of(denied: Denied) -> Problem:
    """The error that a client reads."""
    kind, code = _KINDS[denied.why]
    wait = denied.retry_after_us
    if denied.why is Reason.BUDGET_SPENT:
        kind = _spent(denied)
    more: list[tuple[str, str | tuple[str, ...]]] = []
    if denied.violated:
        more.append(("violated_policies", denied.violated))
    if denied.decision_id:
        more.append(("decision_id", denied.decision_id))
    if denied.appeal:
        more.append(("appeal_url", denied.appeal))
    after = None if wait is None else max(1, -(-wait // 1_000_000))
    return Problem(kind, denied.told, code, retry_after_s=after, extensions=tuple(more))


def refuse(denied: Denied, account: str) -> Refuse:
    """The refusal, told to the operator's log as well: with its cause, without anything that the client sent."""
    LOG.info(
        "denied: %s (%s), account %s, decision %s",
        denied.why.value,
        denied.cause or "-",
        account or "-",
        denied.decision_id or "-",
    )
    return Refuse(problem_of(denied))


def _spent(denied: Denied) -> Kind:
    if denied.quota or (denied.retry_after_us is not None and denied.retry_after_us > _LONG_US):
        return Kind.QUOTA
    if any("tokens" in name for name in denied.violated):
        return Kind.TOKENS_LIMITED
    return Kind.RATE_LIMITED
