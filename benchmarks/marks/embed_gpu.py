"""The step of writing marks on a GPU: whether it gives the CPU's bits, and milliseconds a step.

With an NVIDIA GPU: the fused kernel's words against the CPU's, then the time of a step in batches of 1, 32 and 256
with a vocabulary of 128,256, with the fused kernel and without. Without a GPU: the kernel runs in Triton's
interpreter, against the CPU's bits, and is compiled for three generations of GPUs; no time is measured.

    python benchmarks/marks/embed_gpu.py --date 2026-01-31 [--out FILE]

Needs torch and triton.
"""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
GPU = torch.cuda.is_available()
if not GPU:
    os.environ["TRITON_INTERPRET"] = "1"  # read when triton is imported

import record  # noqa: E402
from headwater.mark.embed import Rule  # noqa: E402
from headwater.mark.embed import torch_step as stepping  # noqa: E402
from headwater.mark.embed.triton_words import keyed  # noqa: E402

VOCABULARY, BATCHES, ROUNDS = 128_256, (1, 32, 256), 50
TARGETS = (80, 90, 100)


def batch(
    random: np.random.Generator, rows: int, tokens: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Contexts, rules of all sorts, and token ids."""

    def pair() -> tuple[int, int]:
        first, second = (int(word) for word in random.integers(0, 2**64, 2, dtype=np.uint64))
        return first, second

    widest = int(random.integers(1, 9))
    rules = []
    for _ in range(rows):
        layers = random.random() < 0.5
        rules.append(
            Rule(
                kind="gumbel" if random.random() < 0.5 else "tilt",
                width=int(random.integers(1, widest + 1)),
                key=pair() if random.random() < 0.9 else None,
                master=pair() if layers else None,
                coin=pair() if layers else None,
                share=2**31,
                green=2**30,
                delta=1.0,
            )
        )
    context = torch.from_numpy(random.integers(0, 2**32 - 1, (rows, widest)))
    index = torch.from_numpy(random.integers(0, 2**32 - 1, (rows, tokens)))
    return context, stepping.packed(rules), index


def bits(device: str) -> dict[str, int]:
    """How many words were compared with the CPU's, and how many differ."""
    random, compared, differ = np.random.default_rng(0), 0, 0
    for rows, tokens in ((1, 1), (7, 64), (12, 100), (32, 64), (5, 300)):
        given = batch(random, rows, tokens)
        has, word = stepping.keyed(*given)
        found_has, found = (each.cpu() for each in keyed(*(each.to(device) for each in given)))
        compared += int(has.sum()) * tokens
        differ += int((has != found_has).sum()) + int((word != found)[has].sum())
    return {"words": compared, "differ": differ}


def compiled() -> list[str]:
    """The generations of GPUs that the kernel is compiled for, in a process that doesn't interpret."""
    import subprocess

    program = (
        "import triton\nfrom triton.backends.compiler import GPUTarget\nfrom triton.compiler import ASTSource\n"
        "from headwater.mark.embed import triton_words as words\n"
        "kinds = dict.fromkeys(('context', 'numbers', 'index', 'word', 'has'), '*i64')\n"
        "kinds |= dict.fromkeys(('widest', 'tokens', 'columns'), 'i32') | {'BLOCK': 'constexpr'}\n"
        f"for target in {TARGETS}:\n"
        "    source = ASTSource(words._keyed, kinds, constexprs={'BLOCK': 64})\n"
        "    assert triton.compile(source, target=GPUTarget('cuda', target, 32)).asm['cubin']\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, capture_output=True)
    return [f"sm_{target}" for target in TARGETS]


def timed(rows: int, fused: Callable[..., Any] | None) -> float:
    """Milliseconds of one step, median of `ROUNDS`, by the device's own clock."""
    random = np.random.default_rng(rows)
    stepping._fused = lambda: fused  # type: ignore[assignment]
    context = torch.from_numpy(random.integers(0, VOCABULARY, (rows, 4))).cuda()
    rules = stepping.packed([Rule("gumbel", 4, (1, 2))] * rows, "cuda")
    scores = torch.randn((rows, VOCABULARY), device="cuda") * 3
    fresh, drawn = (
        torch.ones(rows, dtype=torch.bool, device="cuda"),
        torch.rand((rows, 2), device="cuda").double(),
    )
    times = []
    for at in range(ROUNDS + 5):
        given = scores.clone()
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        stepping.step(given, context, fresh, rules, drawn)
        end.record()
        torch.cuda.synchronize()
        if at >= 5:
            times.append(begin.elapsed_time(end))
    return round(statistics.median(times), 4)


def main() -> None:
    """Compare, and measure where there is a GPU."""
    asked = record.options(__doc__).parse_args()
    result: dict[str, Any] = {
        "date": asked.date,
        "revision": asked.revision,
        "torch": version("torch"),
        "triton": version("triton"),
        "device": torch.cuda.get_device_name() if GPU else "none: Triton's interpreter on a CPU",
        "bits": bits("cuda" if GPU else "cpu"),
    }
    if GPU:
        plain = {rows: timed(rows, None) for rows in BATCHES}
        result["ms a step"] = {rows: {"fused": timed(rows, keyed), "plain": plain[rows]} for rows in BATCHES}
    else:
        result["compiled for"] = compiled()
    record.keep(result, asked)


if __name__ == "__main__":
    main()
