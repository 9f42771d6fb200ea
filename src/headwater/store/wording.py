"""What a database says when it can't, in words that an operator can act on. No statement or value is repeated."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from headwater.errors import ConflictError, HeadwaterError, UnreadableInput, Where

#: SQLite's primary result codes (sqlite.org/rescode.html) → what happened, what to do.
_SAID: Final = {
    sqlite3.SQLITE_BUSY: ("another process has been writing for too long", "wait for it, then try again"),
    sqlite3.SQLITE_FULL: (
        "cannot be written: no space left",
        "make room; nothing that was done before is lost",
    ),
    sqlite3.SQLITE_IOERR: (
        "cannot be read or written (input/output error)",
        "check the disk, and whether it is full; nothing that was done before is lost",
    ),
    sqlite3.SQLITE_READONLY: (
        "cannot be written (read only)",
        "check the permissions of the file and its folder",
    ),
    sqlite3.SQLITE_CANTOPEN: ("cannot be opened", "check that its folder exists, and its permissions"),
    sqlite3.SQLITE_CORRUPT: ("is damaged", "restore the newest copy"),
    sqlite3.SQLITE_NOTADB: ("is no database", "check the path"),
}
_UNREADABLE: Final = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


@contextmanager
def worded(path: Path) -> Iterator[None]:
    """Errors of the database at `path` as our own: full, busy, damaged. Mistakes in a statement stay what they are."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        # Extended result codes carry the primary one in their lowest byte.
        code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
        if code not in _SAID:
            raise
        what, hint = _SAID[code]
        kind: type[HeadwaterError] = UnreadableInput if code in _UNREADABLE else HeadwaterError
        if code == sqlite3.SQLITE_BUSY:
            kind = ConflictError
        raise kind(what, where=Where(str(path)), hint=hint) from error
