"""Independent organisations and events of one shape: how many there are, and who belongs to which."""

from __future__ import annotations

import numpy as np

from headwater.simulate.cast import Part
from headwater.simulate.chance import Ints, shares
from headwater.simulate.scenario import Population
from headwater.simulate.setting import Setting


def innocent(group: Population) -> Part:
    """The part that accounts of a population play."""
    return Part("innocent", -1, group.shape, group.name)


def count(group: Population, accounts: int) -> int:
    """How many organisations or events the population has; none is empty."""
    return min(max(1, group.organisations or group.events), accounts)


def members(world: Setting, group: Population, accounts: int, groups: int) -> Ints:
    """The group of each account, ascending.

    Without `sizes` all are equally large. With them, sizes are spread evenly over the logarithm of the range,
    in no order, and together they make up the accounts.
    """
    if not group.sizes:
        return np.sort(np.arange(accounts) % groups)
    low, high = np.log(group.sizes[0]), np.log(group.sizes[1])
    rng = world.rng(group.name, "sizes")
    drawn = np.exp(low + (high - low) * (np.arange(groups) + rng.random(groups)) / groups)
    sizes = 1 + shares(accounts - groups, rng.permutation(drawn))
    most = max(1, round(group.sizes[1] * world.scale))
    if accounts <= most * groups:
        # What is above the range goes to the smallest.
        over = int(np.maximum(sizes - most, 0).sum())
        sizes = np.minimum(sizes, most)
        while over:
            smallest = int(np.argmin(sizes))
            sizes[smallest] += 1
            over -= 1
    return np.repeat(np.arange(groups), sizes)
