"""A board in a terminal: lines, one table, lines, as wide as the terminal and no wider.

Every string is cleaned of what a terminal would act on, and none is read as markup. rich is imported only
where it draws.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import IO

from headwater.report.escape import clean
from headwater.report.page import Badge, Board, Cell

__all__ = ["clean", "draw", "wants_colour"]

_STYLE = {
    "for": "cyan",
    "against": "yellow",
    "warn": "yellow",
    "strong": "bold cyan",
    "quiet": "dim",
    "plain": "",
}
#: Narrower than this, columns that may be left out are.
_NARROW = 76


def wants_colour(stream: IO[str], env: Mapping[str, str] | None = None) -> bool:
    """Whether to colour: `NO_COLOR` wins, then `CLICOLOR_FORCE` and `FORCE_COLOR`, then if a terminal."""
    found = os.environ if env is None else env
    if found.get("NO_COLOR"):
        return False
    for name in ("CLICOLOR_FORCE", "FORCE_COLOR"):
        if found.get(name) not in (None, "", "0", "false"):
            return True
    return found.get("TERM") != "dumb" and stream.isatty()


def _cell(cell: Cell) -> tuple[str, str]:
    """What a cell shows, and its style."""
    if isinstance(cell, Badge):
        return clean(cell.glyph or cell.text), _STYLE[cell.tone]
    if isinstance(cell, int):
        return f"{cell:,}", ""
    if cell is None:
        return "–", "dim"
    return clean(cell if isinstance(cell, str) else cell.text), ""


def draw(board: Board, stream: IO[str], *, colour: bool | None = None, width: int | None = None) -> None:
    """Writes `board` to `stream`. `width` in columns (the terminal's own if None, 80 where there is none)."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    coloured = wants_colour(stream) if colour is None else colour
    console = Console(
        file=stream,
        width=width,
        force_terminal=coloured,
        no_color=not coloured,
        color_system="standard" if coloured else None,
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
    )

    def line(left: str, right: str = "") -> None:
        room = console.width - len(clean(left)) - len(clean(right))
        text = Text(clean(left), style="bold" if right else "")
        if right:
            text.append((" " * room if room > 1 else " · ") + clean(right), style="dim")
        console.print(text, soft_wrap=False)

    for left, right in board.above:
        line(left, right)
    if board.rows:
        kept = [i for i, c in enumerate(board.columns) if console.width >= _NARROW or not c.minor]
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", show_edge=False)
        for i in kept:
            column = board.columns[i]
            table.add_column(
                clean(column.title),
                justify="right" if column.kind == "number" else "left",
                no_wrap=column.kind != "text" or not column.title,
                overflow="ellipsis" if column.kind == "name" else "fold",
            )
        for row in board.rows:
            cells = [_cell(row[i]) for i in kept]
            table.add_row(*(Text(text, style=style) for text, style in cells))
        console.print(table)
    for below in board.below:
        line(below)
