"""Sign-up bursts: accounts opened in an hour or a day in which far more others were opened than around it.

The rate is the table's own, before and after: a launch that lasts a week is no burst, and one organisation that opens
a hundred accounts is one customer.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import pdtrc

from headwater.detect.evidence.account.signup import created_us
from headwater.detect.fold import Card, NoRows, Reading, World

HOUR_US, DAY_US = 3_600_000_000, 86_400_000_000
#: Windows around a sign-up, each with what surrounds it: the greatest rate of these is the usual one.
WINDOWS = ((HOUR_US, (DAY_US, 28 * DAY_US)), (DAY_US, (28 * DAY_US,)))
#: Fewer others at the same time are no burst.
LEAST_OTHERS = 3
#: Fewer customers with a date have no rate.
LEAST_CUSTOMERS = 20
#: −log10 of the chance from which a sign-up lies in a burst.
NOTABLE = 4.0

CARD = Card(
    name="burst",
    title="Sign-up burst",
    group="account",
    sees="accounts opened in the same hour or day as far more others than were opened before and after",
    null="sign-ups come one by one at the rate of the day, of the month or of the whole table, whichever is greatest "
    "(Poisson); how many others of the log lie in bursts is counted",
    false_positive="not measured yet",
    innocent_causes=(
        "a class or a workshop that signs up together",
        "a news story or a launch",
        "a migration",
    ),
    evasion_cost="open accounts one by one, weeks before they are used",
    cap_nats=1.5,
    needs=("account.created_at",),
    source="Anthropic, 2026-02-23 (sign-up bursts); Stripe Radar, multi-accounting",
    atlas=("AML.T0021",),
    aisvs=("12.2.5",),
)


class Burst(NoRows):
    """How surprising it is that so many others signed up at the same time."""

    card = CARD
    stage = "trait"

    def finish(self, state: None, world: World) -> Reading:
        """−log10 of the chance of so many others in the account's hour or day; NaN without a date."""
        at, known = created_us(world)
        value = np.full(world.size, np.nan)
        people, place = np.unique(world.customer[known], return_inverse=True)
        if len(people) >= LEAST_CUSTOMERS:
            opened = np.full(len(people), np.iinfo(np.int64).max)
            np.minimum.at(opened, place, at[known])
            value[known] = surprise(opened)[place]
        return Reading(
            value, NOTABLE, "signed up in an hour or a day in which far more others did than before and after"
        )


def surprise(opened: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """−log10 of the chance of as many others in a sign-up's hour or day, for each customer's first sign-up (n, µs)."""
    order = np.argsort(opened)
    times = opened[order]
    # Tables that give dates only say nothing of hours.
    dates = np.mean(times % DAY_US == 0) > 0.5
    low, high = times[0], times[-1]
    found = np.zeros(len(times))
    for width, wider in WINDOWS[1:] if dates else WINDOWS:
        others = _within(times, width) - 1
        rate = (len(times) - 1 - others + 1) / max(high - low - width, width)
        for around in wider:
            # What lies before the first sign-up and after the last wasn't watched.
            span = np.minimum(times + around // 2, high) - np.maximum(times - around // 2, low)
            count = _within(times, around) - 1 - others
            rate = np.maximum(rate, (count + 1) / np.maximum(span - width, width))
        chance = np.maximum(pdtrc(others - 1, rate * width), 1e-300)
        found = np.maximum(found, np.where(others >= LEAST_OTHERS, -np.log10(chance), 0.0))
    out = np.empty(len(times))
    out[order] = found
    return out


def _within(times: npt.NDArray[np.int64], width: int) -> npt.NDArray[np.int64]:
    """How many of the sorted times lie within half a width of each."""
    last = np.searchsorted(times, times + width // 2, side="right")
    return np.asarray(last - np.searchsorted(times, times - width // 2, side="left"))


trait = Burst()
