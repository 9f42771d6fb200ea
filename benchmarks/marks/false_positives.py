"""How often keys that nobody used are found in texts that have no mark: prose, code, and text that repeats itself.

Each pair of a text and a key gives an exact p-value; at 1e-2, 1e-3 and 1e-4 it is counted how many are below. The
interval is clustered by text and by key (Cameron, Gelbach and Miller, 2011), for pairs that share one aren't
independent.

    python benchmarks/marks/false_positives.py --date 2026-01-31 [--scheme vllm-gumbel …] [--texts 100] [--keys 10000]
"""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))
import texts

import record
from headwater.mark import Scheme, joined, load_tokenizer, plain, scheme, tails, total_scores

LEVELS = (1e-2, 1e-3, 1e-4)
#: Scheme → its configuration, and how many keys where each is slow.
SCHEMES: dict[str, tuple[dict[str, Any], int | None]] = {
    "vllm-gumbel": ({}, None),
    "vllm-dual-key": ({}, None),
    "sglang-gumbel": ({}, None),
    "headwater-gumbel": ({}, None),
    "headwater-tilt": ({}, None),
    "unigram": ({"vocab_size": 4096}, None),
    "synthid": ({"layers": 30}, None),
    "kgw": ({"vocab_size": 4096}, 1000),
}


def below(log_ps: NDArray[np.float64]) -> list[dict[str, float]]:
    """Rates and intervals (95%) of a matrix of ln p, texts by keys."""
    found = []
    for level in LEVELS:
        hits = (log_ps <= math.log(level)).astype(float)
        rate = hits.mean()
        off = hits - rate
        pairs = hits.size
        by_text, by_key, alone = (off.sum(1) ** 2).sum(), (off.sum(0) ** 2).sum(), (off**2).sum()
        error = math.sqrt(max(by_text + by_key - alone, alone)) / pairs
        low, high = max(0.0, rate - 1.96 * error), rate + 1.96 * error
        if rate == 0:  # none in n: the rule of three
            high = 3 / pairs
        found.append(
            {
                "nominal": level,
                "rate": float(f"{rate:.3g}"),
                "low": float(f"{low:.3g}"),
                "high": float(f"{high:.3g}"),
            }
        )
    return found


def measured(one: Scheme, documents: list[NDArray[np.int64]], keys: int, seed: int) -> NDArray[np.float64]:
    """ln p of each text under each key."""
    random = np.random.default_rng(seed)
    scorer = plain(one).scorer
    drawn = [one.random_key(random) for _ in range(keys)]
    parts = [one.units(tokens) for tokens in documents]
    whole, _ = joined(parts)
    starts = np.cumsum([0] + [len(part) for part in parts])
    totals = total_scores(one, drawn, whole, scorer, starts=starts)
    return np.stack([tails(one, scorer, part, totals[:, at]) for at, part in enumerate(parts)])


def main() -> None:
    """Run each scheme over each kind of text."""
    parser = record.options(__doc__)
    parser.add_argument("--scheme", action="append", choices=list(SCHEMES))
    parser.add_argument("--texts", type=int, default=100)
    parser.add_argument("--keys", type=int, default=10_000)
    parser.add_argument("--tokenizer", type=Path, help="a tokenizer.json, the tests' by default")
    parser.add_argument("--seed", type=int, default=20261128)
    asked = parser.parse_args()
    fixture = Path(__file__).resolve().parents[2] / "tests" / "mark" / "fixtures" / "tokenizer.json"
    tokenizer = load_tokenizer("fixture", asked.tokenizer or fixture)
    rows = []
    for name in asked.scheme or SCHEMES:
        config, most = SCHEMES[name]
        one = scheme(name, config)
        keys = min(asked.keys, most or asked.keys)
        for kind, made in texts.KINDS.items():
            documents = [tokenizer.encode(text).ids for text in made(asked.texts, asked.seed)]
            began = time.perf_counter()
            log_ps = measured(one, documents, keys, asked.seed)
            units = [len(one.units(each)) for each in documents]
            row = {
                "scheme": name,
                "texts": kind,
                "documents": len(documents),
                "keys": keys,
                "pairs": log_ps.size,
            }
            row |= {"units": int(np.median(units)), "seconds": round(time.perf_counter() - began, 1)}
            rows.append({**row, "rates": below(log_ps)})
            print(rows[-1], file=sys.stderr)
    corpus = "novels by 1930; Python's standard library; generated rows and refrains"
    record.keep({"date": asked.date, "revision": asked.revision, "corpus": corpus, "rows": rows}, asked)


if __name__ == "__main__":
    main()
