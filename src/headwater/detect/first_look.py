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
from scipy import sparse
from scipy.sparse import csgraph

from headwater.detect.attribution import ring_by_account
from headwater.detect.combine import combine
from headwater.detect.fold import Card, Finding, Fold, Ring, World
from headwater.detect.installed import blaming, checked
from headwater.detect.objects import some_of
from headwater.detect.rings import Graph
from headwater.detect.settings import DetectSettings
from headwater.detect.spread import beside
from headwater.detect.traits import Measured, measured, of_ring

#: Accounts of a group whose exchanges a first look reads: so many, or this share of a large group.
SEEN, SHARE = 20, 0.05
#: Nats against a group, at most, of what rows say: a ring that deals topics in shards looks like separate authors.
AGAINST = 1.0
#: Nats that a group is worth more for each nat of its size.
WORTH = 0.5
#: Log odds from which a group has something to show, and share of a piece's ties outward that go to such groups. On
#: constructed logs of 4 and 16 million exchanges 95% of a divided ring's pieces send at least 0.82 of them there, and
#: 95% of innocent groups with as much to show less than 0.63.
SHOWS, MOSTLY = -1.5, 0.5

Folded = Callable[[Sequence[Any], World], list[Any]]


def too_many(proposed: Sequence[Ring], world: World, settings: DetectSettings) -> bool:
    """Whether some of the groups must go without a test."""
    rows = sum(int(world.volume[ring.members].sum()) for ring in proposed)
    return len(proposed) > settings.most_rings or rows > settings.most_exchanges


def likeliest(
    proposed: tuple[Ring, ...],
    ties: Graph,
    whole: npt.NDArray[np.bool_],
    evidence: Sequence[Fold],
    world: World,
    settings: DetectSettings,
    fold: Folded,
    shown: Sequence[Measured] = (),
) -> tuple[Ring, ...]:
    """The groups to test, largest first. `whole`: see `pieced`; `fold` goes over the rows of a world.

    `shown`: what is known of single accounts (`standing`).

    Those of which the first look says most come first. Their size counts, by its root: a large ring is worth more, and
    one that deals each account a topic of its own shows little at a first look.
    """
    groups, odds = pieced(proposed, looked_at(proposed, evidence, world, settings, fold, shown), ties, whole)
    worth = odds + WORTH * np.log([world.customers(ring.members) for ring in groups])
    chosen: list[int] = []
    left = settings.most_exchanges
    for at in np.argsort(-worth, kind="stable").tolist():
        if len(chosen) == settings.most_rings or left <= 0:
            break
        chosen.append(at)
        left -= int(world.volume[groups[at].members].sum())
    return tuple(groups[at] for at in sorted(chosen))


def pieced(
    proposed: Sequence[Ring], odds: npt.NDArray[np.float64], ties: Graph, whole: npt.NDArray[np.bool_]
) -> tuple[tuple[Ring, ...], npt.NDArray[np.float64]]:
    """The groups, largest first, with pieces of one group put together, and the log odds of each (of its best piece).

    A large ring whose accounts share their means by twos and threes is divided into hundreds of communities. They show
    by two things at once: each has something to show, and most of its ties outward go to groups that have, too.
    `whole` (accounts): whoever is in a group that was proposed whole, which is no piece.
    """
    strong = odds >= SHOWS
    label = ring_by_account(proposed, ties.size)
    a, b = label[ties.a], label[ties.b]
    between = (a >= 0) & (b >= 0) & (a != b)
    shape = (len(proposed), len(proposed))
    matrix = sparse.coo_matrix((ties.weight[between], (a[between], b[between])), shape=shape).tocsr()
    matrix = (matrix + matrix.T).tocsr()
    outward, shown = np.asarray(matrix.sum(axis=1)).ravel(), matrix @ strong.astype(np.float64)
    piece = strong & (outward > 0) & (shown >= MOSTLY * outward)
    piece &= ~np.array([whole[ring.members].any() for ring in proposed], bool)
    places = np.flatnonzero(piece)
    _, component = csgraph.connected_components(matrix[places][:, places], directed=False)
    parts = [[at] for at in np.flatnonzero(~piece).tolist()]
    parts += [places[component == k].tolist() for k in np.unique(component)]
    joined = [(_together([proposed[at] for at in part]), float(odds[part].max())) for part in parts]
    joined.sort(key=lambda each: (-len(each[0].members), int(each[0].members[0])))
    return tuple(ring for ring, _ in joined), np.array([nats for _, nats in joined])


def _together(parts: Sequence[Ring]) -> Ring:
    """One ring of several; nats of ties inside, per member, as far as the parts know them."""
    if len(parts) == 1:
        return parts[0]
    members = np.sort(np.concatenate([ring.members for ring in parts]))
    sources = sorted({source for ring in parts for source in ring.proposed_by})
    strength = sum(ring.strength * len(ring.members) for ring in parts) / len(members)
    return Ring(members, tuple(sources), strength)


def looked_at(
    proposed: tuple[Ring, ...],
    evidence: Sequence[Fold],
    world: World,
    settings: DetectSettings,
    fold: Folded,
    shown: Sequence[Measured],
) -> npt.NDArray[np.float64]:
    """Log odds (groups) of what a first look finds."""
    glances = [(e, glance) for e in evidence if (glance := getattr(e, "glance", None)) is not None]
    tests = [(e.card, glance) for e, glance in glances if e.stage == "confirm"]
    of_rows = [each for each in tests if each[1].columns]
    whole = replace(world, rings=proposed)
    of_none = [each for each in tests if not each[1].columns]

    def without_rows() -> list[tuple[Card, Mapping[int, Finding]]]:
        return [(card, _finished(glance, whole)) for card, glance in of_none]

    results: list[Mapping[int, Finding]] = []
    with beside(without_rows, world.workers) as rest:  # while rows are read
        if of_rows:
            few = replace(world, rings=tuple(_few(ring) for ring in proposed), context=dict(world.context))
            few.context["ring_of"] = ring_by_account(few.rings, world.size)
            results = fold([glance for _, glance in of_rows], few)
        found = rest()
    found += [(card, _bounded(result)) for (card, _), result in zip(of_rows, results, strict=True)]
    shown = [trait for trait in shown if not trait.card.alone]
    out = np.empty(len(proposed))
    for at, ring in enumerate(proposed):
        pieces = [(card, finding) for card, findings in found if (finding := findings.get(at)) is not None]
        pieces += [(t.card, finding) for t in shown if (finding := of_ring(t, ring, world)) is not None]
        out[at] = combine(pieces, prior=settings.prior, threshold=settings.threshold, tested=1).log_odds
    return out


def standing(evidence: Sequence[Fold], world: World) -> dict[str, Measured]:
    """What single accounts show by evidence that reads no row and knows no ring, by its name."""
    able = [e for e in evidence if e.stage == "trait" and not e.columns and getattr(e, "glance", None) is e]
    return {e.card.name: measured(e.card, _finished(e, world), world) for e in able}


def _finished(glance: Any, world: World) -> Any:
    """What needs no row, found."""
    with blaming(glance):
        return checked(glance, glance.finish(glance.init(world), world), world)


def _bounded(found: Mapping[int, Finding]) -> Mapping[int, Finding]:
    """Findings that speak against a group as little as they may."""
    return {at: replace(finding, raw=max(finding.raw, -AGAINST)) for at, finding in found.items()}


def _few(ring: Ring) -> Ring:
    """The group with some of its accounts."""
    return replace(ring, members=some_of(ring.members, max(SEEN, int(SHARE * len(ring.members)))))
