"""What clients ask for besides the text, and how their software looks on the wire: one choice per client.

Habits differ in how often, never in what: every value occurs among persons, services, harnesses and rings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from headwater.simulate.cast import ClientRows, Habits
from headwater.simulate.chance import Ints
from headwater.simulate.setting import Setting
from headwater.simulate.software import FAMILY
from headwater.simulate.wire import FAMILIES

FORMATS: Final = ("json_object", "json_schema", "text")
#: Shares of clients that ask for several answers, a seed, token probabilities, shifted odds, a format, tools,
#: by habits; and the share of streamed answers that are left before the end.
_SHARES: Final[dict[Habits, tuple[float, float, float, float, float, float]]] = {
    "person": (0.015, 0.02, 0.01, 0.005, 0.06, 0.06),
    "service": (0.02, 0.10, 0.03, 0.02, 0.40, 0.35),
    "harness": (0.15, 0.50, 0.35, 0.08, 0.15, 0.05),
    "ring": (0.04, 0.06, 0.06, 0.01, 0.08, 0.06),
}
_LEAVES: Final[dict[Habits, float]] = {"person": 0.025, "service": 0.008, "harness": 0.002, "ring": 0.004}


@dataclass(frozen=True)
class Asked:
    """One row per client; −1 where nothing is asked for.

    `family` is the software that shows in HTTP fingerprints, `leaves` the share of streamed answers that the
    client leaves before their end.
    """

    n: Ints
    seed: Ints
    logprobs: NDArray[np.bool_]
    logit_bias: NDArray[np.bool_]
    response_format: Ints
    tools: Ints
    family: Ints
    leaves: NDArray[np.float64]


def asked(world: Setting) -> Asked:
    """What every client of the world asks for. Clients of one service, and of one ring, ask alike."""
    parts = [_of(world.rng("asked", i), rows) for i, rows in enumerate(world.cast.clients)]
    return Asked(*(np.concatenate([getattr(part, name) for part in parts]) for name in Asked.__annotations__))


def _of(rng: np.random.Generator, rows: ClientRows) -> Asked:
    count = len(rows.ip)
    alike = rows.habits in ("service", "ring")

    def chosen(share: float) -> NDArray[np.bool_]:
        return np.full(count, rng.random() < share) if alike else rng.random(count) < share

    def one(options: tuple[int, ...]) -> Ints:
        drawn = rng.choice(options, 1 if alike else count)
        return np.asarray(np.resize(drawn, count), dtype=np.int64)

    several, seeded, probabilities, shifted, formatted, tooled = _SHARES[rows.habits]
    decided = rows.tools >= 0
    tools = np.where(chosen(tooled), one((1, 1, 2, 2, 3, 4, 6, 9, 14)), 0)
    return Asked(
        n=np.where(chosen(several), one((2, 2, 3, 4, 5, 8)), -1),
        seed=np.where(chosen(seeded), one((0, 1, 7, 42, 42, 123, 1234, 2024)), -1),
        logprobs=chosen(probabilities),
        logit_bias=chosen(shifted),
        response_format=np.where(chosen(formatted), one((0, 0, 1, 1, 2)), -1),
        tools=np.where(decided, rows.tools, tools),
        family=_families(rng, rows),
        leaves=np.full(count, _LEAVES[rows.habits]),
    )


def _families(rng: np.random.Generator, rows: ClientRows) -> Ints:
    """The software that HTTP fingerprints show: what the client names, or a proxy, or what a ring really runs."""
    named = FAMILY[rows.agent]
    count = len(rows.ip)
    other = rng.integers(1, len(FAMILIES), 1 if rows.habits == "ring" else count)
    differs = rng.random(count) < rows.contradicts
    return np.where(differs, (named + other) % len(FAMILIES), named)
