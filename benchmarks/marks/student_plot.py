"""What each test says of each student, from `student.json`: a dot a seed, further right for a smaller p-value."""

from __future__ import annotations

import math
from typing import Any
from xml.sax.saxutils import escape

from curves import LINES, STYLE

LEFT, WIDE, ROW, TOP = 250, 460, 22, 40
TICKS = (0, 3, 10, 30, 100, 300, 700, 1500)
#: Mode, its name in the key, its colour, and how far below the row's middle its dots lie.
MODES = (
    ("served log", "weights, on the provider's stored answers", "o", -5),
    ("unsupervised", "weights, on texts that nobody marked", "t", 0),
    ("answers", "256 answers of the student alone", "b", 5),
)


def drawn(result: dict[str, Any]) -> str:
    """The figure: students whose text had a mark, and at the end the unmarked ones under the same keys."""
    rows: dict[str, dict[str, list[float]]] = {}
    for each in result["students"]:
        for mode, _, _, _ in MODES:
            value = _log10_p(each, mode, "student | base")
            if value is not None:
                rows.setdefault(each["world"], {}).setdefault(mode, []).append(value)
            control = _log10_p(each, mode, "unmarked | base")
            if control is not None:
                rows.setdefault("", {}).setdefault(mode, []).append(control)
    controls = rows.pop("", None)
    if controls:
        rows["trained on unmarked text"] = controls
    height = TOP + ROW * len(rows) + 48 + 18 * len(MODES)
    width = LEFT + WIDE + 30
    told = "log10 p of each student by each test"
    box = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img" aria-label="{told}">']
    out.append(f"<style>{STYLE}{LINES}</style>")
    bottom = TOP + ROW * len(rows)
    out.append(
        f'<text x="{LEFT}" y="16" font-weight="bold">-log10 p, a dot a seed; reference: the base</text>'
    )
    for tick in TICKS:
        x = _x(tick)
        out.append(f'<line class="g" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 8}" y2="{bottom}"/>')
        out.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{tick}</text>')
    for number, (name, modes) in enumerate(rows.items()):
        y = TOP + ROW * (number + 0.5)
        out.append(f'<text x="{LEFT - 12}" y="{y + 4:.0f}" text-anchor="end">{escape(name)}</text>')
        for mode, _, colour, below in MODES:
            out += [
                f'<circle class="{colour}" cx="{_x(-value):.1f}" cy="{y + below:.1f}" r="3.5"/>'
                for value in modes.get(mode, [])
            ]
    for number, (_, label, colour, _) in enumerate(MODES):
        y = bottom + 40 + 18 * number
        out.append(f'<circle class="{colour}" cx="{LEFT}" cy="{y}" r="3.5"/>')
        out.append(f'<text x="{LEFT + 12}" y="{y + 4}">{escape(label)}</text>')
    return "\n".join([*out, "</svg>"]) + "\n"


def _log10_p(each: dict[str, Any], mode: str, pair: str) -> float | None:
    if "master" in each:
        found = each["master"].get(mode) if pair == "student | base" else None
    elif mode == "answers":
        found = each.get(mode) if pair == "student | base" else None
    else:
        found = each.get(mode, {}).get(pair)
    return None if found is None else float(found["log10_p"])


def _x(value: float) -> float:
    """Small and large values on one axis: the square root, below and above alike."""
    return LEFT + WIDE * math.sqrt(max(0.0, value)) / math.sqrt(TICKS[-1])
