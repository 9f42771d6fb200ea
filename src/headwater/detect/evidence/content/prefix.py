"""A system prompt in common: strangers whose requests begin with the same long instructions.

Whoever writes one program for many accounts writes its system prompt once. So does whoever publishes a program: a
public harness gives all of its users one prompt, honestly. Rarity tells them apart only in part, which is why it
proposes weakly and weighs little.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.special import pdtrc

from headwater.detect.fold import CONFIRM, PROPOSE, Batch, Card, Finding, Links, Ring, World
from headwater.detect.objects import Counts, Sharing, committed, distinct, weave
from headwater.detect.pairs import pairs
from headwater.detect.pvalues import calibrated

#: An account is committed to a prompt from two uses and a twentieth of its exchanges on.
LEAST, SHARE = 2, 0.05
#: A prompt that this share of all accounts use is a public program's.
COMMON, LEAST_COMMON = 0.02, 25
#: Nats that a tie weighs at most: alone it ties no ring.
TIE = 1.0
#: A ring that nothing but system prompts proposed says by them only what proposed it.
PROPOSED_BY_PREFIX = 0.5

CARD = Card(
    name="prefix",
    title="A system prompt in common",
    group="content",
    sees="customers whose requests carry the same long system prompt, which few others use",
    null="as many accounts drawn at random would share so many rare system prompts (Poisson)",
    false_positive="not measured yet",
    innocent_causes=(
        "a public harness or agent that few use yet",
        "one product with many keys",
        "a prompt from a course or a page",
    ),
    evasion_cost="vary a few words of the system prompt by account: next to nothing, and the prefix cache is lost",
    cap_nats=1.5,
    needs=("system",),
    source="rarity weighting after Fellegi and Sunter (1969)",
    atlas=("AML.T0065",),
    aisvs=("11.3.1",),
)


def count(state: Counts, batch: Batch, half: int) -> Counts:
    """Count the system prompts (keyed hashes) of one half's rows."""
    if not batch.has("system"):
        return state
    column: Any = batch.arrow("system")
    keep = (batch.half == half) & column.is_valid().to_numpy(zero_copy_only=False)
    if keep.any():
        state.add(column.filter(pa.array(keep)).to_numpy().astype(np.uint64), batch.account[keep])
    return state


class PrefixLinks:
    """Proposes weak ties between accounts committed to one rare system prompt."""

    card = CARD
    stage = "propose"
    columns = ("system",)

    def init(self, world: World) -> Counts:
        """No uses yet."""
        return Counts()

    def update(self, state: Counts, batch: Batch) -> Counts:
        """Count proposing rows."""
        return count(state, batch, PROPOSE)

    def merge(self, left: Counts, right: Counts) -> Counts:
        """Add two states."""
        left.absorb(right)
        return left

    def finish(self, state: Counts, world: World) -> Links:
        """Ties of at most TIE nats; who uses which prompt is left for `starter`."""
        shared = state.shared()
        world.context["prefix_counts"] = shared
        sharing = committed(shared, np.maximum(world.half_volume[:, 0], 1), LEAST, SHARE)
        chosen = distinct(sharing)
        chosen = chosen[sharing.touched[chosen] <= _most(world)]
        weight = np.minimum(sharing.rarity(world.size)[chosen], TIE)
        return weave(CARD.name, sharing, chosen, weight)


@dataclass
class _Uses:
    counts: Counts


class PrefixTest:
    """How many members share a rare system prompt with another customer's member on fresh sessions."""

    card = CARD
    stage = "confirm"
    columns = ("system",)

    def init(self, world: World) -> _Uses:
        """No uses yet."""
        return _Uses(Counts())

    def update(self, state: _Uses, batch: Batch) -> _Uses:
        """Count confirming rows."""
        count(state.counts, batch, CONFIRM)
        return state

    def merge(self, left: _Uses, right: _Uses) -> _Uses:
        """Add two states."""
        left.counts.absorb(right.counts)
        return left

    def finish(self, state: _Uses, world: World) -> Mapping[int, Finding]:
        """A finding for each ring in which a rare system prompt is shared."""
        sharing = committed(state.counts, np.maximum(world.half_volume[:, 1], 1), LEAST, SHARE)
        out = {}
        for at, ring in enumerate(world.rings):
            finding = _finding(sharing, ring, world)
            if finding is not None:
                out[at] = finding
        return out


def _most(world: World) -> float:
    return max(LEAST_COMMON, COMMON * world.size)


def _finding(sharing: Sharing, ring: Ring, world: World) -> Finding | None:
    if not len(sharing):
        return None
    size = np.diff(sharing.start)
    object_of = np.repeat(np.arange(len(sharing)), size)
    inside = np.isin(sharing.members, ring.members)
    held = np.bincount(object_of[inside], minlength=len(sharing))
    # Rarity without the ring itself: how many others use it, not how large the ring is.
    rare = sharing.touched - held <= _most(world)
    inside &= rare[object_of]
    held_by = pairs(object_of[inside], world.customer[sharing.members[inside]])
    shared = np.bincount(held_by.first, minlength=len(sharing)) >= 2
    tied = len(np.unique(sharing.members[inside & shared[object_of]]))
    if not tied:
        return None
    outside = max(world.size - len(ring.members), 1)
    elsewhere = (size - held)[rare]
    # A member's chance to share one with as many others drawn from outside, where the ring's own use says nothing.
    expected = _expected(elsewhere, len(ring.members), outside)
    p_value = max(float(pdtrc(tied - 1, expected)), 1e-300)
    most = PROPOSED_BY_PREFIX if ring.proposed_by == (CARD.name,) else CARD.cap_nats
    raw = min(max(calibrated(p_value), 0.0), most * min(1.0, 2 * tied / len(ring.members)))
    users = int((sharing.touched - held)[shared & rare].max())
    sentence = (
        f"{tied:,} of {len(ring.members):,} members share a long system prompt with another customer's; {users:,} "
        f"accounts outside use it too, and {expected:.1f} members would share one by chance."
    )
    figures = {
        "tied": float(tied),
        "expected": expected,
        "members": float(len(ring.members)),
        "outside": float(users),
    }
    return Finding(raw, sentence, p_value, figures)


def _expected(users: npt.NDArray[np.int64], members: int, outside: int) -> float:
    """Accounts of a random group of `members` that share a prompt, from how many of `outside` use each (plus one)."""
    share = min(members / outside, 1.0)
    return float((users * share * (1 - (1 - share) ** np.maximum(users - 1, 0))).sum()) + share


links = PrefixLinks()
test = PrefixTest()
