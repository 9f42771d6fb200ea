"""Which of many proposed groups are tested: those that a first look says most of.

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

#: Accounts of a group whose exchanges a first look reads: so many, or this share of a large group.
SEEN, SHARE = 20, 0.05
#: Nats that a group is worth more for each nat of its size.
WORTH = 0.5

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
    """The groups to test, in their order. `fold` goes over the rows of a world.

    Those of which the first look says most come first. Their size counts, by its root: a large ring is worth more, and
    one that deals each account a topic of its own shows little at a first look.
    """
    odds = looked_at(proposed, evidence, world, settings, fold)
    worth = odds + WORTH * np.log([len(np.unique(world.customer[ring.members])) for ring in proposed])
    chosen: list[int] = []
    left = settings.most_exchanges
    for at in np.argsort(-worth, kind="stable").tolist():
        if len(chosen) == settings.most_rings or left <= 0:
            break
        chosen.append(at)
        left -= int(world.volume[proposed[at].members].sum())
    return tuple(proposed[at] for at in sorted(chosen))


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
    """The group with some of its accounts, by a hash of their codes."""
    seen = max(SEEN, int(SHARE * len(ring.members)))
    if len(ring.members) <= seen:
        return ring
    return replace(ring, members=np.sort(ring.members[np.argsort(account_hash(ring.members))[:seen]]))
