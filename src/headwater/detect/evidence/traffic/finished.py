"""Always read to the end: no answer is cut off, none is asked for again.

People lose patience, change their mind and press "regenerate". A program that stores answers does neither.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from headwater.detect.evidence.traffic.columns import UNKNOWN, flags
from headwater.detect.evidence.traffic.kept import EXACT, FAILED, Kept, OfRows, Rows
from headwater.detect.evidence.traffic.states import shares
from headwater.detect.fold import Batch, Card, Reading, World
from headwater.detect.hashed import previous

LEAST = 20
NOTABLE = 1.0
#: The same prompt again within this time is asked for anew, unless its first answer was an error.
AGAIN_US = 5 * 60_000_000

CARD = Card(
    name="finished",
    title="Always read to the end",
    group="behaviour",
    sees="accounts that never leave before an answer's end and never ask for one again within five minutes",
    null="other customers that sent about as much: how many never do either",
    false_positive="not measured yet",
    innocent_causes=(
        "any unattended program",
        "clients that don't stream",
        "patient people with few requests",
    ),
    evasion_cost="cut off some answers and ask for others twice: they are paid for and lost",
    cap_nats=1.5,
    needs=("cancelled",),
    atlas=("AML.T0040",),
    aisvs=("11.2.2",),
)


def _cancelled(batch: Batch) -> npt.NDArray[np.int8]:
    """Whether an answer was cut off (UNKNOWN: not said)."""
    return flags(batch, "cancelled")


class Finished(OfRows):
    """Share of an account's exchanges that were neither cut off nor asked for again."""

    card = CARD
    least = LEAST
    kept = (
        EXACT,
        Kept("cancelled", ("cancelled",), _cancelled),
        FAILED,
    )

    def finish(self, state: Rows, world: World) -> Reading:
        """The share that was left as it came, of exchanges of which it is known."""
        rows = state.of(LEAST, self.kept)
        value = np.full(world.size, np.nan)
        if rows is not None:
            account, at_us, text, cancelled, wrong = rows
            before = previous(account, text, np.ones(len(text), bool))
            total, touched = _touched(account, at_us, before, cancelled, wrong, world.size)
            value = shares(np.maximum(total - touched, 0), total, LEAST)
        return Reading(value, NOTABLE, "never cut an answer off and never ask for one again")


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _touched(
    account: npt.NDArray[np.int32],
    at_us: npt.NDArray[np.int64],
    before: npt.NDArray[np.int32],
    cancelled: npt.NDArray[np.int8],
    wrong: npt.NDArray[np.bool_],
    size: int,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """By account: exchanges of which it is known, and those that were cut off or ask again for what came `before`."""
    total, touched = np.zeros(size, np.int64), np.zeros(size, np.int64)
    for i in range(len(account)):
        last = before[i]
        again = last >= 0 and not wrong[last] and at_us[i] - at_us[last] <= AGAIN_US
        total[account[i]] += cancelled[i] != UNKNOWN
        touched[account[i]] += again or cancelled[i] == 1
    return total, touched


trait = Finished()
