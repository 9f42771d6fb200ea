"""What is found over the length of answers, clean and after attacks, from `robustness.json`."""

from __future__ import annotations

import math
from typing import Any

from curves import Line, Panel, chart

#: Attack, the panel's title.
PANELS = {
    "none": "as it was written",
    "substitution 25%": "a quarter replaced",
    "dilution 1:3": "three times diluted",
    "paraphrase (DIPPER)": "paraphrased (replayed)",
}
#: Scheme, its name in the key, colour, dashed.
LINES = (
    ("headwater-gumbel width=2", "Gumbel, two tokens of context", "o", False),
    ("headwater-tilt delta=2 width=1", "a tilt of 2, one token of context", "t", False),
    ("vllm-gumbel width=4", "vLLM's default: Gumbel, four tokens", "b", False),
    ("unigram delta=2", "Unigram: one green list", "b", True),
)


def drawn(result: dict[str, Any]) -> str:
    """The figure, at the highest entropy measured."""
    rows = result["rows"]
    entropy = max(row["entropy_asked"] for row in rows)
    lengths = sorted({row["tokens"] for row in rows})
    ticks = [(math.log(length), str(length)) for length in lengths]
    held = {
        (row["scheme"], row["attack"], row["tokens"]): row for row in rows if row["entropy_asked"] == entropy
    }
    panels = []
    for attack, title in PANELS.items():
        lines = []
        for scheme, label, kind, dashed in LINES:
            cells = [held[scheme, attack, length] for length in lengths]
            points = [(math.log(cell["tokens"]), cell["tpr_1e-2"]) for cell in cells]
            whiskers = [
                (math.log(cell["tokens"]), cell["tpr_1e-2_low"], cell["tpr_1e-2_high"]) for cell in cells
            ]
            lines.append(Line(label, points, kind, dashed, whiskers))
        panels.append(Panel(title, lines, ticks, "marked tokens"))
    return chart(f"Share of answers found at a false-positive rate of 1%, {entropy} nats a token", panels)
