"""How an account's budgets stand at the gateway over the same accounts: looked at in its store, and never touched."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from headwater.console.problem import Problem
from headwater.control import Balance, Counting, Effects, Stands, balances
from headwater.control.budget import StoreGone, open_to_look
from headwater.control.identity import Identity


@dataclass(frozen=True)
class Till:
    """Where a gateway counts; `casebook`: that whose steps count there, and what they do."""

    counting: Counting
    casebook: tuple[Path, Effects] | None = None

    def balances(self, identity: Identity, account: str, at_us: int) -> list[Balance]:
        """How every limit of an account stands; a problem where the store can't be read."""
        counting, stands = self.counting, Stands()
        if self.casebook is not None:
            from headwater.casework import StandingsReader

            with StandingsReader(*self.casebook) as reader:
                stands = (reader.read(at_us) or {}).get(account, stands)
        try:
            store = open_to_look(counting.store, counting.folder, at_us, durable=counting.durable)
            try:
                return balances(counting, identity, account, stands, store)
            finally:
                store.close()
        except StoreGone as gone:
            detail = f"The store of budgets can't be read ({gone})."
            raise Problem("store", detail, headers={"Retry-After": "5"}) from None
