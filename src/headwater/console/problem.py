"""What went wrong, as a problem detail (RFC 9457): a kind with one status and one title, and what holds for this case.

The kinds are one table; the server explains each at the path that its `type` names. No secret is in any of them, and
values are told by their length only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from headwater.errors import ConfigurationError, ConflictError, HeadwaterError

MEDIA_TYPE: Final = "application/problem+json"
#: Where the server explains a kind.
PATH: Final = "/problems/"
_OURS: Final = ("`headwater ", "--")
_LONGEST: Final = 80


@dataclass(frozen=True)
class Kind:
    """A kind of problem: status, title, and what it means for whoever gets it."""

    status: int
    title: str
    meaning: str


#: Name → kind. The name is the end of its `type`.
KINDS: Final[Mapping[str, Kind]] = {
    "malformed": Kind(400, "Malformed request", "The request, or a header or body of it, can't be read."),
    "unauthenticated": Kind(
        401, "No admin key", "Show an admin key that is good: `Authorization: Bearer hwadmin_…`."
    ),
    "scope": Kind(403, "Scope missing", "The admin key lacks the scope that `scope` names."),
    "untrusted-webhook": Kind(
        403,
        "Webhook not trusted",
        "The webhook's headers, signature or time aren't right. Nothing was done.",
    ),
    "not-found": Kind(404, "Not found", "There is no such path, or nothing of this name."),
    "method": Kind(405, "Method not allowed", "The path isn't asked with this method: see `Allow`."),
    "slow": Kind(408, "Too slow", "The request didn't arrive in time."),
    "conflict": Kind(409, "Conflict", "What is there stands against the change. Nothing was done."),
    "shown-before": Kind(
        409,
        "Secret shown before",
        "This request made a key already. Its secret was shown then, is kept nowhere, and can't be shown again: "
        "where it was lost, rotate or revoke the key that `key` names.",
    ),
    "forgotten": Kind(410, "Forgotten", "What this request made was erased since."),
    "stale": Kind(
        412, "Changed since", "The row isn't the one that `If-Match` names. Nothing was done: read it again."
    ),
    "too-large": Kind(
        413, "Too large", "The body has more bytes than the setting `body_bytes` allows, or a webhook's than 65,536."
    ),
    "media-type": Kind(415, "Unsupported media type", "A body is JSON in UTF-8, and not compressed."),
    "misdirected": Kind(
        421, "Misdirected request", "`Host` names none of the setting `hosts`: it may be meant for another."
    ),
    "invalid": Kind(422, "Invalid", "A field can't be used as it is: see `errors`. Nothing was done."),
    "repeated-otherwise": Kind(
        422,
        "Idempotency-Key used for something else",
        "This Idempotency-Key came with another request before. Nothing was done.",
    ),
    "too-many-failures": Kind(
        429,
        "Too many wrong keys",
        "Wrong admin keys, or webhooks that can't be trusted, came from this address. `Retry-After` says when to try "
        "again.",
    ),
    "head-too-large": Kind(431, "Head too large", "The head has more bytes than the setting `head_bytes` allows."),
    "fault": Kind(500, "Fault", "A fault in Headwater itself. The server's log names its place by `instance`."),
    "busy": Kind(503, "Busy", "More requests wait than the settings allow. `Retry-After` says when to try again."),
    "store": Kind(503, "Store unavailable", "A store can't be read or written. The server's log says why."),
}  # fmt: skip
#: Status → the kind that it is where nothing more is known.
_BY_STATUS: Final = {kind.status: name for name, kind in reversed(list(KINDS.items()))}


class Problem(Exception):  # noqa: N818  (reads as a sentence where it is raised)
    """A request that is answered with a problem of a kind of `KINDS`; `members` are the kind's own fields."""

    def __init__(
        self, kind: str, detail: str, *, headers: Mapping[str, str] | None = None, **members: Any
    ) -> None:
        self.kind = kind
        self.detail = detail
        self.headers = dict(headers or {})
        self.members = members
        super().__init__(detail)

    @property
    def status(self) -> int:
        """The status of the response."""
        return KINDS[self.kind].status

    def body(self, instance: str) -> bytes:
        """The problem detail as JSON; `instance` names this one case."""
        told = {"type": f"{PATH}{self.kind}", "title": KINDS[self.kind].title, "status": self.status}
        return json.dumps({**told, "detail": self.detail, "instance": instance, **self.members}).encode()


def of_status(status: int) -> Problem:
    """The problem that a bare status says."""
    name = _BY_STATUS.get(status) or ("fault" if status >= 500 else "malformed")
    return Problem(name, KINDS[name].meaning)


def of_error(error: HeadwaterError) -> Problem:
    """What one of our errors is to whoever asked; one about a file is about the server's own, and names none."""
    if error.where.file is not None:
        return Problem("store", sentence(error.what), headers={"Retry-After": "5"})
    hint: dict[str, Any] = {}
    if error.hint and not any(one in error.hint for one in _OURS):
        hint["hint"] = error.hint
    if isinstance(error, ConflictError):
        return Problem("conflict", sentence(error.what), **hint)
    field = error.where.field or ""
    if isinstance(error, ConfigurationError):
        field = field.rpartition(".")[2]  # of TIER.ENTRY the entry
    told = {"field": field[:_LONGEST], "detail": error.what}
    return Problem("invalid", sentence(error.what), errors=[told], **hint)


def sentence(text: str) -> str:
    """A clause as a sentence."""
    return f"{text[:1].upper()}{text[1:]}."
