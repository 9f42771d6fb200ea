"""Readers of other people's logs: one file per format, found through entry points (`headwater.readers`).

`protocol` says what a reader promises; `messages` and `calls` hold what chat formats have in common. Opening
files, Arrow and counting belong to the parent package. A reader that cannot be imported is reported only to
the one who asks for it by name.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points

from headwater.errors import UsageError
from headwater.exchange.readers.protocol import Finishing, Reader, Record, Row, bad

__all__ = ["GROUP", "Finishing", "Reader", "Record", "Row", "bad", "load", "load_all", "names"]

GROUP = "headwater.readers"


def _found() -> dict[str, EntryPoint]:
    """Entry points by name; of two with one name the first in alphabetical order of its target counts."""
    found: dict[str, EntryPoint] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda p: (p.name, p.value)):
        found.setdefault(point.name, point)
    return found


def names() -> tuple[str, ...]:
    """Names of all readers that are declared, whether or not they can be imported."""
    return tuple(_found())


def load(name: str) -> Reader:
    """A fresh reader of the format `name`; UsageError where there is none or it cannot be imported."""
    found = _found()
    if name not in found:
        near = get_close_matches(name, found, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known formats: {', '.join(found)}"
        raise UsageError(f"there is no log format named {name}", hint=hint)
    return _made(found[name])


def load_all() -> list[Reader]:
    """A fresh reader of each format that can be imported, in order of name."""
    made: list[Reader] = []
    for point in _found().values():
        try:
            made.append(_made(point))
        except UsageError:  # someone else's broken plugin must not stop a run that does not need it
            continue
    return made


def _made(point: EntryPoint) -> Reader:
    try:
        factory: Callable[[], Reader] = point.load()
        made = factory()
    except Exception as error:  # a stranger's code may raise anything while it is imported
        raise UsageError(
            f"the reader {point.name} ({point.value}) cannot be loaded: {type(error).__name__}",
            hint="repair or uninstall the package that declares it",
        ) from error
    if not isinstance(made, Reader):
        raise UsageError(
            f"what {point.name} names ({point.value}) is not a reader",
            hint="see headwater.exchange.readers.protocol",
        )
    return made
