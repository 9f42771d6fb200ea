"""Dormant accounts that wake: opened long before, silent for most of what the log shows, then heavy at once.

Accounts are stocked before they are used, so that their age speaks for them. Silence is only what the log could have
shown: an account opened before the log begins is silent from the log's first day.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from headwater.detect.evidence.account.signup import created_us
from headwater.detect.evidence.account.tally import OfTally, Tally
from headwater.detect.fold import Batch, Card, Reading, World
from headwater.detect.ordering import by_code

DAY_US = 86_400_000_000
#: A shorter log, or fewer exchanges of an account, can't show silence and then use.
LEAST_DAYS, LEAST = 10, 20
#: How old an account is when it wakes, how long it was silent before, how much of its use may lie before that.
AGE_DAYS, SILENT_DAYS, BEFORE = 30, 7, 0.1
#: Exchanges within a week of waking that are heavy use.
HEAVY, HEAVY_DAYS = 20, 7
#: Share of the days in view.
NOTABLE = 0.5

CARD = Card(
    name="woken",
    title="Dormant account that wakes",
    group="account",
    sees="accounts at least 30 days old that are silent for at least a week and half of their days in view, and then "
    "send 20 exchanges or more within a week",
    null="how many other customers of like volume wake after as long",
    false_positive="not measured yet",
    innocent_causes=("a term that begins", "a project that starts", "a key made for a launch"),
    evasion_cost="use every account a little from the day on which it is opened",
    cap_nats=1.0,
    needs=("account.created_at",),
    source="tirreno, rules B08–B16 (dormant accounts)",
    atlas=("AML.T0021",),
    aisvs=("12.2.5",),
)


class Woken(OfTally):
    """For how much of its days in view an account was silent before it woke."""

    card = CARD
    stage = "trait"
    columns = ()

    def update(self, state: Tally, batch: Batch) -> Tally:
        """Count (account, day)."""
        state.add(batch.at_us, batch.account, batch.at_us // DAY_US)
        return state

    def finish(self, state: Tally, world: World) -> Reading:
        """The longest silence as a share of the days in view, 0 for accounts that didn't wake; NaN if unknown."""
        created, known = created_us(world)
        first, last = (at // DAY_US for at in world.span_us)
        state.compact()
        total = np.bincount(state.rows[0], state.times, minlength=world.size)
        value = np.full(world.size, np.nan)
        if last - first + 1 >= LEAST_DAYS:
            opened = created // DAY_US
            silent, woke, use = _longest_silence(state, np.maximum(opened, first))
            awake = (woke - opened >= AGE_DAYS) & (silent >= SILENT_DAYS) & (use[0] <= BEFORE * total)
            share = silent / np.maximum(last - np.maximum(opened, first) + 1, 1)
            value = np.where(awake & (use[1] >= HEAVY), share, 0.0)
            value[~known | (total < LEAST)] = np.nan
        return Reading(
            value,
            NOTABLE,
            "were silent for at least half of their days in view and then sent much within a week",
        )


def _longest_silence(
    state: Tally, since: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Days of each account's longest silence from day `since` on, the day that ended it, and exchanges (2 × accounts)
    before that day and within HEAVY_DAYS from it."""
    order = by_code(state.rows[0], state.rows[1])
    account, day, times = state.rows[0][order], state.rows[1][order], state.times[order]
    starts = account[1:] != account[:-1]
    before = (
        np.where(np.concatenate([[True], starts]), since[account], np.roll(day, 1) + 1) if len(day) else day
    )
    gap = day - before
    # The longest of each account, of equally long ones the first.
    pick = np.lexsort((day, -gap, account))
    pick = pick[np.concatenate([[True], np.diff(account[pick]) > 0])] if len(pick) else pick
    silent, woke = np.zeros((2, len(since)), np.int64)
    silent[account[pick]], woke[account[pick]] = gap[pick], day[pick]
    use = np.zeros((2, len(since)), np.int64)
    early, soon = day < woke[account], (day >= woke[account]) & (day < woke[account] + HEAVY_DAYS)
    for at, when in enumerate((early, soon)):
        np.add.at(use[at], account[when], times[when])
    return silent, woke, use


trait = Woken()
