"""What engines' schemes have in common where they are configured: settings by name, keys of 64 bits, decoy keys.

A setting that a scheme doesn't have, or a value of the wrong kind, is a `ConfigurationError` that names it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ConfigurationError, Where
from headwater.mark.scheme import MarkKey

_S = TypeVar("_S")
WORD64 = 2**64 - 1


def configured(kind: type[_S], config: Mapping[str, Any], called: Mapping[str, str] | None = None) -> _S:
    """A scheme (a dataclass) with the settings of a keyring's entry; `called`: an engine's name → ours."""
    config = _renamed(config, called or {})
    hints = get_type_hints(kind)
    known = {each.name: hints[each.name] for each in fields(kind) if each.init}  # type: ignore[arg-type]
    for name, value in config.items():
        if name not in known:
            hint = f"known are {', '.join(_listed(known, called or {}))}" if known else "it has no settings"
            raise ConfigurationError(
                "this scheme has no such setting", where=Where(field=str(name)), hint=hint
            )
        if not _fits(value, known[name]):
            raise ConfigurationError("not a value that this setting takes", where=Where(field=name))
    for each in fields(kind):  # type: ignore[arg-type]
        needed = each.init and each.default is MISSING and each.default_factory is MISSING
        if needed and each.name not in config:
            raise ConfigurationError("this scheme needs this setting", where=Where(field=each.name))
    return kind(**config)


def _listed(known: Iterable[str], called: Mapping[str, str]) -> list[str]:
    """Settings with what engines call them: `width (context_width)`."""
    theirs = {name: [other for other, ours in called.items() if ours == name] for name in known}
    return [f"{name} ({', '.join(others)})" if others else name for name, others in theirs.items()]


def _renamed(config: Mapping[str, Any], called: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in config.items():
        ours = called.get(name, name)
        if ours in found:
            raise ConfigurationError("the same setting stands twice", where=Where(field=str(name)))
        found[ours] = value
    return found


def _fits(value: object, hint: Any) -> bool:
    if get_origin(hint) is None:
        if hint is float:
            return isinstance(value, int | float) and not isinstance(value, bool)
        return type(value) is hint if isinstance(hint, type) else True
    if get_origin(hint) is tuple:
        return isinstance(value, tuple)
    if "Literal" in str(get_origin(hint)):
        return value in get_args(hint)
    return any(_fits(value, each) for each in get_args(hint))


def within(name: str, value: float, least: float, most: float) -> None:
    """Raise `ConfigurationError` unless `least` <= `value` <= `most`."""
    if not least <= value <= most:
        raise ConfigurationError(f"must be from {least} to {most}", where=Where(field=name))


def numbers_of(key: MarkKey, count: int) -> tuple[int, ...]:
    """The `count` integers of 64 bits that `key` must have."""
    if len(key.numbers) != count:
        what = f"the key has {len(key.numbers)} integers, this scheme takes {count}"
        raise ConfigurationError(what, where=Where(field=f"key {key.name}"))
    if not all(isinstance(number, int) and 0 <= number <= WORD64 for number in key.numbers):
        what = "the key has an integer that is negative or longer than 64 bits"
        raise ConfigurationError(what, where=Where(field=f"key {key.name}"))
    return key.numbers


def rows(keys: Sequence[MarkKey], count: int) -> NDArray[np.uint64]:
    """The numbers of many keys: (keys, count)."""
    return np.array([numbers_of(key, count) for key in keys], np.uint64).reshape(len(keys), count)


def random_numbers(random: np.random.Generator, count: int) -> tuple[int, ...]:
    """`count` integers of 64 bits."""
    return tuple(int(number) for number in random.integers(0, WORD64, count, np.uint64, endpoint=True))
