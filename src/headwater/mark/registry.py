"""Schemes by name: Headwater's own adapters and other packages', found through the entry points `headwater.marks`.

An entry point names a factory: it takes a mapping of settings, as a keyring has them, and makes a `Scheme`.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, get_type_hints

from headwater.entry_point import OURS, loaded, owner
from headwater.errors import ConfigurationError, HeadwaterError, UsageError, Where
from headwater.mark.scheme import Scheme

GROUP = "headwater.marks"
PARTS = ("name", "width", "streams", "null", "card", "units", "values", "random_key")


def names() -> tuple[str, ...]:
    """The names of all schemes that are installed, in order."""
    return tuple(sorted({point.name for point in installed()}))


@cache
def installed() -> tuple[EntryPoint, ...]:
    """The entry points, looked for once: that takes longer than making a scheme."""
    return tuple(entry_points(group=GROUP))


def scheme(name: str, config: Mapping[str, Any] | None = None) -> Scheme:
    """The scheme `name` with the settings of `config`.

    Raises `ConfigurationError` for a name that isn't installed and for a setting that the scheme doesn't have or take
    (`where.field` names it), `UsageError` where another package's scheme can't be loaded or made; none says a value.
    """
    point = _point(name)
    factory = loaded(point)
    try:
        made = factory(dict(config or {}))
    except (HeadwaterError, MemoryError):
        raise
    except Exception as error:
        # Its message may quote a setting, and a key may stand there by mistake.
        if owner(point) == OURS:
            raise
        raise UsageError(
            f"the scheme {name} of {owner(point)} can't be made of these settings ({type(error).__name__})",
            hint="check them against its documentation, or tell its authors",
        ) from None
    lacks = [part for part in PARTS if not hasattr(made, part)]
    if lacks:
        raise UsageError(
            f"the entry point {name} of {owner(point)} ({point.value}) makes no scheme: it lacks {', '.join(lacks)}",
            hint="tell its authors, or take the package away",
        )
    found: Scheme = made
    return found


def card(name: str) -> Mapping[str, str]:
    """What the scheme `name` was checked against, and its known weaknesses; it needs no settings for that."""
    factory = loaded(_point(name))
    kept = getattr(get_type_hints(factory).get("return"), "card", None)
    return kept if isinstance(kept, Mapping) else scheme(name).card


def _point(name: str) -> EntryPoint:
    points = {(point.value, owner(point)): point for point in installed() if point.name == name}
    if len(points) > 1:
        whose = " and of ".join(sorted(owner for _, owner in points))
        raise UsageError(f"two schemes are called {name}: of {whose}", hint="take one of the packages away")
    if not points:
        known = names()
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"installed are {', '.join(known)}"
        raise ConfigurationError("no such scheme is installed", where=Where(field="scheme"), hint=hint)
    return next(iter(points.values()))
