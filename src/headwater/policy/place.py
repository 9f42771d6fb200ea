"""Where in which pack a fault is: the file, then rule and field as a dotted path.

What is wrong there is said by whoever finds it.
"""

from __future__ import annotations

from dataclasses import dataclass

from headwater.errors import ConfigurationError, Where


@dataclass(frozen=True)
class Place:
    """A place in the pack `file`; `place / "rules" / "hold"` is one inside it."""

    file: str
    at: str = ""

    def __truediv__(self, part: str) -> Place:
        return Place(self.file, f"{self.at}.{part}" if self.at else part)

    def fault(self, what: str, *, hint: str | None = None, row: int | None = None) -> ConfigurationError:
        """The error that says `what` is wrong here; `row` counts from 1."""
        return ConfigurationError(what, where=Where(self.file, row, self.at or None), hint=hint)
