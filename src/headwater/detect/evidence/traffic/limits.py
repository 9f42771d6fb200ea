"""Limit-hugging: counts that sit just under the most that anybody keeps to, or a limit met rarely but steadily.

Who buys accounts by the limit uses each to the limit. The limit is read off the log itself: the greatest count by
minute, hour or day, in one's tier where that is known, at which the busiest customers pile up.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from headwater.detect.evidence.traffic.kept import OfRows, Rows
from headwater.detect.evidence.traffic.windows import (
    LEAST_WINDOWS,
    LIMITED,
    WIDTHS,
    Windows,
    arrived,
)
from headwater.detect.fold import Card, Reading, World

LEAST = 30
NOTABLE = 0.5
#: From this share of a ceiling on a window sits just under it.
JUST_UNDER = 0.9
#: A ceiling is where so many customers' greatest counts lie that close together; lower ones are nobody's limit.
PILE, LOWEST = 3, 10
#: A tier of fewer customers, or none of the largest, is judged by the ceiling of the whole log.
LEAST_TIER, MOST_TIERS = 20, 64
#: Rarely: at most this share of requests refused by a limit.
RARELY = 0.05

CARD = Card(
    name="limits",
    title="Just under the limit",
    group="behaviour",
    sees="accounts whose counts by minute, hour or day mostly sit just under the greatest that anybody of their tier "
    "keeps to, or that meet a limit (429) on most days without running against it",
    null="other customers that sent about as much: how many spend as large a share of their time just under a ceiling",
    false_positive="not measured yet",
    innocent_causes=(
        "clients that throttle themselves by the documented limit",
        "bulk jobs",
        "a limit that is too low",
    ),
    evasion_cost="leave a good part of each account's allowance unused: more accounts for the same harvest",
    cap_nats=1.5,
    source="error and status mix as a sign of extraction: OWASP AISVS 11.2.2",
    atlas=("AML.T0040", "AML.T0034"),
    aisvs=("11.2.2", "12.2.2"),
)


class Limits(OfRows):
    """The largest share of an account's windows that sit just under a ceiling, or of its days that meet a limit."""

    card = CARD
    least = LEAST
    kept = (LIMITED,)

    def finish(self, state: Rows, world: World) -> Reading:
        """The share, by account."""
        rows = arrived(state, LEAST)
        value = np.full(world.size, np.nan)
        if rows is not None:
            tier = _tiers(world)
            for width in WIDTHS.values():
                sent = Windows(*rows, width, world.size)
                share = _under(sent, tier, world.customer)
                value = np.fmax(value, np.where(sent.known, share, np.nan))
            met = _met(*rows, world.size)
            value = np.where(np.isnan(value), np.nan, np.fmax(value, met))
        return Reading(
            value,
            NOTABLE,
            "spend half of their minutes, hours or days just under a ceiling that their tier keeps to, or meet a limit "
            "on half of their days",
        )


def ceiling(peak: npt.NDArray[np.int64]) -> float:
    """The greatest count at which customers pile up, from their greatest counts (∞: there is none)."""
    peak = np.sort(peak[peak >= LOWEST])
    near = np.arange(1, len(peak) + 1) - np.searchsorted(peak, JUST_UNDER * peak, side="left")
    piled = np.flatnonzero(near >= PILE)
    return float(peak[piled[-1]]) if len(piled) else np.inf


def _under(
    sent: Windows,
    tier: npt.NDArray[np.int64],
    customer: npt.NDArray[np.int32],
) -> npt.NDArray[np.float64]:
    """Share of each account's windows that hold between nine tenths of its tier's ceiling and the ceiling."""
    size, known, peak = len(tier), sent.known, sent.peak

    def of(accounts: npt.NDArray[np.bool_]) -> tuple[float, int]:
        most = np.zeros(int(customer.max()) + 1, np.int64)
        np.maximum.at(most, customer[accounts], peak[accounts])
        return ceiling(most), int((most > 0).sum())

    everyone, _ = of(known)
    limit = np.full(size, everyone)
    for one in np.argsort(-np.bincount(tier[tier >= 0]), kind="stable")[:MOST_TIERS]:
        own, customers = of(known & (tier == one))
        if customers >= LEAST_TIER:
            limit[tier == one] = own
    return sent.share(JUST_UNDER * limit, limit)


def _met(
    account: npt.NDArray[np.int32],
    at_us: npt.NDArray[np.int64],
    let_in: npt.NDArray[np.bool_],
    size: int,
) -> npt.NDArray[np.float64]:
    """Share of days on which a limit refused something, where that is rare; 0 where it is not."""
    refused = ~let_in
    days = Windows(account, at_us, np.ones(len(account), bool), WIDTHS["day"], size)
    met = Windows(account, at_us, refused, WIDTHS["day"], size).total
    total = np.bincount(account, minlength=size)
    rare = np.bincount(account[refused], minlength=size) <= RARELY * total
    share = met / np.maximum(days.total, 1)
    return np.where(rare & (met >= LEAST_WINDOWS), share, 0.0)


def _tiers(world: World) -> npt.NDArray[np.int64]:
    """A code for the tier of each account (−1: unknown)."""
    column = world.accounts_table.column("tier")
    encoded = (column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column).dictionary_encode()
    return np.asarray(encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False), np.int64)


trait = Limits()
