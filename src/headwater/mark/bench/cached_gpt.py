"""The small GPT of `mark.proxy` as a writer: it reads each token once and keeps keys and values of its last window.

Same weights and arithmetic as `mark.proxy.gpt`, in float32; beyond a window it sees a window's last tokens.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from headwater.mark.proxy import GPT

Array = NDArray[np.float32]
_EPSILON = np.float32(1e-6)


class CachedGPT:
    """Rows of text that `model` goes on with. `prompts`: (rows, n), n at least 1."""

    def __init__(self, model: GPT, prompts: NDArray[np.int64]) -> None:
        self.model, self.at = model, 0
        shape = model.weights["embedding.weight"].shape[1]
        self.width, self.each = shape, shape // model.heads
        room = (model.layers, 2, len(prompts), model.heads, model.window, self.each)
        self.kept = np.zeros(room, np.float32)
        pace = 10000.0 ** (-np.arange(self.each // 2) / (self.each // 2))
        self.pace = pace
        for column in prompts.T:
            self._read(column)

    def logits(self) -> Array:
        """Logits (rows, tokens) after what was read."""
        found: Array = _normed(self.state, self.model.weights["norm.weight"]) @ self._embedding.T
        return found / np.float32(self.model.temperature)

    def append(self, tokens: NDArray[np.int64]) -> None:
        """Read one token (rows,) more."""
        self._read(tokens)

    @property
    def _embedding(self) -> Array:
        return self.model.weights["embedding.weight"]

    def _read(self, tokens: NDArray[np.int64]) -> None:
        w = self.model.weights
        x = self._embedding[tokens] * np.float32(self.width**0.5)
        angle = self.at * self.pace
        cos, sin = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
        place, seen = self.at % self.model.window, min(self.at + 1, self.model.window)
        for number in range(self.model.layers):
            block = f"blocks.{number}."
            mixed = _normed(x, w[block + "norm1.weight"]) @ w[block + "qkv.weight"].T
            q, k, v = mixed.reshape(len(x), 3, self.model.heads, self.each).transpose(1, 0, 2, 3)
            keys, values = self.kept[number]
            keys[:, :, place], values[:, :, place] = _turned(k, cos, sin), v
            asked = _turned(q, cos, sin)[:, :, None] * np.float32(self.each**-0.5)
            scores = asked @ keys[:, :, :seen].swapaxes(-1, -2)
            scores = np.exp(scores - scores.max(-1, keepdims=True))
            read = (scores / scores.sum(-1, keepdims=True)) @ values[:, :, :seen]
            x = x + read.reshape(len(x), -1) @ w[block + "out.weight"].T
            inner = np.maximum(_normed(x, w[block + "norm2.weight"]) @ w[block + "up.weight"].T, 0)
            x = x + (inner * inner) @ w[block + "down.weight"].T
        self.state: Array = x
        self.at += 1


def _normed(x: Array, gain: Array) -> Array:
    found: Array = x / np.sqrt((x * x).mean(-1, keepdims=True) + _EPSILON) * gain
    return found


def _turned(x: Array, cos: Array, sin: Array) -> Array:
    a, b = np.split(x, 2, axis=-1)
    return np.concatenate([a * cos - b * sin, a * sin + b * cos], -1)
