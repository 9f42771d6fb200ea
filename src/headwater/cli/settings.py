"""Settings: one TOML file, then the environment, then the command line; every fault with its place.

Which settings there are is told by the dataclass that is asked for; nothing here knows their meaning. A
setting `threads` in the table `[engine]` is `HEADWATER_ENGINE_THREADS` in the environment.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass, replace
from enum import EnumType
from pathlib import Path
from typing import Any, Final, TypeVar, get_args, get_type_hints

from headwater.errors import ConfigurationError, UsageError, Where
from headwater.toml import load_toml

T = TypeVar("T")

#: Read where it lies in the working folder and no other file is named.
DEFAULT_FILE = Path("headwater.toml")
PREFIX = "HEADWATER"
#: The path of an entry in a list of tables, and of a field of it.
_IN_LIST: Final = re.compile(r"([a-z_.]+)\[\d+\](?:\.([a-z_]+))?")
#: How a hint calls the types of settings.
_KINDS: Final[Mapping[Any, str]] = {
    float: "a number",
    int: "a whole number",
    bool: "true or false",
    str: "a text",
}


def load_settings(kind: type[T], path: Path | None = None, environment: Mapping[str, str] | None = None) -> T:
    """`kind` filled from the file at `path` (or ./headwater.toml, if it is there) and `environment`.

    Raises `UnreadableInput` where the file cannot be read, `ConfigurationError` for an unknown setting or a
    value of another type.
    """
    if path is None and DEFAULT_FILE.is_file():
        path = DEFAULT_FILE
    written = load_toml(path) if path else {}
    where = Where(file=str(path)) if path else Where()
    _check_names(written, kind, where)
    _check_tables(written, kind, where)
    made = _converted(written, kind, where)
    return _overridden(made, kind, os.environ if environment is None else environment)


def paths_of(kind: type, prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Field[Any]]]:
    """Every setting of `kind` with its path, tables inside tables included."""
    hints = get_type_hints(kind)
    for entry in fields(kind):
        if is_dataclass(hints[entry.name]):
            yield from paths_of(hints[entry.name], (*prefix, entry.name))
        else:
            yield (*prefix, entry.name), entry


def variable(path: tuple[str, ...]) -> str:
    """The environment variable that overrides the setting at `path`."""
    return "_".join((PREFIX, *path)).upper()


def _check_names(written: Mapping[str, Any], kind: type, where: Where, prefix: str = "") -> None:
    """Refuse what is no setting, at any depth, and name the nearest that is."""
    from difflib import get_close_matches

    hints = get_type_hints(kind)
    known = [entry.name for entry in fields(kind)]
    for name, value in written.items():
        at = f"{prefix}{name}"
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {prefix}{near[0]}?" if near else f"known here: {', '.join(sorted(known))}"
            raise ConfigurationError("there is no such setting", where=Where(where.file, None, at), hint=hint)
        if is_dataclass(hints[name]):
            if not isinstance(value, Mapping):
                what = f"a table [{at}] is expected"
                raise ConfigurationError(what, where=Where(where.file, None, at))
            _check_names(value, hints[name], where, f"{at}.")


def _check_tables(written: Mapping[str, Any], kind: type, where: Where, prefix: str = "") -> None:
    """Make each table by itself first, the innermost before: a room names its settings without the table's name."""
    hints = get_type_hints(kind)
    for name, value in written.items():
        if not is_dataclass(hints[name]):
            continue
        table = f"{prefix}{name}"
        _check_tables(value, hints[name], where, f"{table}.")
        try:
            _converted(value, hints[name], where)
        except UsageError as error:
            field = error.where.field or ""
            if field != table and not field.startswith(f"{table}."):
                field = f"{table}.{field}".rstrip(".")
            raise ConfigurationError(
                error.what, where=Where(where.file, None, field), hint=error.hint
            ) from None


