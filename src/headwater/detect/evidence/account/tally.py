"""What each account was seen with: distinct rows of numbers, how often each came, and, if asked, from when to when.

Texts (an address, a user agent, a fingerprint) stand in it as 64-bit names. What they mean is left to the evidence.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from headwater.detect.coded import by_row
from headwater.detect.fold import NO_KEY, Batch, World
from headwater.detect.hashed import mixed
from headwater.detect.networks import Networks
from headwater.detect.spans import starts

Ints = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint64]
#: Distinct rows, how often each came, and, if asked, when first and when last.
_Counts = tuple[Ints, Ints, tuple[Ints, ...]]

#: Bytes up to which texts are named many at a time.
SHORT = 48
#: Distinct rows held before parts are counted together; as many as are counted already, where these are more.
BUFFER = 4_000_000


class Tally:
    """A mergeable multiset of rows of k numbers (each any 64-bit integer).

    After `compact`: `rows` (k × m, int64) are distinct, and `times` (m) counts them. Where it is `timed`, `first` and
    `last` (m) are µs; else there is nothing in them.
    """

    def __init__(self, width: int, *, timed: bool = False) -> None:
        self.rows: Ints = np.empty((width, 0), np.int64)
        self.times: Ints = np.empty(0, np.int64)
        self._spans: tuple[Ints, ...] = (np.empty(0, np.int64),) * 2 if timed else ()
        self._waiting: list[_Counts] = []
        self._held = 0

    @property
    def first(self) -> Ints:
        """When each row came first, in µs."""
        return self._spans[0]

    @property
    def last(self) -> Ints:
        """When each row came last, in µs."""
        return self._spans[1]

    def add(self, at_us: Ints, *columns: npt.NDArray[np.integer]) -> None:
        """Count rows, given as k parallel arrays, once each."""
        rows = np.stack([c.astype(np.int64) for c in columns])
        one, times, *spans = _met(named(*columns), at_us)
        self._push(rows.take(one, axis=1), times, tuple(spans) if self._spans else ())

    def add_counted(
        self, like: Tally, keep: npt.NDArray[np.bool_] | slice, *columns: npt.NDArray[np.integer]
    ) -> None:
        """Count rows, given as k parallel arrays, as often as those of `like` that are kept, with their times."""
        rows = np.stack([c[keep].astype(np.int64) for c in columns])
        spans = like._spans if self._spans else ()
        self._push(rows, like.times[keep], tuple(span[keep] for span in spans))

    def absorb(self, other: Tally) -> None:
        """Add another multiset to this one."""
        for part in [(other.rows, other.times, other._spans), *other._waiting]:
            self._push(*part)

    def compact(self) -> None:
        """Count equal rows together; the order of rows then depends on nothing but what they are."""
        if self._waiting:
            parts = [(self.rows, self.times, self._spans), *self._waiting]
            rows = np.concatenate([p[0] for p in parts], axis=1)
            times = np.concatenate([p[1] for p in parts])
            spans = tuple(map(np.concatenate, zip(*(p[2] for p in parts), strict=True)))
            self.rows, self.times, self._spans = _counted(rows, times, spans)
            self._waiting, self._held = [], 0

    def _push(self, rows: Ints, times: Ints, spans: tuple[Ints, ...]) -> None:
        self._waiting.append((rows, times, spans))
        self._held += len(times)
        if self._held > max(BUFFER, len(self.times)):
            self.compact()


class OfTally:
    """What evidence shares that keeps a tally of `width` numbers a row; it differs in `update` and `finish`."""

    width = 2

    def init(self, world: World) -> Tally:
        """Nothing seen."""
        return Tally(self.width)

    def merge(self, left: Tally, right: Tally) -> Tally:
        """Add two states."""
        left.absorb(right)
        return left


#: The operator's table of networks, where there is one, and what was seen.
Places = tuple[Networks | None, Tally]


class OfPlaces:
    """The same with the operator's table of networks beside it."""

    stage = "trait"
    width = 2
    #: whether it matters from when to when something was seen
    timed = False

    def init(self, world: World) -> Places:
        """Nothing seen."""
        return world.context.get("networks"), Tally(self.width, timed=self.timed)

    def merge(self, left: Places, right: Places) -> Places:
        """Add two states."""
        left[1].absorb(right[1])
        return left


