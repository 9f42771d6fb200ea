"""Which exchanges belong to a ring, and which are its accounts' other business.

A template belongs to a ring if most accounts committed to it are the ring's and hardly anybody else uses it. An
exchange is attributed where a member fills one of its ring's templates; in a ring that has none, content decides. Where
neither tells anything apart nobody can be named, and no such ring is reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr

from headwater.detect.fold import NO_KEY, Batch, Ring
from headwater.detect.objects import Counts

#: Share of the accounts that used an object that must be the ring's, and how much likelier a member uses it.
MAJORITY, LIFT, USE_LIFT = 0.6, 5.0, 3.0
#: Share of the members that must have used it: what a few of thousands repeat is a popular question, no template.
OF_RING = 0.02
FEWEST = 3
#: A member fills its ring's templates seldom at less than this share of the usual rate (with this chance of error).
SELDOM, ERROR = 0.5, 0.02
#: So many filled templates name a member: one prompt may be anybody's.
LEAST_FILLED = 2


@dataclass(frozen=True)
class RingObjects:
    """Template objects owned by rings: `objects` ascending (uint64), `ring` (int32) the owner of each."""

    objects: npt.NDArray[np.uint64]
    ring: npt.NDArray[np.int32]

    def owner(self, values: npt.NDArray[np.uint64]) -> npt.NDArray[np.int32]:
        """The ring that owns each value (−1: none)."""
        if not len(self.objects):
            return np.full(len(values), -1, np.int32)
        at = np.searchsorted(self.objects, values)
        at[at == len(self.objects)] = 0
        return np.where(self.objects[at] == values, self.ring[at], np.int32(-1))


def ring_objects(counts: Counts, rings: Sequence[Ring], volume: npt.NDArray[np.int64]) -> RingObjects:
    """The objects that each ring owns, from the uses of shared objects in the proposing half.

    Most accounts that ever used it are the ring's, and a member is several times as likely to have used it as anybody
    else is: in a log where most accounts are one ring's, a greeting belongs to nobody all the same.
    """
    size = len(volume)
    ring_of = ring_by_account(rings, size)
    nothing = RingObjects(np.empty(0, np.uint64), np.empty(0, np.int32))
    if not len(counts.objects) or not rings:
        return nothing
    start = np.flatnonzero(np.concatenate([[True], counts.objects[1:] != counts.objects[:-1]]))
    touched = np.diff(np.append(start, len(counts.objects)))
    owner = ring_of[counts.accounts]
    inside = owner >= 0
    if not inside.any():
        return nothing
    object_of = np.repeat(np.arange(len(start)), touched)
    key, place, count = np.unique(
        object_of[inside] * np.int64(len(rings)) + owner[inside], return_inverse=True, return_counts=True
    )
    at, ring = key // len(rings), (key % len(rings)).astype(np.int32)
    members = np.array([len(r.members) for r in rings])[ring]
    outside = touched[at] - count
    lift = (count / members) / ((outside + 0.5) / np.maximum(size - members, 1))
    # The same in exchanges: accounts that serve many people have touched everything once.
    sent = np.array([volume[r.members].sum() for r in rings])[ring]
    uses = np.bincount(place, counts.times[inside], len(key))
    other_uses = np.bincount(object_of, counts.times, len(start))[at] - uses
    use_lift = (uses / np.maximum(sent, 1)) / ((other_uses + 0.5) / np.maximum(volume.sum() - sent, 1))
    usual = np.maximum(FEWEST, OF_RING * members)
    keep = (count >= usual) & (count >= MAJORITY * touched[at]) & (lift >= LIFT) & (use_lift >= USE_LIFT)
    chosen, ring = counts.objects[start[at[keep]]], ring[keep]
    order = np.argsort(chosen)
    return RingObjects(chosen[order], ring[order])


def ring_by_account(rings: Sequence[Ring], size: int) -> npt.NDArray[np.int32]:
    """The ring of each account code (−1: none), int32 of length `size`."""
    out = np.full(size, -1, np.int32)
    for at, ring in enumerate(rings):
        out[ring.members] = at
    return out


def filled(owned: RingObjects, objects: Sequence[npt.NDArray[np.uint64]], rows: int) -> npt.NDArray[np.int32]:
    """For each row the ring whose template it fills (−1: none), by the first object that a ring owns."""
    out = np.full(rows, -1, np.int32)
    for values in objects:
        owner = owned.owner(values)
        out = np.where(out < 0, owner, out)
    return out


def keys(
    owned: RingObjects, objects: Sequence[npt.NDArray[np.uint64]], batch: Batch
) -> npt.NDArray[np.uint64]:
    """For each row the first object that its account's own ring owns (NO_KEY: none)."""
    out = np.full(len(batch), NO_KEY, np.uint64)
    rows = np.flatnonzero(batch.ring >= 0)
    for values in objects:
        mine = values[rows]
        hit = (out[rows] == NO_KEY) & (owned.owner(mine) == batch.ring[rows])
        out[rows[hit]] = mine[hit]
    return out


def seldom(times: npt.NDArray[np.int64], sent: npt.NDArray[np.int64], usual: float) -> npt.NDArray[np.bool_]:
    """Whether so few of the exchanges sent fill a template that the account does it far less than is usual.

    A binomial test: an account that sent too little to tell isn't one of these. (One exchange may use an object more
    than once.)
    """
    return np.asarray(bdtr(np.minimum(times, sent), sent, SELDOM * min(usual, 1.0)) < ERROR)


def fillers(account: npt.NDArray[np.int32], filled: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    """The accounts that fill their ring's templates as its members do, from its rows (whose, filled or not).

    Whoever never fills one was tied to the ring by something else, and so was an account of many exchanges of which
    one looks like the ring's.
    """
    codes, place = np.unique(account, return_inverse=True)
    sent = np.bincount(place, minlength=len(codes))
    times = np.bincount(place, filled, len(codes)).astype(np.int64)
    some = times > 0
    if not some.any():
        return codes[:0]
    usual = float(np.median(times[some] / sent[some]))
    least = min(LEAST_FILLED, int(np.median(times[some])))
    return codes[(times >= least) & ~seldom(times, sent, usual)]
