"""Small worlds with rings of every strength or with none: what a verdict's probability is held against.

Innocents are those of a packaged scenario without a campaign; rings are drawn by the seed, from the kinds of work of
packaged rings: from few to many accounts, from open to hidden by every part of the dial, with shared means or none.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
import numpy as np

from headwater.simulate import load
from headwater.simulate.chance import stream

#: Whose innocents stand around the rings, in turn; none has a ring of its own.
AROUND = ("quiet", "seats", "product", "harness", "labelling", "retries")
#: Whose work and cover rings have.
WORKS = ("reasoning_harvest", "code_harvest", "batch_harvest")
#: One world in so many has no ring, the others have up to one ring for each kind of work.
QUIET_EVERY = 5
SCALE = 0.3


def around(seed: int) -> str:
    """The scenario of a world's innocents."""
    return AROUND[seed % len(AROUND)]


def rings(seed: int) -> list[dict[str, Any]]:
    """The rings of a world, as a scenario's file would name them, in numbers of a world of scale 1."""
    if seed % QUIET_EVERY == 0:
        return []
    rng, works = stream(seed, "varied"), _works()
    chosen = rng.permutation(len(works))[: rng.integers(1, len(works) + 1)]
    return [_ring(rng, number, works[work]) for number, work in enumerate(chosen.tolist())]


@cache
def _works() -> list[dict[str, Any]]:
    """One campaign for each task of the packaged rings, so that two rings of a world share no form."""
    found = []
    for name in WORKS:
        campaign = msgspec.to_builtins(load(name).campaigns[0])
        found += [campaign | {"tasks": [task | {"share": 1.0}]} for task in campaign["tasks"]]
    return found


def _ring(rng: np.random.Generator, number: int, work: dict[str, Any]) -> dict[str, Any]:
    def one_of(*values: float) -> Any:
        return values[int(rng.integers(len(values)))]

    accounts = round(_between(rng, 6, 80))
    shared = {"per_payment": one_of(2, 4, 8), "per_ip": one_of(0, 4, 10), "user_agents": 2}
    nothing = {"user_agents": 0, "contradicts": 0.0}
    return work | {
        "name": f"varied-{number + 1}",
        "accounts": round(accounts / SCALE),
        "exchanges": round(accounts * _between(rng, 6, 60) / SCALE),
        "cover": round(rng.uniform(0.0, 0.6), 2),
        "paraphrase": one_of(0.0, 0.0, 0.5, 0.9, 1.0),
        "personas": one_of(0, 0, max(1, accounts // 10), max(1, accounts // 4)),
        "churn": round(rng.uniform(0.0, 0.4), 2),
        "dispatcher": work["dispatcher"]
        | {"noise": round(rng.random(), 2), "workers": one_of(1, 2, 3, 4, 6)},
        "infrastructure": shared if rng.random() < 0.5 else nothing,
    }


def _between(rng: np.random.Generator, low: float, high: float) -> float:
    """Evenly drawn on a logarithmic scale."""
    return float(low * (high / low) ** rng.random())
