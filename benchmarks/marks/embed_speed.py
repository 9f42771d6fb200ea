"""What writing a mark costs: milliseconds a step beside the processors of transformers and MarkLLM, and whole answers.

A step: the scores of a vocabulary of 128,256 in float32, on two threads; wall time, median and best of the rounds
(`load` says how busy the machine was). Scores: normal ones at 2 nats a token, as chat models have; the same at 7.5
nats, near which no model writes, where what isn't keyed wins most often; and those after top-k 50. Whole answers:
tokens a second of `generate` with a GPT-2 of random weights, marked and unmarked in turn. Bars: 4 ms at batch 32,
0.4 ms at batch 1.

    python benchmarks/marks/embed_speed.py --date 2026-01-31 [--markllm FOLDER] [--out FILE]

Needs torch and transformers (the extra `torch`); `--markllm`: a checkout of THU-BPM/MarkLLM, whose own processors run.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from transformers import GPT2Config, GPT2LMHeadModel, LogitsProcessorList, SynthIDTextWatermarkingConfig
from transformers.generation import WatermarkingConfig

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import record
from headwater.integrations.transformers import MarkProcessor
from headwater.mark.embed import rule_of
from headwater.mark.own import Gumbel, LayeredTilt, Tilt
from headwater.mark.scheme import MarkKey

VOCABULARY, PROMPT, THREADS = 128_256, 100, 2
BARS = {1: 0.4, 32: 4.0}
LAWS = ("2 nats", "7.5 nats", "after top-k 50")
#: Rounds of what takes less than 50 ms, less than 500 ms, and more.
ROUNDS = ((0.05, 40), (0.5, 8), (1e9, 2))
FIRST, SECOND = MarkKey("one", (123, 456)), MarkKey("two", (789, 12))
Step = Callable[[torch.Tensor, torch.Tensor], object]


def ours() -> dict[str, Callable[[], Step]]:
    """Our marks, each with a processor of its own."""
    rules = {
        "headwater-gumbel": rule_of(Gumbel(), FIRST),
        "headwater-tilt": rule_of(Tilt(), FIRST),
        "headwater-layered-tilt": rule_of(LayeredTilt(coin=(3, 4)), FIRST, SECOND),
    }
    return {name: (lambda rule=rule: MarkProcessor([rule])) for name, rule in rules.items()}  # type: ignore[misc]


def theirs(folder: Path | None) -> dict[str, Callable[[], Step]]:
    """Processors of transformers, and of MarkLLM from its own source."""
    found: dict[str, Callable[[], Step]] = {
        "transformers KGW, left hash": lambda: WatermarkingConfig().construct_processor(VOCABULARY, "cpu"),
        "transformers SynthID, 30 keys": lambda: SynthIDTextWatermarkingConfig(
            ngram_len=5, keys=list(range(1, 31))
        ).construct_processor(VOCABULARY, "cpu"),
    }
    if folder is None:
        return found
    sys.path.insert(0, str(folder))
    from watermark.kgw.kgw import KGWLogitsProcessor, KGWUtils
    from watermark.unigram.unigram import UnigramLogitsProcessor, UnigramUtils

    common = {"vocab_size": VOCABULARY, "gamma": 0.5, "delta": 2.0, "hash_key": 15485863, "device": "cpu"}
    config = SimpleNamespace(**common, prefix_length=1, f_scheme="time", window_scheme="left")
    found["MarkLLM KGW"] = lambda: KGWLogitsProcessor(config, KGWUtils(config))
    found["MarkLLM Unigram"] = lambda: UnigramLogitsProcessor(config, UnigramUtils(config))
    return found


def entropy(scores: torch.Tensor) -> float:
    """Nats a token, the mean of all rows."""
    return float(torch.distributions.Categorical(logits=scores.double()).entropy().mean())


@cache
def scores_of(batch: int, law: str) -> torch.Tensor:
    """Normal scores, their spread such that the rows have 2 nats on average, or 3; or what top-k 50 leaves of these."""
    normal = torch.randn((batch, VOCABULARY), generator=torch.Generator().manual_seed(batch))
    if law == "2 nats":
        low, high = 3.0, 30.0
        for _ in range(20):
            middle = (low + high) / 2
            low, high = (middle, high) if entropy(normal * middle) > 2 else (low, middle)
        return normal * high
    scores = normal * 3
    if law == "after top-k 50":
        least = scores.topk(50, dim=1).values[:, -1:]
        scores[scores < least] = -torch.inf
    return scores


def timed(make: Callable[[], Step], batch: int, law: str) -> dict[str, float]:
    """Milliseconds a step: median, best, and of processor time. Every step continues the texts by one token."""
    scores, step = scores_of(batch, law), make()
    ids = torch.randint(1, VOCABULARY, (batch, PROMPT), generator=torch.Generator().manual_seed(1))
    took: list[float] = []
    spent: list[float] = []
    rounds = 3
    while len(took) < rounds:
        work = scores.clone()
        began, cpu = time.perf_counter(), time.process_time()
        step(ids, work)
        took.append(time.perf_counter() - began)
        spent.append(time.process_time() - cpu)
        if len(took) == 2:  # the first compiles, the second says how long one takes
            rounds = 2 + next(count for limit, count in ROUNDS if took[1] < limit)
        ids = torch.cat([ids, torch.randint(1, VOCABULARY, (batch, 1))], dim=1)
    took, spent = took[2:], spent[2:]
    return {
        "median_ms": round(statistics.median(took) * 1e3, 3),
        "best_ms": round(min(took) * 1e3, 3),
        "processor_ms": round(statistics.median(spent) * 1e3, 3),
    }


def steps(folder: Path | None) -> list[dict[str, Any]]:
    """The table of steps."""
    rows = []
    for name, make in {**ours(), **theirs(folder)}.items():
        for batch in (1, 32):
            for law in LAWS:
                found = timed(make, batch, law)
                nats = round(entropy(scores_of(batch, law)), 2)
                row = {"processor": name, "batch": batch, "scores": law, "nats": nats, **found}
                if name.startswith("headwater"):
                    row["bar_ms"] = BARS[batch]
                    row["met"] = found["median_ms"] <= BARS[batch]
                print(row, flush=True)
                rows.append(row)
    return rows


def answers(batch: int, tokens: int, rounds: int) -> dict[str, Any]:
    """Tokens a second of `generate`, for each way of marking; the ways take turns."""
    torch.manual_seed(0)
    config = GPT2Config(
        n_layer=6, n_embd=384, n_head=6, vocab_size=VOCABULARY, bos_token_id=0, eos_token_id=None
    )
    model = GPT2LMHeadModel(config).eval()
    prompt = torch.randint(1, VOCABULARY, (batch, 32))
    ways: dict[str, Any] = {"unmarked": None, **ours()}
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, make in ways.items():
            listed = LogitsProcessorList([] if make is None else [make()])
            began = time.perf_counter()
            with torch.no_grad():
                model.generate(
                    prompt,
                    attention_mask=torch.ones_like(prompt),
                    do_sample=True,
                    top_k=50,
                    max_new_tokens=tokens,
                    pad_token_id=0,
                    logits_processor=listed,
                )
            if turn:
                rates[name].append(batch * tokens / (time.perf_counter() - began))
    unmarked = rates["unmarked"]
    shares = {name: [a / b for a, b in zip(each, unmarked, strict=True)] for name, each in rates.items()}
    return {
        "batch": batch,
        "tokens": tokens,
        "parameters": sum(each.numel() for each in model.parameters()),
        "tokens_a_second": {name: round(statistics.median(each), 1) for name, each in rates.items()},
        "of_unmarked": {name: round(statistics.median(each), 3) for name, each in shares.items()},
        "of_unmarked_range": {
            name: [round(min(each), 3), round(max(each), 3)] for name, each in shares.items()
        },
    }


def main() -> None:
    """Print the tables, and keep them with a figure."""
    parser = record.options(__doc__)
    parser.add_argument("--markllm", type=Path, help="a checkout of THU-BPM/MarkLLM")
    asked = parser.parse_args()
    torch.set_num_threads(THREADS)
    before = os.getloadavg()
    rows = steps(asked.markllm)
    whole = [answers(1, 48, 5), answers(16, 24, 5)]
    result = {
        "date": asked.date,
        "revision": asked.revision,
        "processor": platform.processor() or platform.machine(),
        "threads": THREADS,
        "cores": os.cpu_count(),
        "load": [round(each, 1) for each in (before[0], os.getloadavg()[0])],
        "versions": {name: version(name) for name in ("torch", "transformers", "numpy", "numba")},
        "vocabulary": VOCABULARY,
        "steps": rows,
        "answers": whole,
    }
    record.keep(result, asked)
    if asked.out:
        from embed_speed_plot import drawn

        asked.out.with_suffix(".svg").write_text(drawn(result), encoding="utf-8")


if __name__ == "__main__":
    main()
