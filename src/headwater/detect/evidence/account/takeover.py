"""A key that changes hands: software, TLS fingerprint and network all change at one moment and stay changed.

It is a sign that a key was stolen or sold, and speaks for the account's holder as much as against the account: whoever
reads it should ask the holder first.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from headwater.detect.evidence.account.client import family
from headwater.detect.evidence.account.tally import Ints, OfPlaces, Places, Tally, named, values
from headwater.detect.fold import NO_KEY, Batch, Card, Reading, World
from headwater.detect.networks import NO_ADDRESS, around
from headwater.detect.ordering import by_code

#: Exchanges before and after; fewer could be a test.
LEAST = 10
KINDS = 3

CARD = Card(
    name="takeover",
    title="Key in other hands",
    group="client",
    sees="accounts whose user agent, TLS fingerprint and network all change at one moment, once, and stay changed",
    null="how many other customers of like volume change all three at once",
    false_positive="not measured yet",
    innocent_causes=(
        "a program that moves from a laptop to a server and is rewritten for it",
        "an agency that hands a key over to its client",
        "a stolen key: then the holder is the victim",
    ),
    evasion_cost="keep the victim's kind of client and a network near it",
    cap_nats=0.7,
    needs=("user_agent", "tls", "ip"),
    source="MITRE ATLAS AML.T0012; OWASP AISVS research notes (one JA4H in 99% of sessions with stolen keys)",
    atlas=("AML.T0012",),
    aisvs=("11.2.2",),
)


class Takeover(OfPlaces):
    """Whether an account's client changes in everything at one moment."""

    card = CARD
    width = 1 + KINDS
    timed = True
    columns = ("user_agent", "tls", "ip")

    def update(self, state: Places, batch: Batch) -> Places:
        """Note (account, values) with first and last time, of rows that show all three kinds."""
        networks, tally = state
        shown = [values(batch, "user_agent", family), values(batch, "tls"), values(batch, "ip")]
        seen = np.flatnonzero(np.all([kind != NO_KEY for kind in shown], axis=0))
        if not len(seen):
            return state
        # An address's autonomous system, where the operator says; else what lies around it; a hash as it is.
        place = around(batch.coded("ip")).astype(np.uint64)
        shown[2] = np.where(place == np.int64(NO_ADDRESS).astype(np.uint64), shown[2], place)
        if networks:
            found = networks.find_column(batch.coded("ip"))
            number = np.where(found >= 0, networks.asn[found], 0).astype(np.uint64)
            shown[2] = np.where(number > 0, number, shown[2])
        tally.add(batch.at_us[seen], batch.account[seen], *(value[seen] for value in shown))
        return state

    def finish(self, state: Places, world: World) -> Reading:
        """1 where all three change once at one moment, 0 where not; NaN below twice LEAST exchanges."""
        tally = _by_kind(state[1])
        rows = np.bincount(tally.rows[0], tally.times, minlength=world.size) / KINDS
        changed = np.zeros(world.size)
        account, until, since, before = _breaks(tally)
        enough = (before >= LEAST) & (rows[account] - before >= LEAST)
        account, until, since = account[enough], until[enough], since[enough]
        _, at, kinds = np.unique(named(account, until, since), return_index=True, return_counts=True)
        whose, times = np.unique(account[at[kinds == KINDS]], return_counts=True)
        changed[whose[times == 1]] = 1.0
        return Reading(
            np.where(rows >= 2 * LEAST, changed, np.nan),
            1.0,
            "changed software, TLS fingerprint and network at one moment and kept the new ones",
        )


def _by_kind(seen: Tally) -> Tally:
    """Rows of (account, kind, value), of rows of an account with its values of all kinds."""
    seen.compact()
    tally, every = Tally(3, timed=True), slice(None)
    for kind, value in enumerate(seen.rows[1:]):
        tally.add_counted(seen, every, seen.rows[0], np.full(len(value), kind), value)
    tally.compact()
    return tally


def _breaks(tally: Tally) -> tuple[Ints, Ints, Ints, Ints]:
    """Moments at which every earlier value of a kind is gone and every later one is new.

    Parallel arrays: account, last time before (µs), first time after, exchanges before.
    """
    order = by_code(tally.rows[0], tally.rows[1], tally.first, tally.last)
    account, kind = tally.rows[0][order], tally.rows[1][order]
    first, last, times = tally.first[order], tally.last[order], tally.times[order]
    if not len(order):
        none: npt.NDArray[np.int64] = np.empty(0, np.int64)
        return none, none, none, none
    new = np.concatenate([[True], (account[1:] != account[:-1]) | (kind[1:] != kind[:-1])])
    group = np.cumsum(new) - 1
    # A running greatest within each group: times as ranks, so that whole groups lie apart.
    ranked, rank = np.unique(last, return_inverse=True)
    rising = np.maximum.accumulate(group * len(ranked) + rank) - group * len(ranked)
    until = ranked[rising]
    total = np.cumsum(times)
    start = np.flatnonzero(new)
    before = total - (total[start] - times[start])[group]
    cut = np.flatnonzero(~new[1:] & (first[1:] > until[:-1]))
    return account[cut], until[cut], first[cut + 1], before[cut]


trait = Takeover()
