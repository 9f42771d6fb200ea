"""Which exchanges belong to a ring, and which are its accounts' other business.

A template belongs to a ring if most accounts committed to it are the ring's and hardly anybody else uses it. An
exchange is attributed where a member fills one of its ring's templates; in a ring that has none, content decides. Where
neither tells anything apart nobody can be named, and no such ring is reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from scipy.special import bdtr, betaincinv

from headwater.detect.fold import NO_KEY, Batch, Ring
from headwater.detect.objects import LEAST_WORDS, PARTS, Counts, code_bits

#: Share of the accounts that used an object that must be the ring's (at this chance of error: seven of eleven users may
#: be a topic's), and how much likelier a member uses it.
MAJORITY, DOUBT, LIFT, USE_LIFT = 0.55, 0.2, 5.0, 3.0
#: Share of the members that must have used it: what a few of thousands repeat is a popular question, no template.
OF_RING = 0.02
FEWEST = 3
#: Stands for a ring where an account is left out of the count.
_ASIDE = -2
#: Bits of a value behind those that are looked at first.
PREFIX = np.uint64(44)
#: A member fills its ring's templates seldom at less than this share of the usual rate (with this chance of error).
SELDOM, ERROR = 0.5, 0.02
#: Share of what as many fillings of the ring's templates usually say: whoever fills one of many has a habit in common.
VARIED = 0.3


Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class RingObjects:
    """Template objects owned by rings: `objects` ascending (uint64), `ring` (int32) the owner of each.

    `nats`: by how much an account's use of each speaks for the ring rather than for everybody else.
    """

    objects: npt.NDArray[np.uint64]
    ring: npt.NDArray[np.int32]
    nats: npt.NDArray[np.float64]
    #: last bits of an object that don't count (`objects.code_bits`)
    bits: int = 0

    @classmethod
    def none(cls) -> RingObjects:
        """No ring owns anything."""
        return cls(np.empty(0, np.uint64), np.empty(0, np.int32), np.empty(0))

    def owner(self, values: npt.NDArray[np.uint64]) -> npt.NDArray[np.int32]:
        """The ring that owns each value (−1: none)."""
        out = np.full(len(values), -1, np.int32)
        if len(self.objects):
            _owners(values, self.objects, self.ring, self.begin, np.uint64(self.bits), out)
        return out

    @cached_property
    def begin(self) -> npt.NDArray[np.bool_]:
        """Which first bits the owned objects have."""
        out = np.zeros(1 << (64 - int(PREFIX)), bool)
        out[self.objects >> PREFIX] = True
        return out


def ring_objects(
    counts: Counts,
    rings: Sequence[Ring],
    volume: npt.NDArray[np.int64],
    aside: npt.NDArray[np.bool_] | None = None,
    workers: int = 1,
) -> RingObjects:
    """The objects that each ring owns, from the uses of shared objects in the proposing half.

    Most accounts that ever used it are the ring's, and a member is several times as likely to have used it as anybody
    else is: in a log where most accounts are one ring's, a greeting belongs to nobody all the same. What accounts that
    stand `aside` used isn't counted.
    """
    size = len(volume)
    ring_of = ring_by_account(rings, size)
    if aside is not None:
        ring_of = np.where(aside, _ASIDE, ring_of).astype(np.int32)
    if not len(counts.objects) or not rings:
        return RingObjects.none()
    at, ring, count, touched, uses, every = _used_by_parts(counts, ring_of, len(rings), workers)
    members = np.array([len(r.members) for r in rings])[ring]
    lift = (count / members) / ((touched - count + 0.5) / np.maximum(size - members, 1))
    # The same in exchanges: accounts that serve many people have touched everything once.
    sent = np.array([volume[r.members].sum() for r in rings])[ring]
    use_lift = (uses / np.maximum(sent, 1)) / ((every - uses + 0.5) / np.maximum(volume.sum() - sent, 1))
    usual = np.maximum(FEWEST, OF_RING * members)
    keep = np.flatnonzero((count >= usual) & (lift >= LIFT) & (use_lift >= USE_LIFT))
    keep = keep[_at_least(count[keep], touched[keep]) >= MAJORITY]
    bits = code_bits(size)
    chosen = counts.objects[at[keep]] >> bits << bits
    order = np.argsort(chosen, kind="stable")
    return RingObjects(chosen[order], ring[keep][order], np.log(lift[keep])[order], int(bits))


def _used_by_parts(
    counts: Counts, ring_of: npt.NDArray[np.int32], rings: int, workers: int
) -> tuple[npt.NDArray[Any], ...]:
    """As `_used`, each thread for objects of its own."""
    objects = counts.objects
    cuts = [0, *(len(objects) * part // workers for part in range(1, workers)), len(objects)]
    cuts = [int(np.searchsorted(objects, objects[at])) if at < len(objects) else at for at in cuts]

    def some(low: int, high: int) -> tuple[npt.NDArray[Any], ...]:
        part = slice(low, high)
        found = _used(objects[part], counts.accounts[part], counts.times[part], ring_of, rings)
        return (found[0] + low, *found[1:])

    with ThreadPoolExecutor(workers) as pool:
        parts = list(pool.map(some, cuts[:-1], cuts[1:]))
    return tuple(np.concatenate(columns) for columns in zip(*parts, strict=True))


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _used(
    objects: npt.NDArray[np.uint64],
    accounts: npt.NDArray[np.int32],
    times: Ints,
    ring_of: npt.NDArray[np.int32],
    rings: int,
) -> tuple[Ints, npt.NDArray[np.int32], Ints, Ints, Ints, Ints]:
    """By object, then ring, each object that accounts of a ring used.

    Where its pairs begin, the ring, and how many accounts used it how often: of the ring, and of all.
    """
    count, uses = np.zeros(rings, np.int64), np.zeros(rings, np.int64)
    here = np.empty(rings, np.int32)
    room, found = 1024, 0
    out, whose = np.empty((room, 5), np.int64), np.empty(room, np.int32)
    first = 0
    while first < len(objects):
        last, some, touched, every = first, 0, 0, 0
        while last < len(objects) and objects[last] == objects[first]:
            ring = ring_of[accounts[last]]
            if ring != _ASIDE:
                touched += 1
                every += times[last]
            if ring >= 0:
                if count[ring] == 0:
                    here[some] = ring
                    some += 1
                count[ring] += 1
                uses[ring] += times[last]
            last += 1
        here[:some].sort()
        if found + some > room:
            room = 2 * room + some
            more, whoever = np.empty((room, 5), np.int64), np.empty(room, np.int32)
            more[:found], whoever[:found] = out[:found], whose[:found]
            out, whose = more, whoever
        for ring in here[:some]:
            whose[found] = ring
            out[found, 0], out[found, 1], out[found, 2] = first, count[ring], touched
            out[found, 3], out[found, 4] = uses[ring], every
            count[ring] = uses[ring] = 0
            found += 1
        first = last
    out = out[:found]
    return out[:, 0], whose[:found], out[:, 1], out[:, 2], out[:, 3], out[:, 4]


def _at_least(count: npt.NDArray[np.int64], of: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """The lower bound of a share of which `count` of `of` were seen (Clopper and Pearson 1934)."""
    return np.asarray(betaincinv(count, of - count + 1, DOUBT))


def ring_by_account(rings: Sequence[Ring], size: int) -> npt.NDArray[np.int32]:
    """The ring of each account code (−1: none), int32 of length `size`."""
    out = np.full(size, -1, np.int32)
    for at, ring in enumerate(rings):
        out[ring.members] = at
    return out


def filled(owned: RingObjects, batch: Batch) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint64]]:
    """For each row the ring whose template it fills (−1: none), and by which object: the first that a ring owns."""
    return _owned(owned, batch, np.empty(0, np.int32))


def keys(owned: RingObjects, batch: Batch) -> npt.NDArray[np.uint64]:
    """For each row the first object that its account's own ring owns (NO_KEY: none)."""
    return _owned(owned, batch, batch.ring)[1]


