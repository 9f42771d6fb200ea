"""From parts to one comparable table: a row for each scheme, attack, entropy and length, with intervals.

Written as CSV and JSON; the same parts give the same bytes.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np

from headwater.errors import UnreadableInput
from headwater.mark.bench.plan import FORMAT, Plan
from headwater.mark.bench.run import LEVELS, Job, Part

#: ln p that a text must reach for `tokens_to_1e-6`.
GOAL: Final = math.log(1e-6)
#: How `bench.json` and `bench.csv` begin, so that no other file is written over.
JSON_BEGINS: Final = f'{{"format": "{FORMAT}"'.encode()


@dataclass(frozen=True)
class Rate:
    """`hits` of `trials`, with Wilson's interval of 95%."""

    hits: int
    trials: int

    @property
    def rate(self) -> float:
        """The share; 0 of nothing."""
        return self.hits / max(1, self.trials)

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's score interval (1927), which holds for shares of 0 and 1, too."""
        n, z = max(1, self.trials), 1.959964
        middle = (self.rate + z * z / (2 * n)) / (1 + z * z / n)
        half = z * math.sqrt(self.rate * (1 - self.rate) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        return (middle - half if self.hits else 0.0), (middle + half if self.hits < n else 1.0)


@dataclass(frozen=True)
class Row:
    """One row. `tpr`, `unmarked`, `wrong_keys`: at each of the levels 10^-2 and 10^-3. Meanings: `COLUMNS`."""

    scheme: str
    exact: bool
    attack: str
    entropy_asked: float
    entropy: float
    temperature: float
    tokens: int
    texts: int
    tpr: tuple[Rate, ...]
    median_log_p: float
    tokens_to_goal: float | None
    unmarked: tuple[Rate, ...]
    wrong_keys: tuple[Rate, ...]
    perplexity: float | None
    distinct_2: float | None
    repeated_4: float | None

    def flat(self) -> dict[str, Any]:
        """The row as columns of the files."""
        found: dict[str, Any] = {}
        for each in fields(self):
            value = getattr(self, each.name)
            if each.name in _RATES:
                for level, rate in zip(LEVELS, value, strict=True):
                    head = f"{_RATES[each.name]}_{_level(level)}"
                    low, high = rate.interval
                    found |= {head: round(rate.rate, 6)}
                    found |= {f"{head}_low": round(low, 6), f"{head}_high": round(high, 6)}
                if each.name != "tpr":
                    found[f"{_RATES[each.name]}_trials"] = value[0].trials
            else:
                found[_CALLED.get(each.name, each.name)] = value
        return found


_RATES = {"tpr": "tpr", "unmarked": "fpr_unmarked", "wrong_keys": "fpr_wrong_keys"}
_CALLED = {"tokens_to_goal": "tokens_to_1e-6"}
#: What the columns are; `_low` and `_high` are the ends of Wilson's interval of 95%.
COLUMNS: Final = {
    "scheme": "the scheme with its settings; of a keyring, the mark's name",
    "exact": "whether its p-values hold exactly; where not, go by the realised false positives",
    "attack": "what was done to the answers, with its strength",
    "entropy_asked": "nats a token that the laws were to have",
    "entropy": "nats a token that the laws of this scheme's answers had, in the mean",
    "temperature": "the temperature that gave them",
    "tokens": "marked tokens of an answer before the attack",
    "texts": "answers",
    "tpr": "share of attacked answers whose p-value is at most the level",
    "median_log_p": "median of ln p over the attacked answers",
    "tokens_to_1e-6": (
        "marked tokens at which the median p is 10⁻⁶, between measured lengths; empty where the longest isn't enough"
    ),
    "fpr_unmarked": "share of p-values of unmarked answers of this length at most the level",
    "fpr_wrong_keys": "the same of these attacked answers under keys that nobody used",
    "perplexity": "of attacked answers under the second model, their first 256 tokens; at the longest length only",
    "distinct_2": "distinct pairs of tokens among all pairs of these",
    "repeated_4": "share of windows of four tokens that stood in the same answer before, in the mean",
}


def table(plan: Plan, parts: Sequence[tuple[Job, Part]]) -> list[Row]:
    """The rows, in the plan's order: schemes, then entropies, attacks and lengths; seeds together."""
    groups: dict[tuple[str, float], list[Part]] = {}
    for job, part in parts:
        if job.scheme is not None:
            groups.setdefault((part["label"], job.entropy), []).append(part)
    rows = []
    for (label, entropy), some in groups.items():
        for attack in some[0]["cells"]:
            medians = {
                length: float(
                    np.median([p for part in some for p in part["cells"][attack][str(length)]["log_p"]])
                )
                for length in plan.lengths
            }
            reach = tokens_to(medians, GOAL)
            rows += [
                _row(label, entropy, attack, length, medians[length], reach, some, plan)
                for length in plan.lengths
            ]
    return rows


def _row(
    label: str,
    entropy: float,
    attack: str,
    length: int,
    median: float,
    reach: float | None,
    parts: list[Part],
    plan: Plan,
) -> Row:
    cells = [part["cells"][attack][str(length)] for part in parts]
    log_ps = np.array([each for cell in cells for each in cell["log_p"]])
    longest = length == max(plan.lengths)
    judged = [part["quality"][attack] for part in parts]
    return Row(
        label,
        bool(parts[0]["exact"]),
        attack,
        entropy,
        _mean(parts, "entropy"),
        _mean(parts, "temperature"),
        length,
        len(log_ps),
        tuple(Rate(int((log_ps <= math.log(level)).sum()), len(log_ps)) for level in LEVELS),
        round(median, 4),
        reach,
        _pooled([part["unmarked"][str(length)] for part in parts]),
        _pooled([cell["wrong"] for cell in cells]),
        _mean(judged, "perplexity") if longest and judged[0]["perplexity"] is not None else None,
        _mean(judged, "distinct_2") if longest else None,
        _mean(judged, "repeated_4") if longest else None,
    )


def _pooled(counts: list[list[int]]) -> tuple[Rate, ...]:
    summed = np.sum(counts, 0).tolist()
    return tuple(Rate(hits, summed[-1]) for hits in summed[:-1])


def _mean(held: Sequence[Part], name: str) -> float:
    return round(float(np.mean([each[name] for each in held])), 4)


def tokens_to(medians: dict[int, float], goal: float) -> float | None:
    """The tokens at which the median ln p is `goal`, on straight lines between lengths and from nothing; or None."""
    before = (0, 0.0)
    for length, median in sorted(medians.items()):
        if median <= goal:
            share = (goal - before[1]) / (median - before[1])
            return round(before[0] + share * (length - before[0]), 1)
        before = (length, median)
    return None


def as_csv(rows: Sequence[Row]) -> str:
    """The table as CSV (RFC 4180)."""
    out = io.StringIO(newline="")
    flat = [row.flat() for row in rows]
    writer = csv.DictWriter(out, list(flat[0]) if flat else ["scheme"])
    writer.writeheader()
    writer.writerows(flat)
    return out.getvalue()


def as_json(plan: Plan, rows: Sequence[Row]) -> str:
    """Plan and table as JSON, a row a line."""
    asked = {
        "texts": plan.texts,
        "wrong_keys": plan.wrong_keys,
        "seeds": list(plan.seeds),
        "judged": plan.judged,
        "top_p": plan.material.top_p,
    }
    lines = ",\n".join(json.dumps(row.flat(), ensure_ascii=False) for row in rows)
    return f'{{"format": "{FORMAT}", "plan": {json.dumps(asked)}, "rows": [\n{lines}\n]}}\n'


def from_json(content: bytes) -> list[dict[str, Any]]:
    """The rows of a table as columns. Raises `UnreadableInput` where it is none."""
    try:
        held = json.loads(content)
        if held["format"] != FORMAT or not all(isinstance(row, dict) for row in held["rows"]):
            raise ValueError
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UnreadableInput("is no table of the bench") from None
    found: list[dict[str, Any]] = held["rows"]
    return found


def _level(level: float) -> str:
    return f"1e-{round(-math.log10(level))}"
