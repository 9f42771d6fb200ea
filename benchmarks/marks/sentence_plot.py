"""Texts of twenty sentences that are read after a paraphrase, by the drafts of a sentence: a figure and a table."""

from __future__ import annotations

import math
from typing import Any

from curves import Line, Panel, chart

#: Embedder, its name in the key, its colour.
EMBEDDERS = (("all-minilm-l6-v2", "sentence model", "o"), ("hashed-words", "hashed words", "b"))
LEVELS = ("0.01", "0.001")


def drawn(result: dict[str, Any]) -> str:
    """The figure: a panel for each level, measured beside predicted."""
    return chart(
        "The share of texts of twenty sentences that are read after DIPPER's paraphrase, by drafts of a sentence.",
        [_panel(result, level) for level in LEVELS],
    )


def table(result: dict[str, Any]) -> str:
    """Measured beside predicted, as Markdown."""
    predicted, measured = (result[part]["figures"] for part in ("tune", "score"))
    heads = (
        "embedder",
        "drafts",
        "as written",
        "predicted",
        "paraphrased",
        "at 10⁻³",
        "nats a sentence, as written",
    )
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name, _, _ in EMBEDDERS:
        for drafts in _drafts(result):
            one, said = measured[name][drafts], predicted[name][drafts]["paraphrased"]["0.01"][0]
            clean, read, rare = one["clean"]["0.01"], one["paraphrased"]["0.01"], one["paraphrased"]["0.001"]
            cells = (
                f"`{name}`",
                drafts,
                f"{clean[0]:.0%}",
                f"{said:.1%}",
                _with_interval(read),
                _with_interval(rare),
                f"{one['nats a sentence, clean']:.2f}",
            )
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _with_interval(found: list[float]) -> str:
    return f"{found[0]:.1%} ({found[1]:.1%} to {found[2]:.1%})"


def _drafts(result: dict[str, Any]) -> list[str]:
    return [each for each in ("4", "8", "16", "64") if each in result["score"]["figures"][EMBEDDERS[0][0]]]


def _panel(result: dict[str, Any], level: str) -> Panel:
    lines = []
    for name, told, kind in EMBEDDERS:
        for part, dashed in (("tune", True), ("score", False)):
            figures = result[part]["figures"][name]
            found = [(math.log2(int(each)), figures[each]["paraphrased"][level]) for each in _drafts(result)]
            lines.append(
                Line(
                    f"{told}, {'predicted' if dashed else 'measured'}",
                    [(x, share[0]) for x, share in found],
                    kind,
                    dashed,
                    () if dashed else [(x, share[1], share[2]) for x, share in found],
                )
            )
    ticks = [(math.log2(int(each)), each) for each in _drafts(result)]
    return Panel(f"at a false-positive rate of {level}", lines, ticks, "drafts of a sentence")