def _owned(
    owned: RingObjects, batch: Batch, of: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint64]]:
    """The first object of each row that a ring owns, the ring `of` (n) each where given, and the ring (−1: none)."""
    ring, key = np.full(len(batch), -1, np.int32), np.full(len(batch), NO_KEY, np.uint64)
    if len(owned.objects):
        table = owned.objects, owned.ring, owned.begin, np.uint64(owned.bits)
        for part in (*PARTS, "imprint.minimisers"):
            hashes = batch.column(part)
            hashes = hashes if hashes.ndim == 2 else hashes[:, None]
            _first(batch.column("imprint.words"), hashes, *table, of, ring, key)
    return ring, key


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _first(
    words: npt.NDArray[np.integer[Any]],
    hashes: npt.NDArray[np.uint64],
    objects: npt.NDArray[np.uint64],
    owner: npt.NDArray[np.int32],
    begin: npt.NDArray[np.bool_],
    bits: np.uint64,
    of: npt.NDArray[np.int32],
    ring: npt.NDArray[np.int32],
    key: npt.NDArray[np.uint64],
) -> None:
    """Fill `ring` and `key` of rows that have none yet, from some of the `objects_of` each (n × k) in their order."""
    for row in range(len(words)):
        if words[row] < LEAST_WORDS or ring[row] >= 0 or (len(of) and of[row] < 0):
            continue
        for at in range(hashes.shape[1]):
            value = hashes[row, at]
            # Nearly all values are nobody's: a look at their first bits spares the search.
            if value == 0 or value == NO_KEY or not begin[value >> PREFIX]:
                continue
            place = _place(value, objects, bits)
            if place >= 0 and (len(of) == 0 or of[row] == owner[place]):
                ring[row], key[row] = owner[place], value
                break


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _owners(
    values: npt.NDArray[np.uint64],
    objects: npt.NDArray[np.uint64],
    owner: npt.NDArray[np.int32],
    begin: npt.NDArray[np.bool_],
    bits: np.uint64,
    out: npt.NDArray[np.int32],
) -> None:
    for at in range(len(values)):
        if begin[values[at] >> PREFIX]:
            place = _place(values[at], objects, bits)
            if place >= 0:
                out[at] = owner[place]


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _place(value: np.uint64, objects: npt.NDArray[np.uint64], bits: np.uint64) -> int:
    """Where an object stands among those that are owned (−1: nowhere)."""
    wanted = value >> bits << bits
    low, high = 0, len(objects)
    while low < high:
        middle = (low + high) >> 1
        if objects[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low if low < len(objects) and objects[low] == wanted else -1


def seldom(times: npt.NDArray[np.int64], sent: npt.NDArray[np.int64], usual: float) -> npt.NDArray[np.bool_]:
    """Whether so few of the exchanges sent fill a template that the account does it far less than is usual.

    A binomial test: an account that sent too little to tell isn't one of these. (One exchange may use an object more
    than once.)
    """
    return np.asarray(bdtr(np.minimum(times, sent), sent, SELDOM * min(usual, 1.0)) < ERROR)


def variety(
    account: npt.NDArray[np.int64],
    item: npt.NDArray[np.int64],
    times: npt.NDArray[np.int64],
    worth: npt.NDArray[np.float64],
    accounts: int,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Nats (accounts) of the different templates that each filled, and of as many fillings drawn from all of them.

    `account`, `item`, `times` are counts of the fillings of each template, `worth` (items) their nats. The same opening
    again says nothing new: it may be a habit.
    """
    nats = np.bincount(account, worth[item], accounts)
    every = np.bincount(item, times, len(worth))
    return np.asarray(nats, np.float64), rarefied(worth, every, np.bincount(account, times, accounts))


def rarefied(
    worth: npt.NDArray[np.float64], every: npt.NDArray[np.number[Any]], fills: npt.NDArray[np.number[Any]]
) -> npt.NDArray[np.float64]:
    """What so many fillings (accounts) would say on average, drawn from `every` (items) of which each is worth so much.

    Source: S. Hurlbert, Ecology 52 (1971).
    """
    missed = 1 - every / max(every.sum(), 1)
    count, of = np.unique(fills.astype(np.int64), return_inverse=True)
    expected = np.array([float((worth * (1 - missed**n)).sum()) for n in count.tolist()])
    return np.asarray(expected[of], np.float64)
