"""What a request expects of its one change, looked at within the very transaction: If-Match, and Idempotency-Key.

A store that is guarded looks before the change whether the row is still the one that was seen, and whether the request
came before; and notes after it what was made. So neither two clients at once nor a kill come between.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from headwater.console.problem import Problem
from headwater.control.identity import Change, changes_since, head, version
from headwater.store import Store, Transaction

#: Microseconds that the answer to a creation is remembered: a day.
REMEMBERED_US: Final = 86_400_000_000
#: If-Match: any row that is there.
ANY: Final = "*"


class RepeatedError(Exception):
    """The request came before, and made change number `change`."""

    def __init__(self, change: int) -> None:
        self.change = change
        super().__init__(change)


@dataclass
class Guard:
    """What one request expects, and, afterwards, what it changed.

    `rows`: kinds and ids of what it changes; `versions`: those of which they must have one (None: any). `token`: the
    Idempotency-Key, `request` a digest of the request, `name` who acts. `made`: the changes, oldest first.
    """

    name: str
    at_us: int
    rows: tuple[tuple[str, str], ...] = ()
    versions: frozenset[str] | None = None
    token: str | None = None
    request: bytes = b""
    made: list[Change] = field(default_factory=list)
    version: int = 0

    def before(self, tx: Transaction) -> None:
        """Look whether the change may be made; raises `Problem` or `RepeatedError` where not."""
        if self.token is not None:
            sql = "SELECT request, change FROM console_answers WHERE name = ? AND token = ? AND at_us > ?"
            found = tx.row(sql, (self.name, self._token(), self.at_us - REMEMBERED_US))
            if found is not None and bytes(found[0]) != self.request:
                raise Problem("repeated-otherwise", "The Idempotency-Key came with another request before.")
            if found is not None:
                raise RepeatedError(int(found[1]))
        if self.rows:
            self.version = max(version(tx, *row) for row in self.rows)
            if self.versions is not None and not self._fits():
                detail = "The row has been changed since it was read."
                raise Problem("stale", detail, headers={"ETag": etag(self.version)})
        self._since = head(tx).id

    def after(self, tx: Transaction) -> None:
        """Note what was changed."""
        self.made = changes_since(tx, self._since)
        for one in self.made:
            if (one.kind, one.row) in self.rows:
                self.version = one.id
        if self.token is None or not self.made:
            return
        tx.run("DELETE FROM console_answers WHERE at_us <= ?", (self.at_us - REMEMBERED_US,))
        values = (self.name, self._token(), self.request, self.made[0].id, self.at_us)
        tx.run("INSERT INTO console_answers VALUES (?, ?, ?, ?, ?)", values)

    @property
    def change(self) -> int | None:
        """The number by which what was done is undone; None where nothing was different."""
        return self.made[0].batch if self.made else None

    def _fits(self) -> bool:
        assert self.versions is not None
        there = self.version > 0 or self.rows[0][0] == "tier"  # a tier is there before anybody changes it
        return etag(self.version) in self.versions or (ANY in self.versions and there)

    def _token(self) -> bytes:
        assert self.token is not None
        return hashlib.sha256(self.token.encode()).digest()


class GuardedStore(Store):
    """A store whose next writing transaction is guarded, where a guard is set; every other isn't."""

    guard: Guard | None = None

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction that nobody else writes beside."""
        guard, self.guard = self.guard, None
        with super().write() as tx:
            if guard is not None:
                guard.before(tx)
            yield tx
            if guard is not None:
                guard.after(tx)


def etag(number: int) -> str:
    """The entity tag of a row: the number of its newest change."""
    return f'"{number}"'
