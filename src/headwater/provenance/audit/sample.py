"""A uniform sample of a corpus whose size nobody knows beforehand: the rows whose hashed places are smallest.

A row's rank follows from the seed, its file and its number (SplitMix64, Steele et al. 2014), so that the sample is the
same whatever the order in which chunks are audited, and after a kill.
"""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

#: Characters of a text that are kept for the estimate.
CHARACTERS: Final = 20_000


def ranks(seed: int, file: str, first: int, rows: int) -> NDArray[np.uint64]:
    """Ranks of the rows `first`+1 … `first`+`rows` of a file; the smallest make the sample."""
    digest = hashlib.blake2b(f"{seed}\x00{file}".encode("utf-8", "surrogateescape"), digest_size=8).digest()
    z = np.arange(first + 1, first + rows + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = z + np.uint64(int.from_bytes(digest, "little"))
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = z ^ (z >> np.uint64(31))
    return mixed


class Sample:
    """Texts with the `size` smallest ranks of all that were offered, with whether the row claims a writer."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._held: dict[int, str] = {}

    @property
    def cutoff(self) -> int:
        """Rows of this rank or a greater one aren't in the sample any more."""
        return max(self._held) if self._size and len(self._held) >= self._size else 1 << 64

    def offer(self, rows: list[tuple[int, str]]) -> None:
        """Take in ranked texts."""
        self._held.update(rows)
        if len(self._held) > self._size:
            self._held = dict(sorted(self._held.items())[: self._size])

    def ranked(self) -> list[tuple[int, str]]:
        """Ranks with their texts, in order."""
        return sorted(self._held.items())

    def texts(self) -> list[str]:
        """In order of rank."""
        return [text for _, text in self.ranked()]
