"""How the engines of the green-list family make a seed of a context: the only thing in which they differ.

Each function gives the 32 bits of seed that torch's CPU generator uses, for many units at once.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ConfigurationError, Where
from headwater.mark.engines.torch_random import randperm
from headwater.mark.scheme import Units

Ids = NDArray[np.int64]
Seeds = NDArray[np.uint32]
#: Entries of the table of `selfhash`, and the seed that lm-watermarking makes it from.
TABLE, PUBLIC_SEED = 1_000_003, 2971215073
_LOW = (1 << 32) - 1
#: The largest seed that is passed on, plus one.
_MODULUS = 2**64 - 1


def left(key: int, last: Ids) -> Seeds:
    """Key times the last token (n,), in Python's long integers. Source: transformers' `set_seed`, lm-watermarking's
    `additive_prf` of one token."""
    if len(last) == 0 or key * int(last.max()) < _MODULUS:
        return (last.astype(np.uint64) * np.uint64(key & _LOW)).astype(np.uint32)
    different, where = np.unique(last, return_inverse=True)
    seeds = np.array([key * token % _MODULUS & _LOW for token in different.tolist()], np.uint32)
    return seeds[where]


def own(key: int, window: Ids, *, public: bool) -> Seeds:
    """The least of key * a * b over the window (n, width), the token itself among it: a is a table's entry for each
    token, b that for the token itself, and the product wraps around in 64 bits as torch's does.

    `public`: the table is lm-watermarking's, the same for all keys. Source: transformers' `set_seed`,
    lm-watermarking's `anchored_minhash_prf`.
    """
    if key >= 2**63:
        raise ConfigurationError("a key of selfhash is below 2^63", where=Where(field="key"))
    if not window.size:
        return np.zeros(len(window), np.uint32)
    places = window % TABLE
    entries = _table(PUBLIC_SEED if public else key, int(places.max()) + 1)[places]
    products = entries * np.int64(key) * entries[:, -1:]
    least: Ids = products.min(axis=1)
    return (
        (least - (least < 0)).astype(np.uint64).astype(np.uint32)
    )  # modulo 2^64 - 1 takes one off below zero


def numbers(size: int, window: Ids, function: str) -> Ids:
    """MarkLLM's number of a context (n, width): which place of its permutation is asked. All that a seed depends on.

    `function`: `time`, `additive` or `skip`, as MarkLLM's `f_scheme`. Source: watermark/kgw/kgw.py.
    """
    if function == "skip":
        return np.ascontiguousarray(window[:, 0]) % size
    number = np.full(len(window), int(function == "time"), np.int64)
    for column in window.T:
        number = (number * column if function == "time" else number + column) % size
    return number


def of_vocabulary(key: int, size: int, number: Ids) -> Seeds:
    """MarkLLM's seeds, one of `size`: key times the permuted number, modulo the size of the vocabulary."""
    return (np.int64(key % size) * _permutation(size, key)[number] % size).astype(np.uint32)


def drawn(key: int, units: Units, ones: int, size: int) -> NDArray[np.uint32]:
    """1 with chance `ones`/`size`, else 0, by a hash of key, context and token: noise that is the same each time."""
    mixed = np.full(len(units), key & (2**64 - 1), np.uint64)
    for column in (*units.context.T, units.token):
        mixed = (mixed ^ column.astype(np.uint64)) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(32)
    return (mixed < np.uint64((ones << 64) // size)).astype(np.uint32)


@lru_cache(maxsize=16)
def _table(seed: int, entries: int) -> Ids:
    """The first entries of the table of `selfhash`, plus one."""
    found = randperm(TABLE, seed, first=entries) + 1
    found.setflags(write=False)
    return found


@lru_cache(maxsize=64)
def _permutation(size: int, seed: int) -> Ids:
    found = randperm(size, seed)
    found.setflags(write=False)
    return found
