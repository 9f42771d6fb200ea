"""A rare template shared: accounts that fill the same form again and again.

An imprint keeps the hash of a prompt's first and last words, of its skeleton and of a few word shingles. Prompts made
from one template share some of them, whatever stands in the slots. A template proves little on its own (a popular
prompt, a class, a public harness look the same), so it proposes, and weighs little in the verdict.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from headwater.detect.attribution import FEWEST, RingObjects, filled
from headwater.detect.fold import CONFIRM, PROPOSE, Batch, Card, Finding, Links, World
from headwater.detect.objects import Counts, Sharing, committed, distinct, weave
from headwater.detect.pvalues import calibrated
from headwater.detect.uses import Uses

#: An account is committed to a template from two uses and a fiftieth of its exchanges on.
LEAST, SHARE = 2, 0.02
#: Most objects that are turned into ties, rarest and largest first.
MOST_OBJECTS = 20_000
#: One innocent group in ten that was proposed by a shared form goes on filling it (tune side): no more than that says.
CAP = 2.4

CARD = Card(
    name="template",
    title="A rare template shared",
    group="content",
    sees="accounts that send prompts made from the same template, which hardly anybody else uses",
    null="the accounts' sessions carry the template as often as other sessions of the same hour, volume and template "
    "popularity (labels permuted within these strata; the count is hypergeometric)",
    false_positive="alone it accuses nearly everyone where templates are popular: in one corpus of real accounts 98% "
    "of honest ones share one with somebody. It never carries a verdict alone",
    innocent_causes=(
        "a popular public prompt",
        "a class given one task",
        "one product with many keys",
        "a public harness",
    ),
    evasion_cost="paraphrase every prompt with a model: one more call for each exchange",
    cap_nats=CAP,
    source="rarity weighting after Fellegi and Sunter (1969); leave-ring-out rarity, see docs/explanation/detection.md",
    atlas=("AML.T0065", "AML.T0024.002"),
    aisvs=("11.3.1",),
)


class TemplateLinks:
    """Proposes ties between accounts committed to the same rare objects."""

    card = CARD
    stage = "propose"
    columns = ("imprint",)

    def init(self, world: World) -> Uses:
        """No uses yet."""
        return Uses(world.size)

    def update(self, state: Uses, batch: Batch) -> Uses:
        """Count the objects of proposing rows."""
        state.add(batch, np.flatnonzero(batch.half == PROPOSE))
        return state

    def merge(self, left: Uses, right: Uses) -> Uses:
        """Add two states."""
        left.absorb(right)
        return left

    def finish(self, state: Uses, world: World) -> Links:
        """Ties weighted by rarity among the accounts that aren't committed to the object themselves."""
        volume, counts, parts = np.maximum(world.half_volume[:, 0], 1), [], []
        for shared in state.shared():
            parts.append(committed(shared, volume, LEAST, SHARE))
            # What two accounts alone share may tie them, and is nothing that a ring could own.
            counts.append(shared.of_many(FEWEST))
        world.context["template_counts"] = Counts.of_parts(counts)
        sharing = Sharing.of_parts(parts)
        world.context["templates"] = sharing
        if not len(sharing):
            return Links.none(CARD.name)
        chosen = distinct(sharing)
        weight = sharing.rarity(world.size)[chosen]
        order = np.lexsort((chosen, -np.diff(sharing.start)[chosen], -weight))[:MOST_OBJECTS]
        keep = np.sort(order[weight[order] >= 1.0])
        return weave(CARD.name, sharing, chosen[keep], weight[keep])


HOURS, VOLUMES = 24, 8


@dataclass
class _Table:
    """Rows of the confirming half by stratum: all (strata), of each ring's members, filling its template, both."""

    owned: RingObjects
    volume: npt.NDArray[np.int64]
    stratum: npt.NDArray[np.int64]
    members: npt.NDArray[np.int64]
    fills: npt.NDArray[np.int64]
    both: npt.NDArray[np.int64]


class TemplateTest:
    """On fresh sessions: do the ring's members fill the ring's templates more than rows of their stratum do?"""

    card = CARD
    stage = "confirm"
    columns = ("imprint",)

    def init(self, world: World) -> _Table:
        """Empty tables; which objects a ring owns is in `world.context["ring_objects"]`."""
        volume = np.minimum(np.log2(np.maximum(world.volume, 1)).astype(np.int64) // 2, VOLUMES - 1)
        shape = (len(world.rings), HOURS * VOLUMES)
        empty = np.zeros(shape[1], np.int64)
        return _Table(
            world.context["ring_objects"], volume, empty, *(np.zeros(shape, np.int64) for _ in range(3))
        )

    def update(self, state: _Table, batch: Batch) -> _Table:
        """Count confirming rows."""
        batch = batch.where(batch.half == CONFIRM)
        stratum = (batch.at_us // 3_600_000_000) % HOURS * VOLUMES + state.volume[batch.account]
        fills, _ = filled(state.owned, batch)
        state.stratum += np.bincount(stratum, minlength=len(state.stratum))
        for table, keep, ring in (
            (state.members, batch.ring >= 0, batch.ring),
            (state.fills, fills >= 0, fills),
            (state.both, (fills >= 0) & (fills == batch.ring), fills),
        ):
            np.add.at(table, (ring[keep], stratum[keep]), 1)
        return state

    def merge(self, left: _Table, right: _Table) -> _Table:
        """Add two tables."""
        return _Table(
            left.owned,
            left.volume,
            left.stratum + right.stratum,
            left.members + right.members,
            left.fills + right.fills,
            left.both + right.both,
        )

    def finish(self, state: _Table, world: World) -> Mapping[int, Finding]:
        """A finding for each ring with templates."""
        out = {}
        for at, ring in enumerate(world.rings):
            n, used, both = state.members[at], state.fills[at], state.both[at]
            if not used.sum() or not n.sum():
                continue
            out[at] = _finding(state.stratum, n, used, both, len(ring.members))
        return out


def _finding(
    stratum: npt.NDArray[np.int64],
    n: npt.NDArray[np.int64],
    used: npt.NDArray[np.int64],
    both: npt.NDArray[np.int64],
    accounts: int,
) -> Finding:
    size = np.maximum(stratum, 1)
    expected = (n * used / size).sum()
    spread = (n * used / size * (1 - n / size) * (size - used) / np.maximum(size - 1, 1)).sum()
    observed = int(both.sum())
    # Rows of one account aren't independent: the account, not the row, is what a permutation moves.
    design = max(n.sum() / accounts, 1.0)
    z = (observed - expected) / math.sqrt(max(spread * design, 1e-9)) if spread > 0 else 0.0
    p_value = float(ndtr(-z)) if spread > 0 else 1.0
    share, elsewhere = observed / n.sum(), (used.sum() - observed) / max(stratum.sum() - n.sum(), 1)
    sentence = (
        f"On sessions that didn't propose the ring, {share:.0%} of its exchanges fill its templates; "
        f"{elsewhere:.2%} of everybody else's do."
    )
    figures = {
        "share": float(share),
        "elsewhere": float(elsewhere),
        "expected": float(expected),
        "z": float(z),
    }
    return Finding(max(calibrated(p_value), 0.0), sentence, p_value, figures)


links = TemplateLinks()
test = TemplateTest()
