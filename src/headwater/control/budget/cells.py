"""The cells of one request, sorted by how they are counted, so that each step goes over plain tuples."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from headwater.control.budget.members import Members
from headwater.control.budget.meter import Meter
from headwater.control.budget.pots import Pot, SlotPot

Cell: TypeAlias = Pot | Meter | Members


class Cells:
    """What `Budgets.cells` gives: to be kept, and handed to `reserve`. Two can be joined with `+`."""

    __slots__ = ("_extension", "all", "leases", "members", "meters", "pots", "slots")

    def __init__(self, cells: Iterable[Cell]) -> None:
        #: each cell once, in order
        self.all = tuple(dict.fromkeys(cells))
        self.pots = tuple(each for each in self.all if isinstance(each, Pot))
        self.slots = tuple(each for each in self.pots if isinstance(each, SlotPot))
        self.leases = tuple(each for each in self.pots if not isinstance(each, SlotPot))
        self.meters = tuple(each for each in self.all if isinstance(each, Meter))
        self.members = tuple(each for each in self.all if isinstance(each, Members))
        self._extension: Cells | None = None

    def __add__(self, other: Cells) -> Cells:
        return Cells((*self.all, *other.all))

    def extension(self) -> Cells:
        """Those that a running request takes more of: without slots and members."""
        if self._extension is None:
            self._extension = Cells((*self.leases, *self.meters))
        return self._extension
