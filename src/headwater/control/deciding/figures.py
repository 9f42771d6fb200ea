"""How the tier's limits stand, for rate headers: what never changes is put together once, the rest is read from cells.

Of a step nothing is seen but that less remains, and of the operator's own budgets nothing at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec

from headwater.control.budget import Cell
from headwater.control.budget.calendar import LENGTH_US

#: What names of a step's lower rates begin with.
OF_STEP: Final = "step."


class Figure(msgspec.Struct, frozen=True, gc=False):
    """A tier's limit as it stands, for rate headers; `window_us` is 0 for what is counted at one moment."""

    name: str
    unit: str
    limit: int
    remaining: int
    resets_us: int
    window_us: int


#: Time in µs → what remains, and in how many µs all of it is there again.
Reads = Callable[[int], tuple[int, int]]


class Shown(msgspec.Struct, frozen=True, eq=False):
    """A limit that is shown: what of its figure stays, how the rest is read, and a step's lower rate beside it."""

    name: str
    unit: str
    limit: int
    window_us: int
    reads: Reads
    step_reads: Reads | None


def shown(cells: Iterable[Cell], limit_of: Mapping[str, str]) -> tuple[Shown, ...]:
    """The limits that are shown of a tier's cells; `limit_of`: name of a budget → the tier's limit."""
    found: dict[str, Shown] = {}
    for cell in cells:
        budget = cell.budget
        name = limit_of[budget.name]
        if not budget.name.startswith(OF_STEP):
            found[name] = Shown(name, budget.unit, budget.limit, LENGTH_US[budget.per], cell.stands, None)
        elif name in found:
            found[name] = msgspec.structs.replace(found[name], step_reads=cell.stands)
    return tuple(found.values())


def stands_now(limit: Shown, steady_us: int) -> tuple[int, int]:
    """What remains of a limit, and in how many µs all of it is there again."""
    found = limit.reads(steady_us)
    if limit.step_reads is None:
        return found
    less = limit.step_reads(steady_us)
    return less if less[0] < found[0] else found


def figures(limits: Iterable[Shown], steady_us: int) -> list[Figure]:
    """How they stand now."""
    found = []
    for one in limits:
        remaining, resets_us = one.reads(steady_us) if one.step_reads is None else stands_now(one, steady_us)
        found.append(Figure(one.name, one.unit, one.limit, remaining, resets_us, one.window_us))
    return found
