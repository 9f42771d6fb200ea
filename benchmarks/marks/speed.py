"""Tokens a second and core of our readers of Gumbel marks, beside the detectors that vLLM and SGLang publish.

Three figures of ours: `reading` (units and their values), `detecting` (the engine's own sum with its exact p-value, as
their detectors give one), and `tracing`: pairs of key and unit a second under 1,000 keys. Theirs: one call of their
detector. All on one thread, on the same token ids, by CPU time (`load` says how busy the machine was). Bar: 10 million
tokens a second for reading.

    python benchmarks/marks/speed.py --date 2026-01-31 [--vllm FOLDER] [--sglang FOLDER] [--out FILE]

`--vllm`: the folder `vllm/v1/watermarking` of its source distribution (needs torch); `--sglang`: the folder
`sglang/srt/sampling/watermarking` (needs msgspec). Nothing else of the engines is needed.
"""

from __future__ import annotations

import importlib
import os
import platform
import statistics
import sys
import time
import types
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import record
from headwater.mark import Scheme, tails, total_scores
from headwater.mark.engines import sglang, vllm
from headwater.mark.engines.vllm_function import derived_key
from headwater.mark.evidence.plain import standard
from headwater.mark.own import Gumbel, Tilt
from headwater.mark.scheme import MarkKey

BAR = 10e6
ROUNDS = 5
VOCABULARY, LONG, SHORT, KEYS = 128_256, 1_000_000, 4_000, 1_000
KEY = 15485863
Work = Callable[[], object]


def text(count: int) -> np.ndarray[Any, Any]:
    """Token ids by Zipf's law: frequent ones repeat, as words do."""
    weights = 1 / np.arange(1, VOCABULARY)
    return np.random.default_rng(1).choice(np.arange(1, VOCABULARY), count, p=weights / weights.sum())


def rate(work: Work, count: int) -> float:
    """How many of `count` a second of CPU time: the median of a few rounds after a first one that compiles.

    Short work is repeated until a round takes a tenth of a second.
    """
    work()
    began = time.thread_time()
    work()
    times = max(1, round(0.1 / max(time.thread_time() - began, 1e-6)))
    took = []
    for _ in range(ROUNDS):
        began = time.thread_time()
        for _ in range(times):
            work()
        took.append((time.thread_time() - began) / times)
    return count / statistics.median(took)


def detecting(scheme: Scheme, key: MarkKey, tokens: np.ndarray[Any, Any]) -> float:
    """ln p of a text by the sum that the engine's detector uses, with its exact tail."""
    units, scorer = scheme.units(tokens), standard(scheme)
    return float(tails(scheme, scorer, units, total_scores(scheme, [key], units, scorer))[0])


def ours(scheme: Any, key: MarkKey) -> dict[str, Any]:
    """Our figures for one scheme."""
    long, short = text(LONG), text(SHORT)
    units, scorer = scheme.units(short), standard(scheme)
    random = np.random.default_rng(3)
    keys = [scheme.random_key(random) for _ in range(KEYS)]
    return {
        "reading": round(rate(lambda: scheme.values(key, scheme.units(long)), LONG)),
        "reading, short": round(rate(lambda: scheme.values(key, scheme.units(short)), SHORT)),
        "detecting, short": round(rate(lambda: detecting(scheme, key, short), SHORT)),
        "tracing": round(rate(lambda: total_scores(scheme, keys, units, scorer), KEYS * len(units))),
    }


def of_vllm(folder: Path) -> dict[str, Callable[[list[int]], object]]:
    """vLLM's detectors, with stand-ins for what they import of the rest of vLLM and don't call."""
    import torch

    torch.set_num_threads(1)
    made: dict[str, dict[str, Any]] = {
        "vllm.config.watermarking": {
            "derive_watermark_key": derived_key,
            "WatermarkPRFName": str,
            "WatermarkContextScope": str,
        },
        "vllm.v1.worker.gpu.sample.gumbel": {"gumbel_sample": None},
    }
    for name, contents in made.items():
        for parent in (".".join(name.split(".")[:end]) for end in range(1, name.count(".") + 1)):
            sys.modules.setdefault(parent, types.ModuleType(parent)).__path__ = []  # type: ignore[attr-defined]
        module = types.ModuleType(name)
        module.__dict__.update(contents)
        sys.modules[name] = module
    package = types.ModuleType("vllm.v1.watermarking")
    package.__path__ = [str(folder)]  # type: ignore[attr-defined]
    sys.modules[package.__name__] = package
    theirs = importlib.import_module("vllm.v1.watermarking.gumbel")
    return {
        "vllm-gumbel": theirs.GumbelWatermarkDetector(key=KEY).detect,
        "vllm-dual-key": theirs.DualKeyGumbelWatermarkDetector(key=KEY).detect,
    }


def of_sglang(folder: Path) -> dict[str, Callable[[list[int]], object]]:
    """SGLang's detector."""
    package = types.ModuleType("sglang_watermarking")
    package.__path__ = [str(folder)]  # type: ignore[attr-defined]
    sys.modules[package.__name__] = package
    theirs = importlib.import_module("sglang_watermarking.detector")
    one, two = (theirs.WatermarkDetector(f"{KEY:x}", key_b=other) for other in (None, f"{KEY + 1:x}"))
    return {"sglang-gumbel": one.detect_tokens, "sglang-gumbel, two keys": two.detect_tokens}


def versions() -> dict[str, str]:
    """Of what figures depend on."""
    found = {}
    for name in ("numpy", "numba", "torch"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def main() -> int:
    """Measure and print."""
    parser = record.options(__doc__)
    parser.add_argument("--vllm", type=Path, help="its folder vllm/v1/watermarking")
    parser.add_argument("--sglang", type=Path, help="its folder sglang/srt/sampling/watermarking")
    asked = parser.parse_args()
    theirs = {
        **(of_vllm(asked.vllm) if asked.vllm else {}),
        **(of_sglang(asked.sglang) if asked.sglang else {}),
    }
    one, two = MarkKey("benchmark", (KEY,)), MarkKey("benchmark", (KEY, KEY + 1))
    schemes: dict[str, tuple[Any, MarkKey]] = {
        "vllm-gumbel": (vllm.Gumbel(), one),
        "vllm-dual-key": (vllm.DualKey(), one),
        "sglang-gumbel": (sglang.Gumbel(contexts=0), one),
        "sglang-gumbel, two keys": (sglang.Gumbel(mixing=0.5, contexts=0), two),
        "headwater-gumbel": (Gumbel(), two),
        "headwater-tilt": (Tilt(), two),
    }
    rows, ids = [], text(SHORT).tolist()
    for name, (scheme, key) in schemes.items():
        row: dict[str, Any] = {"mark": name, "width": scheme.width, **ours(scheme, key)}
        if name in theirs:
            row["engine"] = round(rate(lambda detect=theirs[name]: detect(ids), SHORT))  # type: ignore[misc]
            row["times"] = {
                kind: round(row[f"{kind}, short"] / row["engine"], 1) for kind in ("reading", "detecting")
            }
        rows.append(row)
    result = {
        "date": asked.date,
        "revision": asked.revision,
        "machine": f"{platform.system()} {platform.machine()}, one core of {os.cpu_count()}",
        "load": [round(each, 1) for each in os.getloadavg()],
        "versions": versions(),
        "bar": BAR,
        "unit": "tokens a second and core; tracing: pairs of key and unit",
        "tokens": {"long": LONG, "short": SHORT, "vocabulary": VOCABULARY, "keys": KEYS},
        "rows": rows,
    }
    record.keep(result, asked)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
