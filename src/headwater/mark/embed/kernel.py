"""One step of writing marks, compiled: the likeliest tokens of a row, their keyed noise, and a race with the rest.

`reference` says the same plainly and is the specification. A row is read in columns: the largest score of each says
where the likeliest can stand and bounds what the rest can weigh, so a row is read once.
"""
# mypy: disable-error-code="untyped-decorator, call-overload, assignment, no-any-return, return-value, type-arg"

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from headwater.mark.engines.kernel.philox import INNER, one_word, philox
from headwater.mark.own.function import GUMBEL, TILT
from headwater.mark.own.kernel import one_seed

#: A row is read in so many strides: scores at the same place of each make a column, of which the largest is kept.
STRIDES = 64
#: Scores so far (in nats) below the largest weigh nothing: e^-80 of 2^18 tokens is less than float64 tells from 0.
FAR = 80.0
_FAR = np.float32(FAR)
_LOW = np.float32(-np.inf)
#: The likeliest are first looked for so far below the largest.
_NEAR = np.float32(40.0)
_SIZE = 4294967296.0
_2_53 = 9007199254740992.0
_WORD, _0, _1, _2, _32 = (np.uint64(number) for number in (0xFFFFFFFF, 0, 1, 2, 32))
#: Adding this rounds a float32 to a whole number; the bits of 1, and where the exponent begins.
_ROUND, _ONE, _23 = np.float32(12582912.0), np.int32(0x3F800000), np.int32(23)
_GUMBEL, _TILT = np.uint64(GUMBEL), np.uint64(TILT)


@njit(**INNER)
def _largest(row: Any, peaks: Any, odd: Any) -> tuple[Any, bool]:
    """Fill `peaks` with each column's largest score; the largest of all, and whether there is a NaN."""
    width = len(peaks)
    peaks[:] = _LOW
    odd[:] = 0
    whole = len(row) // (4 * width) * (4 * width)
    for first in range(0, whole, 4 * width):  # four strides at a time: `peaks` is read and written less often
        one, two = row[first : first + width], row[first + width : first + 2 * width]
        three, four = row[first + 2 * width : first + 3 * width], row[first + 3 * width : first + 4 * width]
        for j in range(width):
            upper = one[j] if one[j] > two[j] else two[j]
            lower = three[j] if three[j] > four[j] else four[j]
            upper = upper if upper > lower else lower
            none = math.isnan(one[j]) | math.isnan(two[j]) | math.isnan(three[j]) | math.isnan(four[j])
            odd[j] |= np.uint32(none)
            peaks[j] = upper if upper > peaks[j] else peaks[j]
    for first in range(whole, len(row), width):
        part = row[first : first + width]
        for j in range(len(part)):
            score = part[j]
            odd[j] |= np.uint32(math.isnan(score))
            peaks[j] = score if score > peaks[j] else peaks[j]
    top, broken = _LOW, False
    for j in range(width):
        broken |= odd[j] != 0
        top = max(top, peaks[j])
    return top, broken


