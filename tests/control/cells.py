"""All that budgets hold, in plain data, so that two of them can be compared."""

from __future__ import annotations

from collections.abc import Iterable

from headwater.control.budget import Budgets, Cell


def ids(cells: Iterable[Cell]) -> list[str]:
    """Names of cells."""
    return [cell.id for cell in cells]


def held_by(cell: Cell) -> dict[str, object]:
    """All that a cell holds, but for other cells and what was only asked for."""
    names = {name for kind in type(cell).__mro__ for name in getattr(kind, "__slots__", ())}
    return {name: getattr(cell, name) for name in sorted(names - {"__weakref__", "meter", "then"})}


def state(budgets: Budgets) -> tuple[object, ...]:
    """All that the budgets hold."""
    kept = {name: held_by(cell) for name, cell in budgets.kept.items()}
    open_ = sorted((held.taken, held.stamp, held.until_us) for held in budgets.open)
    return kept, open_, ids(budgets.hungry), budgets.beyond, budgets.forgotten, budgets.next_seq()
