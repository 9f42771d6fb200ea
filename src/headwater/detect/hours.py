"""Whether an account fills a ring's templates when the ring does, or at hours of its own.

A form can be copied, and an account can be taken over for an afternoon; a dispatcher's hours and days are harder to
meet by chance. Each hour in which an account filled one of the ring's templates is weighed: how much more often the
ring's other members fill theirs on such a day and at such an hour, against when everybody else is busy.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from headwater.detect.fold import World

HOUR_US, A_DAY = 3_600_000_000, 24
#: Pairs of account and hour, for each filling, up to which they are marked where they lie instead of sorted.
IN_PLACE = 32
#: Account hours of everybody's traffic that a ring's profile is drawn to at least: a few fillings make no profile.
DRAWN = 48.0
#: Share of a ring's fillings that may be at any time whatever: no hour and no day says more than its logarithm against.
ANY = 0.2
#: Nats at most for an account: a night owl keeps a ring's hours for reasons of its own. From so many against on it
#: isn't named (Markov's inequality allows one member in seven to be lost by that; measured it is one in 250 at most).
MOST, OWN_HOURS = 2.0, -2.0

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def kept(
    place: Ints, at_us: Ints, accounts: int, usual: Floats, first: int, ours: Bools | None = None
) -> Floats:
    """Nats (accounts) by which the hours of each account's fillings are the ring's rather than its own.

    `place` and `at_us` of the fillings; `usual`: exchanges of everybody else in each hour from `first` (since 1970) on.
    `ours` (accounts): members, whose fillings make the ring's profile (all where not given).
    """
    whose, when = _met(place, at_us // HOUR_US - first, accounts, len(usual))
    every = np.arange(len(usual))
    nats = np.zeros(accounts)
    members = np.ones(accounts, bool) if ours is None else ours
    for mine, of in (((when + first) % A_DAY, (every + first) % A_DAY), (when // A_DAY, every // A_DAY)):
        nats += _against(whose, mine, np.bincount(of, usual).astype(float), members)
    return np.minimum(nats, MOST)


def _met(place: Ints, hour: Ints, accounts: int, hours: int) -> tuple[Ints, Ints]:
    """The different pairs of account and hour, in order."""
    if accounts * hours <= IN_PLACE * len(place) and hour.min(initial=0) >= 0 and hour.max(initial=0) < hours:
        there = np.zeros(accounts * hours, bool)
        there[place * hours + hour] = True
        return np.divmod(np.flatnonzero(there), hours)
    return np.divmod(np.unique(place * (1 << 32) + hour), 1 << 32)


def _against(whose: Ints, bins: Ints, usual: Floats, ours: Bools) -> Floats:
    """Log-likelihood ratios by account: its bins drawn as the other members' are, against everybody else's."""
    share = usual / usual.sum()
    mine = np.zeros((len(ours), len(share)))
    np.add.at(mine, (whose, bins), 1.0)
    drawn = _drawn(mine[ours], share)
    if not np.isfinite(drawn):
        return np.zeros(len(ours))
    others = mine[ours].sum(axis=0) - mine * ours[:, None]
    ring = (others + drawn * share) / (others.sum(axis=1, keepdims=True) + drawn)
    # At an hour that the log doesn't have nobody sent anything.
    ratio = np.divide(ring, share, out=np.ones_like(ring), where=share > 0)
    return np.asarray((mine * np.log(ANY + (1 - ANY) * ratio)).sum(axis=1))


def _drawn(mine: Floats, share: Floats) -> float:
    """Account hours of everybody's traffic that the profile is drawn to: the less, the further it is from everybody's.

    How far is the χ² divergence, estimated without bias from products of different accounts alone (one account's hours
    are alike); of a Dirichlet law of that weight it is (bins − 1) / (weight + 1) on average. Infinite: no profile.
    """
    every, squares = mine.sum(axis=0), (mine**2).sum(axis=0)
    pairs = every.sum() ** 2 - (mine.sum(axis=1) ** 2).sum()
    if pairs <= 0 or len(share) < 2:
        return float("inf")
    seen = share > 0
    apart = float(((every**2 - squares)[seen] / share[seen]).sum() / pairs) - 1
    return max(DRAWN, (len(share) - 1) / apart - 1) if apart > 0 else float("inf")


def usual(world: World, without_us: Ints) -> tuple[Floats, int]:
    """Exchanges in each hour of the log but those at `without_us`, never none; and its first hour since 1970."""
    first = world.span_us[0] // HOUR_US
    begins = world.span_us[0] + np.arange(len(world.activity)) * world.bin_us
    every = np.bincount(begins // HOUR_US - first, world.activity, world.span_us[1] // HOUR_US - first + 1)
    rest = every - np.bincount(without_us // HOUR_US - first, minlength=len(every))
    return np.maximum(rest, 0) + 0.5, first
