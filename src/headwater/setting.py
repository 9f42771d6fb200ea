"""One setting of a room: its default, the line of documentation that the reference is made from, and its bounds."""

from __future__ import annotations

from dataclasses import field
from typing import Any


def setting(default: Any, doc: str, bounds: str = "") -> Any:
    """A dataclass's field with what `docs/reference` says of it; `bounds` in words, such as `from 1 to 60`."""
    return field(default=default, metadata={"doc": doc, "range": bounds})
