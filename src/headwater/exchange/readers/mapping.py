"""Any other log, through a small TOML file that says where each column is.

    id = "request.id"                        # a dotted path into the record
    at = {path = "ts", unit = "ms"}          # s, ms, us or ns; without it, by magnitude
    account = ["auth.key_id", "auth.user"]   # the first of these that is there
    prompt = "body.messages"                 # a list of messages gives its newest user turn
    batch = {value = false}                  # a constant

A path may pass through lists by number (`choices.0.text`) and through JSON that is kept as text; a key that
itself holds dots is found too. For times that name no zone write `{path = …, timezone = "Europe/Berlin"}`.
`prompt` over messages also fills `system`, `turn` and `previous` where they are not named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from difflib import get_close_matches
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from headwater.errors import BadRow, ConfigurationError, Where
from headwater.exchange.model import EXCHANGE_COLUMNS
from headwater.exchange.readers.messages import answer, decoded, turns
from headwater.exchange.readers.protocol import Record, Row, bad
from headwater.exchange.times import UNITS, TimeFormatError, instant
from headwater.toml import load_toml

_NAMES: Final = tuple(column.name for column in EXCHANGE_COLUMNS)
_KEYS: Final = ("path", "unit", "timezone", "value")


@dataclass(frozen=True)
class Source:
    """Where one column comes from: the first of `paths` that holds something, or a constant `value`."""

    column: str
    paths: tuple[str, ...] = ()
    value: object = None
    unit: str | None = None
    zone: tzinfo | None = None

    @property
    def timed(self) -> bool:
        """Whether unit or zone say how to read its times."""
        return self.unit is not None or self.zone is not None


class MappingReader:
    """Records of any shape, read by the sources of a mapping file (see `load_mapping`)."""

    name = "mapping"
    title = "a log described by a mapping file"

    def __init__(self, sources: tuple[Source, ...]) -> None:
        self._sources = sources
        #: what the mapping names
        self.columns = frozenset(source.column for source in sources)
        self.hints: Mapping[str, str] = {
            source.column: f"the mapping reads it from {' or '.join(source.paths)}"
            for source in sources
            if source.paths
        }

    def recognises(self, record: Record) -> float:
        """By the share of the required columns that the record has."""
        needed = [source for source in self._sources if source.column in ("id", "at", "account", "prompt")]
        there = sum(source.value is not None or _found(record, source) is not None for source in needed)
        return there / len(needed) if needed else 0.0

    def exchanges(self, record: Record, where: Where) -> Iterator[Row | BadRow]:
        """The one exchange of a record."""
        row: Row = {}
        for source in self._sources:
            value = source.value if source.value is not None else _found(record, source)
            if value is None:
                continue
            if source.timed:
                try:
                    at_us, assumed = instant(value, unit=source.unit, zone=source.zone)
                    if source.zone is not None or not assumed:  # else it is noted where rows are checked
                        value = at_us
                except TimeFormatError as fault:
                    yield bad(where, source.paths[0] if source.paths else source.column, str(fault))
                    return
            row[source.column] = value
        self._read_messages(row)
        yield row

    def _read_messages(self, row: Row) -> None:
        if not isinstance(asked := row.get("prompt"), str) or decoded(asked) is not asked:
            said = turns(asked, system=row.get("system"))
            if said.prompt is not None or not isinstance(asked, str):
                row["prompt"] = said.prompt
            for column, value in (("system", said.system), ("turn", said.turn), ("previous", said.previous)):
                if column not in self.columns or not isinstance(row.get(column), str | int):
                    row[column] = value
        for column in ("response", "previous"):
            if not isinstance(row.get(column), str | None):
                row[column] = answer(row[column])


def _found(record: Record, source: Source) -> object:
    for path in source.paths:
        if (value := follow(record, path)) is not None:
            return value
    return None


def follow(held: object, path: str) -> object:
    """What stands at a dotted path, None where nothing does; keys that hold dots are found as well."""
    held = decoded(held)
    if isinstance(held, Mapping):
        if path in held:
            return held[path]
        cut = path.find(".")
        while cut > 0:
            if path[:cut] in held and (value := follow(held[path[:cut]], path[cut + 1 :])) is not None:
                return value
            cut = path.find(".", cut + 1)
    elif isinstance(held, list | tuple):
        key, _, rest = path.partition(".")
        if key.isdecimal() and len(key) < 10 and int(key) < len(held):
            return follow(held[int(key)], rest) if rest else held[int(key)]
    return None


def load_mapping(given: str | Path | Mapping[str, object]) -> MappingReader:
    """A reader by a mapping file, or by the same content as a dict.

    Raises ConfigurationError, and UnreadableInput where the file can't be read.
    """
    if isinstance(given, Mapping):
        return MappingReader(_sources(given, None))
    return MappingReader(_sources(load_toml(Path(given)), str(given)))


def _sources(content: Mapping[str, object], file: str | None) -> tuple[Source, ...]:
    made = []
    for column, given in content.items():
        where = Where(file, None, column)
        if column not in _NAMES:
            near = get_close_matches(column, _NAMES, n=1)
            hint = f"did you mean {near[0]}?" if near else f"columns are {', '.join(_NAMES)}"
            raise ConfigurationError("is no column of an exchange", where=where, hint=hint)
        made.append(_source(column, given, where))
    if not made:
        raise ConfigurationError(
            "names no column", where=Where(file), hint='write for example id = "request_id"'
        )
    return tuple(made)


def _source(column: str, given: object, where: Where) -> Source:
    if not isinstance(given, Mapping):
        return Source(column, _paths(given, where))
    for key in given:
        if key not in _KEYS:
            raise ConfigurationError(
                f"has no setting {key}", where=where, hint=f"settings are {', '.join(_KEYS)}"
            )
    if ("value" in given) == ("path" in given):
        raise ConfigurationError("needs either a path or a value", where=where)
    paths = _paths(given["path"], where) if "path" in given else ()
    return Source(column, paths, given.get("value"), _unit(given, where), _zone(given, where))


def _paths(given: object, where: Where) -> tuple[str, ...]:
    paths = given if isinstance(given, list) else [given]
    if not paths or not all(isinstance(path, str) and path for path in paths):
        raise ConfigurationError(
            "is neither a path nor a list of paths",
            where=where,
            hint='write "a.b.c", or {value = …} for a constant',
        )
    return tuple(paths)


def _unit(given: Mapping[str, object], where: Where) -> str | None:
    unit = given.get("unit")
    if unit is None or (isinstance(unit, str) and unit in UNITS):
        return unit
    raise ConfigurationError("has an unknown unit", where=where, hint=f"units are {', '.join(UNITS)}")


def _zone(given: Mapping[str, object], where: Where) -> tzinfo | None:
    name = given.get("timezone")
    if name is None:
        return None
    try:
        return ZoneInfo(str(name))
    except (ValueError, OSError, KeyError) as error:
        raise ConfigurationError(
            "has an unknown time zone", where=where, hint="write a name such as Europe/Berlin or UTC"
        ) from error
