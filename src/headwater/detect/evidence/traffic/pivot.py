"""Pivot to a new model: within a day of its first appearance, with nearly everything.

People try a new model and come back. Whoever collects answers wants the best teacher, for every request, at once. It is
seen only where the log saw the release: the model appears well after the log's begin.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from headwater.detect.evidence.traffic.kept import Kept, OfRows, Rows
from headwater.detect.fold import Batch, Card, Reading, World

NOTABLE = 0.9
DAY_US = 86_400_000_000
#: The log must have seen so much time before a release, and after it.
BEFORE_US, AFTER_US = 3 * DAY_US, 2 * DAY_US
#: First use within this time of the release; the share is taken from then on until the end of the third day.
SOON_US, UNTIL_US = DAY_US, 3 * DAY_US
#: Exchanges of an account before the release, and in the days after it.
LEAST = 5
#: A model that fewer customers use is somebody's own, not a release. Releases looked at: the most used ones.
LEAST_CUSTOMERS, MOST_RELEASES = 5, 16

CARD = Card(
    name="pivot",
    title="Pivot to a new model",
    group="purse",
    sees="accounts that use a model within a day of its first appearance in the log, and from then on hardly any other",
    null="other customers that sent about as much and were there before and after: how many moved as much of it",
    false_positive="not measured yet",
    innocent_causes=(
        "a client that always asks for the newest model",
        "an old model that was switched off",
        "benchmarks of new models",
    ),
    evasion_cost="learn from the older model for days, or move step by step as others do",
    cap_nats=2.0,
    needs=("model",),
    source="reports of campaigns that moved to a new model within 24 hours (Anthropic, February 2026)",
    atlas=("AML.T0040",),
    aisvs=("12.2.5",),
)


def _model(batch: Batch) -> npt.NDArray[np.int32]:
    """The code of the model that was asked (−1: not said)."""
    return batch.model


class Pivot(OfRows):
    """Share of an account's exchanges on a new model from a day after its release, 0 where it came to it later."""

    card = CARD
    least = 2 * LEAST
    kept = (Kept("model", ("model",), _model),)

    def finish(self, state: Rows, world: World) -> Reading:
        """The largest share over the releases that the log saw."""
        rows = state.of(2 * LEAST, self.kept)
        value = np.full(world.size, np.nan)
        if rows is not None:
            known = rows[2] >= 0
            account, at_us, model = (column[known] for column in rows)
            for one, release in _releases(world.customer[account], at_us, model, world.span_us):
                value = np.fmax(value, _moved(account, at_us, model == one, release, world.size))
        return Reading(
            value,
            NOTABLE,
            "moved at least 90% of their requests to a new model within a day of its appearance",
        )


def _releases(
    customer: npt.NDArray[np.int32],
    at_us: npt.NDArray[np.int64],
    model: npt.NDArray[np.int32],
    span_us: tuple[int, int],
) -> list[tuple[int, int]]:
    """Models (code, first appearance in µs) that came while the log ran, most used first."""
    used = np.bincount(model)
    first = np.full(len(used), np.iinfo(np.int64).max)
    np.minimum.at(first, model, at_us)
    came = (used > 0) & (first >= span_us[0] + BEFORE_US) & (first <= span_us[1] - AFTER_US)
    chosen = np.flatnonzero(came)
    chosen = chosen[np.lexsort((chosen, -used[chosen]))][:MOST_RELEASES]
    return [
        (int(one), int(first[one]))
        for one in chosen
        if len(np.unique(customer[model == one])) >= LEAST_CUSTOMERS
    ]


def _moved(
    account: npt.NDArray[np.int32],
    at_us: npt.NDArray[np.int64],
    new: npt.NDArray[np.bool_],
    release: int,
    size: int,
) -> npt.NDArray[np.float64]:
    """What share of each account's exchanges went to one new model, NaN for those who weren't there both times."""

    def count(rows: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        return np.bincount(account[rows], minlength=size)

    later = (at_us >= release + SOON_US) & (at_us < release + UNTIL_US)
    total = count(later)
    soon = count(new & (at_us < release + SOON_US)) > 0
    there = (count(at_us < release) >= LEAST) & (total >= LEAST)
    share = count(later & new) / np.maximum(total, 1)
    return np.where(there, np.where(soon, share, 0.0), np.nan)


trait = Pivot()
