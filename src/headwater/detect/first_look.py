"""Which of many proposed groups are tested: those that a first look says most of, and the largest.

A log of a few million exchanges proposes thousands of groups, nearly all of them innocent, and the tests are dear. The
first look asks what needs no exchange, and whether a few accounts of each group could be dealt from one queue. It only
says what is tested first: verdicts are the tests' own, and every proposal counts in their multiplicity.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from headwater.detect.attribution import ring_by_account
from headwater.detect.combine import combine
from headwater.detect.fold import Card, Finding, Fold, Ring, World
from headwater.detect.objects import account_hash
from headwater.detect.settings import DetectSettings
from headwater.detect.traits import measured, of_ring

#: Accounts of a group whose exchanges a first look reads.
SEEN = 20

Folded = Callable[[Sequence[Any], World], list[Any]]


def too_many(proposed: Sequence[Ring], world: World, settings: DetectSettings) -> bool:
    """Whether some of the groups must go without a test."""
    rows = sum(int(world.volume[ring.members].sum()) for ring in proposed)
    return len(proposed) > settings.most_rings or rows > settings.most_exchanges


def likeliest(
    proposed: tuple[Ring, ...],
    evidence: Sequence[Fold],
    world: World,
    settings: DetectSettings,
    fold: Folded,
) -> tuple[Ring, ...]:
    """The groups to test, in their order; `proposed` come largest first. `fold` goes over the rows of a world.

    Half of the exchanges go to the largest: a ring that deals each account a topic of its own, and has nothing in
    common that stands in a table, shows nothing at a first look.
    """
    odds = looked_at(proposed, evidence, world, settings, fold)
    rows = np.array([int(world.volume[ring.members].sum()) for ring in proposed])
    chosen = _by_turns(np.argsort(-odds, kind="stable"), rows, settings)
    return tuple(proposed[at] for at in chosen)


def _by_turns(
    likely: npt.NDArray[np.int64], rows: npt.NDArray[np.int64], settings: DetectSettings
) -> list[int]:
    """Places, ascending, from the likeliest and from the largest by turns, each for half of the exchanges.

    Neither half ends before a group has begun in it: the first one is tested, whatever its size.
    """
    orders = [iter(likely.tolist()), iter(range(len(rows)))]
    left = [settings.most_exchanges / 2] * 2
    chosen: set[int] = set()
    while len(chosen) < settings.most_rings and (going := [k for k in (0, 1) if left[k] > 0]):
        for k in going:
            at = next((at for at in orders[k] if at not in chosen), None)
            if at is None or len(chosen) == settings.most_rings:
                left[k] = 0
                continue
            chosen.add(at)
            left[k] -= int(rows[at])
    return sorted(chosen)


def looked_at(
    proposed: tuple[Ring, ...],
    evidence: Sequence[Fold],
    world: World,
    settings: DetectSettings,
    fold: Folded,
) -> npt.NDArray[np.float64]:
    """Log odds (groups) of what a first look finds."""
    glances = [(e, glance) for e in evidence if (glance := getattr(e, "glance", None)) is not None]
    tests = [(e.card, glance) for e, glance in glances if e.stage == "confirm"]
    traits = [(e.card, glance) for e, glance in glances if e.stage == "trait" and not e.card.alone]
    standing = [each for each in tests if not each[1].columns]
    of_rows = [each for each in tests if each[1].columns]
    whole = replace(world, rings=proposed)
    found: list[tuple[Card, Mapping[int, Finding]]] = [
        (card, glance.finish(glance.init(whole), whole)) for card, glance in standing
    ]
    if of_rows:
        few = replace(world, rings=tuple(_few(ring) for ring in proposed), context=dict(world.context))
        few.context["ring_of"] = ring_by_account(few.rings, world.size)
        results = fold([glance for _, glance in of_rows], few)
        found += [(card, result) for (card, _), result in zip(of_rows, results, strict=True)]
    shown = [measured(card, glance.finish(glance.init(whole), whole), world) for card, glance in traits]
    out = np.empty(len(proposed))
    for at, ring in enumerate(proposed):
        pieces = [(card, finding) for card, findings in found if (finding := findings.get(at)) is not None]
        pieces += [(t.card, finding) for t in shown if (finding := of_ring(t, ring, world)) is not None]
        out[at] = combine(pieces, prior=settings.prior, threshold=settings.threshold, tested=1).log_odds
    return out


def _few(ring: Ring) -> Ring:
    """The group with at most SEEN of its accounts, by a hash of their codes."""
    if len(ring.members) <= SEEN:
        return ring
    return replace(ring, members=np.sort(ring.members[np.argsort(account_hash(ring.members))[:SEEN]]))
