"""Small random models on disk, in both formats that a student is read from."""

from __future__ import annotations

from pathlib import Path

import numpy as np

TOKENS, WINDOW = 40, 16


def gpt(path: Path, seed: int, *, tokens: int = TOKENS) -> Path:
    """An `.npz` of random weights, as `mark.proxy` reads it."""
    random, width = np.random.default_rng(seed), 8

    def weight(*shape: int) -> np.ndarray:
        return random.normal(0, 0.3, shape).astype(np.float16)

    arrays = {
        "shape": np.array([tokens, width, 2, 1, WINDOW]),
        "embedding.weight": weight(tokens, width),
        "norm.weight": np.ones(width, np.float16),
        "blocks.0.norm1.weight": np.ones(width, np.float16),
        "blocks.0.norm2.weight": np.ones(width, np.float16),
        "blocks.0.qkv.weight": weight(3 * width, width),
        "blocks.0.out.weight": weight(width, width),
        "blocks.0.up.weight": weight(4 * width, width),
        "blocks.0.down.weight": weight(width, 4 * width),
    }
    np.savez(path, **arrays)
    return path
