"""How tables come to be what they are: statements by room and version, each applied once, all of them or none.

A store that a newer version has migrated is refused; going back is done by restoring a copy.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

from headwater.errors import ConfigurationError, Where


@dataclass(frozen=True, order=True)
class Migration:
    """Statements (`sql`, divided by semicolons) that bring the tables of `room` to `version`, counted from 1."""

    room: str
    version: int
    sql: str


#: What every store has: compare-and-swap registers, and the outbox. AUTOINCREMENT: a number never comes again.
OWN: Final = (
    Migration(
        "store",
        1,
        """
        CREATE TABLE registers (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
        CREATE TABLE outbox (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            topic TEXT NOT NULL,
            subject TEXT NOT NULL,
            payload BLOB NOT NULL,
            at_us INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX outbox_topic ON outbox (topic, id);
        """,
    ),
)
_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS migrations"
    " (room TEXT NOT NULL, version INTEGER NOT NULL, PRIMARY KEY (room, version)) STRICT"
)


def migrate(connection: sqlite3.Connection, migrations: Sequence[Migration], path: Path) -> None:
    """Apply what is missing, in one transaction that the caller has begun.

    Raises ConfigurationError where the store is newer than `migrations`, and ValueError where those aren't numbered
    1, 2, 3 … within a room.
    """
    connection.execute(_TABLE)
    for one in missing(connection, migrations, path):
        for statement in _statements(one.sql):
            connection.execute(statement)
        connection.execute("INSERT INTO migrations VALUES (?, ?)", (one.room, one.version))


def missing(connection: sqlite3.Connection, migrations: Sequence[Migration], path: Path) -> list[Migration]:
    """Those that have not been applied yet; raises as `migrate` does."""
    known = connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'migrations'").fetchone()[0]
    out: list[Migration] = []
    for room, group in groupby(sorted((*OWN, *migrations)), key=lambda one: one.room):
        steps = list(group)
        if [one.version for one in steps] != list(range(1, len(steps) + 1)):
            raise ValueError(f"the migrations of {room} are not numbered 1 to {len(steps)}")
        found = "SELECT coalesce(max(version), 0) FROM migrations WHERE room = ?"
        at = connection.execute(found, (room,)).fetchone()[0] if known else 0
        if at > len(steps):
            raise ConfigurationError(
                f"has tables of a newer version of headwater ({room} {at}, this one knows {len(steps)})",
                where=Where(str(path)),
                hint="use that version, or restore a copy from before the update",
            )
        out += steps[at:]
    return out


def _statements(sql: str) -> Iterator[str]:
    """One by one: `executescript` would end the transaction."""
    for statement in _complete(sql.split(";")):
        if statement.strip(" \n\t;"):
            yield statement


def _complete(pieces: Iterable[str]) -> Iterator[str]:
    """Pieces joined again where a semicolon stood in a text or in the body of a trigger."""
    waiting = ""
    for piece in pieces:
        waiting += piece + ";"
        if sqlite3.complete_statement(waiting):
            yield waiting
            waiting = ""
    if waiting.strip(" \n\t;"):
        raise ValueError("a migration ends within a statement")
