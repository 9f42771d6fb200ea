"""Tracing: are the accounts found that are in a dataset, are innocent ones left alone, do the intervals of shares hold?

Documents are drawn token by token under vLLM's keyed function (Philox, compiled), from simulated next-token laws of
0.72 and 1.24 nats a token (`trace_worlds`); ladders and shares draw the values under each key directly. No corpus.
Sixteen accounts have 5% of each dataset, a fifth is nobody's, unless a part says otherwise. Every seed is fixed.

    python benchmarks/marks/trace.py --date 2026-01-31 [--part ladder|worlds|innocents|shares|codes] … [--out FILE]
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "detection"))
import trace_worlds as made
from intervals import clopper_pearson

import record
from headwater.mark import MarkKey, Null, Scheme, Scorer, Tokens, Trace, Units, Values, trace
from headwater.mark.engines.vllm import Gumbel
from headwater.mark.evidence import engine_sum, mixture
from headwater.mark.trace import Code, length

ACCOUNTS, LEVEL, SEED = 16, 0.05, 20261128
MANY = 100_000


@dataclass(frozen=True)
class Drawn:
    """A scheme whose values are drawn beforehand: unit i is token i, key j has column j; decoys are drawn later."""

    table: NDArray[np.uint32]
    name: str = "drawn"
    width: int = 1
    streams: int = 1
    null: ClassVar[Null] = Gumbel.null
    card: ClassVar[dict[str, str]] = {}

    def units(self, tokens: Tokens, *, prompt: int = 0) -> Units:
        raise NotImplementedError

    def values(self, key: MarkKey, units: Units) -> Values:
        (number,) = key.numbers
        if number < self.table.shape[1]:
            return self.table[units.token, number][:, None]
        drawn = np.random.default_rng(number).integers(self.null.size, size=len(self.table), dtype=np.uint32)
        return drawn[units.token][:, None]

    def random_key(self, random: np.random.Generator) -> MarkKey:
        return MarkKey("decoy", (int(random.integers(1 << 32, 1 << 62)),))


def marked(laws: made.Laws, count: int, random: np.random.Generator) -> NDArray[np.uint32]:
    """Values of tokens that Gumbel's rule took under their own key."""
    law = laws[random.integers(len(laws), size=count)]
    uniform = random.random(law.shape)
    chosen = np.argmax(np.log(uniform) / np.maximum(law, 1e-300), axis=1)
    return _values(uniform[np.arange(count), chosen])


def drawn(
    source: NDArray[np.int64], keys: int, laws: made.Laws, random: np.random.Generator
) -> tuple[Drawn, Units, NDArray[np.int64], list[MarkKey]]:
    """A dataset whose units belong to the keys that `source` (documents, length) names."""
    whose = source.ravel()
    table = _values(random.random((len(whose), keys)))
    for key in range(keys):
        table[whose == key, key] = marked(laws, int(np.sum(whose == key)), random)
    at = np.arange(len(whose))
    units = Units(at[:, None], at, at, np.ones_like(at), len(at))
    document = np.repeat(np.arange(len(source)), source.shape[1])
    return Drawn(table), units, document, [MarkKey(str(key), (key,)) for key in range(keys)]


def _values(uniform: NDArray[np.float64]) -> NDArray[np.uint32]:
    return np.minimum(uniform * Gumbel.null.size, Gumbel.null.size - 1).astype(np.uint32)


def learned(laws: made.Laws, random: np.random.Generator) -> Scorer:
    """The detector that 20,000 marked tokens of an operator's own traffic teach; others than any that is traced."""
    return mixture(Gumbel.null, marked(laws, 20_000, random)[:, None])


def whole(documents: int, length: int) -> NDArray[np.int64]:
    """Every document is one account's (16 of 20) or nobody's."""
    whose = np.arange(documents) % 20
    return np.repeat(np.where(whose < ACCOUNTS, whose, -1)[:, None], length, axis=1)


