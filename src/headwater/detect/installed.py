"""The evidence that is installed, Headwater's own and others', and whose fault it is where one of them fails."""

from __future__ import annotations

import math
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import EntryPoint, entry_points
from pathlib import PurePath
from typing import Any, get_args

import numpy as np

from headwater.detect.fold import Card, Finding, Fold, Group, Links, Reading, World
from headwater.entry_point import OURS, loaded, owner
from headwater.errors import HeadwaterError, UsageError

GROUP = "headwater.evidence"
STAGES = ("propose", "confirm", "trait")
PARTS = ("card", "stage", "columns", "init", "update", "merge", "finish")
#: Of a card: tuples, which lose their comma easily.
LISTS = ("needs", "any_of", "innocent_causes")


def load() -> tuple[Fold, ...]:
    """All evidence that is installed, in order of stage and name.

    An entry point names one kind of evidence or a tuple of them. `UsageError` where another package's can't be loaded,
    names something else, or takes a name that is taken.
    """
    found: dict[tuple[str, str], Fold] = {}
    for point in entry_points(group=GROUP):
        named = loaded(point)
        for evidence in named if isinstance(named, tuple) else (named,):
            wrong = _wrong(evidence)
            if wrong is not None:
                raise UsageError(
                    f"the entry point {point.name} of {owner(point)} ({point.value}) names no evidence: {wrong}",
                    hint="name an object with card, stage, columns, init, update, merge and finish, or several",
                )
            name = evidence.card.name
            other = found.setdefault((name, evidence.stage), evidence)
            if other is not evidence:
                raise UsageError(
                    f"two kinds of evidence are called {name}: of {package(other)} and of {package(evidence)}",
                    hint="give one of them another name on its card",
                )
    return tuple(sorted(found.values(), key=lambda e: (e.stage, e.card.name)))


def strangers() -> tuple[EntryPoint, ...]:
    """The entry points of other packages, in order of their names."""
    others = (point for point in entry_points(group=GROUP) if owner(point) != OURS)
    return tuple(sorted(others, key=lambda point: (point.name, point.value)))


def package(evidence: Fold) -> str:
    """The distribution whose entry point brings an evidence; its top module where there is none."""
    top = _top(evidence)
    return next((owner(p) for p in entry_points(group=GROUP) if p.module.partition(".")[0] == top), top)


@contextmanager
def blaming(evidence: Any) -> Iterator[None]:
    """Errors in here that are of another package's evidence say so; never with their message, which may quote a log."""
    try:
        yield
    except (HeadwaterError, MemoryError):
        raise
    except Exception as error:
        if not _strange(evidence):
            raise
        last = traceback.extract_tb(error.__traceback__)[-1]
        raise HeadwaterError(
            f"the evidence {evidence.card.name} of {package(evidence)} failed ({type(error).__name__} in "
            f"{PurePath(last.filename).name}, line {last.lineno}, {last.name})",
            hint="tell its authors, or take the package away; HEADWATER_DEBUG=1 shows the whole trace, which may quote "
            "the log",
        ) from error


def checked(evidence: Any, outcome: Any, world: World) -> Any:
    """What a fold answered; `HeadwaterError` where it is another package's and no answer of its stage."""
    if not _strange(evidence):
        return outcome
    wrong = {"propose": _no_links, "confirm": _no_findings, "trait": _no_reading}[evidence.stage](
        outcome, world
    )
    if wrong:
        raise HeadwaterError(
            f"the evidence {evidence.card.name} of {package(evidence)} answered {wrong}",
            hint="tell its authors, or take the package away",
        )
    if evidence.stage == "confirm":
        return {int(at): _plain(found) for at, found in outcome.items()}
    return outcome


def _wrong(named: Any) -> str | None:
    """Why what an entry point names is no evidence; None where it is."""
    if isinstance(named, type):
        return f"{named.__name__} is a class, not an object"
    lacks = [part for part in PARTS if not hasattr(named, part)]
    if lacks:
        return f"it lacks {', '.join(lacks)}"
    if not isinstance(named.card, Card):
        return "its card is no Card"
    lists = {"columns": named.columns} | {f"card.{part}": getattr(named.card, part) for part in LISTS}
    strings = [part for part, value in lists.items() if isinstance(value, str)]
    if strings:
        return f"{strings[0]} is a string, not a tuple"
    if named.stage not in STAGES:
        return f"its stage is none of {', '.join(STAGES)}"
    if named.card.group not in get_args(Group):
        return "its card's group is no dependence group"
    return None


def _top(evidence: Any) -> str:
    return type(evidence).__module__.partition(".")[0]


def _strange(fold: Any) -> bool:
    return isinstance(fold, Fold) and _top(fold) != OURS


def _no_links(outcome: Any, world: World) -> str:
    if not isinstance(outcome, Links):
        return "no Links"
    a, b, weight = columns = outcome.a, outcome.b, outcome.weight
    if not all(isinstance(column, np.ndarray) for column in columns):
        return "links that aren't arrays"
    if not a.shape == b.shape == weight.shape == (len(a),):
        return "links that aren't three columns of one length"
    if not (np.issubdtype(a.dtype, np.integer) and np.issubdtype(b.dtype, np.integer)):
        return "links whose accounts aren't integer codes"
    if not np.issubdtype(weight.dtype, np.number) or not (np.isfinite(weight) & (weight >= 0)).all():
        return "links with a weight that isn't a number of 0 or more"
    there = ((a >= 0) & (a < b) & (b < world.size)).all()
    return "" if there else "links of accounts that aren't there, or not a < b"


def _no_findings(outcome: Any, world: World) -> str:
    if not isinstance(outcome, Mapping) or not all(isinstance(f, Finding) for f in outcome.values()):
        return "no mapping of rings to Findings"
    if not all(isinstance(at, int | np.integer) and 0 <= at < len(world.rings) for at in outcome):
        return "findings of rings that aren't there"
    return next((wrong for wrong in map(_no_finding, outcome.values()) if wrong), "")


def _no_finding(found: Any) -> str:
    if not isinstance(found.sentence, str):
        return "a finding without a sentence"
    if not isinstance(found.figures, Mapping) or not all(isinstance(name, str) for name in found.figures):
        return "a finding whose figures aren't numbers by name"
    if not all(_number(value) for value in (found.raw, *found.figures.values())):
        return "a finding with a figure that isn't a finite number"
    fits = found.p_value is None or (_number(found.p_value) and 0 <= found.p_value <= 1)
    return "" if fits else "a finding with a p-value that isn't from 0 to 1"


def _number(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and math.isfinite(value)


def _plain(found: Finding) -> Finding:
    """The finding in Python's own numbers, as documents need them."""
    p_value = None if found.p_value is None else float(found.p_value)
    return Finding(float(found.raw), found.sentence, p_value, {k: float(v) for k, v in found.figures.items()})


def _no_reading(outcome: Any, world: World) -> str:
    fits = isinstance(outcome, Reading) and np.shape(outcome.value) == (world.size,)
    return "" if fits else "no Reading with a value for each account"
