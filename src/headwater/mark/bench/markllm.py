"""MarkLLM's schemes in the bench, where MarkLLM is installed: its own logits processor writes, its own z score reads.

Checked against markllm 0.1.5 (KGW and Unigram). Its repository has the same interface under the name `watermark`. A z
score is taken for normal, as MarkLLM does, which isn't exact: the table says so, and what false positives that gives.
"""

from __future__ import annotations

import importlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ConfigurationError, UsageError, Where
from headwater.mark.bench.entrant import Asked
from headwater.mark.bench.pen import Floats, Ints, drawn
from headwater.mark.scheme import MarkKey

#: How its schemes are called: `markllm/KGW`.
PREFIX: Final = "markllm/"
#: Its own defaults (config/KGW.json, config/Unigram.json). Others need a model to detect, or their score is no z score.
_CONFIGS: Final[dict[str, dict[str, Any]]] = {
    "KGW": {
        "gamma": 0.5,
        "delta": 2.0,
        "prefix_length": 1,
        "f_scheme": "time",
        "window_scheme": "left",
        "z_threshold": 4.0,
    },
    "Unigram": {"gamma": 0.5, "delta": 2.0, "z_threshold": 4.0},
}
_MODULES: Final = ("markllm.watermark.auto_watermark", "watermark.auto_watermark")


class _Ids:
    """A tokenizer for MarkLLM whose texts are token ids, so that it scores exactly the tokens that it is given."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __len__(self) -> int:
        return self.size

    def __call__(self, text: str, **_: object) -> dict[str, Any]:
        torch = importlib.import_module("torch")
        return {"input_ids": torch.tensor([[int(each) for each in text.split()]])}


@dataclass(frozen=True)
class MarkLLM:
    """One of MarkLLM's schemes with settings, for a vocabulary of `size`. Its key is MarkLLM's `hash_key`."""

    label: str
    algorithm: str
    size: int
    settings: str = field(repr=False)
    exact: bool = False

    def key(self, random: np.random.Generator) -> MarkKey:
        """See `Entrant`: odd, for an even one has fewer lists in a vocabulary of even size."""
        return MarkKey("bench", (2 * int(random.integers(1 << 24, 1 << 30)) + 1,))

    def pen(self, keys: list[MarkKey], random: np.random.Generator) -> _Pen:
        """See `Entrant`."""
        return _Pen([self._of(key) for key in keys], random)

    def log_ps(self, asked: Sequence[Asked]) -> list[Floats]:
        """See `Entrant`. A text that MarkLLM finds too short says nothing."""
        from scipy.stats import norm

        found: list[Floats] = []
        for tokens, keys in asked:
            text = " ".join(map(str, tokens.tolist()))
            found.append(np.asarray(norm.logsf([self._score(text, key) for key in keys])))
        return found

    def _score(self, text: str, key: MarkKey) -> float:
        try:
            return float(self._of(key).detect_watermark(text)["score"])
        except (ValueError, ZeroDivisionError, IndexError):
            return -np.inf

    def _of(self, key: MarkKey) -> Any:
        return _watermark(self.algorithm, self.settings, self.size, key.numbers[0])


class _Pen:
    """Lets MarkLLM's processors change each row's logits, and draws."""

    def __init__(self, watermarks: list[Any], random: np.random.Generator) -> None:
        self.watermarks, self.random = watermarks, random

    def choose(self, chances: Floats, tokens: Ints, prompt: int) -> tuple[Ints, NDArray[np.bool_]]:
        """See `Pen`."""
        torch = importlib.import_module("torch")
        with np.errstate(divide="ignore"):
            logits = np.log(chances)
        changed = np.stack([
            watermark.logits_processor(torch.tensor(text[None]), torch.tensor(row[None]))[0].numpy()
            for watermark, text, row in zip(self.watermarks, tokens, logits, strict=True)
        ])  # fmt: skip
        weights = np.exp(changed - changed.max(1, keepdims=True))
        return drawn(weights, self.random), np.ones(len(chances), bool)


def entrant(name: str, config: Mapping[str, Any], size: int) -> MarkLLM:
    """MarkLLM's scheme behind `markllm/`, with its settings.

    Raises `ConfigurationError` for a scheme or a setting that can't be used, `UsageError` where it isn't installed.
    """
    algorithm = name.removeprefix(PREFIX)
    if algorithm not in _CONFIGS:
        hint = f"of MarkLLM's schemes the bench can run {', '.join(_CONFIGS)}: others need a model, or have no z score"
        raise ConfigurationError("no such scheme", where=Where(field="scheme"), hint=hint)
    for setting in config:
        if setting not in _CONFIGS[algorithm]:
            hint = f"known are {', '.join(_CONFIGS[algorithm])}"
            raise ConfigurationError("this scheme has no such setting", where=Where(field=setting), hint=hint)
    _auto()
    settings = {"algorithm_name": algorithm, **_CONFIGS[algorithm], **config}
    label = name + "".join(f" {key}={value}" for key, value in sorted(config.items()))
    return MarkLLM(label, algorithm, size, json.dumps(settings, sort_keys=True))


def _auto() -> Any:
    """MarkLLM's AutoWatermark."""
    for module in _MODULES:
        try:
            return importlib.import_module(module).AutoWatermark
        except (ImportError, AttributeError):
            continue
    raise UsageError("MarkLLM isn't installed", hint="pip install markllm, beside torch and transformers")


@lru_cache(maxsize=4096)
def _watermark(algorithm: str, settings: str, size: int, hash_key: int) -> Any:
    auto = _auto()
    module = auto.__module__.removesuffix("watermark.auto_watermark") + "utils.transformers_config"
    config = importlib.import_module(module).TransformersConfig
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{algorithm}.json"
        path.write_text(json.dumps({**json.loads(settings), "hash_key": hash_key}), encoding="utf-8")
        return auto.load(
            algorithm,
            algorithm_config=str(path),
            transformers_config=config(None, _Ids(size), vocab_size=size, device="cpu"),
        )
