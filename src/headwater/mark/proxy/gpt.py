"""A small GPT's forward pass in NumPy: pre-norm blocks, rotary positions, squared ReLU, tied embeddings, float32.

Reads windows of the model's length that overlap by half, so every token but the first few has at least half a window
before it. Weights are an `.npz` of float16 arrays as `benchmarks/marks/lm/train.py` writes it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from headwater.errors import UnreadableInput, UsageError, Where
from headwater.mark.proxy.arrays import LARGEST, read_arrays
from headwater.mark.proxy.features import Features
from headwater.mark.scheme import Tokens
from headwater.mark.whole_file import whole_file

Array = NDArray[np.float32]
#: Windows read at once: bounds the memory of one step.
_ROWS: Final = 8
_NUMBERS: Final = 5
_USED: Final = re.compile(r"shape|.*\.weight", re.DOTALL)
#: Tokens of the longest window: attention takes its square.
LONGEST: Final = 4096
#: What `fitted` tries, unless told.
TEMPERATURES: Final = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.85, 1.0)
_EPSILON: Final = np.float32(1e-6)


@dataclass(frozen=True)
class GPT:
    """`temperature` sharpens its laws: fit it to the traffic (`fitted`). `weights` by name, float32."""

    name: str
    tokens: int
    heads: int
    layers: int
    window: int
    weights: dict[str, Array]
    temperature: float = 1.0

    def read(self, tokens: Tokens) -> Features:
        """See `Proxy`. The first token, and ids that the model doesn't know, get the chance 1/`tokens`."""
        known = (tokens >= 0) & (tokens < self.tokens)
        clean = np.where(known, tokens, 0)
        uniform = float(np.log(self.tokens))
        chance, entropy = np.full(len(tokens), -uniform), np.full(len(tokens), uniform)
        for rows, places in self._windows(clean):
            logits = self._logits(rows[:, :-1], places)
            where = np.flatnonzero(places.ravel() > 0)
            at = places.ravel()[where]
            logs = _log_softmax(logits[where] / np.float32(self.temperature))
            chance[at] = np.take_along_axis(logs, clean[at][:, None], 1)[:, 0]
            entropy[at] = -(np.exp(logs) * logs).sum(1)
        chance[~known] = -uniform
        return Features(chance, entropy)

    def laws(self, rows: NDArray[np.int64]) -> Array:
        """The chances of the token after each: (b, n, tokens) from token ids (b, n) that the model knows."""
        logits = self._logits(rows, np.ones(rows.shape, np.int64)) / np.float32(self.temperature)
        logits -= logits.max(1, keepdims=True)
        np.exp(logits, out=logits)
        logits /= logits.sum(1, keepdims=True)
        return logits.reshape(*rows.shape, self.tokens)

    def at(self, temperature: float) -> GPT:
        """The same model with another temperature, from 0.01 to 100."""
        if not 0.01 <= temperature <= 100:
            raise UsageError("a proxy's temperature lies between 0.01 and 100")
        return GPT(self.name, self.tokens, self.heads, self.layers, self.window, self.weights, temperature)

    def _windows(self, tokens: Tokens) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Rows (b, window+1) of tokens, and the positions (b, window) that each of them predicts; 0 where none."""
        half, window = self.window // 2, min(self.window, max(len(tokens) - 1, 1))
        starts = np.arange(0, max(len(tokens) - half - 1, 1), half)
        if window < self.window:
            starts = starts[:1]
        padded = np.concatenate([tokens, np.zeros(self.window + 1, np.int64)])
        found = []
        for some in np.array_split(starts, -(-len(starts) // _ROWS)):
            places = some[:, None] + np.arange(1, window + 1)
            fresh = (np.arange(window) >= half) | (some[:, None] == 0)
            kept = np.where(fresh & (places < len(tokens)), places, 0)
            found.append((padded[some[:, None] + np.arange(window + 1)], kept))
        return found

    def _logits(self, rows: NDArray[np.int64], places: NDArray[np.int64]) -> Array:
        """Logits (b·n, tokens) of the next tokens; rows of zeros where nothing is asked."""
        w = self.weights
        x = w["embedding.weight"][rows] * np.float32(w["embedding.weight"].shape[1] ** 0.5)
        cos, sin = _rotation(rows.shape[1], x.shape[2] // self.heads // 2)
        for number in range(self.layers):
            x = _block(x, w, f"blocks.{number}.", self.heads, cos, sin)
        flat = _normed(x, w["norm.weight"]).reshape(-1, x.shape[2])
        asked = places.ravel() > 0
        found = np.zeros((len(flat), self.tokens), np.float32)
        found[asked] = flat[asked] @ w["embedding.weight"].T
        return found


def fitted(model: GPT, tokens: Tokens, temperatures: Sequence[float] = TEMPERATURES) -> GPT:
    """The model at that of `temperatures` under which `tokens`, of own traffic, are likeliest."""
    likely = [float(model.at(each).read(tokens).log_chance.mean()) for each in temperatures]
    return model.at(temperatures[int(np.argmax(likely))])


def load(path: Path, *, name: str | None = None) -> GPT:
    """A model from its weights; without a name it is called by its file's SHA-256, so that no other is taken for it.

    Raises `UnreadableInput` for a file that isn't there, isn't a regular one, is too large or holds no such model.
    """
    content, where = whole_file(path, largest=LARGEST), Where(file=str(path))
    arrays = read_arrays(content, _USED, where)
    shape = arrays.get("shape")
    if shape is None or shape.shape != (_NUMBERS,) or shape.dtype.kind not in "iu" or shape.min() < 1:
        raise UnreadableInput("the file holds no such model", where=Where(str(path), field="shape"))
    tokens, width, heads, layers, window = map(int, shape)
    if layers > len(arrays) or window > LONGEST:
        raise UnreadableInput("the file holds no such model", where=Where(str(path), field="shape"))
    weights = {}
    for key, wanted in _shapes(tokens, width, layers).items():
        if key not in arrays or arrays[key].shape != wanted or arrays[key].dtype.kind != "f":
            raise UnreadableInput(
                f"a weight of the shape {wanted} is missing", where=Where(str(path), field=key)
            )
        with np.errstate(over="ignore"):
            weights[key] = arrays[key].astype(np.float32)
        if not np.isfinite(weights[key]).all():
            raise UnreadableInput("a weight isn't a finite number", where=Where(str(path), field=key))
    if width % (2 * heads) or window < 2:
        raise UnreadableInput("the width isn't a multiple of twice the heads", where=where)
    return GPT(
        name or f"gpt-{hashlib.sha256(content).hexdigest()[:16]}", tokens, heads, layers, window, weights
    )


def _shapes(tokens: int, width: int, layers: int) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {"embedding.weight": (tokens, width), "norm.weight": (width,)}
    for number in range(layers):
        block = f"blocks.{number}."
        found |= {block + "norm1.weight": (width,), block + "norm2.weight": (width,)}
        found |= {block + "qkv.weight": (3 * width, width), block + "out.weight": (width, width)}
        found |= {block + "up.weight": (4 * width, width), block + "down.weight": (width, 4 * width)}
    return found


def _block(x: Array, w: dict[str, Array], at: str, heads: int, cos: Array, sin: Array) -> Array:
    b, n, d = x.shape
    mixed = _normed(x, w[at + "norm1.weight"]) @ w[at + "qkv.weight"].T
    q, k, v = mixed.reshape(b, n, 3, heads, d // heads).transpose(2, 0, 3, 1, 4)
    scores = _turned(q, cos, sin) @ _turned(k, cos, sin).swapaxes(-1, -2)
    scores *= np.float32((d // heads) ** -0.5)
    scores += np.triu(np.full((n, n), -np.inf, np.float32), 1)
    scores = np.exp(scores - scores.max(-1, keepdims=True))
    read = (scores / scores.sum(-1, keepdims=True)) @ v
    x = x + read.transpose(0, 2, 1, 3).reshape(b, n, d) @ w[at + "out.weight"].T
    inner = np.maximum(_normed(x, w[at + "norm2.weight"]) @ w[at + "up.weight"].T, 0)
    found: Array = x + (inner * inner) @ w[at + "down.weight"].T
    return found


def _normed(x: Array, gain: Array) -> Array:
    found: Array = x / np.sqrt((x * x).mean(-1, keepdims=True) + _EPSILON) * gain
    return found


def _rotation(window: int, half: int) -> tuple[Array, Array]:
    pace = 10000.0 ** (-np.arange(half) / half)
    angle = np.arange(window)[:, None] * pace
    return np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)


def _turned(x: Array, cos: Array, sin: Array) -> Array:
    a, b = np.split(x, 2, axis=-1)
    found: Array = np.concatenate([a * cos - b * sin, a * sin + b * cos], -1)
    return found


def _log_softmax(logits: Array) -> NDArray[np.float64]:
    found = logits.astype(np.float64)
    found -= found.max(1, keepdims=True)
    found -= np.log(np.exp(found).sum(1, keepdims=True))
    return found
