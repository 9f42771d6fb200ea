"""The tables of an identity store: rows, every change to them, webhooks that were taken, and when keys were last used.

What is read from and written to them stands in `ledger`.
"""

from __future__ import annotations

from typing import Final

from headwater.store import Migration

MIGRATIONS: Final = (
    Migration(
        "identity",
        1,
        """
        CREATE TABLE identity_rows (
            kind TEXT NOT NULL,
            id TEXT NOT NULL,
            owner TEXT NOT NULL,
            body BLOB NOT NULL,
            PRIMARY KEY (kind, id)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX identity_rows_owner ON identity_rows (owner, kind);
        CREATE TABLE identity_changes (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            batch INTEGER NOT NULL,
            kind TEXT NOT NULL,
            row TEXT NOT NULL,
            what TEXT NOT NULL,
            by TEXT NOT NULL,
            reason TEXT NOT NULL,
            at_us INTEGER NOT NULL,
            before BLOB,
            after BLOB,
            undoes INTEGER
        ) STRICT;
        CREATE INDEX identity_changes_row ON identity_changes (kind, row, id);
        CREATE INDEX identity_changes_batch ON identity_changes (batch);
        CREATE TABLE identity_webhooks (
            provider TEXT NOT NULL,
            id TEXT NOT NULL,
            at_us INTEGER NOT NULL,
            PRIMARY KEY (provider, id)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE identity_used (key TEXT PRIMARY KEY, at_us INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        """,
    ),
)
