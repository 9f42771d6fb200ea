"""What each kind of evidence could see in a log, from its card: the part of a report that says what it doesn't know."""

from __future__ import annotations

from collections.abc import Iterable

from headwater.detect.fold import Card, Fold, load, missing
from headwater.detect.verdict import Coverage


def coverage(evidence: Iterable[Fold], columns: frozenset[str]) -> tuple[Coverage, ...]:
    """One entry a card, those ruled out by a missing column included."""
    cards: dict[str, Card] = {}
    for fold in evidence:
        cards.setdefault(fold.card.name, fold.card)
    return tuple(
        Coverage(
            evidence=card.name,
            title=card.title,
            available=not missing(card, columns),
            missing=missing(card, columns),
            sees=card.sees,
            false_positive_rate=card.false_positive,
            innocent_causes=card.innocent_causes,
            evasion_cost=card.evasion_cost,
        )
        for card in cards.values()
    )


def needs() -> dict[str, frozenset[str]]:
    """For each installed kind of evidence, by title, the exchange columns that it can't do without."""
    out: dict[str, frozenset[str]] = {}
    for fold in load():
        out[fold.card.title] = frozenset(c for c in fold.card.needs if not c.startswith("account."))
    return out
