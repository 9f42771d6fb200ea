"""A sentence as a vector without any model: its words' stems and their letters, hashed and projected.

It knows no meaning, so a paraphrase in other words is another sentence to it. It needs no package, works for any
script, and never changes: who reads a mark in ten years hashes as today.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

NAME: Final = "hashed-words"
SIZE: Final = 512
#: Characters of a sentence that are read.
_CHARACTERS: Final = 4096
#: Words that say little, and what they weigh; in scripts without spaces each sign is a word.
_COMMON_WORDS: Final = (
    "a about after all also an and any are as at be because been but by can could did do does for from had has have he"
    " her his how i if in into is it its just like may me more most my no not of on one only or other our out over she"
    " should so some such than that the their them then there these they this those to up us was we were what when"
    " where which while who why will with would you your"
)
_COMMON: Final = frozenset(_COMMON_WORDS.split())
_LITTLE: Final = 0.1
#: Letters of a stem, and what a stem, a word's inner parts and two words beside each other weigh.
_STEM, _INNER, _PAIR = 5, 0.35, 0.4
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_]+")


@dataclass(frozen=True)
class Hashed:
    """See `Embedder`."""

    name: str = NAME
    size: int = SIZE

    def raw(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        """(n, 512), each of length 1, or 0 where a sentence has no word."""
        found = np.zeros((len(sentences), SIZE), np.float32)
        for row, sentence in enumerate(sentences):
            weights: Counter[str] = Counter()
            for feature, weight in _features(sentence[:_CHARACTERS]):
                weights[feature] += weight  # type: ignore[assignment]
            for feature, weight in weights.items():
                found[row] += np.float32(np.sqrt(weight)) * _signs(feature)
        norm = np.linalg.norm(found, axis=1, keepdims=True)
        unit: NDArray[np.float32] = found / np.maximum(norm, np.float32(1e-9))
        return unit


def _features(sentence: str) -> Iterator[tuple[str, float]]:
    words = [each.casefold() for each in _WORD.findall(sentence)]
    for word in words:
        weight = _LITTLE if word in _COMMON else 1.0
        yield f"w {word[:_STEM]}", weight
        if weight == 1.0 and len(word) > 3:
            yield from ((f"l {word[at : at + 4]}", _INNER) for at in range(min(len(word), 24) - 3))
    kept = [word[:_STEM] for word in words if word not in _COMMON]
    yield from ((f"p {one} {two}", _PAIR) for one, two in pairwise(kept))


@lru_cache(maxsize=1 << 15)
def _signs(feature: str) -> NDArray[np.float32]:
    """512 signs: the bits of BLAKE2b's digest of 64 bytes."""
    digest = np.frombuffer(hashlib.blake2b(feature.encode("utf-8", "replace")).digest(), np.uint8)
    return np.unpackbits(digest).astype(np.float32) * 2 - 1
