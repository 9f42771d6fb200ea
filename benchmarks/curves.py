"""Lines over a measured quantity, panel beside panel, with what each point may be off; plain SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#222}.g{stroke:#ddd}.o{fill:#0b62a4}.b{fill:#999}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.g{stroke:#444}.o{fill:#6cb6ff}.b{fill:#888}}"
)
WIDE, HIGH, GAP, LEFT, TOP = 190, 150, 46, 46, 34
#: Where a key's words begin, and how wide a letter is at most.
KEY, LETTER = 34, 7
LINES = (
    ".l{fill:none;stroke-width:2}.so{stroke:#0b62a4}.sb{stroke:#999}.st{stroke:#7a4fb5}.t{fill:#7a4fb5}"
    "@media(prefers-color-scheme:dark){.so{stroke:#6cb6ff}.sb{stroke:#888}.st{stroke:#c3a6f2}.t{fill:#c3a6f2}}"
)
Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """Points joined by a line; `kind` is its colour (o: ours, t: ours with more in view, b: not ours)."""

    label: str
    points: Sequence[Point]
    kind: str = "o"
    dashed: bool = False
    #: at which x, from where, to where
    whiskers: Sequence[tuple[float, float, float]] = ()


@dataclass(frozen=True)
class Panel:
    """One pair of axes; `ticks` place x evenly or not, from the first to the last, and name it."""

    title: str
    lines: Sequence[Line]
    ticks: Sequence[tuple[float, str]]
    under: str = field(default="")

    def x(self, value: float) -> float:
        """How far to the right a value lies, in pixels."""
        first, last = self.ticks[0][0], self.ticks[-1][0]
        return WIDE * (value - first) / ((last - first) or 1.0)


def chart(told: str, panels: Sequence[Panel]) -> str:
    """An SVG of panels that share a vertical axis from 0 to 100%, and one key below."""
    key = {line.label: line for panel in panels for line in panel.lines}
    words = max((len(label) for label in key), default=0) * LETTER
    width = LEFT + max(len(panels) * (WIDE + GAP), KEY + words)
    height = TOP + HIGH + 50 + 18 * len(key)
    box = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img" aria-label="{escape(told)}">']
    out.append(f"<style>{STYLE}{LINES}</style>")
    out += [
        f'<text x="{LEFT - 8}" y="{_y(share) + 4:.0f}" text-anchor="end">{share:.0%}</text>'
        for share in (0.0, 0.5, 1.0)
    ]
    for number, panel in enumerate(panels):
        out += _panel(panel, LEFT + number * (WIDE + GAP))
    for number, line in enumerate(key.values()):
        y = TOP + HIGH + 56 + 18 * number
        out.append(_path(line, [(LEFT, y), (LEFT + 26, y)]))
        out.append(f'<text x="{LEFT + KEY}" y="{y + 4}">{escape(line.label)}</text>')
    return "\n".join([*out, "</svg>"]) + "\n"


def _y(share: float) -> float:
    return TOP + HIGH * (1 - share)


def _panel(panel: Panel, left: float) -> list[str]:
    out = [f'<text x="{left}" y="18" font-weight="bold">{escape(panel.title)}</text>']
    out += [
        f'<line class="g" x1="{left}" x2="{left + WIDE}" y1="{_y(share):.1f}" y2="{_y(share):.1f}"/>'
        for share in (0.0, 0.5, 1.0)
    ]
    out += [
        f'<text x="{left + panel.x(at):.1f}" y="{TOP + HIGH + 18}" text-anchor="middle">{escape(name)}</text>'
        for at, name in panel.ticks
    ]
    middle = left + WIDE / 2
    out.append(f'<text x="{middle}" y="{TOP + HIGH + 36}" text-anchor="middle">{escape(panel.under)}</text>')
    for line in panel.lines:
        out.append(_path(line, [(left + panel.x(x), _y(y)) for x, y in line.points]))
        for x, low, high in line.whiskers:
            at = f"{left + panel.x(x):.1f}"
            out.append(
                f'<line class="s{line.kind}" x1="{at}" x2="{at}" y1="{_y(low):.1f}" y2="{_y(high):.1f}"/>'
            )
        if not line.dashed:
            out += [
                f'<circle class="{line.kind}" cx="{left + panel.x(x):.1f}" cy="{_y(y):.1f}" r="3.5"/>'
                for x, y in line.points
            ]
    return out


def _path(line: Line, points: Sequence[Point]) -> str:
    dashes = ' stroke-dasharray="5 4"' if line.dashed else ""
    told = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline class="l s{line.kind}"{dashes} points="{told}"/>'
