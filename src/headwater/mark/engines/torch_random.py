"""torch's CPU generator rebuilt: MT19937 and what `torch.randint` and `torch.randperm` make of it.

Checked against torch 2.13.0; the algorithms have stood since torch 1.x for the sizes that are accepted here. A seed
has 64 bits and torch takes it whole, but its engine uses the low 32 only: seeds that agree in these are one seed.
Its CUDA generator is another one (Philox) with other algorithms, and isn't here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from headwater.errors import UsageError

#: What torch uses of a seed.
SEED_BITS = 32
#: From here on torch draws in another way (`randint` with a range of 2^28, `randperm` beyond 2^32 / 20).
LARGEST = 2**27
_LOW = (1 << SEED_BITS) - 1


def effective(seed: int) -> int:
    """The seed that torch's CPU engine really starts from. Source: ATen/core/MT19937RNGEngine.h."""
    return seed & _LOW


def words(seed: int, count: int) -> NDArray[np.uint32]:
    """The first `count` 32-bit words of `torch.Generator().manual_seed(seed)`, by NumPy's own MT19937."""
    raw = np.random.RandomState(effective(seed)).bytes(4 * count)
    return np.frombuffer(raw, "<u4").astype(np.uint32, copy=False)


def randint(low: int, high: int, count: int, seed: int) -> NDArray[np.int64]:
    """`torch.randint(low, high, (count,), generator=…)` for a fresh generator. Raises `UsageError` for other ranges."""
    if not 0 < high - low <= LARGEST:
        raise UsageError(f"a range of random integers must have from 1 to {LARGEST} numbers")
    return words(seed, count).astype(np.int64) % (high - low) + low


def randperm(size: int, seed: int, *, first: int | None = None) -> NDArray[np.int64]:
    """`torch.randperm(size, generator=…)` for a fresh generator, or its `first` numbers only, which takes less time."""
    if not 0 <= size <= LARGEST:
        raise UsageError(f"a permutation may have at most {LARGEST} numbers")
    from headwater.mark.engines.kernel.shuffled import permuted

    wanted = size if first is None else min(first, size)
    places = np.arange(size, dtype=np.int64)
    permuted(effective(seed), size, min(wanted, size - 1), places)
    return places[:wanted]


def randperm_reference(size: int, seed: int) -> list[int]:
    """The same in plain Python: the specification."""
    places = list(range(size))
    for i, word in enumerate(words(seed, max(size - 1, 0)).tolist()):
        other = i + word % (size - i)
        places[i], places[other] = places[other], places[i]
    return places
