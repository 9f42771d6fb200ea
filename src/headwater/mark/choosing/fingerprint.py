"""A text's sentences as one vector v of length 1, made without a key: under the key w the text's score is w·v.

Over keys that score is a standard normal, exactly and whatever the text: sentences that resemble each other, repeat
or stand in another order change v and not the law. Scores under many keys are one matrix product.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from headwater.mark.choosing.embedder import Embedder
from headwater.mark.choosing.features import Features, features
from headwater.mark.choosing.projected import projected
from headwater.mark.choosing.sentences import spans
from headwater.mark.text import normalised

#: Distinct sentences of a text that are read.
MOST: Final = 2000
#: What a sentence's value has of its own, beside what it shares with others: bounds weights of near repetitions.
_OWN: Final = 1.5
#: Sentences whose weights are found together.
_BLOCK: Final = 250

Vector = NDArray[np.float64]


def sentences_of(text: str, prompt: str = "") -> list[tuple[int, int]]:
    """Begin and end of the distinct sentences of normalised `text`, those of `prompt` left out; at most 2,000."""
    seen = {_plain(prompt[begin:end]) for begin, end in spans(prompt)} if prompt else set()
    found = []
    for begin, end in spans(text):
        plain = _plain(text[begin:end])
        if plain not in seen:
            seen.add(plain)
            found.append((begin, end))
            if len(found) == MOST:
                break
    return found


def looked_at(sentences: Sequence[str], by: Embedder) -> Features:
    """φ of each sentence (n, 2048); 0 where it has nothing to be told by."""
    embedded = by.raw(sentences)
    found = features(projected(embedded, by.name))
    found[~embedded.any(axis=1)] = 0.0
    return found


def combined(rows: Features) -> Vector | None:
    """The vector of some sentences' φ (n, 2048); None where there are none.

    Their weights are those of generalised least squares, K⁻¹1: the best for values that were all raised alike. K is
    known without the key, so the law stays exact.
    """
    rows = rows[rows.any(axis=1)]
    total = np.zeros(rows.shape[1])
    for first in range(0, len(rows), _BLOCK):
        block = rows[first : first + _BLOCK]
        gram = block @ block.T
        gram[np.diag_indices(len(block))] += _OWN
        total += np.linalg.solve(gram, np.ones(len(block))) @ block
    length = float(np.linalg.norm(total))
    return total / length if length > 0 else None


def fingerprint(text: str, by: Embedder, prompt: str = "") -> Vector | None:
    """The vector of a text; None where it has no sentence."""
    plain, asked = normalised(text).text, normalised(prompt).text
    found = [plain[begin:end] for begin, end in sentences_of(plain, asked)]
    return combined(looked_at(found, by)) if found else None


def log_p(scores: Vector | float) -> Vector:
    """ln of the chance that a standard normal is at least each of `scores`."""
    from scipy.special import log_ndtr

    found: Vector = log_ndtr(-np.asarray(scores, np.float64))
    return found


def _plain(sentence: str) -> str:
    return " ".join(sentence.split()).casefold()
