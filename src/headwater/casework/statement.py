"""A statement of reasons in the shape of the EU's DSA Transparency Database, with the redress beside it.

`reasons` has the names, values and lengths that the database takes, and can be sent to it as it is: see
github.com/digital-services-act/transparency-database at 69e80a0, StatementStoreRequest.php and Statement.php. It holds
nothing about who the account is, and neither rule nor threshold. The ground is always the contract; nothing here says
that anything is illegal.
"""

from __future__ import annotations

import inspect
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

import msgspec

from headwater.casework.notices import moment
from headwater.policy import REASON_CLASSES, Rung
from headwater.report import clean

FORMAT: Final = "headwater.statement"
FORMAT_VERSION: Final = 1
SCHEMA_ID: Final = "urn:headwater:statement:1"

Day = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
_Short = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
_Explanation = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
_Facts = Annotated[str, msgspec.Meta(min_length=1, max_length=5000)]
_Identifier = Annotated[str, msgspec.Meta(pattern="^[a-zA-Z0-9-_]+$", max_length=500)]

Provision = Literal[
    "DECISION_PROVISION_PARTIAL_SUSPENSION",
    "DECISION_PROVISION_TOTAL_SUSPENSION",
    "DECISION_PROVISION_TOTAL_TERMINATION",
]
AccountDecision = Literal["DECISION_ACCOUNT_SUSPENDED", "DECISION_ACCOUNT_TERMINATED"]
AccountType = Literal["ACCOUNT_TYPE_BUSINESS", "ACCOUNT_TYPE_PRIVATE"]
Automated = Literal[
    "AUTOMATED_DECISION_FULLY", "AUTOMATED_DECISION_PARTIALLY", "AUTOMATED_DECISION_NOT_AUTOMATED"
]

#: What each rung decides about the service, and about the account.
DECIDES: Final[dict[Rung, tuple[Provision, AccountDecision | None]]] = {
    Rung.SHAPE: ("DECISION_PROVISION_PARTIAL_SUSPENSION", None),
    Rung.REDUCE: ("DECISION_PROVISION_PARTIAL_SUSPENSION", None),
    Rung.STEP_UP: ("DECISION_PROVISION_PARTIAL_SUSPENSION", None),
    Rung.QUARANTINE: ("DECISION_PROVISION_PARTIAL_SUSPENSION", None),
    Rung.SUSPEND: ("DECISION_PROVISION_TOTAL_SUSPENSION", "DECISION_ACCOUNT_SUSPENDED"),
    Rung.BAN: ("DECISION_PROVISION_TOTAL_TERMINATION", "DECISION_ACCOUNT_TERMINATED"),
    Rung.REFER: ("DECISION_PROVISION_TOTAL_SUSPENSION", "DECISION_ACCOUNT_SUSPENDED"),
}
_TYPES: Final[dict[str, AccountType]] = {
    "consumer": "ACCOUNT_TYPE_PRIVATE",
    "business": "ACCOUNT_TYPE_BUSINESS",
    "enterprise": "ACCOUNT_TYPE_BUSINESS",
}
_LATEST: Final = "2038-01-01"


