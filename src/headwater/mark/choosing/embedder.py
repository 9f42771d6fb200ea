"""Embedders of sentences by name: what a keyring's `embedder` may be. A mark is read with the one that made it.

An embedder that changes is another one, with another name: its vectors are part of the mark's definition.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from headwater.mark.choosing import hashed, minilm

#: The default, where a keyring names none.
DEFAULT: Final = minilm.NAME


class Embedder(Protocol):
    """Sentences as vectors; the same sentence gives the same vector everywhere, to about seven digits."""

    @property
    def name(self) -> str:
        """As keyrings call it."""
        ...

    @property
    def size(self) -> int:
        """Entries of a vector."""
        ...

    def raw(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        """(n, size), each of length 1, or 0 where a sentence has nothing to be told by."""
        ...


#: Names, in the order of preference.
NAMES: Final = (minilm.NAME, hashed.NAME)


@cache
def embedder(name: str) -> Embedder:
    """The embedder of that name, one of `NAMES`.

    Raises `UsageError` where its package isn't installed, `UnreadableInput` where its files aren't those published.
    """
    return minilm.load() if name == minilm.NAME else hashed.Hashed()
