"""The evidence that is installed, Headwater's own and others', and whose fault it is where one of them fails."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import EntryPoint, entry_points, packages_distributions
from pathlib import PurePath
from typing import Any

from headwater.detect.fold import Fold
from headwater.errors import HeadwaterError, UsageError

GROUP, OURS = "headwater.evidence", "headwater"


def load() -> tuple[Fold, ...]:
    """All evidence that is installed, in order of stage and name.

    An entry point names one kind of evidence or a tuple of them. `UsageError` where another package's can't be loaded,
    names something else, or takes a name that is taken.
    """
    found: dict[tuple[str, str], Fold] = {}
    for point in entry_points(group=GROUP):
        named = _loaded(point)
        for evidence in named if isinstance(named, tuple) else (named,):
            if not isinstance(evidence, Fold):
                raise UsageError(
                    f"the entry point {point.name} of {_owner(point)} ({point.value}) names no evidence",
                    hint="it names an object with card, stage, columns, init, update, merge and finish",
                )
            name = evidence.card.name
            other = found.setdefault((name, evidence.stage), evidence)
            if other is not evidence:
                raise UsageError(
                    f"two kinds of evidence are called {name}: of {package(other)} and of {package(evidence)}",
                    hint="give one of them another name on its card",
                )
    return tuple(sorted(found.values(), key=lambda e: (e.stage, e.card.name)))


def _loaded(point: EntryPoint) -> Any:
    try:
        return point.load()
    except Exception as error:
        if _owner(point) == OURS:
            raise
        raise UsageError(
            f"the entry point {point.name} of {_owner(point)} ({point.value}) can't be loaded "
            f"({type(error).__name__})",
            hint="mend it, install its package again, or take the package away",
        ) from error


def _owner(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.module.partition(".")[0]


def package(evidence: Fold) -> str:
    """The distribution that an evidence comes from; its top module where that is no distribution's."""
    top = type(evidence).__module__.partition(".")[0]
    return next(iter(packages_distributions().get(top, ())), top)


@contextmanager
def blaming(evidence: Any) -> Iterator[None]:
    """Errors in here that are of another package's evidence say so; never with their message, which may quote a log."""
    try:
        yield
    except HeadwaterError:
        raise
    except Exception as error:
        if not isinstance(evidence, Fold) or type(evidence).__module__.partition(".")[0] == OURS:
            raise
        last = traceback.extract_tb(error.__traceback__)[-1]
        raise HeadwaterError(
            f"the evidence {evidence.card.name} of {package(evidence)} failed ({type(error).__name__} in "
            f"{PurePath(last.filename).name}, line {last.lineno}, {last.name})",
            hint="tell its authors, or take the package away; HEADWATER_DEBUG=1 shows the whole trace, which may quote "
            "the log",
        ) from error
