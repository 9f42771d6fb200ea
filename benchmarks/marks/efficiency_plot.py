"""The share of the information limit over entropy, engines' detectors beside ours, from `efficiency.json`."""

from __future__ import annotations

import math
from typing import Any

from curves import Line, Panel, chart

#: Section, then detector, its name in the key, its colour, and whether dashed.
PANELS: dict[str, tuple[str, list[tuple[str, str, str, bool]]]] = {
    "Gumbel (vLLM, width 4)": (
        "gumbel",
        [
            ("provider, bfloat16 weights", "the provider's own laws, recomputed", "t", False),
            ("by class of the proxy", "likelihood ratio by class of a small proxy", "o", False),
            ("mixture, from chances", "likelihood ratio, one for all tokens", "o", True),
            ("engine: sum of -ln(1-u)", "the engine's own statistic", "b", False),
        ],
    ),
    "SynthID, 30 layers": (
        "synthid",
        [
            ("by class of the proxy", "likelihood ratio by class of a small proxy", "o", False),
            ("engine: weighted mean", "the engine's own statistic", "b", False),
        ],
    ),
    "KGW, a quarter green, tilt 2": (
        "kgw",
        [
            ("by class of the proxy", "likelihood ratio by class of a small proxy", "o", False),
            ("engine: green tokens (z-test)", "the engine's own statistic", "b", False),
        ],
    ),
}


def drawn(result: dict[str, Any]) -> str:
    """The figure."""
    settings = sorted(result["settings"].values(), key=lambda each: each["entropy_of_units"])
    ticks = [(math.log(each["entropy_of_units"]), f"{each['entropy_of_units']:.2g}") for each in settings]
    panels = []
    for title, (section, wanted) in PANELS.items():
        lines = []
        for name, label, kind, dashed in wanted:
            found = [each[section][name] for each in settings]
            points = [(x, each["share_of_limit"]) for (x, _), each in zip(ticks, found, strict=True)]
            whiskers = [
                (x, each["share_of_limit"] - 2 * each["se"], each["share_of_limit"] + 2 * each["se"])
                for (x, _), each in zip(ticks, found, strict=True)
            ]
            lines.append(Line(label, points, kind, dashed, whiskers))
        panels.append(Panel(title, lines, ticks, "entropy, nats a token"))
    return chart("Share of the information limit that detectors reach", panels)
