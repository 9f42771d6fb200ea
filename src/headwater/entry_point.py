"""Entry points of extensions: whose they are, and their loading, so that a stranger's fault is told as such."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import Any, Final

from headwater.errors import UsageError

#: The package whose own faults are raised as they are.
OURS: Final = "headwater"


def owner(point: EntryPoint) -> str:
    """The package that declares it."""
    return point.dist.name if point.dist else point.module.partition(".")[0]


def loaded(point: EntryPoint) -> Any:
    """What it names. Raises `UsageError`, which names the package, where another package's can't be loaded."""
    try:
        return point.load()
    except Exception as error:
        if owner(point) == OURS:
            raise
        raise UsageError(
            f"the entry point {point.name} of {owner(point)} ({point.value}) can't be loaded "
            f"({type(error).__name__})",
            hint="mend it, install its package again, or take the package away",
        ) from error
