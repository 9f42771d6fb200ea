"""The parts of docs/reference/figures.md about marks, from their JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Row = dict[str, Any]
Table = Callable[[list[str], list[list[str]]], str]


def false_positives(found: Row, table: Table) -> str:
    """How often keys that nobody used are found."""
    rows = []
    for run in found["rows"]:
        rates = [f"{rate['rate']:.3g} ({rate['low']:.3g} to {rate['high']:.3g})" for rate in run["rates"]]
        rows.append([run["scheme"], run["texts"], f"{run['pairs']:,}", f"{run['units']:,}", *rates])
    heads = ["scheme", "texts", "pairs", "distinct tokens, median", "at 10⁻²", "at 10⁻³", "at 10⁻⁴"]
    return (
        f"Exact p-values of keys that had no part in a text ({found['corpus']}; {found['date']}, {found['revision']}); "
        "intervals of 95%, clustered by text and by key. Repetitive: rows, lists and refrains, each with one form."
        f"\n\n{table(heads, rows)}"
    )


def efficiency(found: Row, table: Table) -> str:
    """How much of what a text could say each detector reads."""
    settings = found["settings"]
    heads = [
        "mark and detector",
        *(f"{each.get('entropy', float(name)):.2f} nats" for name, each in settings.items()),
    ]
    names: dict[tuple[str, str], None] = {}
    for each in settings.values():
        for kind, held in each.items():
            names |= {(kind, name): None for name in held} if isinstance(held, dict) else {}
    rows = [
        [f"{kind}: {name}", *(_reached(each.get(kind, {}).get(name)) for each in settings.values())]
        for kind, name in names
    ]
    answers, teacher = found["answers"], found["models"]["teacher"]
    return (
        f"The share of the information limit that a detector reads (standard error over seeds), and tokens to p = 10⁻⁶ "
        f"(median). A model of {teacher['parameters']:,} parameters trained on the corpora; learned on "
        f"{answers['tune']} answers, scored on {answers['score']} others of {answers['length']} tokens "
        f"({found['date']}, {found.get('revision', '')}).\n\n{table(heads, rows)}"
    )


def _reached(cell: Row | None) -> str:
    if not cell:
        return "–"
    return f"{cell['share_of_limit']:.1%} ± {cell['se']:.1%}; {cell['tokens_to_1e-6']:.0f}"


def trace(found: Row, table: Table) -> str:
    """Whether accounts are found, innocent ones left alone, and shares right."""
    rows = []
    for world in found["worlds"]:
        what = (
            f"16 accounts of 5% among {world['keys']:,}, {world['nats']} nats, mixed by {world['mixed by']}"
        )
        told = f"{world['found']} of 16, {world['false']} false"
        rows.append([f"{what}, {world['tokens']:,} tokens", told, "16, none false"])
    innocents = found["innocents"]
    rows.append([
        f"{innocents['worlds']} worlds with {innocents['keys']:,} keys: worlds with a false name",
        str(innocents["worlds with a false name"]),
        "at most 16",
    ])  # fmt: skip
    for share in found["shares"]:
        low, high = share["covered"][1:]
        what = (
            f"{share['scorer']}, {share['nats']} nats, mixed by {share['mixed by']}, of {share['intervals']}"
        )
        told = f"{share['covered'][0]:.1%} ({low:.1%} to {high:.1%})"
        rows.append([f"intervals of shares that cover the truth: {what}", told, "90%"])
    return (
        f"{found['texts'].capitalize()} ({found['date']}, {found['revision']}); family-wise level {found['level']}."
        f"\n\n{table(['what', 'measured', 'asked'], rows)}"
    )


def speed(found: Row, table: Table) -> str:
    """Tokens a second, beside the engines' own detectors."""
    rows = [
        [
            run["mark"],
            f"{run['reading'] / 1e6:.1f} M",
            f"{run['detecting, short'] / 1e6:.2f} M",
            f"{run['engine'] / 1e6:.3f} M" if run.get("engine") else "–",
            f"{run['times']['detecting']:,.1f}" if run.get("times") else "–",
            f"{run['tracing'] / 1e6:.0f} M",
        ]
        for run in found["rows"]
    ]
    heads = [
        "mark",
        "read, tokens/s",
        "detected, exact p",
        "engine's detector",
        "times it",
        "traced, pairs/s",
    ]
    load = ", ".join(map(str, found.get("load", [])))
    return (
        f"One core ({found['date']}, {found['revision']}; load beside: {load}). Asked: 10 M tokens/s read."
        f"\n\n{table(heads, rows)}"
    )


def speed_beside(found: Row, table: Table) -> str:
    """The other schemes beside transformers' and MarkLLM's detectors."""
    rows = []
    for run in found["tokens a second and core"]:
        for name, peer in run["engines"].items():
            times = f"{run['times'][name]:,.0f}"
            rows.append(
                [run["mark"], f"{run['vocabulary']:,}", f"{run['ours']:,}", f"{name}: {peer:,}", times]
            )
    heads = ["mark", "vocabulary", "ours, tokens/s", "the engine's own", "times it"]
    return (
        f"One thread ({found['date']}, {found['revision']}). Asked: Unigram 10 M tokens/s, the others 20 times the "
        f"engine's own.\n\n{table(heads, rows)}"
    )
