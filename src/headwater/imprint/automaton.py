"""An Aho–Corasick automaton (1975) over words: finds all phrases of a table in one pass over a text's tokens.

Its alphabet is the table's own words, so a step is one look-up, boundaries of words come by themselves, and
phrases in scripts without spaces match code point by code point.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Automaton:
    """The automaton, laid out for the kernel: a state is the place where its row of `steps` begins.

    `words` numbers the words of the table from 1; word 0 is any other. `steps[state + word]` (int32) is the next
    state, plus one where groups end there (rows are even); these are in the bit set `found[row]`. Every text
    begins in state 0.
    """

    words: dict[str, int]
    steps: NDArray[np.int32]
    found: NDArray[np.uint64]


def automaton(groups: Sequence[Sequence[Sequence[str]]]) -> Automaton:
    """Build from up to 64 groups of phrases, each phrase a sequence of tokens."""
    phrases = [(tuple(phrase), bit) for bit, group in enumerate(groups) for phrase in group]
    words = {word: number for number, word in enumerate(sorted({w for p, _ in phrases for w in p}), start=1)}
    children: list[dict[int, int]] = [{}]
    found = [0]
    for phrase, bit in phrases:
        state = 0
        for word in phrase:
            following = children[state].setdefault(words[word], len(children))
            if following == len(children):
                children.append({})
                found.append(0)
            state = following
        found[state] |= 1 << bit
    width = (len(words) + 2) & ~1
    steps = np.zeros((len(children), width), np.int32)
    falls = [0] * len(children)
    queue = deque([0])
    while queue:
        state = queue.popleft()
        steps[state] = steps[falls[state]]
        found[state] |= found[falls[state]]
        for number, child in children[state].items():
            falls[child] = int(steps[state, number]) if state else 0
            steps[state, number] = child
            queue.append(child)
    ends = np.array([bits != 0 for bits in found], np.int32)
    return Automaton(words, (steps * width + ends[steps]).reshape(-1), np.array(found, np.uint64))
