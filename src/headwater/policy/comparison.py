"""Two packs beside one another: what changed, line by line, in words.

Whose decision changes is found by replaying both (`replay`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from headwater.policy.duration import worded
from headwater.policy.duties import Asked, Duties
from headwater.policy.pack import Limit, Overlay, Pack, Programme, Rule
from headwater.policy.rungs import Rung

_DUTIES = {
    "statement": "a statement of reasons",
    "notice_before_h": "time between notice and step",
    "notify_shaping_after_h": "a shaping is told after",
    "appeal_within_days": "time to appeal",
    "answer_within_days": "time to answer an appeal",
    "retention_days": "records are kept for",
}


@dataclass(frozen=True)
class Change:
    """One thing that differs: in which line (`rules.hold`), and how, in words."""

    line: str
    what: str


def compare_packs(old: Pack, new: Pack) -> tuple[Change, ...]:
    """What is new, gone or otherwise in `new`, in the order of its lines; what is gone comes last of its part."""
    return (
        *_part("rules", _rules(old), _rules(new)),
        *_order(old, new),
        *_part("limits", _limits(old), _limits(new)),
        *_part("overlays", _overlays(old), _overlays(new)),
        *_part("programmes", _programmes(old), _programmes(new)),
        *_fields("", _pack(old), _pack(new)),
    )


_Line = Mapping[str, str]


def _part(part: str, old: Mapping[str, _Line], new: Mapping[str, _Line]) -> Iterator[Change]:
    for name, line in new.items():
        if name in old:
            yield from _fields(f"{part}.{name}", old[name], line)
        else:
            yield Change(f"{part}.{name}", f"is new: {_all(line)}")
    for name, line in old.items():
        if name not in new:
            yield Change(f"{part}.{name}", f"is gone: {_all(line)}")


def _all(line: _Line) -> str:
    return "; ".join(f"{name} {value}" for name, value in line.items() if value)


def _fields(line: str, old: _Line, new: _Line) -> Iterator[Change]:
    for name in dict.fromkeys((*new, *old)):
        was, now = old.get(name, ""), new.get(name, "")
        if was != now:
            yield Change(line or "pack", f"{name}: was {was or 'nothing'}, is {now or 'nothing'}")


def _order(old: Pack, new: Pack) -> Iterator[Change]:
    """Rules of one rung that stand in another order: the first that holds gives rule and reason."""
    for rung in Rung:
        was = [rule.id for rule in old.rules if rule.rung is rung]
        now = [rule.id for rule in new.rules if rule.rung is rung]
        both = [name for name in was if name in now]
        moved = [name for name in now if name in was]
        if both != moved:
            yield Change("rules", f"of those that raise to {rung.word}, {', '.join(moved)} is the order now")


def _rules(pack: Pack) -> dict[str, _Line]:
    return {rule.id: _rule(rule) for rule in pack.rules}


def _rule(rule: Rule) -> _Line:
    return {
        "raises to": rule.rung.word,
        "when": _quoted(rule.condition.text),
        "for": worded(rule.lasts_h) if rule.lasts_h else "",
        "asks a person": "yes" if rule.person_required else "no",
        "reason class": rule.reason_class,
        "clause": _quoted(rule.clause),
        "reason": _quoted(rule.reason),
    }


def _limits(pack: Pack) -> dict[str, _Line]:
    return {limit.id: _limit(limit) for limit in pack.limits}


def _limit(limit: Limit) -> _Line:
    return {
        "caps at": limit.rung.word,
        "when": _quoted(limit.condition.text),
        "for": worded(limit.lasts_h) if limit.lasts_h else "",
        "reason class": limit.reason_class or "",
        "clause": _quoted(limit.clause or ""),
        "reason": _quoted(limit.reason),
    }


def _overlays(pack: Pack) -> dict[str, _Line]:
    return {overlay.id: _overlay(overlay) for overlay in pack.overlays}


def _overlay(overlay: Overlay) -> _Line:
    return {
        "when": _quoted(overlay.condition.text),
        "caps at": overlay.at_most.word if overlay.at_most is not None else "",
        "a person decides from": overlay.person_from.word if overlay.person_from is not None else "",
        **_asked(overlay.asked),
        "about": _quoted(overlay.about),
    }


def _programmes(pack: Pack) -> dict[str, _Line]:
    return {programme.name: _programme(programme) for programme in pack.programmes}


def _programme(programme: Programme) -> _Line:
    return {
        "purpose": _quoted(programme.purpose),
        "budgets": _quoted(programme.budgets),
        "caps at": programme.at_most.word if programme.at_most is not None else "",
    }


def _pack(pack: Pack) -> _Line:
    return {
        "name": pack.name,
        "about": _quoted(pack.about),
        "automatic": ", ".join(rung.word for rung in sorted(pack.without_a_person)),
        **_asked(pack.duties),
        **{f"a {rung.word} lasts": worded(spent) for rung, spent in pack.lasts_h.items() if spent},
    }


def _asked(asked: Asked | Duties) -> _Line:
    return {words: _duty(name, getattr(asked, name)) for name, words in _DUTIES.items()}


def _duty(name: str, value: bool | int | None) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return worded(24 * value) if name.endswith("_days") else worded(value)


def _quoted(text: str) -> str:
    return f"“{' '.join(text.split())}”" if text else ""
