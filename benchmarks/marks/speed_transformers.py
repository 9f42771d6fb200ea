"""Tokens a second and core of our readers of SynthID, green lists and Unigram beside the engines' own detectors.

Ours: finding the units and their values; the engines': what their detector calls for the same. Both on one thread, on
the same token ids, which are as frequent as words are; all of them in an environment with torch and transformers.
Bars: Unigram 10 million tokens a second, the others 20 times the engine's own.

    python benchmarks/marks/speed_transformers.py --date 2026-01-31 [--markllm FOLDER] [--out FILE]
"""

from __future__ import annotations

import platform
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from transformers import GPT2Config, SynthIDTextWatermarkingConfig, WatermarkDetector, WatermarkingConfig

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import record
from headwater.mark.engines.kgw import Kgw
from headwater.mark.engines.synthid import SynthID
from headwater.mark.engines.unigram import Unigram
from headwater.mark.scheme import MarkKey

ROUNDS = 5
KEY = MarkKey("benchmark", (15485863,))
LAYERS = tuple(range(1, 31))
Work = Callable[[], object]


def text(vocabulary: int, count: int) -> np.ndarray:
    """Token ids by Zipf's law, the frequent ones first; id 0 doesn't occur."""
    weights = 1 / np.arange(1, vocabulary)
    return np.random.default_rng(1).choice(np.arange(1, vocabulary), count, p=weights / weights.sum())


def rate(work: Work, tokens: int, rounds: int = ROUNDS) -> float:
    """Tokens a second of CPU time, median of a few rounds after a first one that compiles."""
    work()
    took = []
    for _ in range(rounds):
        began = time.thread_time()
        work()
        took.append(time.thread_time() - began)
    return tokens / statistics.median(took)


def reading(scheme: Any, key: MarkKey, tokens: np.ndarray) -> Work:
    """Our own reading of a text."""
    return lambda: scheme.values(key, scheme.units(tokens))


def row(
    name: str, vocabulary: int, ours: tuple[Work, int], theirs: dict[str, tuple[Work, int]]
) -> dict[str, Any]:
    """One row of the table: tokens a second of each, and how many times the slowest of the engines' ours is."""
    mine = rate(*ours)
    found = {engine: rate(*work, rounds=2) for engine, work in theirs.items()}
    print(f"{name} {vocabulary}: ours {mine:,.0f}", {each: f"{value:,.0f}" for each, value in found.items()})
    return {
        "mark": name,
        "vocabulary": vocabulary,
        "ours": round(mine),
        "engines": {engine: round(value) for engine, value in found.items()},
        "times": {engine: round(mine / value, 1) for engine, value in found.items()},
    }


def green(vocabulary: int, scheme: str, width: int) -> dict[str, Any]:
    """Green lists by context: transformers' `WatermarkDetector`."""
    tokens, few = text(vocabulary, 4000), torch.from_numpy(text(vocabulary, 4000)[:600])[None]
    config = WatermarkingConfig(seeding_scheme=scheme, context_width=width)
    detector = WatermarkDetector(GPT2Config(vocab_size=vocabulary, bos_token_id=0), "cpu", config)
    ours = Kgw(vocabulary, seeding_scheme=scheme, context_width=width)
    theirs = {"transformers": (lambda: detector(few, return_dict=True), few.shape[1])}
    return row(f"green list, {scheme}", vocabulary, (reading(ours, KEY, tokens[:600]), 600), theirs)


def synthid(vocabulary: int) -> dict[str, Any]:
    """SynthID with 30 layers: values and the mask of repeated contexts."""
    tokens = text(vocabulary, 100_000)
    few = torch.from_numpy(tokens[:4000])[None]
    settings = SynthIDTextWatermarkingConfig(ngram_len=5, keys=list(LAYERS))
    processor = settings.construct_processor(vocabulary, "cpu")

    def detect() -> object:
        return processor.compute_g_values(few), processor.compute_context_repetition_mask(few)

    ours = reading(SynthID(), MarkKey("benchmark", LAYERS), tokens)
    return row("SynthID", vocabulary, (ours, len(tokens)), {"transformers": (detect, few.shape[1])})


def unigram(vocabulary: int, folder: Path | None) -> dict[str, Any]:
    """One list: MarkLLM's `score_sequence`."""
    tokens = text(vocabulary, 1_000_000)
    theirs = {}
    if folder:
        from watermark.unigram.unigram import UnigramUtils

        config = {"gamma": 0.5, "vocab_size": vocabulary, "hash_key": KEY.numbers[0]}
        other = UnigramUtils(SimpleNamespace(**config))
        few = torch.from_numpy(tokens[:20_000])
        theirs["MarkLLM"] = (lambda: other.score_sequence(few), len(few))
    return row("Unigram", vocabulary, (reading(Unigram(vocabulary), KEY, tokens), len(tokens)), theirs)


def markllm(vocabulary: int) -> dict[str, Any]:
    """Green lists by context: MarkLLM's `score_sequence`."""
    from watermark.kgw.kgw import KGWUtils

    config = {"vocab_size": vocabulary, "gamma": 0.25, "hash_key": KEY.numbers[0], "prefix_length": 1}
    config |= {"device": "cpu", "f_scheme": "time", "window_scheme": "left"}
    other = KGWUtils(SimpleNamespace(**config))
    tokens = text(vocabulary, 600)
    few = torch.from_numpy(tokens)
    ours = reading(Kgw(vocabulary, engine="markllm"), KEY, tokens)
    return row(
        "green list, MarkLLM", vocabulary, (ours, 600), {"MarkLLM": (lambda: other.score_sequence(few), 600)}
    )


def main() -> None:
    """Print the table, and keep it."""
    parser = record.options(__doc__)
    parser.add_argument("--markllm", type=Path, help="a checkout of THU-BPM/MarkLLM")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    if asked.markllm:
        sys.path.insert(0, str(asked.markllm))
    rows = [
        green(size, scheme, width)
        for size in (32_000, 128_256)
        for scheme, width in (("lefthash", 1), ("selfhash", 4))
    ]
    rows += [synthid(size) for size in (32_000, 128_256)]
    rows += [unigram(128_256, asked.markllm)]
    rows += [markllm(32_000)] if asked.markllm else []
    record.keep(
        {
            "date": asked.date,
            "revision": asked.revision,
            "machine": platform.machine(),
            "versions": {name: version(name) for name in ("torch", "transformers", "numpy", "numba")},
            "tokens a second and core": rows,
        },
        asked,
    )


if __name__ == "__main__":
    main()
