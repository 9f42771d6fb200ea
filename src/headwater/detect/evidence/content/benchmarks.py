"""Benchmark items replayed: prompts that are, word for word, items of lists that the operator keeps.

Imprints are keyed, so no list of fingerprints can come with Headwater: the operator's own texts are hashed under the
log's key (`indicators.load_benchmarks`). Whoever evaluates a model replays such lists honestly, and so does whoever
wants its answers to them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headwater.detect import counting
from headwater.detect.fold import Batch, Card, Reading, World
from headwater.detect.indicators import Benchmarks
from headwater.detect.objects import LEAST_WORDS

#: Accounts with fewer prompts of LEAST_WORDS words have no share to speak of.
LEAST = 10
NOTABLE = 0.5

CARD = Card(
    name="benchmarks",
    title="Benchmark items replayed",
    group="intent",
    sees="accounts whose prompts are, word for word, items of the operator's lists of public benchmarks and tasks",
    null="other customers that sent about as much: how many replay as large a share",
    false_positive="not measured yet",
    innocent_causes=(
        "an evaluation, by a harness or by a customer who compares models",
        "a course that works through a public list",
        "a regression test of a product",
    ),
    evasion_cost="wrap or reword every item: an answer to a reworded item is as good, so it costs little",
    cap_nats=2.0,
    needs=("given.benchmarks",),
    source="whole-text imprints of the operator's lists, made under the log's key",
    atlas=("AML.T0024.002",),
    aisvs=("11.3.1",),
)


@dataclass
class _Replayed:
    """Prompts of each account, and those that are a listed item."""

    listed: Benchmarks
    rows: npt.NDArray[np.int64]
    hits: npt.NDArray[np.int64]


class Replayed:
    """Share of an account's prompts that are a listed item."""

    card = CARD
    stage = "trait"
    columns = ("imprint",)

    def init(self, world: World) -> _Replayed:
        """Nothing counted."""
        listed = world.context.get("benchmarks") or Benchmarks(np.empty(0, np.uint64))
        return _Replayed(listed, np.zeros(world.size, np.int64), np.zeros(world.size, np.int64))

    def update(self, state: _Replayed, batch: Batch) -> _Replayed:
        """Count prompts that are long enough to be told apart."""
        long = batch.column("imprint.words") >= LEAST_WORDS
        account = batch.account[long]
        listed = state.listed.has(batch.column("imprint.exact")[long])
        counting.count(state.rows, account)
        counting.count(state.hits, account[listed])
        return state

    def merge(self, left: _Replayed, right: _Replayed) -> _Replayed:
        """Add two states."""
        return _Replayed(left.listed, left.rows + right.rows, left.hits + right.hits)

    def finish(self, state: _Replayed, world: World) -> Reading:
        """The share of every account that sent enough."""
        share = np.where(state.rows >= LEAST, state.hits / np.maximum(state.rows, 1), np.nan)
        return Reading(share, NOTABLE, "replay listed benchmark items in at least half of their exchanges")


trait = Replayed()
