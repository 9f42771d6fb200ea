"""Capability concentration: an account that asks for one narrow thing only.

Content is divided into a fixed number of cells by directions of the whitened sketch, and into elicitation intents. A
harvest of one capability stays in one of them; people's questions spread. A product that does one thing stays there
as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headwater.detect.fold import Batch, Card, Reading, World
from headwater.detect.objects import LEAST_WORDS
from headwater.detect.population import Content
from headwater.exchange import SKETCH
from headwater.imprint import intents

#: Accounts with fewer prompts of LEAST_WORDS words seem concentrated by chance.
LEAST = 16
NOTABLE = 0.9
#: Directions that divide content: 2⁵ cells, each with about as much of the log.
DIRECTIONS = 5
#: Intents that elicit what training needs. Coding and playing a role are what everybody asks for.
PLAIN = frozenset({"role_play", "coding", "system_prompt_probe"})
#: Whole numbers up to this times SKETCH sketches are exact in single precision, in any order of summing.
STEPS = 127

CARD = Card(
    name="concentration",
    title="One narrow capability",
    group="intent",
    sees="accounts nearly all of whose prompts lie in one cell of content or carry one elicitation intent",
    null="other customers that sent about as much: how many are as concentrated",
    false_positive="not measured yet",
    innocent_causes=(
        "a product that does one thing",
        "a labelling or classification job",
        "a teacher, an evaluator, a class with one task",
    ),
    evasion_cost="mix capabilities within each account, which a queue does at no cost: it sees rings that are sharded",
    cap_nats=2.0,
    source="signs of random projections of whitened imprint sketches (Charikar 2002)",
    atlas=("AML.T0024.002",),
    aisvs=("11.3.1",),
)


@dataclass
class _Spread:
    """Prompts of each account by cell, then by elicitation intent (accounts × classes)."""

    direction: npt.NDArray[np.float32]
    offset: npt.NDArray[np.float32]
    bits: npt.NDArray[np.uint32]
    rows: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int32]


class Concentration:
    """Share of an account's prompts in its greatest cell or intent."""

    card = CARD
    stage = "trait"
    columns = ("imprint",)

    def init(self, world: World) -> _Spread:
        """The division, and no prompts."""
        content: Content = world.context["content"]
        random = np.random.default_rng(world.seed).normal(size=(SKETCH, DIRECTIONS))
        direction = content.matrix.astype(np.float64) @ random
        # In whole steps, so that a row falls into one cell whatever rows stand beside it.
        greatest = np.maximum(np.abs(direction).max(axis=0), 1e-12)
        direction = np.rint(direction / greatest * STEPS)
        bits = [intent.bit for intent in intents() if intent.name not in PLAIN]
        return _Spread(
            direction.astype(np.float32),
            np.floor(content.mean.astype(np.float64) @ direction).astype(np.float32),
            np.array(bits, np.uint32),
            np.zeros(world.size, np.int64),
            np.zeros((world.size, 2**DIRECTIONS + len(bits)), np.int32),
        )

    def update(self, state: _Spread, batch: Batch) -> _Spread:
        """Count prompts that are long enough to have a content."""
        long = batch.column("imprint.words") >= LEAST_WORDS
        account = batch.account[long]
        above = batch.column("imprint.sketch")[long].astype(np.float32) @ state.direction > state.offset
        cell = above @ (1 << np.arange(DIRECTIONS))
        state.rows += np.bincount(account, minlength=len(state.rows))
        np.add.at(state.counts, (account, cell), 1)
        asked = batch.column("imprint.intents")[long]
        for at, bit in enumerate(state.bits):
            found = account[(asked >> bit) & np.uint32(1) != 0]
            np.add.at(state.counts[:, 2**DIRECTIONS + at], found, 1)
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
        phrase = "ask for one narrow kind of content, or one thing that training needs, nine times in ten"
        return Reading(share, NOTABLE, phrase)


trait = Concentration()
