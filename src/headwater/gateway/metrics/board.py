"""The memory in which workers show each other their figures: one row a worker, written by that one alone.

A worker that is replaced leaves its row to the next one, so that what only grows never falls.
"""

from __future__ import annotations

import mmap
from collections.abc import Mapping
from typing import Final

from headwater.gateway.metrics.figures import PLACES, SERIES

_BYTES: Final = 8
_MOST: Final = 2**63 - 1


class Row:
    """A worker's own row. `before`: what its predecessor left."""

    def __init__(self, cells: memoryview) -> None:
        self._cells = cells
        self._before = [0 if one.family.gauge else cells[at] for at, one in enumerate(SERIES)]

    def show(self, figures: Mapping[str, int]) -> None:
        """These figures, by key, as they are since the worker began; all others stay."""
        for key, value in figures.items():
            at = PLACES[key]
            self._cells[at] = min(self._before[at] + value, _MOST)


class Board:
    """The rows of so many workers; made before they are forked."""

    def __init__(self, workers: int) -> None:
        size = len(SERIES) * _BYTES
        self._memory = memoryview(mmap.mmap(-1, workers * size)).cast("q")
        width = len(SERIES)
        self._rows = [self._memory[at * width : (at + 1) * width] for at in range(workers)]

    def row(self, number: int) -> Row:
        """The row of the worker with this number."""
        return Row(self._rows[number])

    def total(self) -> list[int]:
        """What all rows say together, in the order of `SERIES`."""
        return [sum(cells) for cells in zip(*self._rows, strict=True)]
