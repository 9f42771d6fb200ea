"""Capability concentration: an account that asks for one narrow thing only.

Random planes cut content into cells, in several ways, so that no subject is cut by all of them; elicitation intents
divide it as well. A harvest of one capability stays in one place; people's questions spread. A product that does
one thing stays there too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headwater.detect import counting
from headwater.detect.evidence.traffic.planes import Planes
from headwater.detect.fold import Batch, Card, Reading, World
from headwater.detect.objects import LEAST_WORDS
from headwater.imprint import intents

#: Accounts with fewer prompts of LEAST_WORDS words seem concentrated by chance.
LEAST = 16
NOTABLE = 0.8
#: Ways to cut content, by so many planes each: in the way that suits a subject best it hardly leaves its cell.
WAYS, PLANES = 4, 3
#: Intents that elicit what training needs. Coding and playing a role are what everybody asks for.
PLAIN = frozenset({"role_play", "coding", "system_prompt_probe"})

CARD = Card(
    name="concentration",
    title="One narrow capability",
    group="intent",
    sees="accounts most of whose prompts lie in one cell of content or carry one elicitation intent",
    null="other customers that sent about as much: how many are as concentrated",
    false_positive="not measured yet",
    innocent_causes=(
        "a product that does one thing",
        "a labelling or classification job",
        "a teacher, an evaluator, a class with one task",
    ),
    evasion_cost="mix capabilities within each account, which a queue does at no cost: it sees rings that are sharded",
    cap_nats=2.0,
    source="signs of random projections of whitened imprint sketches (Charikar 2002), the best of four cuts",
    atlas=("AML.T0024.002",),
    aisvs=("11.3.1",),
    alone=True,
)


@dataclass
class _Spread:
    """Prompts of each account, and by cell of each way, then by elicitation intent (accounts × classes)."""

    planes: Planes
    bits: tuple[int, ...]
    rows: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int32]


class Concentration:
    """Share of an account's prompts in its greatest cell or intent."""

    card = CARD
    stage = "trait"
    columns = ("imprint",)

    def init(self, world: World) -> _Spread:
        """The divisions, and no prompts."""
        planes = Planes.through(world.context["content"], WAYS * PLANES, world.seed)
        bits = tuple(intent.bit for intent in intents() if intent.name not in PLAIN)
        classes = WAYS * 2**PLANES + len(bits)
        return _Spread(
            planes, bits, np.zeros(world.size, np.int64), np.zeros((world.size, classes), np.int32)
        )

    def update(self, state: _Spread, batch: Batch) -> _Spread:
        """Count prompts that are long enough to have a content."""
        long = np.flatnonzero(batch.column("imprint.words") >= LEAST_WORDS)
        account = batch.account[long]
        counting.count(state.rows, account)
        flat, base = state.counts.reshape(-1), account.astype(np.int64) * state.counts.shape[1]
        side = state.planes.sides(batch.column("imprint.sketch").take(long, axis=0))
        for way in range(WAYS):
            cell = (side >> np.uint64(way * PLANES)) % np.uint64(2**PLANES)
            counting.count(flat, base + (way * 2**PLANES + cell.astype(np.int64)))
        asked = batch.column("imprint.intents")[long]
        some = np.flatnonzero(asked)
        for at, bit in enumerate(state.bits):
            found = some[(asked[some] >> np.uint32(bit)) & np.uint32(1) != 0]
            counting.count(flat, base[found] + (WAYS * 2**PLANES + at))
        return state

    def merge(self, left: _Spread, right: _Spread) -> _Spread:
        """Add two states."""
        left.rows += right.rows
        left.counts += right.counts
        return left

    def finish(self, state: _Spread, world: World) -> Reading:
        """The greatest share of every account that sent enough."""
        most = state.counts.max(axis=1, initial=0)
        share = np.where(state.rows >= LEAST, most / np.maximum(state.rows, 1), np.nan)
        phrase = "ask for one narrow kind of content, or one thing that training needs, four times in five"
        return Reading(share, NOTABLE, phrase)


trait = Concentration()
