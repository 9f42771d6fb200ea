"""A finite automaton over words: finds all patterns of a table in one pass over a text's tokens.

It is Aho and Corasick's (1975) with choices and loops: a state is the set of places in patterns that a text has reached
(Rabin and Scott 1959). Its alphabet is the table's own words, those that lead everywhere to the same being one, so a
step is a look-up, boundaries of words come by themselves, and scripts without spaces match code point by code point.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headwater.imprint.kernel.codes import SKIPPED
from headwater.imprint.patterns import Pattern, Piece, Run

#: What stands for the owner of a cell that no row needs.
_NOBODY = (1 << 32) - 1
#: Cells for each that is needed, so that rows find room at once; a prime that leads all over them.
_ROOM, _STRIDE = 6, 1_000_003
#: Where each word leads from a place, or from a set of them.
Edges = dict[int, frozenset[int]]


@dataclass(frozen=True)
class Automaton:
    """The automaton, laid out for the kernel: a state is the cell of `steps` where its row begins.

    `words` numbers the words of the table from 1 (`SKIPPED`: passed over); word 0 is any other. Rows lie within each
    other's gaps (Tarjan and Yao 1979): `steps[state + word]` (uint64) belongs to the state that its upper half names,
    and its lower half is the next state; where it is another's, `steps[word]` counts, in the row of state 0, in which
    every text begins. `steps[state]` itself is the bit set of groups that end in the state.
    """

    words: dict[str, int]
    steps: NDArray[np.uint64]


def automaton(groups: Sequence[Sequence[Pattern]], skip: Iterable[str] = ()) -> Automaton:
    """Build from up to 64 groups of patterns, and the words that are passed over."""
    places = _Places()
    for bit, group in enumerate(groups):
        for pattern in group:
            places.add(pattern, bit)
    words, edges = _numbered(places)
    ends, rows = _states(edges, places.found)
    width = max(words.values(), default=0) + 1
    if width > SKIPPED:
        raise ValueError("more words in the phrase table than sixteen bits can number")
    starts, size = _starts(rows, ends, width)
    steps = np.full(size, _NOBODY << 32, np.uint64)
    steps[:width] = 0
    for start, row, bits in zip(starts, rows, ends, strict=True):
        steps[start] = bits
        for word, state in row.items():
            steps[start + word] = start << 32 | starts[state]
    return Automaton(words | dict.fromkeys(skip, SKIPPED), steps)


class _Places:
    """Places in patterns, those that begin alike sharing their beginning; 0 is before all of them."""

    def __init__(self) -> None:
        self.found = [0]
        self._after: list[dict[Piece, int]] = [{}]
        self._by_word: list[defaultdict[str, set[int]]] = [defaultdict(set)]
        self._for_nothing: list[list[int]] = [[]]

    def add(self, pattern: Pattern, bit: int) -> None:
        """One pattern, which sets `bit` where it ends."""
        place = 0
        for piece in pattern:
            after = self._after[place].get(piece)
            if after is None:
                after = self._after[place][piece] = self._new()
                self._lead(place, piece, after)
            place = after
        self.found[place] |= 1 << bit

    def edges(self) -> list[dict[str, frozenset[int]]]:
        """By word, where each place leads to, with all that lies behind it for nothing."""
        behind = [self._behind(place) for place in range(len(self.found))]
        return [
            {word: frozenset().union(*(behind[one] for one in to)) for word, to in by_word.items()}
            for by_word in self._by_word
        ]

    def _new(self) -> int:
        self.found.append(0)
        self._after.append({})
        self._by_word.append(defaultdict(set))
        self._for_nothing.append([])
        return len(self.found) - 1

    def _lead(self, place: int, piece: Piece, after: int) -> None:
        if piece.again or () in piece.runs:
            self._for_nothing[place].append(after)
        inside: dict[Run, int] = {(): after if piece.again else place}
        for run in sorted(piece.runs - {()}):
            for length in range(1, len(run)):
                if run[:length] not in inside:
                    inside[run[:length]] = self._new()
                    self._by_word[inside[run[: length - 1]]][run[length - 1]].add(inside[run[:length]])
            self._by_word[inside[run[:-1]]][run[-1]].add(after)

    def _behind(self, place: int) -> frozenset[int]:
        seen, waiting = {place}, [place]
        while waiting:
            for further in self._for_nothing[waiting.pop()]:
                if further not in seen:
                    seen.add(further)
                    waiting.append(further)
        return frozenset(seen)


def _numbered(places: _Places) -> tuple[dict[str, int], list[Edges]]:
    """The number of each word, the same for those that lead to the same from everywhere, and edges by number."""
    edges = places.edges()
    roles: defaultdict[str, list[tuple[int, frozenset[int]]]] = defaultdict(list)
    for place, by_word in enumerate(edges):
        for word, to in by_word.items():
            roles[word].append((place, to))
    numbers: dict[tuple[tuple[int, frozenset[int]], ...], int] = {}
    words = {word: numbers.setdefault(tuple(roles[word]), len(numbers) + 1) for word in sorted(roles)}
    return words, [{words[word]: to for word, to in by_word.items()} for by_word in edges]


def _states(edges: list[Edges], found: list[int]) -> tuple[list[int], list[dict[int, int]]]:
    """Of each state the groups that end there, and its steps that are not those of state 0."""
    anywhere = edges[0]
    states: dict[frozenset[int], int] = {frozenset(): 0}
    reached = [frozenset[int]()]
    ends: list[int] = []
    rows: list[dict[int, int]] = []
    for at, state in enumerate(reached):  # which grows meanwhile
        row: defaultdict[int, frozenset[int]] = defaultdict(frozenset)
        for place in state or {0}:
            for word, to in edges[place].items():
                row[word] |= to
        steps = {}
        for word, to in row.items():
            both = to | anywhere.get(word, frozenset())
            if at and both == anywhere.get(word):
                continue
            if both not in states:
                states[both] = len(reached)
                reached.append(both)
            steps[word] = states[both]
        rows.append(steps)
        bits = 0
        for place in state:
            bits |= found[place]
        ends.append(bits)
    return ends, rows


def _starts(rows: list[dict[int, int]], ends: list[int], width: int) -> tuple[list[int], int]:
    """Where rows begin, so that no two need one cell, and how many cells there are.

    Each tries its luck, the fullest first. State 0 keeps the first `width` cells to itself. What a row begins with must
    not be taken for a cell of its own.
    """
    room = _ROOM * (sum(map(len, rows)) + len(rows))
    taken = bytearray(b"\1" * width) + bytearray(room + width)
    starts = [0] * len(rows)
    luck = 0
    for at in sorted(range(1, len(rows)), key=lambda at: (-len(rows[at]), at)):
        needs = [0, *rows[at]]
        while any(taken[luck + word] for word in needs) or luck == ends[at] >> 32:
            luck = (luck + _STRIDE) % room
        starts[at] = luck
        for word in needs:
            taken[luck + word] = 1
    return starts, len(taken)
