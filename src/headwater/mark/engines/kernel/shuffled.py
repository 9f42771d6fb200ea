"""Where the first places of torch's permutations come from, without building the permutations.

torch shuffles forwards: step i swaps place i with place i + word % (n - i). So after `count` steps the first `count`
places are final, and a token can be followed by its place alone: it stays until a step's swap names its place, or
until its own turn comes. `word % m == d` is asked of many words at once, as `word - d` being a multiple of m, in
floating point (all numbers are below 2^53, so that it's exact).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from headwater.mark.engines.kernel.twister import BLOCK, next_block, start

#: From this many tokens of one context on, a map of places is quicker than following each.
_MANY = 6


@njit(cache=True, nogil=True)
def permuted(seed: int, size: int, steps: int, places: Any) -> None:
    """Shuffle `places` (the numbers from 0) by the first `steps` steps of a permutation of `size`."""
    state, words = np.empty(BLOCK, np.uint32), np.empty(BLOCK, np.uint32)
    start(state, seed)
    for i in range(steps):
        at = i % BLOCK
        if at == 0:
            next_block(state, words)
        other = i + np.int64(words[at]) % (size - i)
        saved = places[i]
        places[i] = places[other]
        places[other] = saved


@njit(cache=True, nogil=True)
def leading(seeds: Any, begins: Any, tokens: Any, size: int, count: int, reciprocals: Any, out: Any) -> None:
    """Whether tokens are among the first `count` of permutations of `size`.

    The tokens of context c, whose generator starts from seeds[c], are tokens[begins[c]:begins[c+1]], all distinct
    and below `size`. `reciprocals`: (count,) 1 / (size - i). Fills `out` with 1 and 0.
    """
    state, words = np.empty(BLOCK, np.uint32), np.empty(BLOCK, np.uint32)
    offsets = np.empty(BLOCK, np.int64)
    marked = np.zeros((size >> 6) + 1, np.uint64)
    owner = np.empty(size, np.int32)
    for c in range(len(seeds)):
        start(state, seeds[c])
        first, last = begins[c], begins[c + 1]
        if last - first < _MANY:
            _follow_few(state, words, tokens[first:last], size, count, reciprocals, out[first:last])
        else:
            _follow_many(
                state,
                words,
                offsets,
                tokens[first:last],
                size,
                count,
                reciprocals,
                marked,
                owner,
                out[first:last],
            )


@njit(cache=True, nogil=True)
def _follow_few(
    state: Any, words: Any, tokens: Any, size: int, count: int, reciprocals: Any, out: Any
) -> None:
    places = tokens.copy()
    left = len(places)
    out[:] = 0
    for base in range(0, count, BLOCK):
        next_block(state, words)
        steps = min(BLOCK, count - base)
        for k in range(len(places)):
            if places[k] < 0:
                continue
            places[k] = _followed(words, places[k], base, steps, size, reciprocals)
            if places[k] < 0:
                out[k] = 1
                left -= 1
        if left == 0:
            return


@njit(cache=True, nogil=True)
def _followed(words: Any, place: Any, base: int, steps: int, size: int, reciprocals: Any) -> Any:
    """The place that a token has after a block of steps; -1 once it's among the first."""
    at = 0
    while at < steps:
        own = base + at <= place < base + steps
        end = place - base if own else steps
        now = base + at
        if _named(words[at:end], place - now, size - now, reciprocals[now : base + end]):
            return -1
        at = end
        if own:
            moved = np.int64(words[at]) % (size - place)
            if moved == 0:
                return -1
            place += moved
            at += 1
    return place


@njit(cache=True, nogil=True)
def _named(words: Any, place: int, size: int, reciprocals: Any) -> Any:
    """Whether any of some steps swaps with `place`; it and `size` are counted from the first of them."""
    hits: Any = 0
    for i in range(len(words)):
        above = np.float64(words[i]) - np.float64(place - i)
        times = np.rint(above * reciprocals[i])
        hits += np.int64(times * np.float64(size - i) == above)
    return hits > 0


@njit(cache=True, nogil=True)
def _follow_many(
    state: Any,
    words: Any,
    offsets: Any,
    tokens: Any,
    size: int,
    count: int,
    reciprocals: Any,
    marked: Any,
    owner: Any,
    out: Any,
) -> None:
    """The same with a map of bits of the places that any of the tokens has; `marked` is zero before and after."""
    one, low, six = np.uint64(1), np.uint64(63), np.uint64(6)
    out[:] = 0
    for k in range(len(tokens)):
        place = np.uint64(tokens[k])
        marked[place >> six] |= one << (place & low)
        owner[place] = k
    for base in range(0, count, BLOCK):
        next_block(state, words)
        steps = min(BLOCK, count - base)
        for i in range(steps):
            modulus = np.float64(size - base - i)
            word = np.float64(words[i])
            rest = word - np.floor(word * reciprocals[base + i]) * modulus
            rest += modulus if rest < 0.0 else 0.0
            rest -= modulus if rest >= modulus else 0.0
            offsets[i] = np.int64(rest)
        for i in range(steps):
            here = np.uint64(base + i)
            there = here + np.uint64(offsets[i])
            leaves = (marked[here >> six] >> (here & low)) & one
            comes = (marked[there >> six] >> (there & low)) & one
            if leaves | comes == np.uint64(0):
                continue
            if comes:
                out[owner[there]] = 1
                marked[there >> six] ^= one << (there & low)
            if leaves and here != there:
                marked[here >> six] ^= one << (here & low)
                marked[there >> six] |= one << (there & low)
                owner[there] = owner[here]
    marked[:] = 0