@njit(**INNER)
def _nth(values: Any, count: int, nth: int) -> Any:
    """The `nth` largest (from 1) of the first `count` of `values`, which are moved about (Hoare's selection)."""
    low, high, place = 0, count - 1, nth - 1
    while low < high:
        pivot = values[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while values[i] > pivot:
                i += 1
            while values[j] < pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if place <= j:
            high = j
        elif place >= i:
            low = i
        else:
            break
    return values[place]


@njit(**INNER)
def _reached(peaks: Any, least: Any) -> int:
    """How many columns reach a score."""
    count = 0
    for j in range(len(peaks)):
        count += peaks[j] >= least
    return count


@njit(**INNER)
def _floor(peaks: Any, top: Any, top_k: int, spare: Any) -> Any:
    """A score that at least `top_k` columns reach, and not many more where bisection finds one soon."""
    low, high = top - _NEAR, top
    if _reached(peaks, low) < top_k:
        spare[: len(peaks)] = peaks
        return _nth(spare, len(peaks), top_k)
    for _ in range(12):
        middle = np.float32(0.5) * (low + high)
        count = _reached(peaks, middle)
        if count < top_k:
            high = middle
            continue
        low = middle
        if count <= top_k + top_k // 8:
            break
    return low


@njit(**INNER)
def _likeliest(row: Any, peaks: Any, top: Any, top_k: int, ids: Any, spare: Any, columns: Any) -> int:
    """Fill `ids` with the `top_k` largest of a row, in their order; of equals the first. How many they are."""
    least, width = _LOW, len(peaks)
    if width > top_k:  # so many columns have a token of at least this score
        least = _floor(peaks, top, top_k, spare)
    high = 0
    for j in range(width):
        if peaks[j] >= least and peaks[j] > _LOW:
            columns[high] = j
            high += 1
    count = 0
    for first in range(0, len(row), width):
        for j in range(high):
            i = first + columns[j]
            if i < len(row) and row[i] >= least and row[i] > _LOW:
                ids[count] = i
                count += 1
    if count <= top_k:
        return count
    for j in range(count):
        spare[j] = row[ids[j]]
    least = _nth(spare, count, top_k)
    equal = top_k
    for j in range(count):
        equal -= row[ids[j]] > least
    kept = 0
    for j in range(count):
        score = row[ids[j]]
        if score > least or (score == least and equal > 0):
            equal -= score == least
            ids[kept] = ids[j]
            kept += 1
    return kept


@njit(**INNER, fastmath={"contract"})
def _weight(score: Any, top: Any) -> Any:
    """e^(score - top), to 2 in 10^7; e^-80 for a score far below (also -inf). No branch, so loops run on vectors."""
    far = score - top
    far = far if far > -_FAR else -_FAR
    power = far * np.float32(1.4426950408889634)
    shifted = power + _ROUND  # the whole part stands in its lowest bits now
    rest = power - (shifted - _ROUND)
    found = np.float32(1.32764718e-3)
    found = found * rest + np.float32(9.67554133e-3)
    found = found * rest + np.float32(5.55071327e-2)
    found = found * rest + np.float32(0.240221197)
    found = found * rest + np.float32(0.693146967)
    found = found * rest + np.float32(1.00000007)
    return found * np.int32((np.float32(shifted).view(np.int32) << _23) + _ONE).view(np.float32)


@njit(**INNER)
def _bounds(peaks: Any, least: Any, top: Any, weights: Any, bounds: Any) -> None:
    """Fill `bounds` with what the rest of the first columns, one more each time, can weigh at most, e^(score - top).

    Each column as if all its places held its largest score, or `least`, above which nothing of the rest is;
    `weights`: room for one such place.
    """
    for j in range(len(peaks)):
        weights[j] = _weight(peaks[j] if peaks[j] < least else least, top)
    total = 0.0
    for j in range(len(peaks)):
        total += STRIDES * np.float64(weights[j])
        bounds[j] = total


@njit(**INNER)
def _uniform(high: int, low: int) -> float:
    """Of two words, a number in (0, 1) of 53 bits."""
    return (np.float64((high << np.uint64(21)) ^ (low >> np.uint64(11))) + 0.5) / _2_53


@njit(**INNER)
def _raced(
    row: Any, ids: Any, least: Any, top: Any, weights: Any, bounds: Any, limit: float, first: int, second: int
) -> int:
    """A token of the rest, outside `ids`, that comes before `limit`; -1 where none does. See `reference`."""
    last = len(bounds) - 1
    time, n = 0.0, _0
    while True:
        one = philox(n, _0, first >> _32, second >> _32, first & _WORD, second & _WORD)
        two = philox(n, _1, first >> _32, second >> _32, first & _WORD, second & _WORD)
        n += _1
        time -= math.log(_uniform(one[0], one[1])) / bounds[last]
        if time > limit:
            return -1
        point = _uniform(one[2], one[3]) * bounds[last]
        low, high = 0, last
        while low < high:
            middle = (low + high) // 2
            if point < bounds[middle]:
                high = middle
            else:
                low = middle + 1
        i = int(_uniform(two[0], two[1]) * STRIDES) * len(bounds) + low
        if i >= len(row) or not row[i] - top > -_FAR or row[i] > least:
            continue
        if _uniform(two[2], two[3]) * np.float64(weights[low]) >= np.float64(_weight(row[i], top)):
            continue
        if row[i] == least and _among(i, ids):
            continue
        return i


@njit(**INNER)
def _among(token: int, ids: Any) -> bool:
    """Whether a token is in `ids`."""
    found = False
    for j in range(len(ids)):
        found |= ids[j] == token
    return found


@njit(**INNER)
def _word(token: int, seed: int, use: int) -> int:
    word = np.uint64(token)
    return one_word(philox(word >> _2, use, _0, _0, seed & _WORD, seed >> _32), word) & _WORD


@njit(cache=True, nogil=True)
def step(
    scores: Any,
    first: int,
    last: int,
    index: Any,
    contexts: Any,
    numbers: Any,
    drawn: Any,
    top_k: int,
    chosen: Any,
) -> None:
    """Mark rows `index[first:last]` of `scores` (rows, vocabulary) float32 in place; see `step.mark`.

    `contexts` (n, widest) int64, each in the last places of its row; `numbers` (n, 14): `Rule.numbers`; `drawn` (n, 2):
    uniform numbers in [0, 1), the seeds of the rest's race; `chosen` (rows,): where to write.
    """
    size = scores.shape[1]
    width = (size + STRIDES - 1) // STRIDES
    peaks, weights, bounds = np.empty(width, np.float32), np.empty(width, np.float32), np.empty(width)
    odd, columns = np.empty(width, np.uint32), np.empty(width, np.int64)
    ids, spare = np.empty(size, np.int64), np.empty(size, np.float32)
    deltas = numbers.view(np.float64)
    for n in range(first, last):
        rule = numbers[n]
        key = 0
        if rule[4] and one_seed(contexts[n], rule[0], rule[5], rule[6]) >> _32 >= rule[7]:
            key = 1
        if not rule[8 + 3 * key]:
            continue
        row = scores[index[n]]
        top, broken = _largest(row, peaks, odd)
        if broken or top == _LOW or top == np.inf:
            continue
        seed = one_seed(contexts[n], rule[0], rule[9 + 3 * key], rule[10 + 3 * key])
        count = _likeliest(row, peaks, top, top_k, ids, spare, columns)
        if rule[1] == _TILT:
            delta = np.float32(deltas[n, 3])
            for j in range(count):
                if _word(ids[j], seed, _TILT) < rule[2]:
                    row[ids[j]] += delta
            continue
        best, token, least = -np.inf, 0, top
        for j in range(count):
            least = min(least, row[ids[j]])
            uniform = (np.float64(_word(ids[j], seed, _GUMBEL)) + 0.5) / _SIZE
            value = np.float64(row[ids[j]]) - math.log(-math.log(uniform))
            if value > best:
                best, token = value, ids[j]
        kept = row[token]
        if count == top_k and count < size:
            _bounds(peaks, least, top, weights, bounds)
            limit = math.exp(np.float64(top) - best)
            one, two = np.uint64(drawn[n, 0] * _2_53), np.uint64(drawn[n, 1] * _2_53)
            other = _raced(row, ids[:count], least, top, weights, bounds, limit, one, two)
            if other >= 0:
                token, kept = other, row[other]
        row[:] = _LOW
        row[token] = kept
        chosen[index[n]] = token
