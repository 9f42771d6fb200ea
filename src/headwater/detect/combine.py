"""Pieces of evidence become one verdict: log-likelihood ratios, capped, weighed, the strongest of each group.

The arithmetic is a ledger that adds up: log odds = prior + the counted pieces, of which the last takes their sum to
what such a sum means (`fusion`). Within a group of dependent evidence only the strongest piece for and the strongest
against count, so that one trace seen twice isn't two. A ring needs two independent kinds of evidence, whatever its sum.
Source: Fellegi and Sunter (1969), with the corrections that Splink's users asked for (dependence, saturation); see
docs/explanation/detection.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from headwater.detect.declarations import GROUP as DECLARATION
from headwater.detect.fold import Card, Finding
from headwater.detect.fusion import FUSED, FUSION, Fusion
from headwater.detect.verdict import A_KIND, HABITS, Piece, Word
from headwater.detect.verdict import kinds as kinds_of

#: No smaller number of chance rings is ever stated: the laws behind the ratios are measured on some hundreds of groups,
#: and what lies further out in their tails is extrapolation.
LEAST_CHANCE = 0.001
#: Nats that habits (see `verdict.HABITS`) add at most to a ring's verdict.
MOST_OF_HABITS = 4.0
#: Groups that show one hand behind the accounts. Where a relay carries many customers' requests, that hand is the
#: relay's, whoever harvests through it: they count for nothing there.
RELAYED = frozenset({"account", "client", "continuity", "infrastructure"})


@dataclass(frozen=True)
class Verdict:
    """The sum of the ledger: pieces with what each adds, the odds, the word, and how often chance does as well."""

    pieces: tuple[Piece, ...]
    log_odds: float
    probability: float
    word: Word
    chance: float
    kinds: int


def combine(
    found: Sequence[tuple[Card, Finding]],
    *,
    prior: float,
    threshold: float,
    tested: int,
    habits: float = MOST_OF_HABITS,
    explained: frozenset[str] = frozenset(),
    fusion: Fusion = FUSED,
    attributes: bool = False,
) -> Verdict:
    """Weigh the findings of one ring (or, with `habits` infinite, of one account, of which they are all there is).

    `found`: cards and findings. `prior`: share of proposals taken to be campaigns. `threshold`: probability from which
    a verdict is reported. `tested`: number of rings proposed in this log; every one counts in the multiplicity.
    `explained`: groups that something innocent explains, which don't count for a campaign. `fusion`: what pieces say
    together, in a log that shows means and access of its accounts (`attributes`) or not. `chance` = tested ×
    exp(−Σ llr), since for innocents each likelihood ratio has mean 1 at most (Markov's inequality).
    """
    capped = [
        (card, fusion.weighed(card.name, max(-card.cap_against_nats, min(card.cap_nats, f.raw))), f)
        for card, f in found
    ]
    best: dict[tuple[str, bool], tuple[float, str]] = {}
    for card, llr, _ in capped:
        key = (card.group, llr > 0)
        if llr > 0 and card.group in explained:
            continue
        if llr != 0 and (key not in best or (abs(llr), card.name) > best[key]):
            best[key] = (abs(llr), card.name)
    said = sum(nats for (group, speaks), (nats, _) in best.items() if speaks and group in HABITS)
    share = min(1.0, habits / said) if said else 1.0
    pieces = []
    for card, llr, finding in capped:
        counted = llr != 0 and best.get((card.group, llr > 0), (0.0, ""))[1] == card.name
        if llr > 0 and card.group in HABITS:
            llr *= share
        pieces.append(
            Piece(
                evidence=card.name,
                group=card.group,
                llr=llr if counted else 0.0,
                raw=finding.raw,
                counted=counted,
                sentence=finding.sentence,
                p_value=finding.p_value,
                figures=dict(finding.figures),
            )
        )
    pieces.sort(key=lambda p: (-p.llr, p.evidence))
    pieces += _together(pieces, fusion, attributes)
    total = sum(p.llr for p in pieces)
    log_odds = logit(prior) + total
    # Of a single account habits are all there is, and each counts.
    alone = {p.group for p in pieces if p.llr >= A_KIND} - {FUSION.group}
    kinds = len(alone if math.isinf(habits) else kinds_of(pieces))
    probability = 1 / (1 + math.exp(-log_odds))
    return Verdict(
        pieces=tuple(pieces),
        log_odds=log_odds,
        probability=probability,
        word=word(probability, kinds, threshold),
        chance=max(tested * math.exp(-total), LEAST_CHANCE),
        kinds=kinds,
    )


def _together(pieces: Sequence[Piece], fusion: Fusion, attributes: bool) -> list[Piece]:
    """The bar that takes a sum to what it means, where that is another number; declarations stand outside it."""
    total = sum(p.llr for p in pieces if p.group != DECLARATION)
    meant = fusion.meant(total, attributes)
    if meant == total:
        return []
    sentence = (
        f"The pieces sum to {total:+.2f} nats; among constructed groups of such a sum campaigns were as frequent as "
        f"{meant:+.2f} nats say."
    )
    moved = meant - total
    return [
        Piece(FUSION.name, FUSION.group, moved, moved, True, sentence, None, {"sum": total, "means": meant})
    ]


def word(probability: float, kinds: int, threshold: float) -> Word:
    """The closed scale: what may be said of this probability, given how many kinds of evidence carry it."""
    if probability >= threshold and kinds >= 2:
        return "likely"
    if probability >= 0.5:
        return "possible"
    if probability >= 0.05:
        return "inconclusive"
    return "unlikely" if probability >= 0.001 else "unrelated"


def logit(share: float) -> float:
    """Log odds of a probability."""
    return math.log(share) - math.log1p(-share)
