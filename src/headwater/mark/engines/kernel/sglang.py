"""SGLang's keyed function, compiled. What no key changes (the hash of a context, the mixed token) is computed once.

`engines.sglang_function` says the same in NumPy and is the specification.
"""
# mypy: disable-error-code="untyped-decorator, call-overload, assignment, no-any-return, return-value"

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from headwater.mark.engines.kernel.philox import BLOCK, INNER
from headwater.mark.engines.kernel.totals import add_scores
from headwater.mark.engines.sglang_function import ADDED, C1, C2, F1, F2

_C1, _C2, _ADDED, _F1, _F2 = (np.uint32(number) for number in (C1, C2, ADDED, F1, F2))
_4, _5, _13, _15, _16, _17, _19, _20, _32 = (np.uint32(bits) for bits in (4, 5, 13, 15, 16, 17, 19, 20, 32))


@njit(**INNER)
def _spread(word: int) -> int:
    """What a word adds to the state, whatever the state is."""
    value = np.uint32(word * _C1)
    value = np.uint32((value << _15) | (value >> _17))
    return np.uint32(value * _C2)


@njit(**INNER)
def _mixed(state: int, spread: int) -> int:
    value = np.uint32(state ^ spread)
    value = np.uint32((value << _13) | (value >> _19))
    return np.uint32(np.uint32(value * _5) + _ADDED)


@njit(**INNER)
def _finished(state: int, length: int) -> int:
    state = np.uint32(state ^ length)
    state = np.uint32(np.uint32(state ^ (state >> _16)) * _F1)
    state = np.uint32(np.uint32(state ^ (state >> _13)) * _F2)
    return np.uint32(state ^ (state >> _16))


@njit(**INNER)
def _of_key(state: int, key: int) -> int:
    state = _mixed(state, _spread(np.uint32(key & np.uint64(0xFFFFFFFF))))
    return _mixed(state, _spread(np.uint32(key >> np.uint64(32))))


@njit(**INNER)
def _lay(columns: Any, token: Any, first: int, lengths: Any, places: Any, ids: Any) -> None:
    """What units from `first` on add to a state: their contexts' hashes, and their tokens. `lengths`: room."""
    count = len(ids)
    part = token[first : first + count]
    for i in range(count):
        places[i], lengths[i] = np.uint32(0), np.uint32(0)
    for j in range(len(columns)):
        column = columns[j, first : first + count]
        for i in range(count):
            there = column[i] >= 0
            mixed = _mixed(places[i], _spread(np.uint32(column[i])))
            places[i] = mixed if there else places[i]
            lengths[i] += _4 if there else np.uint32(0)
    for i in range(count):
        places[i] = _spread(_finished(places[i], lengths[i]))
        ids[i] = _spread(np.uint32(part[i]))


@njit(**INNER)
def _one(places: Any, ids: Any, key: int, out: Any) -> None:
    start = _of_key(np.uint32(0), key)
    for i in range(len(places)):
        out[i] = _finished(_mixed(_mixed(start, places[i]), ids[i]), _16)


@njit(**INNER)
def _two(places: Any, ids: Any, keys: Any, threshold: Any, out: Any) -> None:
    """Under the first key where its coin is below `threshold`, else under the second."""
    start, other = _of_key(np.uint32(0), keys[0]), _of_key(np.uint32(0), keys[1])
    both = _of_key(start, keys[1])
    for i in range(len(places)):
        coin = np.uint64(_finished(_mixed(both, places[i]), _20))
        begin = start if coin < threshold else other
        out[i] = _finished(_mixed(_mixed(begin, places[i]), ids[i]), _16)


@njit(**INNER)
def _block(places: Any, ids: Any, keys: Any, threshold: Any, out: Any) -> None:
    if len(keys) == 1:
        _one(places, ids, keys[0], out)
    else:
        _two(places, ids, keys, threshold, out)


@njit(cache=True, nogil=True)
def values(columns: Any, token: Any, keys: Any, threshold: Any, out: Any) -> None:
    """`out` (n,) uint32: the hashes of units, with contexts `columns` (width, n), under `keys` (1 or 2,) uint64."""
    places, ids, lengths = np.empty(BLOCK, np.uint32), np.empty(BLOCK, np.uint32), np.empty(BLOCK, np.uint32)
    for first in range(0, len(token), BLOCK):
        count = min(BLOCK, len(token) - first)
        _lay(columns, token, first, lengths, places, ids[:count])
        _block(places[:count], ids[:count], keys, threshold, out[first : first + count])


@njit(cache=True, nogil=True)
def alike(columns: Any, token: Any, out: Any) -> None:
    """`out` (n,) int64: the same number for units whose contexts have one hash, or hashes of which units may have one
    value under every key, their tokens allowing (`sglang_function.same_values`)."""
    places, ids, lengths = np.empty(BLOCK, np.uint32), np.empty(BLOCK, np.uint32), np.empty(BLOCK, np.uint32)
    for first in range(0, len(token), BLOCK):
        count = min(BLOCK, len(token) - first)
        _lay(columns, token, first, lengths, places, ids[:count])
        for i in range(count):
            out[first + i] = np.int64(places[i]) & ~np.int64(1 << 18)


@njit(cache=True, nogil=True)
def totals(columns: Any, token: Any, keys: Any, threshold: Any, of: Any, tables: Any, out: Any) -> None:
    """Add to `out` (keys, documents) the scores of all units under each of `keys` (keys, 1 or 2) uint64."""
    places, ids, lengths = np.empty(BLOCK, np.uint32), np.empty(BLOCK, np.uint32), np.empty(BLOCK, np.uint32)
    found = np.empty(BLOCK, np.uint32)
    for first in range(0, len(token), BLOCK):
        count = min(BLOCK, len(token) - first)
        _lay(columns, token, first, lengths, places, ids[:count])
        for k in range(len(keys)):
            _block(places[:count], ids[:count], keys[k], threshold, found[:count])
            add_scores(found, count, first, of, 0, tables, out[k])