class Reasons(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What the transparency database takes; its own names, texts and limits."""

    puid: _Identifier
    decision_provision: Provision
    decision_account: AccountDecision | None = None
    account_type: AccountType | None = None
    decision_ground: Literal["DECISION_GROUND_INCOMPATIBLE_CONTENT"]
    decision_ground_reference_url: Annotated[str, msgspec.Meta(max_length=500)] | None = None
    incompatible_content_ground: _Short
    incompatible_content_explanation: _Explanation
    content_type: tuple[Literal["CONTENT_TYPE_OTHER"]]
    content_type_other: _Short
    category: Literal["STATEMENT_CATEGORY_OTHER_VIOLATION_TC"]
    content_date: Day
    application_date: Day
    end_date_account_restriction: Day | None = None
    end_date_service_restriction: Day | None = None
    decision_facts: _Facts
    source_type: Literal["SOURCE_VOLUNTARY"]
    automated_detection: Literal["Yes", "No"]
    automated_decision: Automated


class Redress(msgspec.Struct, frozen=True):
    """What the account's holder can do: where an appeal goes, until when, and who answers by when."""

    where: str
    reference: str
    until: str
    answered_within_days: Annotated[int, msgspec.Meta(ge=1)]
    reviewed_by: Literal["a person who had no part in the decision"] = (
        "a person who had no part in the decision"
    )


class Statement(msgspec.Struct, frozen=True):
    """A statement of reasons: what was decided until when and why, and how to appeal."""

    operator: str
    reference: str
    rung: str
    reason_class: str
    begins: str
    until: str
    reasons: Reasons
    redress: Redress


@dataclass(frozen=True)
class Stated:
    """What a statement is made of. Times are microseconds since 1970 UTC.

    `requests` of the account are what the decision rests on, seen from `first_us` to `last_us`. `persons` confirmed it,
    which a program had `proposed`.
    """

    reference: str
    operator: str
    appeals: str
    terms_url: str
    rung: Rung
    reason_class: str
    clause: str
    customer: str
    requests: int
    first_us: int
    last_us: int
    begins_us: int
    until_us: int
    persons: int
    proposed: bool
    appeal_by_us: int
    answer_days: int


def statement_of(stated: Stated) -> Statement | None:
    """The statement; None for a notice, which restricts nothing."""
    if stated.rung not in DECIDES:
        return None
    provision, account = DECIDES[stated.rung]
    until = min(_day(stated.until_us), _LATEST)
    clause = clean(stated.clause) or "the terms that the account's holder agreed to"
    why = REASON_CLASSES.get(stated.reason_class, stated.reason_class)
    automated: Automated = "AUTOMATED_DECISION_NOT_AUTOMATED"
    if stated.proposed:
        automated = "AUTOMATED_DECISION_PARTIALLY" if stated.persons else "AUTOMATED_DECISION_FULLY"
    reasons = Reasons(
        puid=stated.reference,
        decision_provision=provision,
        decision_account=account,
        account_type=_TYPES.get(stated.customer),
        decision_ground="DECISION_GROUND_INCOMPATIBLE_CONTENT",
        decision_ground_reference_url=_url(stated.terms_url),
        incompatible_content_ground=clause[:500],
        incompatible_content_explanation=_cut(f"The ground is contractual: {why}.", 2000),
        content_type=("CONTENT_TYPE_OTHER",),
        content_type_other="use of an application programming interface",
        category="STATEMENT_CATEGORY_OTHER_VIOLATION_TC",
        content_date=_day(stated.last_us),
        application_date=_day(stated.begins_us),
        end_date_account_restriction=until if account else None,
        end_date_service_restriction=until,
        decision_facts=_cut(_facts(stated, why), 5000),
        source_type="SOURCE_VOLUNTARY",
        automated_detection="Yes" if stated.proposed else "No",
        automated_decision=automated,
    )
    redress = Redress(stated.appeals, stated.reference, moment(stated.appeal_by_us), stated.answer_days)
    return Statement(
        operator=stated.operator,
        reference=stated.reference,
        rung=stated.rung.word,
        reason_class=stated.reason_class,
        begins=moment(stated.begins_us),
        until=moment(stated.until_us),
        reasons=reasons,
        redress=redress,
    )


def statement_json(statement: Statement) -> bytes:
    """The document as UTF-8 JSON with two spaces of indentation; nothing in it acts on a screen."""
    from headwater.report import inert_json

    body = {"format": FORMAT, "format_version": FORMAT_VERSION, **msgspec.to_builtins(statement)}
    return inert_json(msgspec.json.format(msgspec.json.encode(body), indent=2).decode()).encode() + b"\n"


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the document, made from the records."""
    (_, parts) = msgspec.json.schema_components([Statement], ref_template="#/$defs/{name}")
    for part in parts.values():
        part["description"] = inspect.cleandoc(part.get("description", ""))
    whole = parts.pop("Statement")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "Headwater statement of reasons",
        "description": whole["description"],
        "type": "object",
        "properties": {
            "format": {"const": FORMAT},
            "format_version": {"const": FORMAT_VERSION},
            **whole["properties"],
        },
        "required": ["format", "format_version", *whole["required"]],
        "$defs": parts,
    }


def schema_text() -> str:
    """The schema as it is kept in the documentation."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _facts(stated: Stated, why: str) -> str:
    """Facts and circumstances relied on (DSA, article 17(3)(b)), without personal data, rule or threshold."""
    many = f"{stated.requests:,} requests" if stated.requests != 1 else "one request"
    found = "Automated means found this in" if stated.proposed else "A person found this in"
    decided = (
        "no person has looked at it yet"
        if not stated.persons
        else "a person decided"
        if stated.persons == 1
        else "two persons decided"
    )
    return (
        f"{found} the operator's own records of how its service was used; nobody reported it. It rests on {many} "
        f"of the account between {_day(stated.first_us)} and {_day(stated.last_us)}. What was seen: {why}. "
        f"How it was decided: {decided}."
    )


def _day(at_us: int) -> str:
    return datetime.fromtimestamp(at_us // 1_000_000, UTC).strftime("%Y-%m-%d")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _url(text: str) -> str | None:
    return text if text.startswith(("https://", "http://")) and len(text) <= 500 else None
