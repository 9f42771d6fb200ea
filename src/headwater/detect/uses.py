"""Who uses which template, counted in bounded memory: (object, account) pairs, eight bytes each, on disk where many.

A pair is one number, the first bits of the object and then the account's code, so that counting is sorting. What
doesn't fit goes to files by the object's first bits, and each file is counted by itself. Objects that one account
alone uses, nearly all of them, are dropped there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from headwater.detect.fold import NO_KEY, Batch
from headwater.detect.objects import LEAST_WORDS, PARTS, Counts, code_bits
from headwater.places import Scratch

Pairs = npt.NDArray[np.uint64]

#: Pairs held in memory by one state, and files that they are dealt to beyond it (a power of two).
HELD, FILES = 16_000_000, 64


@dataclass
class Uses:
    """A mergeable multiset of (object, account) pairs of a log of `accounts` accounts."""

    accounts: int
    _parts: list[Pairs] = field(default_factory=list)
    _held: int = 0
    _spilled: _Files | None = None

    def add(self, batch: Batch, rows: npt.NDArray[np.int64]) -> None:
        """Count `objects_of` some rows of a batch, once each; of an object its first bits count (`code_bits`)."""
        parts = tuple(batch.column(part) for part in PARTS)
        columns = batch.column("imprint.words"), parts, batch.column("imprint.minimisers"), batch.account
        self._keep(_pairs(rows, *columns, code_bits(self.accounts)))

    def _keep(self, pairs: Pairs) -> None:
        self._parts.append(pairs)
        self._held += len(pairs)
        if self._held > HELD:
            self._spill()

    def absorb(self, other: Uses) -> None:
        """Add another multiset to this one."""
        for part in other._parts:
            self._keep(part)
        if other._spilled is not None:
            for at in range(FILES):
                self._files.append(at, other._spilled.read(at))

    @property
    def _files(self) -> _Files:
        if self._spilled is None:
            self._spilled = _Files()
        return self._spilled

    def _spill(self) -> None:
        pairs = self._in_order()
        self._parts, self._held = [], 0
        bounds = np.searchsorted(pairs, np.arange(FILES, dtype=np.uint64) << _shift())
        for at, (low, high) in enumerate(zip(bounds, [*bounds[1:], len(pairs)], strict=True)):
            self._files.append(at, pairs[low:high])

    def _in_order(self) -> Pairs:
        """What is held in memory, sorted, and held so from now on."""
        pairs = np.concatenate([np.empty(0, np.uint64), *self._parts])
        self._parts = [pairs]
        pairs.sort()
        return pairs

    def shared(self) -> Iterator[Counts]:
        """The pairs whose object at least two accounts use, by object, then account: some objects at a time."""
        if self._spilled is None:
            yield _shared(self._in_order(), self.accounts)
            return
        self._spill()
        for at in range(FILES):
            pairs = self._spilled.read(at)
            pairs.sort()
            yield _shared(pairs, self.accounts)

    def __getstate__(self) -> dict[str, Any]:
        """A state that travels takes along what it left on disk."""
        if self._spilled is None:
            return self.__dict__
        every = [*self._parts, *(self._spilled.read(at) for at in range(FILES))]
        return self.__dict__ | {"_parts": every, "_held": sum(map(len, every)), "_spilled": None}


class _Files:
    """Pairs on disk, in a folder that goes with them."""

    def __init__(self) -> None:
        self._scratch = Scratch()

    def _path(self, at: int) -> Path:
        return self._scratch.path / f"{at:02d}.pairs"

    def append(self, at: int, pairs: Pairs) -> None:
        if len(pairs):
            with self._path(at).open("ab") as file:
                file.write(np.ascontiguousarray(pairs).data)

    def read(self, at: int) -> Pairs:
        path = self._path(at)
        return np.fromfile(path, np.uint64) if path.exists() else np.empty(0, np.uint64)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _pairs(
    rows: npt.NDArray[np.int64],
    words: npt.NDArray[np.integer[Any]],
    parts: tuple[Pairs, ...],
    shingles: Pairs,
    account: npt.NDArray[np.int32],
    bits: np.uint64,
) -> Pairs:
    """Each object of the rows that is any, with the row's account in its last bits."""
    size, count = len(parts), 0
    for row in rows:
        if words[row] >= LEAST_WORDS:
            for at in range(size + shingles.shape[1]):
                value = parts[at][row] if at < size else shingles[row, at - size]
                count += value != 0 and value != NO_KEY
    out, count = np.empty(count, np.uint64), 0
    for row in rows:
        if words[row] >= LEAST_WORDS:
            for at in range(size + shingles.shape[1]):
                value = parts[at][row] if at < size else shingles[row, at - size]
                if value != 0 and value != NO_KEY:
                    out[count] = (value >> bits << bits) | np.uint64(account[row])
                    count += 1
    return out


def _shift() -> np.uint64:
    return np.uint64(64 - (FILES.bit_length() - 1))


def _shared(pairs: Pairs, accounts: int) -> Counts:
    """Counts of sorted pairs whose object has more than one account."""
    bits = code_bits(accounts)
    start = np.flatnonzero(np.diff(pairs, prepend=~pairs[:1]) != 0) if len(pairs) else np.empty(0, np.int64)
    times = np.diff(np.append(start, len(pairs)))
    one = pairs[start]
    whose = one >> bits
    same = whose[1:] == whose[:-1]
    keep = np.zeros(len(one), bool)
    keep[1:] |= same
    keep[:-1] |= same
    code = one[keep] & ((np.uint64(1) << bits) - np.uint64(1))
    return Counts(whose[keep] << bits, code.astype(np.int32), times[keep].astype(np.int64))
