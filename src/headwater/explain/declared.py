"""Declarations that name accounts of a ring and don't decide: too few of its accounts, or over before the log is.

A declaration that does decide is a piece of evidence, and told with the others.
"""

from __future__ import annotations

from collections.abc import Iterable

from headwater.detect import Campaign, Member, Undecided
from headwater.explain import words


def undecided(ring: Campaign) -> tuple[str, ...]:
    """A sentence on each declaration that names accounts of the ring and counts for nothing."""
    return tuple(
        f"The declaration “{each.declared}” names {_part(each)} of its accounts and counts for nothing: {_why(each)}."
        for each in ring.undecided
    )


def named(ring: Campaign, member: Member) -> tuple[str, ...]:
    """The declarations among them that name this member."""
    return tuple(
        f"The declaration “{each.declared}” names it, and counts for nothing here: {_why(each)}."
        for each in ring.undecided
        if any(ring.members[place] is member for place in each.accounts)
    )


def notes(rings: Iterable[Campaign]) -> list[str]:
    """One note for each such declaration, with the rings whose accounts it names."""
    found: dict[tuple[str, str], list[str]] = {}
    for ring in rings:
        for each in ring.undecided:
            found.setdefault((each.declared, _why(each)), []).append(f"{_part(each)} accounts of {ring.id}")
    return [
        f"the declaration “{party}” names {words.joined(parts, limit=3)} and counts for nothing there: {why}"
        for (party, why), parts in found.items()
    ]


def _part(each: Undecided) -> str:
    return f"{words.count(each.named)} of {words.count(each.judged)}"


def _why(each: Undecided) -> str:
    if each.ended:
        return f"it ended on {each.ended}, before the log does"
    return "it must name nine tenths of them"
