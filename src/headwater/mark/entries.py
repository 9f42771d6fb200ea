"""Entries of a keyring's file: tables with a name, whose fields are taken one by one and checked as they are.

Every error says file, entry and field, and none what the field holds: it may be a key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from headwater.errors import ConfigurationError, Where
from headwater.keys import checked_numbers, key_from_command, load_mark_key, read_key

TABLES = ("tokenizer", "mark", "accounts")
#: The table that stands once, without a name: who gets which mark where text is written.
EMBED = "embed"
#: Where a key can stand in an entry: exactly one of them.
KEYS = ("key", "keys", "key_env", "key_file", "key_command")
#: Characters of a name, of an account's id or of an epoch; names in one list.
LONGEST_NAME, MOST_NAMES = 200, 1000


def printable(name: object) -> bool:
    """Whether `name` can stand in a report: 1 to 200 characters, all of them printable."""
    return isinstance(name, str) and 0 < len(name) <= LONGEST_NAME and name.isprintable()


@dataclass
class Entry:
    """One table of the file, called `name`; `fields` are those that nobody has taken yet."""

    file: Path
    table: str
    name: str
    fields: dict[str, Any]
    environment: Mapping[str, str]

    def where(self, field: str) -> Where:
        """File, entry and field."""
        return Where(str(self.file), field=".".join(part for part in (self.table, self.name, field) if part))

    def error(self, field: str, what: str, hint: str | None = None) -> ConfigurationError:
        """What is wrong with a field."""
        return ConfigurationError(what, where=self.where(field), hint=hint)

    def path(self, name: str) -> Path:
        """A file that the entry names, relative to the keyring's folder."""
        return self.file.parent / name

    def text(self, field: str) -> str | None:
        """A name, a path or an id; None where the field isn't there."""
        value = self.fields.pop(field, None)
        if value is None:
            return None
        if not printable(value):
            raise self.error(field, f"must be a string of 1 to {LONGEST_NAME} printable characters")
        return str(value)

    def needed(self, field: str) -> str:
        """A text that must be there."""
        value = self.text(field)
        if value is None:
            raise self.error(field, "is needed")
        return value

    def texts(self, field: str) -> tuple[str, ...]:
        """One text or a list of different ones; () where the field isn't there."""
        value = self.fields.pop(field, [])
        listed = value if isinstance(value, list) else [value]
        if len(listed) > MOST_NAMES or not all(map(printable, listed)):
            listing = (
                f"must be a string of 1 to {LONGEST_NAME} printable characters, or a list of such strings"
            )
            raise self.error(field, listing)
        if len(set(listed)) < len(listed):
            raise self.error(field, "holds a name twice")
        return tuple(listed)

    def whole(self, field: str) -> int | None:
        """An integer; None where the field isn't there."""
        value = self.fields.pop(field, None)
        if value is not None and type(value) is not int:
            raise self.error(field, "must be an integer")
        return value

    def flag(self, field: str) -> bool:
        """True or false; false where the field isn't there."""
        value = self.fields.pop(field, False)
        if not isinstance(value, bool):
            raise self.error(field, "must be true or false")
        return value

    def day(self, field: str) -> date | None:
        """A date without a time; None where the field isn't there."""
        value = self.fields.pop(field, None)
        if value is not None and (not isinstance(value, date) or isinstance(value, datetime)):
            raise self.error(field, "must be a date, such as 2026-08-31, without quotes")
        return value

    def rest(self) -> dict[str, Any]:
        """All fields that nobody has taken: what the scheme is configured with."""
        fields, self.fields = self.fields, {}
        return fields

    def nothing_else(self) -> None:
        """Raise `ConfigurationError` where a field is left."""
        for field in self.fields:
            raise self.error(field, "no such field here")


def entries(content: Mapping[str, Any], file: Path, environment: Mapping[str, str]) -> dict[str, list[Entry]]:
    """The entries of each table, in the order of the file. No two of one table have the same name; `[embed]` is one."""
    for name in content:
        if name not in (*TABLES, EMBED):
            raise ConfigurationError(
                "no such table here",
                where=Where(str(file), field=name),
                hint=f"a keyring has {', '.join(f'[[{table}]]' for table in TABLES)}, [{EMBED}]",
            )
    found: dict[str, list[Entry]] = {}
    for table in TABLES:
        listed = content.get(table, [])
        if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
            hint = f"begin each entry with [[{table}]]"
            raise ConfigurationError(
                "must be a list of tables", where=Where(str(file), field=table), hint=hint
            )
        found[table] = []
        names: set[str] = set()
        for number, fields in enumerate(listed, 1):
            name = fields.get("name")
            place = Where(str(file), field=f"{table}[{number}].name")
            if not printable(name):
                what = f"every entry needs a name: a string of 1 to {LONGEST_NAME} printable characters"
                raise ConfigurationError(what, where=place)
            if name in names:
                raise ConfigurationError("another entry has this name", where=place)
            names.add(name)
            rest = {key: value for key, value in fields.items() if key != "name"}
            found[table].append(Entry(file, table, name, rest, environment))
    single = content.get(EMBED)
    if single is not None and not isinstance(single, dict):
        raise ConfigurationError(
            "must be one table", where=Where(str(file), field=EMBED), hint=f"begin it with [{EMBED}]"
        )
    found[EMBED] = [] if single is None else [Entry(file, EMBED, "", dict(single), environment)]
    return found


def key_numbers(entry: Entry, scheme: str) -> tuple[tuple[int, ...], str]:
    """The integers of an entry's key, and the field that they come from. `scheme`: what a key's line must be for."""
    given = [field for field in KEYS if field in entry.fields]
    if len(given) != 1:
        told = "has no key" if not given else f"has more than one key: {', '.join(given)}"
        raise entry.error("key", told, f"give one of {', '.join(KEYS)}")
    source = given[0]
    where = entry.where(source)
    if source in ("key_env", "key_file"):
        name = entry.needed(source)
        if source == "key_file":
            return _from_file(entry, name, scheme), source
        if name not in entry.environment:
            raise entry.error(source, "this variable isn't set in the environment")
        return read_key(entry.environment[name], scheme, where=where), source
    value = entry.fields.pop(source)
    if source == "key_command":
        words = value if isinstance(value, list) else []
        printed = key_from_command(
            words, where=where, folder=entry.file.parent, environment=entry.environment
        )
        return read_key(printed, scheme, where=where), source
    listed = value if source == "keys" else [value]
    if not isinstance(listed, list) or isinstance(value, list) != (source == "keys"):
        several = "one key is `key`, several integers of one key are `keys = […]`"
        raise entry.error(source, "must be an integer, or a string", several)
    numbers: list[object] = []
    for each in listed:
        numbers += read_key(each, scheme, where=where) if isinstance(each, str) else [each]
    return checked_numbers(numbers, where=where), source


def _from_file(entry: Entry, name: str, scheme: str) -> tuple[int, ...]:
    try:
        return load_mark_key(entry.path(name), scheme)
    except ConfigurationError as error:
        raise entry.error("key_file", str(error), error.hint) from None
