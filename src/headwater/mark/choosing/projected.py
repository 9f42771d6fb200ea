"""From an embedding to the few directions in which sentences differ and paraphrases don't.

The directions are shipped, one file an embedder: linear discriminants of sentences and their DIPPER paraphrases, fitted
by `benchmarks/marks/sentence_fit.py`. They are public, part of a mark's definition, and never change under their name.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

FOLDER: Final = Path(__file__).parent


def projected(embedded: NDArray[np.float32], name: str) -> NDArray[np.float64]:
    """Embeddings (n, size) of the embedder `name` as points (n, 16); a step of about 1 leads to another meaning."""
    matrix = _matrix(name)
    found: NDArray[np.float64] = embedded.astype(np.float64) @ matrix[:-1] + matrix[-1]
    return found


@cache
def _matrix(name: str) -> NDArray[np.float64]:
    return np.asarray(np.load(FOLDER / f"{name}.npy", allow_pickle=False), np.float64)
