"""Who uses what: counts of (object, account), where an object is any 64-bit value that accounts may share.

A template's opening, an address, a payment instrument: kinds of evidence differ in what they count, not in how.
Objects that one account alone uses tie nobody and are dropped early.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numba
import numpy as np
import numpy.typing as npt

from headwater.detect.fold import NO_KEY, Batch, Links
from headwater.detect.hashed import mixed
from headwater.detect.ordering import by_code, by_hash
from headwater.detect.spans import starts

#: Pairs held before they are put in order, and how much larger than one run of pairs in order the one before it may be
#: at least: each pair is then merged a few times only.
BUFFER, FAR_LARGER = 2_000_000, 2
#: Parts of an imprint that stand for a template, beside its shingles.
PARTS = ("imprint.skeleton", "imprint.opening", "imprint.closing")
#: A shorter prompt is no template: "hello" has an opening too.
LEAST_WORDS = 6
#: Random cycles through the accounts of one object: each account gets twice as many ties.
CYCLES = 8


def objects_of(batch: Batch) -> list[npt.NDArray[np.uint64]]:
    """The hashes of each row that stand for templates (a list of arrays of n), NO_KEY where there is none."""
    long = batch.column("imprint.words") >= LEAST_WORDS
    columns = [batch.column(part) for part in PARTS]
    shingles = batch.column("imprint.minimisers")
    columns += [shingles[:, i] for i in range(shingles.shape[1])]
    return [np.where(long & (c != 0), c, NO_KEY).astype(np.uint64) for c in columns]


def code_bits(accounts: int) -> np.uint64:
    """Last bits of an object that don't count, where they give way to an account's code: 20 up to a million accounts.

    44 bits tell the objects of a billion texts apart but for one in ten thousand.
    """
    return np.uint64(20 if accounts <= 1 << 20 else accounts.bit_length())


#: Pairs in order, each once: object, account, times.
_Pairs: TypeAlias = tuple[npt.NDArray[np.uint64], npt.NDArray[np.int32], npt.NDArray[np.int64]]


@dataclass
class Counts:
    """A mergeable multiset of (object uint64, account int32) pairs."""

    objects: npt.NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    accounts: npt.NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    times: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    #: pairs that nobody has put in order yet; times are None where each was met once
    _waiting: list[tuple[npt.NDArray[np.uint64], npt.NDArray[np.int32], npt.NDArray[np.int64] | None]] = (
        field(default_factory=list)
    )
    _held: int = 0
    #: multisets in order that are still to be merged with this one, each smaller than the one before
    _runs: list[_Pairs] = field(default_factory=list)

    @classmethod
    def of_parts(cls, parts: Sequence[Counts]) -> Counts:
        """Parts without an object in common, whose objects ascend from part to part."""
        return cls(
            np.concatenate([part.objects for part in parts]),
            np.concatenate([part.accounts for part in parts]),
            np.concatenate([part.times for part in parts]),
        )

    def add(self, objects: npt.NDArray[np.uint64], accounts: npt.NDArray[np.int32]) -> None:
        """Count each pair once more."""
        self._push(objects, accounts, None)

    def _push(
        self,
        objects: npt.NDArray[np.uint64],
        accounts: npt.NDArray[np.int32],
        times: npt.NDArray[np.int64] | None,
    ) -> None:
        self._waiting.append((objects, accounts, times))
        self._held += len(objects)
        if self._held > BUFFER:
            self._sort()

    def absorb(self, other: Counts) -> None:
        """Add another multiset to this one."""
        for run in ((other.objects, other.accounts, other.times), *other._runs):
            self._put(run)
        for part in other._waiting:
            self._push(*part)

    def compact(self) -> None:
        """Sum the counts of equal pairs; afterwards sorted by object, then account."""
        self._sort()
        while self._runs:
            self._merge_last()

    def _sort(self) -> None:
        """What waits becomes a run."""
        if not self._waiting:
            return
        parts, self._waiting, self._held = self._waiting, [], 0
        objects = np.concatenate([p[0] for p in parts])
        accounts = np.concatenate([p[1] for p in parts])
        order = _ordered(objects, accounts)
        objects, accounts = objects.take(order), accounts.take(order)
        first = starts(objects, accounts)
        if all(p[2] is None for p in parts):
            times = np.diff(np.append(first, len(order)))
        else:
            every = np.concatenate([np.ones(len(p[0]), np.int64) if p[2] is None else p[2] for p in parts])
            times = np.add.reduceat(every.take(order), first) if len(first) else every
        self._put((objects[first], accounts[first], times))

    def _put(self, run: _Pairs) -> None:
        """One more run: merged with those before that aren't far larger, so that each pair is merged a few times."""
        if len(run[0]):
            self._runs.append(run)
        while self._runs and len(self._before_last()[0]) <= FAR_LARGER * len(self._runs[-1][0]):
            self._merge_last()

    def _before_last(self) -> _Pairs:
        return self._runs[-2] if len(self._runs) > 1 else (self.objects, self.accounts, self.times)

    def _merge_last(self) -> None:
        before, last = self._before_last(), self._runs.pop()
        both = _merged(*before, *last) if len(before[0]) else last
        if self._runs:
            self._runs[-1] = both
        else:
            self.objects, self.accounts, self.times = both

    def shared(self) -> Counts:
        """The pairs whose object at least two accounts use."""
        return self.of_many(2)

    def of_many(self, fewest: int) -> Counts:
        """The pairs whose object at least so many accounts use."""
        self.compact()
        if not len(self.objects):
            return self
        start = starts(self.objects)
        size = np.diff(np.append(start, len(self.objects)))
        keep = np.flatnonzero(np.repeat(size >= fewest, size))
        return Counts(self.objects[keep], self.accounts[keep], self.times[keep])


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _merged(
    objects: npt.NDArray[np.uint64],
    accounts: npt.NDArray[np.int32],
    times: npt.NDArray[np.int64],
    more: npt.NDArray[np.uint64],
    whose: npt.NDArray[np.int32],
    often: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Two multisets in order as one."""
    size = len(objects) + len(more)
    a, b, c = np.empty(size, np.uint64), np.empty(size, np.int32), np.empty(size, np.int64)
    i = j = k = 0
    while i < len(objects) or j < len(more):
        mine = j == len(more)
        theirs = i == len(objects)
        if not mine and not theirs:
            here, there = objects[i], more[j]
            mine = here < there or (here == there and accounts[i] <= whose[j])
            theirs = there < here or (here == there and whose[j] <= accounts[i])
        c[k] = 0
        if mine:
            a[k], b[k], c[k] = objects[i], accounts[i], times[i]
            i += 1
        if theirs:
            a[k], b[k] = more[j], whose[j]
            c[k] += often[j]
            j += 1
        k += 1
    # A part of an array keeps all of it in memory.
    return (a[:k].copy(), b[:k].copy(), c[:k].copy()) if k < size - size // 8 else (a[:k], b[:k], c[:k])


def _ordered(objects: npt.NDArray[np.uint64], accounts: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """By object, then account; of small numbers (not hashes) by one key."""
    most = int(objects.max()) if len(objects) else 0
    if most < 1 << 32:
        return np.argsort(objects << np.uint64(32) | accounts.astype(np.uint64))
    return by_hash(objects, accounts)


@dataclass(frozen=True)
class Sharing:
    """Objects with the accounts committed to them.

    `objects` (k), `start` (k + 1) offsets into `members` (account codes, ascending within an object), `touched` (k):
    accounts that used the object at all.
    """

    objects: npt.NDArray[np.uint64]
    start: npt.NDArray[np.int64]
    members: npt.NDArray[np.int32]
    touched: npt.NDArray[np.int64]

    @classmethod
    def of_parts(cls, parts: Sequence[Sharing]) -> Sharing:
        """Parts without an object in common, whose objects ascend from part to part."""
        sizes = np.concatenate([np.diff(part.start) for part in parts])
        return cls(
            np.concatenate([part.objects for part in parts]),
            np.concatenate([[0], np.cumsum(sizes)]),
            np.concatenate([part.members for part in parts]),
            np.concatenate([part.touched for part in parts]),
        )

    def __len__(self) -> int:
        return len(self.objects)

    def rarity(self, accounts: int) -> npt.NDArray[np.float64]:
        """How rare each object is among everybody else (leave-ring-out), in nats, at most 6."""
        size = np.diff(self.start)
        others = np.maximum(accounts - size, 1)
        return np.asarray(np.minimum(np.log((others + 1) / (self.touched - size + 1)), 6.0))

    def of(self, at: int) -> npt.NDArray[np.int32]:
        """Members of the object at this position."""
        return self.members[self.start[at] : self.start[at + 1]]


def committed(
    counts: Counts, volume: npt.NDArray[np.int64], least: int, share: float, fewest: int = 2
) -> Sharing:
    """Objects to which at least `fewest` accounts are committed: `least` uses and `share` of the account's volume."""
    counts = counts.shared()
    objects, first = np.unique(counts.objects, return_index=True)
    touched = np.diff(np.append(first, len(counts.objects)))
    keep = (counts.times >= least) & (counts.times >= share * volume[counts.accounts])
    position = np.repeat(np.arange(len(objects)), touched)[keep]
    size = np.bincount(position, minlength=len(objects))
    wanted = size >= fewest
    keep_pairs = wanted[position]
    return Sharing(
        objects[wanted],
        np.concatenate([[0], np.cumsum(size[wanted])]),
        counts.accounts[keep][keep_pairs],
        touched[wanted],
    )


def distinct(sharing: Sharing) -> npt.NDArray[np.int64]:
    """Positions of one object for each set of members: eight minimisers of one template are one tie, not eight."""
    if not len(sharing):
        return np.empty(0, np.int64)
    mixed = _mix(sharing.members.astype(np.uint64))
    sums = np.add.reduceat(mixed, sharing.start[:-1])
    size = np.diff(sharing.start)
    order = np.lexsort((size, sums))
    return np.sort(order[starts(sums[order], size[order])])


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _mix(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The finaliser of splitmix64: sums of mixed members identify a set."""
    out = np.empty(len(values), np.uint64)
    for i in range(len(values)):
        out[i] = mixed(values[i])
    return out


def account_hash(codes: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.float64]:
    """A number in [0, 1) for each account code, unrelated to the accounts' names: for thinning."""
    return np.asarray(_mix(codes.astype(np.uint64)).astype(np.float64) / 2.0**64)


def some_of(codes: npt.NDArray[Any], most: int) -> npt.NDArray[Any]:
    """At most so many of some codes, ascending: those whose hashes are least."""
    return np.sort(codes[np.argsort(account_hash(codes), kind="stable")[:most]])


def weave(
    evidence: str, sharing: Sharing, chosen: npt.NDArray[np.int64], weight: npt.NDArray[np.float64]
) -> Links:
    """Ties among the members of each chosen object, with the object's weight in nats.

    Small groups become cliques, larger ones a random graph of fixed degree: it hangs together as well, and a template
    with 20,000 users costs 160,000 ties instead of 200 million. A pair tied by several objects keeps the
    heaviest tie.
    """
    lefts, rights, weights = [], [], []
    for at, nats in zip(chosen, weight, strict=True):
        group = sharing.of(int(at))
        a, b = _ties(group)
        lefts.append(a)
        rights.append(b)
        weights.append(np.full(len(a), nats))
    if not lefts:
        return Links.none(evidence)
    return heaviest(evidence, np.concatenate(lefts), np.concatenate(rights), np.concatenate(weights))


def _ties(group: npt.NDArray[np.int32]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    size = len(group)
    if size <= 2 * CYCLES + 1:
        i, j = np.triu_indices(size, 1)
        return group[i], group[j]
    # Cycles in unrelated orders: a graph that mixes well, or its parts would pass for rings of their own.
    orders = [
        group[
            np.argsort(_mix(group.astype(np.uint64) + np.uint64(k << 32)))
        ]  # no two are mixed to one number
        for k in range(CYCLES)
    ]
    a = np.concatenate(orders)
    b = np.concatenate([np.roll(order, -1) for order in orders])
    return np.minimum(a, b), np.maximum(a, b)


def heaviest(
    evidence: str, a: npt.NDArray[np.int32], b: npt.NDArray[np.int32], weight: npt.NDArray[np.float64]
) -> Links:
    """One tie a pair, the heaviest."""
    order = by_code(a, b)
    a, b, weight = a[order], b[order], weight[order]
    first = starts(a, b)
    most = np.maximum.reduceat(weight, first) if len(first) else weight
    tie = a[first] != b[first]
    a, b = a[first[tie]].astype(np.int32), b[first[tie]].astype(np.int32)
    return Links(evidence, a, b, most[tie])
