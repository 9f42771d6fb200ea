"""Prompts as vectors of unit length, learned from benign reference prompts only.

`sketch` is the whitened content sketch that Headwater itself compares. `lsa` is TF-IDF of character n-grams with 128
singular directions: any script, no language model. The paper's sentence embedder needs torch and is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from baselines.log import Vectors, whitened

from headwater.imprint import imprint
from headwater.keys import DEMO_KEY

#: Directions of `lsa`, and n-grams that are kept.
DIRECTIONS, GRAMS = 128, 40_000

#: (reference prompts, groups of prompts) → one array of vectors for each group.
Feature = Callable[[Sequence[str], Sequence[Sequence[str]]], list[Vectors]]


def sketch(reference: Sequence[str], groups: Sequence[Sequence[str]]) -> list[Vectors]:
    """Content sketches (prompts × 128), whitened by the reference's mean and covariance."""

    def plain(texts: Sequence[str]) -> np.ndarray[tuple[int, int], np.dtype[np.int8]]:
        column: Any = imprint(list(texts), DEMO_KEY).field("sketch")
        return np.asarray(column.flatten().to_numpy().reshape(len(texts), -1))

    learned = plain(reference)
    return [whitened(plain(texts), learned) for texts in groups]


def lsa(reference: Sequence[str], groups: Sequence[Sequence[str]]) -> list[Vectors]:
    """Latent directions of character 2–4-grams inside words (prompts × 128)."""
    from sklearn.decomposition import TruncatedSVD  # type: ignore[import-untyped]
    from sklearn.feature_extraction.text import TfidfVectorizer  # type: ignore[import-untyped]

    terms = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), max_features=GRAMS, sublinear_tf=True)
    table = terms.fit_transform(reference)
    directions = TruncatedSVD(min(DIRECTIONS, len(reference) - 1), n_iter=3, random_state=0).fit(table)
    out = []
    for texts in groups:
        vectors = directions.transform(terms.transform(texts)).astype(np.float32)
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        out.append(vectors / np.where(length == 0, 1, length))
    return out


FEATURES: dict[str, Feature] = {"sketch": sketch, "lsa": lsa}
