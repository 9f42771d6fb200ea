"""Charts are Vega-Lite specs kept as data, one JSON file each; here one is read and filled with records.

The same spec serves the page (colours as CSS variables, so that they follow the theme), a notebook and a
picture (colours as they are). What the records mean is the caller's.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from headwater.report.page import Chart

#: Colour tokens of the specs: the CSS variable in a page, and the colour where there is no page.
COLOURS = {
    "@ink": ("--ink", "#1b2429"),
    "@quiet": ("--quiet", "#5a686f"),
    "@line": ("--line", "#d5dcda"),
    "@for": ("--for", "#0b6e86"),
    "@against": ("--against", "#b04a12"),
    "@strong": ("--strong", "#16323d"),
    "@pale": ("--pale", "#c9d9dc"),
    "@paper": ("--paper", "#fbfcfa"),
}
MIME = "application/vnd.vegalite.v6+json"


@cache
def _read(name: str) -> str:
    return files("headwater.report").joinpath("charts", f"{name}.json").read_text(encoding="utf-8")


def names() -> list[str]:
    """The specs there are."""
    folder = files("headwater.report").joinpath("charts")
    return sorted(
        entry.name.removesuffix(".json") for entry in folder.iterdir() if entry.name.endswith(".json")
    )


def spec(name: str, *, page: bool = False) -> dict[str, Any]:
    """The spec without data: colour tokens become CSS variables in a `page`, plain colours elsewhere."""
    text = _read(name)
    for token, (variable, colour) in COLOURS.items():
        text = text.replace(f'"{token}"', f'"var({variable})"' if page else f'"{colour}"')
    found: dict[str, Any] = json.loads(text)
    return found


def filled(chart: Chart) -> dict[str, Any]:
    """A complete Vega-Lite spec: for a notebook, or for `vl-convert` (SVG, PNG, PDF)."""
    whole = spec(chart.spec)
    whole["datasets"] = {name: list(map(dict, rows)) for name, rows in chart.records.items()}
    whole["width"] = 640
    return whole


def chart_bundle(chart: Chart) -> dict[str, Any]:
    """A notebook's MIME bundle: the spec with its records, and the sentence as plain text."""
    return {MIME: filled(chart), "text/plain": chart.sentence}
