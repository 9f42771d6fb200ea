"""Milliseconds a step of each processor, on a scale of powers of ten, from `embed_speed.json`."""

from __future__ import annotations

import math
from typing import Any
from xml.sax.saxutils import escape

from curves import STYLE

LEFT, WIDE, HIGH, TOP = 210, 420, 20, 40
LEAST, MOST = -2, 4


def drawn(result: dict[str, Any]) -> str:
    """The figure: bars of steps at batch 32 and 1, and where the bars of this project stand."""
    rows = [row for row in result["steps"] if row["scores"] == "2 nats"]
    rows.sort(key=lambda row: (-row["batch"], row["median_ms"]))
    height = TOP + len(rows) * HIGH + 40
    box = f'width="{LEFT + WIDE + 90}" height="{height}" viewBox="0 0 {LEFT + WIDE + 90} {height}"'
    told = "Milliseconds a step of writing a mark, by processor and batch"
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img" aria-label="{escape(told)}">']
    out.append(f"<style>{STYLE}</style>")
    out.append(
        f'<text x="{LEFT}" y="16">ms a step, vocabulary {result["vocabulary"]:,}, 2 nats a token, two threads</text>'
    )
    for power in range(LEAST, MOST + 1):
        x = _x(10.0**power)
        out.append(f'<line class="g" x1="{x}" x2="{x}" y1="{TOP - 6}" y2="{height - 34}"/>')
        out.append(f'<text x="{x}" y="{height - 18}" text-anchor="middle">{10.0**power:g}</text>')
    for at, row in enumerate(rows):
        y = TOP + at * HIGH
        kind = "o" if row["processor"].startswith("headwater") else "b"
        end = _x(row["median_ms"])
        name = escape(f"{row['processor']}, {row['batch']}")
        out.append(f'<text x="{LEFT - 8}" y="{y + 12}" text-anchor="end">{name}</text>')
        out.append(f'<rect class="{kind}" x="{LEFT}" y="{y + 2}" width="{end - LEFT}" height="{HIGH - 6}"/>')
        out.append(f'<text x="{end + 6}" y="{y + 12}">{row["median_ms"]:.3g}</text>')
    return "\n".join([*out, "</svg>"]) + "\n"


def _x(value: float) -> float:
    share = (math.log10(max(value, 10.0**LEAST)) - LEAST) / (MOST - LEAST)
    return round(LEFT + WIDE * share, 1)
