"""Megabytes of text a second and core that become imprints, by kind of text, beside two passes over the same bytes.

The limit is what a core needs to read every byte once with care: SHA-256 (OpenSSL) and lower-casing (Arrow). Bars:
100 MB/s for the head. Text that is not ASCII goes through Unicode's normal form in Python first, and says so here.

    HEADWATER_CORPORA=… python benchmarks/imprint/speed.py --date 2026-01-31 [--out FILE] [--pages]
"""

from __future__ import annotations

import hashlib
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import record
from headwater.imprint import imprint
from headwater.keys import DEMO_KEY
from headwater.simulate import Corpora

#: Kind of text → corpora of the tuning side.
KINDS = {
    "questions, English": ("gsm8k", "aqua", "ifeval"),
    "instructions, English": ("halueval", "atlas", "arena"),
    "code requests": ("codegen",),
    "Chinese": ("belle", "crosswoz"),
    "ten languages": ("mgsm",),
}
#: The same English text cut to one length, in bytes: what a text costs whatever its length, and what its bytes cost.
CUTS = (600, 4000)
MEGABYTES = 24
BAR = 100.0
ROUNDS = 7


def column(corpora: Corpora, names: tuple[str, ...]) -> pa.Array:
    """Some megabytes of prompts, repeated in turn (an imprint remembers nothing, so repetition wins nothing)."""
    texts = [text for name in names for text in corpora.load(name).texts]
    size = sum(len(text.encode()) for text in texts)
    return pa.array(texts * (1 + int(MEGABYTES * 1e6 / size)), pa.large_string())


def cut(corpora: Corpora, size: int) -> pa.Array:
    """English prompts, joined and cut to texts of `size` bytes."""
    texts = [
        text for name in KINDS["questions, English"] for text in corpora.load(name).texts if text.isascii()
    ]
    whole = " ".join(texts)
    whole *= 1 + int(MEGABYTES * 1e6 / len(whole))
    return pa.array([whole[i : i + size] for i in range(0, len(whole) - size, size)], pa.large_string())


def seconds(work: Callable[[], object]) -> float:
    """Median of a few rounds, on one thread."""
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def measured(texts: pa.Array) -> dict[str, Any]:
    """Megabytes a second of each pass over `texts`."""
    _, _, data = texts.buffers()
    raw = memoryview(data)
    size = len(raw) / 1e6
    passes: dict[str, Callable[[], object]] = {
        "head": lambda: imprint(texts, DEMO_KEY),
        "head and passages": lambda: imprint(texts, DEMO_KEY, passages=50),
        "sha256": lambda: hashlib.sha256(raw).digest(),
        "lower": lambda: pc.utf8_lower(texts),
    }
    ascii_share = pc.mean(pc.string_is_ascii(texts).cast(pa.float64())).as_py()
    return {
        "texts": len(texts),
        "bytes_a_text": round(len(raw) / len(texts)),
        "ascii": round(ascii_share, 3),
        **{name: round(size / seconds(work), 1) for name, work in passes.items()},
    }


def main() -> int:
    """Measure and print."""
    asked = record.options(__doc__).parse_args()
    corpora = Corpora.find(None, "tune")
    pa.set_cpu_count(1)
    imprint(["warm up", "ü"], DEMO_KEY, passages=50)
    result = {
        "date": asked.date,
        "revision": asked.revision,
        "machine": f"{platform.system()} {platform.machine()}, one core of {os.cpu_count()}",
        "load": [round(x, 1) for x in os.getloadavg()],
        "bar": {"head": BAR},
        "unit": "MB/s",
        "kinds": {
            **{kind: measured(column(corpora, names)) for kind, names in KINDS.items()},
            **{f"English, {size:,} bytes each": measured(cut(corpora, size)) for size in CUTS},
        },
    }
    record.keep(result, asked)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
