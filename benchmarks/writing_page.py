"""The part of docs/reference/figures.md about writing marks: what a step costs, and what it does to text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Row = dict[str, Any]
Table = Callable[[list[str], list[list[str]]], str]


def speed(found: Row, table: Table) -> str:
    """Milliseconds a step beside other processors, and whole answers."""
    rows = [
        [
            run["processor"],
            str(run["batch"]),
            run["scores"],
            f"{run['median_ms']:,.3g} ({run['best_ms']:,.3g})",
            f"{run['processor_ms']:,.3g}",
        ]
        for run in found["steps"]
    ]
    steps = table(["processor", "batch", "scores", "ms a step, median (best)", "of processor time"], rows)
    whole = [
        [
            str(run["batch"]),
            name,
            f"{run['tokens_a_second'][name]:,.1f}",
            f"{run['of_unmarked'][name]:.3f} ({' to '.join(map(str, run['of_unmarked_range'][name]))})",
        ]
        for run in found["answers"]
        for name in run["tokens_a_second"]
    ]
    answers = table(["batch", "mark", "tokens/s", "of unmarked, median (range)"], whole)
    return (
        f"A step of a vocabulary of {found['vocabulary']:,} on {found['threads']} threads; the machine's load was "
        f"{found['load'][0]} to {found['load'][1]} on {found['cores']} cores ({found['date']}, {found['revision']}). "
        "Asked: 4 ms at batch 32, 0.4 ms at batch 1. Chat models write at 2 nats a token and less; at 7.5 nats the "
        f"tokens that aren't keyed win most often, and all scores are gone over once more.\n\n{steps}\n\n"
        f"Whole answers of a GPT-2 with random weights.\n\n{answers}"
    )


def distortion(found: Row, table: Table) -> str:
    """The law averaged over keys, and answers to prompts that are asked again."""
    laws = [
        [
            str(row["temperature"]),
            f"{row['entropy']:.2f}",
            f"{row['keyed']:.1%}",
            f"{row['with_the_lump']['p']:.2g}",
            f"{row['with_the_lump']['total_variation']:.3f} ({row['with_the_lump']['expected_by_chance']:.3f})",
            f"{row['likeliest_alone']['p']:.2g}",
        ]
        for row in found["laws"]
    ]
    heads = [
        "temperature",
        "entropy, nats",
        "keyed",
        "p, with the lump",
        "distance (by chance)",
        "p, without",
    ]
    answers = found["answers"]
    ways = [
        [row["way"], *(_between(row[name]) for name in NAMES), _between(row["nats_more"])]
        for row in answers["ways"]
    ]
    return (
        f"The law of {found['keys']:,} keys against the model's (chi-squared), the likeliest {found['top_k']} "
        f"keyed and the rest as one lump; without it, a fifth of the keys ({found['date']}, {found['revision']}).\n\n"
        f"{table(heads, laws)}\n\n{answers['prompts']} prompts asked {answers['answers']} times, {answers['tokens']} "
        f"tokens, temperature {answers['temperature']}; intervals of 95% by prompt; nats a token under a second model, "
        f"and how many more than unmarked.\n\n"
        + table(["way", "distinct 2-grams", "repeated 4-grams", "shared 4-grams", "nats", "more"], ways)
    )


NAMES = ("distinct_2", "repeated_4", "shared_4", "nats")


def _between(value: Row) -> str:
    return f"{value['mean']:.3f} ({value['low']:.3f} to {value['high']:.3f})"
