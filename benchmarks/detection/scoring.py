"""What was flagged against what was constructed: recall, precision, innocents, exchanges.

Plain arithmetic over sets of names; it doesn't know which method flagged them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from intervals import clustered


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


def accounts(truth: Truth, flagged: Iterable[str], seed: int) -> dict[str, Any]:
    """Ring-account recall and precision, and how many innocents are flagged, with their interval by customer."""
    flagged, rings = set(flagged), truth.rings
    innocent = [name for name in truth.role if name not in rings]
    hit = flagged & rings
    wronged = flagged - rings
    per_customer: dict[str, list[int]] = {}
    for name in innocent:
        counts = per_customer.setdefault(truth.customer[name], [0, 0])
        counts[0] += name in wronged
        counts[1] += 1
    table = np.array(list(per_customer.values()), np.int64).reshape(-1, 2)
    low, high = clustered(table[:, 0], table[:, 1], seed=seed)
    return {
        "accounts": len(truth.role),
        "ring_accounts": len(rings),
        "innocent_accounts": len(innocent),
        "flagged": len(flagged),
        "ring_flagged": len(hit),
        "innocent_flagged": len(wronged),
        "recall": share(len(hit), len(rings)),
        "precision": share(len(hit), len(flagged)),
        "innocent_rate": share(len(wronged), len(innocent)),
        "innocent_rate_95": [low, high],
        "customers": len(table),
        "customers_flagged": int((table[:, 0] > 0).sum()),
        "_clusters": table,
    }


def exchanges(truth: Truth, attributed: Iterable[str]) -> dict[str, Any]:
    """Precision, recall and F1 of the exchanges attributed to campaigns."""
    attributed = set(attributed)
    both = len(attributed & truth.harvest)
    total = len(attributed) + len(truth.harvest)
    return {
        "harvest": len(truth.harvest),
        "attributed": len(attributed),
        "both": both,
        "exchange_precision": share(both, len(attributed)),
        "exchange_recall": share(both, len(truth.harvest)),
        "exchange_f1": share(2 * both, total) if truth.harvest else None,
    }


def false_rings(truth: Truth, members: Sequence[Sequence[str]]) -> int:
    """How many reported rings hold more innocents than ring accounts."""
    rings = truth.rings
    return sum(2 * sum(name in rings for name in ring) <= len(ring) for ring in members)