def _converted(written: Mapping[str, Any], kind: type[T], where: Where) -> T:
    import msgspec

    try:
        return msgspec.convert(written, type=kind)
    except UsageError as error:
        field = error.where.field or where.field
        hint = error.hint or _default(kind, field)
        raise ConfigurationError(error.what, where=Where(where.file, None, field), hint=hint) from None
    except (msgspec.ValidationError, ValueError) as error:
        # msgspec ends its message with the path of the field; the value itself is never in it.
        what, _, path = str(error).partition(" - at `$.")
        field = path.rstrip("`") or where.field
        hint = _expected(kind, field)
        raise ConfigurationError(_mild(what), where=Where(where.file, None, field), hint=hint) from None


def _mild(what: str) -> str:
    """msgspec's message in the manner of ours."""
    return what[:1].lower() + what[1:].replace("`", "")


def _expected(kind: type, field: str | None) -> str | None:
    """What may be written at a setting's dotted path, and its default."""
    found = _entry(kind, field)
    if found is None:
        return _within(kind, field)
    entry, hint = found
    named = f"one of {', '.join(map(str, get_args(hint)))}" if get_args(hint) else ""
    parts = [part for part in (named or _KINDS.get(hint), not named and entry.metadata.get("range")) if part]
    default = _default(kind, field)
    return "; ".join(part for part in (", ".join(parts), default) if part) or None


def _within(kind: type, field: str | None) -> str | None:
    """What may be written in an entry of a list of tables, `budgets[0]`, or in one of its fields, `budgets[0].kind`."""
    path = _IN_LIST.fullmatch(field or "")
    found = _entry(kind, path[1]) if path else None
    if path is None or found is None:
        return None
    held = get_type_hints(get_args(found[1])[0])
    if path[2] is None:
        return f"known here: {', '.join(held)}"
    each = [one for one in (held.get(path[2]), *get_args(held.get(path[2]))) if isinstance(one, EnumType)]
    return f"one of {', '.join(map(str, each[0]))}" if each else _KINDS.get(held.get(path[2]))


def _default(kind: type, field: str | None) -> str | None:
    import msgspec

    found = _entry(kind, field)
    if found is None or found[0].default is MISSING:
        return None
    return f"the default is {msgspec.json.encode(found[0].default).decode()}"


def _entry(kind: type, field: str | None) -> tuple[Field[Any], Any] | None:
    """The setting at a dotted path and its type."""
    for path, entry in paths_of(kind):
        if field == ".".join(path):
            return entry, _type_at(kind, path)
    return None


def _type_at(kind: type, path: tuple[str, ...]) -> Any:
    for name in path:
        kind = get_type_hints(kind)[name]
    return kind


def _overridden(made: T, kind: type[T], environment: Mapping[str, str]) -> T:
    """`made` with the settings that the environment names, each converted from text."""
    import msgspec

    def converted(text: str, path: tuple[str, ...]) -> Any:
        try:
            return msgspec.convert(text, type=_type_at(kind, path), strict=False)
        except (msgspec.ValidationError, ValueError) as error:
            hint = _expected(kind, ".".join(path))
            where = Where(field=variable(path))
            raise ConfigurationError(_mild(str(error)), where=where, hint=hint) from None

    def into(value: Any, hint: type, path: tuple[str, ...]) -> Any:
        changes: dict[str, Any] = {}
        inner = get_type_hints(hint)
        for entry in fields(hint):
            at = (*path, entry.name)
            if is_dataclass(inner[entry.name]):
                changed = into(getattr(value, entry.name), inner[entry.name], at)
                if changed is not getattr(value, entry.name):
                    changes[entry.name] = changed
            elif (text := environment.get(variable(at))) is not None:
                changes[entry.name] = converted(text, at)
        try:
            return replace(value, **changes) if changes else value
        except ConfigurationError as error:
            field = error.where.field or ""
            where = Where(field=variable(tuple(field.split("."))))
            raise ConfigurationError(error.what, where=where, hint=_default(kind, field)) from None

    result: T = into(made, kind, ())
    return result
