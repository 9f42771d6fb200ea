"""The provider's own evidence for keyed Gumbel marks: was the token that was served the one that the key would choose?

Keyed Gumbel sampling serves the token whose ln p - ln(-ln u) is greatest. With the law recomputed and the key, the race
can be run again. How far the served token was from winning it (its lag, in nats of its own chance) has a known law
without the key: P(lag <= d) = p e^d / (p e^d + 1 - p), for whatever p was recomputed, right or wrong. So other
precision, other batches and edited prompts cost power and never truth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headwater.errors import UsageError
from headwater.mark.scheme import MarkKey, Scheme, Units

#: Races computed at once, in pairs of context and candidate: bounds the memory.
_PAIRS = 2_000_000


@dataclass(frozen=True)
class Laws:
    """Recomputed next-token laws of n units: `token` (m,) and `log_chance` (m,), unit after unit.

    Unit i has the entries `begin`[i] … `begin`[i+1]-1: its candidates, as served (temperature and cut applied). The
    observed token's own entry is `own`[i], or -1 where the law doesn't allow it. Candidates may be left out by any rule
    that doesn't know the key: chances are taken relative to those that are given.
    """

    begin: NDArray[np.int64]
    token: NDArray[np.int64]
    log_chance: NDArray[np.float64]
    own: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.own)

    def chances(self) -> NDArray[np.float64]:
        """The chance of each observed token among its candidates (n,); 0 where it isn't one."""
        total = np.add.reduceat(np.exp(self.log_chance), self.begin[:-1]) if len(self) else np.zeros(0)
        found = np.exp(self.log_chance[np.maximum(self.own, 0)]) / total
        return np.where(self.own >= 0, np.minimum(found, 1.0), 0.0)

    def entropies(self) -> NDArray[np.float64]:
        """Nats of each law (n,)."""
        if not len(self):
            return np.zeros(0)
        chance = np.exp(self.log_chance)
        total = np.add.reduceat(chance, self.begin[:-1])
        found: NDArray[np.float64] = (
            np.log(total) - np.add.reduceat(chance * self.log_chance, self.begin[:-1]) / total
        )
        return np.maximum(found, 0.0)

    def part(self, chosen: NDArray[np.intp]) -> Laws:
        """The laws of some units, by index."""
        sizes = np.diff(self.begin)[chosen]
        begin = np.concatenate([[0], np.cumsum(sizes)])
        at = np.repeat(self.begin[:-1][chosen] - begin[:-1], sizes) + np.arange(begin[-1])
        own = np.where(self.own[chosen] >= 0, self.own[chosen] - self.begin[:-1][chosen] + begin[:-1], -1)
        return Laws(begin, self.token[at], self.log_chance[at], own)


def laws(chances: NDArray[np.float64], observed: NDArray[np.int64], *, least: float = 1e-9) -> Laws:
    """Laws from rows of chances (n, tokens) and the observed tokens (n,); entries below `least` are left out."""
    used = chances >= least
    token = np.nonzero(used)[1]
    begin = np.concatenate([[0], np.cumsum(used.sum(1))])
    if len(chances) and (np.diff(begin) == 0).any():
        raise UsageError("a next-token law without a token")
    here = used[np.arange(len(observed)), observed]
    order = np.cumsum(used, axis=1)[np.arange(len(observed)), observed] - 1
    own = np.where(here, begin[:-1] + order, -1)
    return Laws(begin.astype(np.int64), token.astype(np.int64), np.log(chances[used]), own.astype(np.int64))


def first_of_context(units: Units) -> NDArray[np.intp]:
    """The units to race: the first of each context, for one context is one race, however many tokens followed it."""
    _, found = np.unique(units.context, axis=0, return_index=True)
    return np.sort(found)


def lags(scheme: Scheme, key: MarkKey, units: Units, own_laws: Laws) -> NDArray[np.float64]:
    """By how many nats of its chance each observed token lost its race (n,): 0 where it won, infinity where no entry.

    `units` must have one unit a context; the scheme one stream of fine uniform values.
    """
    if scheme.null.ones is not None or scheme.streams != 1:
        raise UsageError("races are run again for keyed Gumbel marks of one key")
    if len(units) != len(own_laws):
        raise UsageError("each unit needs its next-token law")
    found = np.full(len(units), np.inf)
    sizes = np.diff(own_laws.begin)
    first = 0
    while first < len(units):
        last = int(np.searchsorted(own_laws.begin, own_laws.begin[first] + _PAIRS, side="right")) - 1
        last = max(first + 1, min(last, len(units)))
        rows = np.repeat(np.arange(first, last), sizes[first:last])
        here = slice(int(own_laws.begin[first]), int(own_laws.begin[last]))
        asked = Units(
            units.context[rows], own_laws.token[here], units.position[rows], np.ones_like(rows), len(rows)
        )
        values = scheme.values(key, asked)[:, 0]
        speed = own_laws.log_chance[here] - np.log(-np.log((values + 0.5) / scheme.null.size))
        best = np.maximum.reduceat(speed, own_laws.begin[first:last] - here.start)
        own = own_laws.own[first:last] - here.start
        known = own >= 0
        found[first:last][known] = best[known] - speed[own[known]]
        first = last
    return found
