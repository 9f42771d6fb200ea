"""What stages make of a head, remembered while it repeats: a connection sends the same one with each message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar

from headwater.gateway.wire.head import Field

#: Heads that are remembered, and the longest, in bytes: what they hold is somebody else's to choose.
_MOST, _LONGEST = 1024, 4_096
Made = TypeVar("Made")


class ByHead(Generic[Made]):
    """Makes something of a head's fields, once as long as they are the same list."""

    def __init__(self, make: Callable[[list[Field]], Made]) -> None:
        self._make: Final = make
        #: Fields are held so that their identity stays their own.
        self._kept: dict[int, tuple[list[Field], Made]] = {}

    def of(self, fields: list[Field]) -> Made:
        """What is made of these."""
        known = self._kept.get(id(fields))
        if known is not None and known[0] is fields:
            return known[1]
        made = self._make(fields)
        if sum(len(line) for _, line, _ in fields) <= _LONGEST:
            if len(self._kept) >= _MOST:
                self._kept.clear()
            self._kept[id(fields)] = fields, made
        return made
