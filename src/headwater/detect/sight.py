"""What each kind of evidence could see in a log, from its card: the part of a report that says what it doesn't know."""

from __future__ import annotations

from collections.abc import Iterable

from headwater.detect.fold import Card, Fold, missing
from headwater.detect.installed import load
from headwater.detect.rates import false_positive
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
            false_positive_rate=false_positive(card),
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


def too_few(accounts: int, customers: int, largest: int, fewest: int) -> str | None:
    """That nothing can be found among few customers, as a note; None where there is nothing to say.

    `largest` is the number of accounts of the largest organisation, `fewest` that of customers in a group.
    """
    if accounts == 1:
        first = "there is a single account"
    elif largest > accounts / 2:
        part = f"all {accounts:,}" if largest == accounts else f"{largest:,} of the {accounts:,}"
        first = f"{part} accounts belong to one organisation and are one customer"
    elif customers < fewest:
        first = f"the log has {customers:,} customers, and a group needs {fewest} at least"
    else:
        return None
    whole = "no campaign can be found in this log" if customers < fewest else "none is found among them"
    return f"{first}: evidence is looked for between customers, so {whole}"