def _counted(rows: Ints, times: Ints, spans: tuple[Ints, ...]) -> _Counts:
    name = named(*rows)
    order = np.argsort(name)
    start = starts(name[order])
    if not len(start):
        return rows, times, spans
    ends = zip((np.minimum, np.maximum), spans, strict=False)
    both = tuple(least_or_most.reduceat(span.take(order), start) for least_or_most, span in ends)
    return rows.take(order[start], axis=1), np.add.reduceat(times.take(order), start), both


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _met(name: Keys, at_us: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Of each name: the row at which it is met first, how often it comes, when first and when last."""
    bits = 4
    while (1 << bits) < 2 * len(name):
        bits += 1
    slot = np.full(1 << bits, -1, np.int64)
    one, times = np.empty(len(name), np.int64), np.zeros(len(name), np.int64)
    first, last = np.empty(len(name), np.int64), np.empty(len(name), np.int64)
    count = 0
    for i in range(len(name)):
        at = np.int64(name[i] >> np.uint64(64 - bits))
        while slot[at] >= 0 and name[one[slot[at]]] != name[i]:
            at = (at + 1) & ((1 << bits) - 1)
        k = slot[at]
        if k < 0:
            k = slot[at] = count
            one[k], first[k], last[k] = i, at_us[i], at_us[i]
            count += 1
        times[k] += 1
        first[k], last[k] = min(first[k], at_us[i]), max(last[k], at_us[i])
    return one[:count], times[:count], first[:count], last[:count]


def named(*columns: npt.NDArray[np.integer]) -> Keys:
    """One 64-bit name for each row of parallel columns: chained rounds of splitmix64."""
    out = np.zeros(len(columns[0]), np.uint64)
    for column in columns:
        _mix_in(out, column)
    return out


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _mix_in(out: Keys, column: npt.NDArray[np.integer]) -> None:
    """One more round, with a column."""
    for i in range(len(out)):
        out[i] = mixed(out[i] ^ np.uint64(column[i]))


def values(batch: Batch, column: str, form: Callable[[str], str | None] | None = None) -> Keys:
    """The 64-bit name (n) of what `form` makes of each row's text; NO_KEY where the log has none or `form` says None.

    The names live no longer than the investigation.
    """
    if not batch.has(column):
        return np.full(len(batch), NO_KEY)
    return batch.once(("names", column, form), lambda: _values(batch.coded(column), form))


def _values(coded: Any, form: Callable[[str], str | None] | None) -> Keys:
    texts: Any = coded.dictionary
    if form is not None:
        texts = pa.array([form(v) for v in texts.to_pylist()], pa.string())
    return by_row(names_of(texts), coded, NO_KEY)


def names_of(texts: Any) -> Keys:
    """63-bit names of texts (n); NO_KEY for null and empty."""
    length = pc.binary_length(texts).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    out = np.full(len(texts), NO_KEY)
    short = (length > 0) & (length <= SHORT)
    if short.any():
        padded = pc.ascii_rpad(texts.filter(pa.array(short)), width=SHORT, padding="\0")
        words = np.frombuffer(pc.cast(padded, pa.binary(SHORT)).buffers()[1], np.uint64)
        out[short] = named(length[short], *words.reshape(-1, SHORT // 8).T) >> np.uint64(1)
    for at in np.flatnonzero(length > SHORT).tolist():
        digest = hashlib.blake2b(texts[at].as_py().encode(), digest_size=8).digest()
        out[at] = int.from_bytes(digest, "little") >> 1
    return out
