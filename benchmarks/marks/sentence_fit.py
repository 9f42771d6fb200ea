"""The projections of embedders that marks on sentences are made with, fitted to the tune half of the DIPPER pairs.

Sixteen directions in which sentences on one question differ most, measured by how much a paraphrase moves them (linear
discriminants). They are shipped as `src/headwater/mark/choosing/*.npy`; run anew they come out the same.

    python benchmarks/marks/sentence_fit.py [--cache FOLDER] [--write]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import scipy.linalg
import sentence_pairs
from numpy.typing import NDArray

from headwater.mark.choosing.embedder import NAMES, embedder
from headwater.mark.choosing.projected import FOLDER

DIRECTIONS = 16
#: What is added to the paraphrase's scatter, in parts of its mean; squared width of the kernel, by embedder.
SHRINK = 1.5
WIDTH = {"all-minilm-l6-v2": 0.2, "hashed-words": 0.38}


def fitted(pairs: sentence_pairs.Pairs, width: float) -> NDArray[np.float32]:
    """(size + 1, 16): what an embedding is multiplied by, and what is added, in the last row."""
    mean = pairs.of.mean(axis=0)
    moved = pairs.of - pairs.after
    within = moved.T @ moved / len(moved) / 2
    both = np.concatenate([pairs.of, pairs.after])
    about = _centred(both, np.concatenate([pairs.question, pairs.question]))
    between = about.T @ about / len(about)
    within += SHRINK * np.trace(within) / len(within) * np.eye(len(within))
    gains, vectors = scipy.linalg.eigh(between, within)
    order = np.argsort(-gains)[:DIRECTIONS]
    chosen = vectors[:, order] * np.sqrt(np.maximum(1 - 1 / np.maximum(gains[order], 1.0001), 0.01))
    chosen *= np.sign(chosen[np.abs(chosen).argmax(axis=0), np.arange(DIRECTIONS)])
    length = np.sqrt((((pairs.of - mean) @ chosen) ** 2).sum(axis=1).mean())
    chosen /= length * np.sqrt(width)
    return np.concatenate([chosen, -(mean @ chosen)[None, :]]).astype(np.float32)


def _centred(rows: NDArray[np.float32], kinds: NDArray[np.int64]) -> NDArray[np.float64]:
    found = rows.astype(np.float64)
    for kind in np.unique(kinds):
        found[kinds == kind] -= found[kinds == kind].mean(axis=0)
    return found


def main() -> None:
    """Fit, and write where that was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    every = [embedder(name) for name in NAMES]
    for by in every:
        found = fitted(sentence_pairs.pairs("tune", by, every, asked.cache), WIDTH[by.name])
        print(by.name, found.shape, float(np.abs(found).sum()))
        if asked.write:
            np.save(FOLDER / f"{by.name}.npy", found)


if __name__ == "__main__":
    main()
