"""What became of steps: how often they were taken back, per rule, rung and kind of evidence, with the interval.

A step that was reversed, or that expired and no person had confirmed, counts as a false positive; one that a person
confirmed or upheld doesn't. Of a step that was lowered, the rung was wrong, and what had been seen was not. Counts say
nothing about whom they are of, and stay when accounts are erased.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

from headwater.control import State, Step
from headwater.errors import UnreadableInput, Where, unreadable

CONFIDENCE: Final = 0.95
FORMAT: Final = "headwater.outcomes"
FORMAT_VERSION: Final = 1
MOST_BYTES: Final = 4 << 20
_WRITTEN: Final = "headwater casebook outcomes --format json > outcomes.json"

_Count = Annotated[int, msgspec.Meta(ge=0)]
_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class _Rate(msgspec.Struct):
    by: Literal["rule", "rung", "evidence"]
    name: str
    ended: _Count
    false: _Count
    low: _Share
    high: _Share
    declined: _Count = 0


class _Document(msgspec.Struct):
    format: Literal["headwater.outcomes"]
    format_version: Literal[1]
    rates: list[_Rate]


class Outcome(StrEnum):
    """How a step ended, as far as it is a lesson."""

    #: A person confirmed it, or upheld it on appeal, and it ran its time.
    CONFIRMED = "confirmed"
    #: It was taken back.
    REVERSED = "reversed"
    #: A milder one took its place, on appeal.
    LOWERED = "lowered"
    #: It ran out, and no person had ever confirmed it.
    UNCONFIRMED = "unconfirmed"
    #: It was proposed, and a person refused it: nothing happened to the account.
    DECLINED = "declined"


@dataclass(frozen=True)
class Ended:
    """One ended step: the rule and rung behind it, the kinds of evidence that carried it, and how it ended."""

    rule: str
    rung: str
    evidence: tuple[str, ...]
    outcome: Outcome


@dataclass(frozen=True)
class Rate:
    """How often ended steps were taken back: `false` of `ended`, with the exact 95% interval from `low` to `high`.

    `declined` proposals never began; they are told and don't count.
    """

    by: Literal["rule", "rung", "evidence"]
    name: str
    ended: int
    false: int
    low: float
    high: float
    declined: int = 0


def outcome_of(step: Step, *, lowered: bool = False) -> Outcome | None:
    """What the end of `step` teaches; None where it goes on, or nobody ever decided on it."""
    if step.state is State.REVERSED:
        return Outcome.LOWERED if lowered else Outcome.REVERSED
    if step.state is State.EXPIRED:
        return Outcome.CONFIRMED if step.deciders else Outcome.UNCONFIRMED
    return Outcome.DECLINED if step.state is State.DECLINED else None


def interval(false: int, ended: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The exact interval of a share, after Clopper and Pearson (Biometrika 26, 1934); (0, 1) where nothing ended."""
    from scipy.stats import beta

    rest = (1 - confidence) / 2
    low = float(beta.ppf(rest, false, ended - false + 1)) if false else 0.0
    high = float(beta.ppf(1 - rest, false + 1, ended - false)) if false < ended else 1.0
    return low, high


def rates(ended: Iterable[Ended]) -> list[Rate]:
    """The rates of all rules, rungs and kinds of evidence that `ended` steps had, in that order and by name."""
    counts: dict[tuple[Literal["rule", "rung", "evidence"], str], list[int]] = {}
    for one in ended:
        wrong = one.outcome in (Outcome.REVERSED, Outcome.UNCONFIRMED)
        keys: list[tuple[Literal["rule", "rung", "evidence"], str, bool]] = [
            ("rule", one.rule, wrong or one.outcome is Outcome.LOWERED),
            ("rung", one.rung, wrong or one.outcome is Outcome.LOWERED),
            *(("evidence", name, wrong) for name in one.evidence),
        ]
        for by, name, false in keys:
            count = counts.setdefault((by, name), [0, 0, 0])
            if one.outcome is Outcome.DECLINED:
                count[2] += 1
            else:
                count[0] += 1
                count[1] += false
    order = ("rule", "rung", "evidence")
    return [
        Rate(by, name, all_, false, *interval(false, all_), declined)
        for (by, name), (all_, false, declined) in sorted(
            counts.items(), key=lambda one: (order.index(one[0][0]), one[0][1])
        )
    ]


def load_outcomes(path: Path) -> list[Rate]:
    """Rates from the file that `outcomes_document` became.

    Raises `UnreadableInput` where it can't be read, or names the field that isn't as it should be.
    """
    where = Where(str(path))
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise unreadable(path, error) from None
    if len(data) > MOST_BYTES:
        raise UnreadableInput("is too large for outcomes", where=where, hint=_WRITTEN)
    try:
        document = msgspec.json.decode(data, type=_Document)
    except msgspec.ValidationError as error:
        what, _, at = str(error).partition(" - at `$")
        field = at.rstrip("`").lstrip(".") or None
        raise UnreadableInput(what, where=Where(str(path), None, field), hint=_WRITTEN) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UnreadableInput("is not JSON", where=where, hint=_WRITTEN) from None
    for number, rate in enumerate(document.rates):
        if not (rate.false <= rate.ended and rate.low <= rate.high):
            place = Where(str(path), None, f"rates[{number}]")
            raise UnreadableInput("counts that don't go together", where=place, hint=_WRITTEN)
    return [Rate(**msgspec.structs.asdict(rate)) for rate in document.rates]


def outcomes_document(found: Iterable[Rate]) -> dict[str, Any]:
    """Rates as the JSON document that `investigate --outcomes` reads."""
    rows = [
        {
            "by": r.by,
            "name": r.name,
            "ended": r.ended,
            "false": r.false,
            "low": r.low,
            "high": r.high,
            "declined": r.declined,
        }
        for r in found
    ]
    return {"format": FORMAT, "format_version": FORMAT_VERSION, "confidence": CONFIDENCE, "rates": rows}
