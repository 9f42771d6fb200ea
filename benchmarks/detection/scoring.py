"""What a simulated world holds, by name, and shares of counts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow.parquet as pq


@dataclass(frozen=True)
class Truth:
    """What a simulated world holds: the role of each account, its customer, and the ids of harvest exchanges.

    A customer is an organisation, or an account without one.
    """

    role: dict[str, str]
    customer: dict[str, str]
    harvest: frozenset[str]

    @classmethod
    def read(cls, world: Path) -> Truth:
        """The truth files that `headwater simulate` wrote into `world`."""
        accounts = pq.read_table(world / "_truth_accounts.parquet").to_pydict()
        exchanges = pq.read_table(world / "_truth_exchanges.parquet", columns=["id", "harvest"]).to_pydict()
        names = accounts["account"]
        customer = {
            name: f"organisation {o}" if o else name
            for name, o in zip(names, accounts["organisation"], strict=True)
        }
        harvest = frozenset(i for i, h in zip(exchanges["id"], exchanges["harvest"], strict=True) if h)
        return cls(dict(zip(names, accounts["role"], strict=True)), customer, harvest)

    @cached_property
    def rings(self) -> frozenset[str]:
        """Accounts of rings and of resellers."""
        return frozenset(name for name, role in self.role.items() if role != "innocent")


def share(part: int, whole: int) -> float | None:
    """part / whole, or None where there is no whole."""
    return part / whole if whole else None
