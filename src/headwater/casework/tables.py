"""The tables of a casebook. Account ids stand in one of them and nowhere else; everywhere else is the pseudonym.

What is read from and written to them stands in `shelf`.
"""

from __future__ import annotations

from typing import Final

from headwater.store import Migration

MIGRATIONS: Final = (
    Migration(
        "casework",
        1,
        """
        CREATE TABLE accounts (pseudonym TEXT PRIMARY KEY, account TEXT NOT NULL UNIQUE) STRICT;
        CREATE TABLE verdicts (
            id TEXT PRIMARY KEY,
            campaign TEXT NOT NULL,
            at_us INTEGER NOT NULL,
            body BLOB NOT NULL
        ) STRICT;
        CREATE TABLE steps (
            id TEXT PRIMARY KEY,
            account TEXT NOT NULL,
            verdict TEXT NOT NULL,
            batch TEXT NOT NULL,
            campaign TEXT NOT NULL,
            state TEXT NOT NULL,
            rung INTEGER NOT NULL,
            revision INTEGER NOT NULL,
            last_us INTEGER NOT NULL,
            basis BLOB NOT NULL
        ) STRICT;
        CREATE INDEX steps_account ON steps (account);
        CREATE INDEX steps_state ON steps (state, last_us);
        CREATE INDEX steps_batch ON steps (batch);
        CREATE INDEX steps_campaign ON steps (campaign);
        CREATE TABLE events (
            step TEXT NOT NULL REFERENCES steps (id) ON DELETE CASCADE,
            revision INTEGER NOT NULL,
            what TEXT NOT NULL,
            by TEXT NOT NULL,
            at_us INTEGER NOT NULL,
            reason TEXT NOT NULL,
            PRIMARY KEY (step, revision)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE notices (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            step TEXT NOT NULL,
            account TEXT NOT NULL,
            kind TEXT NOT NULL,
            at_us INTEGER NOT NULL,
            subject TEXT NOT NULL,
            text TEXT NOT NULL
        ) STRICT;
        CREATE INDEX notices_step ON notices (step);
        CREATE INDEX notices_account ON notices (account, at_us);
        CREATE TABLE statements (
            step TEXT PRIMARY KEY,
            account TEXT NOT NULL,
            at_us INTEGER NOT NULL,
            body BLOB NOT NULL
        ) STRICT;
        CREATE TABLE appeals (
            id TEXT PRIMARY KEY,
            step TEXT NOT NULL UNIQUE,
            account TEXT NOT NULL,
            state TEXT NOT NULL,
            filed_us INTEGER NOT NULL,
            answer_by_us INTEGER NOT NULL,
            last_us INTEGER NOT NULL,
            text TEXT NOT NULL,
            reviewer TEXT NOT NULL,
            answer TEXT NOT NULL
        ) STRICT;
        CREATE INDEX appeals_state ON appeals (state, answer_by_us);
        CREATE TABLE outcomes (
            id INTEGER PRIMARY KEY,
            step TEXT UNIQUE,
            rule TEXT NOT NULL,
            rung TEXT NOT NULL,
            evidence TEXT NOT NULL,
            outcome TEXT NOT NULL,
            day TEXT NOT NULL
        ) STRICT;
        """,
    ),
)
