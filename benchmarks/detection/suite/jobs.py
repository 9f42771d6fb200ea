"""The plan of a run: which worlds are made, and how each is looked at.

A job is one world. Parts: *alarms* (every scenario, many seeds), *quiet* (large worlds without a ring), *power* (rings
of 20, 200 and 2,000 accounts), *dial* (camouflage from 0 to 1), *surface* (low and slow: accounts × exchanges ×
cover × personas), *calibration* (small worlds with rings of every strength, or none) and *fitting* (more of these, with
other seeds: `fusing` fits on them what kinds of evidence say together).
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from headwater.simulate import load, names
from suite import varied

#: A world of this takes two minutes, so that all but some of its seeds come after everything else.
LARGE, LARGE_EARLY = "hydra", 3
#: Seeds that are looked at in every way, with the oracle and baselines beside; a full run has two hours and a half.
EARLY, EVERY_LOOK, HEADLINE = 4, ("everything", "headline", "neither", "bare"), ("headline",)
#: The demonstration, and the large quiet world that has a part of its own.
ELSEWHERE = ("sample", "quiet_large")
#: Seeds of the calibration worlds come after this, those of the fitting worlds before.
NOT_FITTED = 10_000
Part = Literal["alarms", "quiet", "power", "dial", "surface", "calibration", "fitting"]
Size = Literal["short", "full"]


@dataclass(frozen=True)
class Job:
    """One world: `looks` names the looks of `world.LOOKS` that are taken at it."""

    part: Part
    scenario: str
    seed: int
    looks: tuple[str, ...] = ("everything", "headline", "neither")
    #: one number for the whole dial, or its parts
    camouflage: float | dict[str, float] = 0.0
    override: dict[str, Any] = field(default_factory=dict)
    scale: float = 1.0

    @property
    def name(self) -> str:
        """The name of its file: readable, and different for different settings."""
        rest = json.dumps(asdict(self), sort_keys=True)
        return f"{self.part}-{self.scenario}-{self.seed}-{hashlib.sha256(rest.encode()).hexdigest()[:8]}"


def scenarios(side: str) -> list[str]:
    """Packaged scenarios that are made on one side: on the tune side all, with stand-ins; on the score side its own."""
    chosen = [name for name in names() if name not in ELSEWHERE]
    return [name for name in chosen if side == "tune" or load(name).side == side]


def alarms(seeds: int) -> list[Job]:
    """Every scenario with every seed; what is counted in tens of thousands, false alarms, in one look after EARLY."""
    jobs = [
        Job("alarms", scenario, seed, EVERY_LOOK if seed <= EARLY else HEADLINE)
        for seed in range(1, seeds + 1)
        for scenario in scenarios("tune")
    ]
    return sorted(jobs, key=lambda job: job.scenario == LARGE and job.seed > LARGE_EARLY)


def quiet(seeds: int) -> list[Job]:
    """Worlds of more than ten thousand accounts without a ring."""
    looks = ("everything", "headline")
    return [
        Job("quiet", "quiet_large", seed, looks if seed <= 2 * EARLY else HEADLINE)
        for seed in range(1, seeds + 1)
    ]


def power(seeds: int) -> list[Job]:
    """Rings of three sizes, forty exchanges an account, beside people alone."""
    return [
        Job(
            "power",
            "reasoning_harvest",
            seed,
            override={"campaigns.0.accounts": accounts, "campaigns.0.exchanges": 40 * accounts},
        )
        for accounts in (20, 200, 2000)
        for seed in range(1, seeds + 1)
    ]


def dial(seeds: int) -> list[Job]:
    """Every ring behind more and more camouflage."""
    return [
        Job("dial", scenario, seed, camouflage=level)
        for scenario in ("reasoning_harvest", "code_harvest", "agentic_harvest")
        for level in (0.0, 0.25, 0.5, 0.75, 1.0)
        for seed in range(1, seeds + 1)
    ]


def surface(seeds: int) -> list[Job]:
    """Low and slow: how many accounts, how many exchanges each, how evenly paced, in how many personas."""
    grid = itertools.product((100, 420), (10, 28), (0.0, 0.5), (0, 5, 20))
    return [
        Job(
            "surface",
            "low_and_slow",
            seed,
            ("headline",),
            camouflage={"cover": cover},
            override={
                "campaigns.0.accounts": accounts,
                "campaigns.0.exchanges": accounts * exchanges,
                "campaigns.0.personas": personas,
            },
        )
        for accounts, exchanges, cover, personas in grid
        for seed in range(1, seeds + 1)
    ]


def calibration(seeds: int) -> list[Job]:
    """Weak rings, strong rings and none, all of the log in view; none of the worlds that were fitted on."""
    return [_varied("calibration", NOT_FITTED + seed, ("everything",)) for seed in range(1, seeds + 1)]


def fitting(seeds: int) -> list[Job]:
    """The same with other seeds, with and without account attributes."""
    return [_varied("fitting", seed, ("everything", "headline")) for seed in range(1, seeds + 1)]


def _varied(part: Part, seed: int, looks: tuple[str, ...]) -> Job:
    rings = {"campaigns": varied.rings(seed)}
    return Job(part, varied.around(seed), seed, looks, override=rings, scale=varied.SCALE)


#: Each part by the number of its seeds, in a short run and in a full one. Of the smallest scenarios 33 worlds hold
#: 100,000 innocents; a quarter of the calibration worlds have a verdict where calibration is asked for, 300 are needed.
PARTS: dict[Part, tuple[Callable[[int], list[Job]], int, int]] = {
    "alarms": (alarms, 1, 33),
    "quiet": (quiet, 3, 200),
    "power": (power, 1, 20),
    "dial": (dial, 1, 4),
    "surface": (surface, 0, 1),
    "calibration": (calibration, 4, 1200),
    "fitting": (fitting, 0, 600),
}
#: Parts that figures come from.
SCORED: tuple[Part, ...] = tuple(part for part in PARTS if part != "fitting")


def plan(size: Size, parts: Sequence[Part], most: int | None = None) -> list[Job]:
    """The jobs of a run, `most` seeds of each part at most.

    *alarms* goes round by round of seeds, so that a run cut short has some of every scenario.
    """
    jobs = []
    for part in parts:
        made, short, full = PARTS[part]
        seeds = short if size == "short" else full
        jobs += made(seeds if most is None else min(seeds, most))
    return jobs
