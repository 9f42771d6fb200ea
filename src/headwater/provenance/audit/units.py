"""What a corpus shows of one scheme under one tokenizer: distinct inputs of its keyed function, with their rows.

Gathered text by text. Where they become too many, rows are left out by a rule that knows nothing of keys, so that what
is kept is a fair part of the whole corpus.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from headwater.errors import UnreadableInput
from headwater.mark import Evidence, Scheme, Tokenizer, Units, joined

#: Units that are held together: some gigabytes while keys are tested.
MOST_UNITS: Final = 10_000_000
#: Units that wait until they are put together.
_BATCH: Final = 200_000
_MOST_HALVINGS: Final = 24
_GOLDEN: Final = 0x9E3779B97F4A7C15

_Part = tuple[Units, NDArray[np.int64], NDArray[np.intp]]


class Gathered:
    """The units of a scheme. `unread`: texts that the tokenizer can't read, and `why` for the first of them.

    `halvings`: how often half of the rows were left out.
    """

    def __init__(
        self, scheme: Scheme, evidence: Evidence, tokenizer: Tokenizer, most: int = MOST_UNITS
    ) -> None:
        self.scheme, self.evidence, self.tokenizer = scheme, evidence, tokenizer
        self.halvings = 0
        self.unread, self.why = 0, ""
        self._most = most
        self._waiting: list[_Part] = []
        self._parts: list[_Part] = []
        self._size, self._waits = 0, 0

    def add(self, row: int, text: str) -> None:
        """Take in a text of row number `row` of the corpus."""
        if not _kept(np.array([row]), self.halvings)[0]:
            return
        try:
            tokens = self.tokenizer.encode(text).ids
        except UnreadableInput as error:
            self.unread += 1
            self.why = self.why or error.what
            return
        units = self.evidence.unlearned(self.scheme.units(tokens))
        if not len(units):
            return
        classes = self.evidence.classes(tokens, units)
        kinds = np.zeros(len(units), np.intp) if classes is None else classes
        self._waiting.append((units, np.full(len(units), row, np.int64), kinds))
        self._waits += len(units)
        if self._waits >= _BATCH:
            self._put()

    def whole(self) -> _Part | None:
        """All units, the row of each, and its class; None where there is none."""
        self._put()
        return _together(self._parts) if self._parts else None

    def _put(self) -> None:
        if not self._waiting:
            return
        self._parts.append(_together(self._waiting))
        self._size += self._waits
        self._waiting, self._waits = [], 0
        while self._size > self._most and self.halvings < _MOST_HALVINGS:
            self.halvings += 1
            self._parts = [_thinned(part, self.halvings) for part in self._parts]
            self._parts = [part for part in self._parts if len(part[0])]
            self._size = sum(len(units) for units, _, _ in self._parts)


def _together(parts: list[_Part]) -> _Part:
    units, _ = joined([units for units, _, _ in parts])
    rows = np.concatenate([rows for _, rows, _ in parts])
    return units, rows, np.concatenate([classes for _, _, classes in parts])


def _thinned(part: _Part, halvings: int) -> _Part:
    units, rows, classes = part
    kept = _kept(rows, halvings)
    return units.part(kept), rows[kept], classes[kept]


def _kept(rows: NDArray[np.int64], halvings: int) -> NDArray[np.bool_]:
    """Whether each row belongs to the part that is left: one in 2^`halvings`, spread as by chance."""
    mixed = rows.astype(np.uint64) * np.uint64(_GOLDEN)
    mixed = (mixed ^ (mixed >> np.uint64(32))) * np.uint64(_GOLDEN)
    kept: NDArray[np.bool_] = (mixed >> np.uint64(40)) % np.uint64(1 << halvings) == 0
    return kept
