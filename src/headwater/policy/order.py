"""The total order: which line of a pack decides, given which of its conditions hold, and what is owed with that.

The highest rung whose condition holds (the first in the file among equals); then every limit, the account's programme
and every overlay caps it. Nothing here looks at a figure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from headwater.detect import NO_RULE
from headwater.policy.duties import Duties, owed
from headwater.policy.pack import Limit, Overlay, Pack, Programme, Rule
from headwater.policy.rungs import PERSON_FROM, REASON_CLASS, TWO_PERSONS_FROM, Rung

_NOTHING = "No rule of the pack asks for more than watching."


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the answers of a pack's conditions come to. `asked`: the rule that raised asks for a person."""

    rung: Rung
    rule: str
    reason: str
    reason_class: str
    clause: str
    lasts_h: int
    persons: int
    duties: Duties
    limited: bool
    asked: bool


def outcome(pack: Pack, answers: Sequence[bool], purpose: str) -> Outcome:
    """What `pack` says where its conditions have these `answers`, in the order of `Pack.conditions`.

    `purpose` is the programme that covers the account, or empty; one that the pack doesn't list covers nothing.
    """
    rules, limits = len(pack.rules), len(pack.limits)
    raised = raised_by(pack, answers)
    rung, by = raised.rung if raised else Rung.OBSERVE, ""
    reason = raised.reason if raised else _NOTHING
    overlays = [each for each, holds in zip(pack.overlays, answers[rules + limits :], strict=True) if holds]
    held = [each for each, holds in zip(pack.limits, answers[rules : rules + limits], strict=True) if holds]
    capping: Limit | None = None
    for cap in _caps(pack, held, purpose, overlays):
        # A limit at the rung itself says better than the rule why it isn't a higher one.
        if cap.rung < rung or (cap.rung == rung and not by):
            rung, by, reason, capping = cap.rung, cap.id, cap.reason, cap.limit
    asked = raised.person_required if raised else False
    lowered = raised is None or rung < raised.rung
    return Outcome(
        rung=rung,
        rule=by or (raised.id if raised else NO_RULE),
        reason=reason,
        reason_class=_first(
            capping.reason_class if capping else None,
            raised.reason_class if raised else None,
            REASON_CLASS[rung],
        ),
        clause=_first(capping.clause if capping else None, raised.clause if raised else None, pack.clause),
        lasts_h=_lasts(pack, rung, raised, capping, lowered),
        persons=_persons(pack, rung, asked, overlays),
        duties=owed(pack.duties, [(each.id, each.asked) for each in overlays]),
        limited=bool(by),
        asked=asked,
    )


@dataclass(frozen=True, slots=True)
class _Cap:
    rung: Rung
    id: str
    reason: str
    limit: Limit | None = None


def raised_by(pack: Pack, answers: Sequence[bool]) -> Rule | None:
    """The rule that raises, before anything caps it; None where no rule holds."""
    holding = [rule for rule, holds in zip(pack.rules, answers, strict=False) if holds]
    # max() keeps the first of equals: the file's order breaks ties.
    return max(holding, key=lambda rule: rule.rung, default=None)


def _caps(pack: Pack, limits: Sequence[Limit], purpose: str, overlays: Sequence[Overlay]) -> Iterator[_Cap]:
    for limit in limits:
        yield _Cap(limit.rung, limit.id, limit.reason, limit)
    programme = programme_of(pack, purpose)
    if programme is not None and programme.at_most is not None:
        yield _Cap(
            programme.at_most, programme.name, f"Access for a purpose on the list: {programme.purpose}"
        )
    for overlay in overlays:
        if overlay.at_most is not None:
            about = overlay.about or f"The overlay “{overlay.id}” allows no more here."
            yield _Cap(overlay.at_most, overlay.id, about)


def programme_of(pack: Pack, purpose: str) -> Programme | None:
    """The programme of `pack` that the fact `purpose` names; None where it lists none of that name."""
    return next((each for each in pack.programmes if each.name == purpose), None) if purpose else None


def _first(*said: str | None) -> str:
    return next((each for each in said if each), "")


def _lasts(pack: Pack, rung: Rung, raised: Rule | None, capping: Limit | None, lowered: bool) -> int:
    if rung is Rung.OBSERVE:
        return 0
    if capping is not None and capping.lasts_h is not None:
        return capping.lasts_h
    return pack.lasts_h[rung] if lowered or raised is None else raised.lasts_h


def _persons(pack: Pack, rung: Rung, asked: bool, overlays: Sequence[Overlay]) -> int:
    """How many persons must agree. An overlay's person counts before what rule and pack leave to a program."""
    if rung is Rung.OBSERVE:
        return 0
    owed_one = any(each.person_from is not None and rung >= each.person_from for each in overlays)
    if not (asked or owed_one) and (rung < PERSON_FROM or rung in pack.without_a_person):
        return 0
    return 2 if rung >= TWO_PERSONS_FROM else 1
