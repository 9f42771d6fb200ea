"""What stands against accounts, read from a casebook's store for a relay: without its keys, and without its log.

A relay looks some times a second; where nothing has changed that costs one small query.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from headwater.casework import shelf
from headwater.casework.founding import ALL_MIGRATIONS, STORE
from headwater.control import Effects, Stands, State, Step, standing
from headwater.errors import UnreadableInput, Where
from headwater.store import Store


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
            found = shelf.select(tx, states=(State.STANDING,), aside=[])
        self._version = version
        steps: dict[str, list[Step]] = {}
        campaigns: dict[str, set[str]] = {}
        for kept in found:
            account = accounts.get(kept.step.account)
            if account is None:  # erased
                continue
            steps.setdefault(account, []).append(kept.step)
            if kept.campaign:
                campaigns.setdefault(account, set()).add(kept.campaign)
        return {
            account: Stands(standing(held, at_us, self._effects), tuple(sorted(campaigns.get(account, ()))))
            for account, held in steps.items()
        }

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    def __enter__(self) -> StandingsReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
