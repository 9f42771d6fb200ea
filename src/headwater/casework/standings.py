"""What stands against accounts, read from a casebook's store for a relay: without its keys, and without its log.

A relay looks some times a second; where nothing has changed that costs one small query.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TypeAlias

from headwater.casework import shelf
from headwater.casework.founding import ALL_MIGRATIONS, STORE
from headwater.control import Effects, Stands, State, standing
from headwater.errors import UnreadableInput, Where
from headwater.store import Store, Transaction

#: The steps that stand against one account, each with its revision.
Steps: TypeAlias = tuple[tuple[str, int], ...]


class StandingsReader:
    """Reads one casebook's store. Use from one thread."""

    def __init__(self, folder: Path, effects: Effects) -> None:
        """`effects`: those of the casebook's settings. Raises `UnreadableInput` where there is no casebook."""
        if not (folder / STORE).is_file():
            hint = "headwater casebook new DIR makes one"
            raise UnreadableInput("is no casebook", where=Where(str(folder)), hint=hint)
        self._store = Store.open(folder / STORE, ALL_MIGRATIONS, must_exist=True)
        self._effects = effects
        self._version: object = None
        self._known: dict[str, tuple[Steps, Stands | None]] = {}

    def read(self, at_us: int, *, even_so: bool = False) -> dict[str, Stands] | None:
        """All that stands at `at_us`, by account id; None where nothing was written since the last time.

        `even_so`: read it anyway, because time has changed something. A step that can't be read restricts nothing;
        `headwater casebook tick` names it.
        """
        with self._store.read() as tx:
            row = tx.row("PRAGMA data_version")
            version = None if row is None else row[0]
            if version == self._version and not even_so:
                return None
            accounts = dict(tx.rows("SELECT pseudonym, account FROM accounts"))
            sql = "SELECT account, id, revision FROM steps WHERE state = ? ORDER BY account, id"
            standing_now: dict[str, list[tuple[str, int]]] = {}
            for pseudonym, step, revision in tx.rows(sql, (State.STANDING.value,)):
                standing_now.setdefault(pseudonym, []).append((step, revision))
            # Of many accounts few have changed: only their steps are read.
            found = {
                name: self._read(tx, name, tuple(steps), at_us)
                for name, steps in standing_now.items()
                if name in accounts  # else it was erased
            }
        self._version, self._known = version, found
        return {accounts[name]: stands for name, (_, stands) in found.items() if stands is not None}

    def _read(self, tx: Transaction, pseudonym: str, steps: Steps, at_us: int) -> tuple[Steps, Stands | None]:
        known = self._known.get(pseudonym)
        if known is not None and known[0] == steps and not _over(known[1], at_us):
            return known
        kept = []
        for name, _ in steps:
            with suppress(UnreadableInput):
                kept.append(shelf.get(tx, name))
        if len(kept) < len(steps):
            steps = ()  # to be tried again: it may be mended
        if not kept:
            return steps, None
        restrictions = standing([one.step for one in kept], at_us, self._effects)
        return steps, Stands(restrictions, tuple(sorted({one.campaign for one in kept if one.campaign})))

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    def __enter__(self) -> StandingsReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _over(stands: Stands | None, at_us: int) -> bool:
    """Whether time has changed what stands."""
    until_us = None if stands is None or stands.restrictions is None else stands.restrictions.until_us
    return until_us is not None and until_us <= at_us
