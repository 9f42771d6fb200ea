"""The console's own tables, which lie beside the identity store's: admin keys, and creations that may be repeated.

In one file with what they stand for, so that a change and the note of it are one transaction.
"""

from __future__ import annotations

from typing import Final

from headwater.control.identity import MIGRATIONS as IDENTITY
from headwater.store import Migration

MIGRATIONS: Final = (
    Migration(
        "console",
        1,
        """
        CREATE TABLE console_keys (
            id TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            digest BLOB NOT NULL,
            pepper TEXT NOT NULL,
            scopes TEXT NOT NULL,
            created_us INTEGER NOT NULL,
            expires_us INTEGER,
            revoked_us INTEGER,
            used_us INTEGER
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE console_answers (
            name TEXT NOT NULL,
            token BLOB NOT NULL,
            request BLOB NOT NULL,
            change INTEGER NOT NULL,
            at_us INTEGER NOT NULL,
            PRIMARY KEY (name, token)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX console_answers_at ON console_answers (at_us);
        """,
    ),
)
#: All that a store needs for the console.
ALL: Final = (*IDENTITY, *MIGRATIONS)