def mingled(documents: int, length: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Every token is one of 16 accounts', each with chance 5%, or nobody's: shuffled text, or a student's."""
    whose = random.integers(20, size=(documents, length))
    return np.where(whose < ACCOUNTS, whose, -1)


def ladder() -> list[dict[str, Any]]:
    """How many tokens it takes: the part of 16 accounts that is found at the threshold of 100,000 keys.

    Only the sixteen keys are drawn; the level is such that Holm's first threshold is that of 100,000.
    """
    rungs: list[tuple[str, int, int]] = [("documents", 20 * n, 200) for n in (1, 2, 3)]
    rungs += [("documents", 20 * n, 50) for n in (2, 4, 8)]
    rungs += [("tokens", n // 200, 200) for n in (10_000, 20_000, 30_000, 45_000)]
    found = []
    for entropy in (0.72, 1.24):
        random = np.random.default_rng(SEED)
        laws = made.laws(entropy, random)
        scorers = {"learned": learned(laws, random), "engine's sum": engine_sum(Gumbel.null)}
        for mixing, documents, size in rungs:
            hits = dict.fromkeys(scorers, 0)
            for _ in range(5):
                source = whole(documents, size) if mixing == "documents" else mingled(documents, size, random)
                scheme, units, document, keys = drawn(source, ACCOUNTS, laws, random)
                for name, scorer in scorers.items():
                    told = trace(
                        scheme,
                        units,
                        keys,
                        scorer,
                        document=document,
                        level=LEVEL * ACCOUNTS / MANY,
                        effect=0.5,
                    )
                    hits[name] += len(told.named)
            row = {"nats": entropy, "mixed by": mixing, "document": size, "tokens": documents * size}
            found.append(row | {name: count / (5 * ACCOUNTS) for name, count in hits.items()})
    return found


def worlds() -> list[dict[str, Any]]:
    """Sixteen accounts among 100,000 keys, three datasets, every value from the real keyed function."""
    found = []
    for number, (entropy, mixing, documents, size) in enumerate(
        [(0.72, "documents", 40, 200), (1.24, "documents", 20, 200), (1.24, "tokens", 100, 240)]
    ):
        random = np.random.default_rng([SEED, number])
        scheme = Gumbel()
        laws = made.laws(entropy, random)
        keys = [MarkKey(f"account-{i}", scheme.random_key(random).numbers) for i in range(MANY)]
        source = whole(documents, size) if mixing == "documents" else mingled(documents, size, random)
        begun = time.perf_counter(), time.process_time()
        made_up = made.world(scheme, keys[:ACCOUNTS], source, laws, random)
        units, document = made_up.units(scheme.width)
        scorer = learned(laws, random)
        drawn_at = time.perf_counter(), time.process_time()
        told = trace(scheme, units, keys, scorer, document=document, evaluations=1e9)
        found.append(
            {
                "nats": entropy,
                "mixed by": mixing,
                "document": size,
                "tokens": int(source.size),
                "units": told.units,
                "keys": told.keys,
                "read in full": told.screened[0],
                "after a part of": told.screened[1],
                "found": _true(told),
                "false": len(told.named) - _true(told),
                "largest ln p of them": max((one.log_p for one in told.named), default=None),
                "shares covered": _covered(told, made_up.shares(ACCOUNTS)),
                "reach": told.reach,
                "cpu_s drawing, tracing": [drawn_at[1] - begun[1], time.process_time() - drawn_at[1]],
                "wall_s drawing, tracing": [drawn_at[0] - begun[0], time.perf_counter() - drawn_at[0]],
            }
        )
    return found


def innocents() -> dict[str, Any]:
    """200 datasets, 2,000 keys: none to four guilty accounts, unmarked text, copies and templates; who is named?

    Every key that had no part is innocent; a world fails where any of them is named at a family-wise level of 0.05.
    """
    random = np.random.default_rng([SEED, 7])
    scheme = Gumbel()
    laws = {entropy: made.laws(entropy, random) for entropy in (0.72, 1.24)}
    scorers = {entropy: (learned(each, random), engine_sum(Gumbel.null)) for entropy, each in laws.items()}
    failed = missed = guilty = 0
    for world in range(200):
        entropy = (0.72, 1.24)[world % 2]
        count = world % 5
        keys = [MarkKey(f"account-{i}", scheme.random_key(random).numbers) for i in range(2000)]
        whose = np.full(16, -1)
        whose[: 2 * count] = np.repeat(np.arange(count), 2)
        source = np.repeat(whose[:, None], 120, axis=1)
        told = _told(scheme, keys, source, laws[entropy], scorers[entropy][world // 2 % 2], random)
        names = {one.name for one in told.named}
        guilty += count
        missed += count - len(names & {f"account-{i}" for i in range(count)})
        failed += bool(names - {f"account-{i}" for i in range(count)})
    low, high = clopper_pearson(failed, 200)
    return {
        "worlds": 200,
        "keys": 2000,
        "tokens": 16 * 120 + 4 * 120,
        "level": LEVEL,
        "worlds with a false name": failed,
        "rate": [failed / 200, low, high],
        "guilty": guilty,
        "guilty missed": missed,
    }


def _told(
    scheme: Scheme,
    keys: list[MarkKey],
    source: NDArray[np.int64],
    laws: made.Laws,
    scorer: Scorer,
    random: np.random.Generator,
) -> Trace:
    """One world, with two documents copied and two that repeat nine tokens of another."""
    one = made.world(scheme, keys, source, laws, random)
    size = one.tokens.shape[1]
    template = np.tile(one.tokens[-1, :9], size // 9 + 1)[:size]
    tokens = np.concatenate([one.tokens, one.tokens[[0, -2]], np.stack([template, np.roll(template, 4)])])
    more = np.concatenate([source, source[:4]])
    units, document = made.World(tokens, more).units(scheme.width)
    return trace(scheme, units, keys, scorer, document=document)


def shares() -> list[dict[str, Any]]:
    """Whether intervals of 95% cover the share that an account really has, of those that were named."""
    found = []
    for entropy in (0.72, 1.24):
        random = np.random.default_rng([SEED, int(100 * entropy)])
        laws = made.laws(entropy, random)
        other = made.laws(1.96 - entropy, random)
        own, sums, wrong = learned(laws, random), engine_sum(Gumbel.null), learned(other, random)
        for mixing in ("documents", "tokens"):
            hits = {name: [0, 0, 0] for name in ("learned", "engine's sum", "learned at the other entropy")}
            for _ in range(40):
                share = random.dirichlet([1, 1, 1, 2])
                size = (60, 1) if mixing == "documents" else (60, 200)
                whose = random.choice(4, size=size, p=share)
                source = np.broadcast_to(np.where(whose < 3, whose, -1), (60, 200))
                scheme, units, document, keys = drawn(source, 10, laws, random)
                for tally, scorer in zip(hits.values(), (own, sums, wrong), strict=True):
                    told = trace(scheme, units, keys, scorer, document=document)
                    truth = np.array([np.mean(source == key) for key in range(10)])
                    named = [int(one.name) for one in told.named]
                    tally[0] += len(named)
                    tally[1] += _covered(told, truth)
                    tally[2] += sum(
                        bool(
                            one.share.relative_low
                            <= truth[key] / truth[named].sum()
                            <= one.share.relative_high
                        )
                        for key, one in zip(named, told.named, strict=True)
                    )
            for name, (count, covered, relative) in hits.items():
                row = {
                    "nats": entropy,
                    "mixed by": mixing,
                    "scorer": name,
                    "tokens": 12_000,
                    "intervals": count,
                }
                row["covered"] = [covered / count, *clopper_pearson(covered, count)]
                row["relative covered"] = [relative / count, *clopper_pearson(relative, count)]
                found.append(row)
    return found


def _true(told: Trace) -> int:
    return len({one.name for one in told.named} & {f"account-{i}" for i in range(ACCOUNTS)})


def _covered(told: Trace, truth: NDArray[np.float64]) -> int:
    numbers = [int(one.name.rpartition("-")[2]) for one in told.named]
    return sum(
        bool(number < len(truth) and one.share.low <= truth[number] <= one.share.high)
        for number, one in zip(numbers, told.named, strict=True)
    )


def codes() -> list[dict[str, Any]]:
    """Codes for answers in two versions, 100,000 accounts: colluders found, innocents named, by what colluders do."""
    found = []
    for colluders, runs in ((4, 2), (8, 1)):
        size = length(MANY, colluders, level=LEVEL)
        names = [f"account-{i}" for i in range(MANY)]
        for attack, pick in ATTACKS.items():
            hits, wrong, worlds_found = 0, 0, 0
            for run in range(runs):
                random = np.random.default_rng([SEED, colluders, run])
                code = Code(random.bytes(32), size, colluders)
                words = np.array([code.word(name) for name in names[:colluders]])
                told = {
                    one.name for one in code.accuse(pick(words, random).astype(np.int64), names, level=LEVEL)
                }
                hits += len(told & set(names[:colluders]))
                wrong += bool(told - set(names[:colluders]))
                worlds_found += bool(told & set(names[:colluders]))
            row: dict[str, Any] = {"colluders": colluders, "positions": size, "attack": attack, "runs": runs}
            row |= {"asymptotic": math.ceil(math.pi**2 / 2 * colluders**2 * math.log(MANY / LEVEL))}
            found.append(
                row | {"runs with one found": worlds_found, "found": hits, "runs with an innocent": wrong}
            )
    return found


def _majority(words: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.bool_]:
    doubled = 2 * words.sum(axis=0, dtype=np.int64)
    return np.where(doubled == len(words), random.random(words.shape[1]) < 0.5, doubled > len(words))


def _minority(words: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.bool_]:
    settled = (words == words[0]).all(axis=0)
    return np.where(settled, words[0] > 0, ~_majority(words, random))


ATTACKS: dict[str, Callable[[NDArray[np.uint8], np.random.Generator], NDArray[Any]]] = {
    "majority": _majority,
    "minority": _minority,
    "interleaving": lambda words, random: words[
        random.integers(0, len(words), words.shape[1]), np.arange(words.shape[1])
    ],
    "all ones": lambda words, _: words.max(axis=0),
}
PARTS: dict[str, Callable[[], Any]] = {
    "ladder": ladder,
    "worlds": worlds,
    "innocents": innocents,
    "shares": shares,
    "codes": codes,
}


def main() -> None:
    """Measure the parts asked for, all of them by default."""
    parser = record.options(__doc__)
    parser.add_argument("--part", action="append", choices=sorted(PARTS))
    asked = parser.parse_args()
    result: dict[str, Any] = {
        "what": __doc__.split("\n\n")[0] if __doc__ else "",
        "date": asked.date,
        "revision": asked.revision,
        "texts": "simulated: next-token laws of 64 candidates, 0.72 and 1.24 nats a token",
        "seed": SEED,
        "level": LEVEL,
        "intervals": "Clopper–Pearson, 95%",
    }
    for name in asked.part or PARTS:
        begun = time.process_time()
        result[name] = PARTS[name]()
        result[f"{name} cpu_s"] = round(time.process_time() - begun, 1)
    record.keep(result, asked)


if __name__ == "__main__":
    main()
