"""A store: one SQLite file that survives a kill at any moment, with one writer at a time and readers beside it.

WAL with synchronous=FULL: what was committed stays, also where the power goes. Deleted content is overwritten
(secure_delete), so that what was erased isn't found in the file. Holds secrets: the file is its owner's alone.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Final

from headwater.errors import ConfigurationError, ConflictError, Where, unreadable
from headwater.store.migrations import Migration, migrate, missing
from headwater.store.transaction import Transaction
from headwater.store.wording import worded

#: How a file of ours is told from another program's database ("HWST"; sqlite.org/pragma.html#pragma_application_id).
_OURS: Final = 0x48575354
_BUSY_S: Final = 20.0
_PRAGMAS: Final = (
    "synchronous = FULL",
    "foreign_keys = ON",
    "secure_delete = ON",
    "cache_size = -32768",
)


class Store:
    """An open store; use from one thread. Several processes may have it open at once."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection

    @classmethod
    def open(cls, path: Path, migrations: Sequence[Migration], *, must_exist: bool = False) -> Store:
        """Open the store at `path`, made where it isn't there (unless `must_exist`), and bring its tables up to date.

        Rooms whose migrations aren't given are left alone. Raises `ConfigurationError` where others than its owner
        may read the file (POSIX), or a newer version has written it; `UnreadableInput` where it can't be opened.
        """
        if must_exist and not path.exists():
            raise unreadable(path, FileNotFoundError())
        _private(path)
        with worded(path):
            connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
        try:
            _prepared(connection, path, migrations)
        except BaseException:
            connection.close()
            raise
        return cls(path, connection)

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction that nobody else writes beside; committed at the end, undone where an exception leaves it."""
        with self._transaction("BEGIN IMMEDIATE") as tx:
            yield tx

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A transaction that sees one state, whatever is written meanwhile, and can't write."""
        with self._transaction("BEGIN") as tx:
            self._connection.execute("PRAGMA query_only = ON")
            try:
                yield tx
            finally:
                self._connection.execute("PRAGMA query_only = OFF")

    def scrub(self) -> None:
        """Make sure that what was erased is nowhere in the files: fold the write-ahead log into the store, empty it.

        Raises ConflictError where another process still reads what was there before; erased is it all the same, and
        the next scrub takes the rest.
        """
        with worded(self.path):
            (busy, *_) = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            what = "another process still reads what was erased"
            raise ConflictError(what, where=Where(str(self.path)), hint="end it, then try again")

    def copy_to(self, path: Path) -> None:
        """Write a whole copy to a new file, also while others write; a copy of the file alone may be torn."""
        if path.exists():
            raise ConfigurationError("a file of this name exists", where=Where(str(path)))
        _private(path)
        with worded(path):
            to = sqlite3.connect(path)
            try:
                self._connection.backup(to)
            finally:
                to.close()

    def close(self) -> None:
        """Close the store."""
        self._connection.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Transaction]:
        if self._connection.in_transaction:
            raise RuntimeError("a transaction is open; pass it on")
        with worded(self.path):
            self._connection.execute(begin)
        tx = Transaction(self._connection, self.path)
        try:
            yield tx
            with worded(self.path):
                self._connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.DatabaseError):  # a full disk may have undone it already
                self._connection.execute("ROLLBACK")
            raise
        finally:
            tx.end()


def _private(path: Path) -> None:
    """Make the file, or see that nobody but its owner reads it; the files beside it get the same mode from SQLite."""
    where = Where(str(path))
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ConfigurationError("not a regular file", where=where) from None
        if os.name == "posix" and status.st_mode & 0o077:
            what = f"others than its owner may read this store (mode {stat.S_IMODE(status.st_mode):04o})"
            raise ConfigurationError(what, where=where, hint=f"chmod 600 {path}") from None
    except OSError as error:
        raise unreadable(path, error) from None


def _prepared(connection: sqlite3.Connection, path: Path, migrations: Sequence[Migration]) -> None:
    with worded(path):
        # In one statement: another process may just be making it.
        seen = "SELECT application_id, (SELECT count(*) FROM sqlite_schema) FROM pragma_application_id"
        application, tables = connection.execute(seen).fetchone()
        if tables and application != _OURS:
            hint = "check the path"
            raise ConfigurationError("is a database of another program", where=Where(str(path)), hint=hint)
        _write_ahead(connection)
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        if not missing(connection, migrations, path):
            return  # nobody who only reads waits for one who writes
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute(f"PRAGMA application_id = {_OURS}")
            migrate(connection, migrations, path)
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Have a write-ahead log. Where others do the same just now, SQLite doesn't wait for them by itself."""
    until = time.monotonic() + _BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
        time.sleep(0.01)
