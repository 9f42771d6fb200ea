"""How often each kind of evidence speaks against innocents: what the benchmark measured, shipped with the product.

Evidence whose card has a rate of its own, from real accounts or a sketch, keeps that sentence beside it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from headwater.detect.fold import Card

#: How a card says that nothing is known; a measured rate takes its place.
UNKNOWN = "not measured yet"


@dataclass(frozen=True)
class Rate:
    """Of `groups` without a ring account how many got so many nats for a campaign: `reached`, by nats (1, 2, 3).

    `interval` is that of the share that reached 1 nat (95%, Clopper and Pearson 1934; groups of one world aren't quite
    independent, so it is somewhat too narrow). `worst`: the scenario with the largest share, how many there, and of how
    many groups.
    """

    groups: int
    reached: tuple[int, int, int]
    interval: tuple[float, float]
    worst: tuple[str, int, int] | None = None

    def told(self) -> str:
        """One sentence without its stop."""
        one, two, three = self.reached
        low, high = self.interval
        said = (
            f"of {self.groups:,} groups of innocents in constructed worlds {one:,} reached 1 nat "
            f"({one / self.groups:.2%}; 95% interval {low:.2%} to {high:.2%}), {two:,} reached 2 and "
            f"{three:,} reached 3"
        )
        if self.worst is None:
            return said
        scenario, hits, groups = self.worst
        return f"{said}; most in `{scenario}`, {hits:,} of {groups:,}"


def read(text: str) -> dict[str, Rate]:
    """Rates by name of evidence, from TOML."""
    return {
        name: Rate(
            given["groups"],
            tuple(given["reached"]),
            tuple(given["interval"]),
            tuple(given["worst"]) if "worst" in given else None,
        )
        for name, given in tomllib.loads(text).items()
    }


MEASURED: Mapping[str, Rate] = read((files("headwater.detect") / "rates.toml").read_text(encoding="utf-8"))


def false_positive(card: Card, measured: Mapping[str, Rate] = MEASURED) -> str:
    """What is known of a card's false positives: the measured rate, and what the card says of its own."""
    rate = measured.get(card.name)
    if rate is None:
        return card.false_positive
    own = card.false_positive.removeprefix(UNKNOWN).lstrip("; ")
    return f"{rate.told()}. {own[:1].upper()}{own[1:]}" if own else rate.told()
