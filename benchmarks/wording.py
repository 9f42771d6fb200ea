"""Figures in words, the same on every page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

NOT_YET = "Not measured yet."
#: Makes Markdown of heads and rows.
Table = Callable[[list[str], list[list[str]]], str]


def told(value: float | None) -> str:
    """A share with three digits; a dash where nothing was measured."""
    return "–" if value is None else f"{100 * value:.3g}%"


def span(values: Sequence[float] | None) -> str:
    """An interval of shares, or a dash."""
    return "–" if values is None else f"{told(values[0])}–{told(values[1])}"


def listed(names: Sequence[str]) -> str:
    """`a`, `b` and `c`."""
    quoted = [f"`{name}`" for name in names]
    return " and ".join(filter(None, [", ".join(quoted[:-1]), *quoted[-1:]]))


def lacking(found: Mapping[str, Any]) -> str:
    """That a summary is of a part of its plan, with a space behind; nothing where it is of the whole."""
    missing = found.get("missing", 0)
    return f"**Not the whole run: {missing:,} worlds of its plan are missing.** " if missing else ""
