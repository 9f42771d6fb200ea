"""Recall as a picture: one row a method, one dot a seed, one panel a scenario, innocents beside; plain SVG."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

PANEL, GAP, LEFT, ROW, TOP = 200, 100, 270, 22, 52
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#222}.g{stroke:#ddd}.o{fill:#0b62a4}.b{fill:#999}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.g{stroke:#444}.o{fill:#6cb6ff}.b{fill:#888}}"
)


def recall_chart(found: dict[str, Any], methods: dict[str, str]) -> str:
    """An SVG of the share of ring accounts found; scenarios without a ring have no panel."""
    shown = [name for name, by in found["summary"].items() if by["everything"]["recall"] is not None]
    width, height = LEFT + len(shown) * (PANEL + GAP) + 10, TOP + len(methods) * ROW + 30
    told = "Share of ring accounts found, by scenario and method; one dot a seed"
    box = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img" aria-label="{told}">']
    out.append(f"<style>{STYLE}</style>")
    for row, (name, label) in enumerate(methods.items()):
        y = TOP + row * ROW
        out.append(f'<text x="{LEFT - 12}" y="{y + 4}" text-anchor="end">{escape(label)}</text>')
        for panel, scenario in enumerate(shown):
            x = LEFT + panel * (PANEL + GAP)
            out.append(f'<line class="g" x1="{x}" x2="{x + PANEL}" y1="{y}" y2="{y}"/>')
            wronged = found["summary"][scenario][name]["innocent_rate"]
            out.append(f'<text x="{x + PANEL + 16}" y="{y + 4}">{wronged:.1%}</text>')
            kind = "o" if "Headwater" in label else "b"
            for world in found["worlds"]:
                if world["scenario"] == scenario:
                    at = x + PANEL * world["looks"][name]["recall"]
                    out.append(f'<circle class="{kind}" cx="{at:.1f}" cy="{y}" r="4" fill-opacity=".7"/>')
    bottom = TOP + len(methods) * ROW
    for panel, scenario in enumerate(shown):
        x = LEFT + panel * (PANEL + GAP)
        out.append(f'<text x="{x}" y="20" font-weight="bold">{escape(scenario)}</text>')
        out.append(f'<text x="{x + PANEL + 16}" y="36">innocents</text>')
        out += [
            f'<text x="{x + PANEL * share:.0f}" y="{bottom + 8}" text-anchor="middle">{share:.0%}</text>'
            for share in (0.0, 0.5, 1.0)
        ]
    key = "dots: ring accounts found, one a seed; figures: innocent accounts flagged"
    out.append(f'<text x="{LEFT}" y="{bottom + 26}">{key}</text></svg>')
    return "\n".join(out) + "\n"
