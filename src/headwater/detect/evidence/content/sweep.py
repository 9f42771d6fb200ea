"""Sweeps: a group that walks through a list once, so that nothing it asks was asked by any of it before.

People come back to their questions: they try again, paste the same text, ask what a neighbour asked. A list that is
worked off grows by one new item with every exchange until it ends. `dealt` looks for slices of one template that don't
overlap; this looks at all long prompts of a group, its members' own repeats included, template or not, and compares
with as many other customers of the same log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from headwater.detect.evidence.between.turns import sides
from headwater.detect.fold import Batch, Card, Finding, World
from headwater.detect.objects import LEAST_WORDS, some_of
from headwater.detect.ordering import by_code, by_hash
from headwater.detect.pvalues import calibrated
from headwater.detect.spans import spans

#: Exchanges of a group's later half below which nothing is said, customers compared at most, exchanges of each.
LEAST, MOST_CUSTOMERS, EACH = 30, 60, 400
#: Groups that say how much is usually repeated, at most; so many that repeat as little end the comparison.
GROUPS, ENOUGH = 199, 20
#: Fewer customers on either side make no group.
FEWEST = 5

CARD = Card(
    name="sweep",
    title="A list worked off once",
    group="content",
    sees="groups that never ask anything twice, neither one member again nor one after another, from first to last",
    null="as many customers drawn from the ring and from others of like volume: how few of their later prompts were "
    "sent before (permutation, up to 199 draws)",
    false_positive="not measured yet",
    innocent_causes=(
        "documents of one's own, each sent once",
        "an evaluation that runs through a list",
        "a labelling batch",
    ),
    evasion_cost="ask as many questions twice as people do: that share of the harvest is paid for twice",
    cap_nats=1.5,
    cap_against_nats=0.0,
    source="growth of distinct items with the number of draws (Heaps' law), against groups of the same log",
    atlas=("AML.T0024.002",),
    aisvs=("11.3.1",),
)

Codes = npt.NDArray[np.int64]


@dataclass
class _Asked:
    """Long prompts of the ring's customers and of their backgrounds: who, when, what."""

    kept: npt.NDArray[np.bool_]
    owner: npt.NDArray[np.int32]
    customer: list[npt.NDArray[np.int32]]
    at_us: list[npt.NDArray[np.int64]]
    exact: list[npt.NDArray[np.uint64]]


class Sweep:
    """Compares what a ring asks again with what groups of others do."""

    card = CARD
    stage = "confirm"
    columns = ("imprint",)

    def init(self, world: World) -> _Asked:
        """No prompts; whose will be kept follows from the rings."""
        kept = np.zeros(int(world.customer.max(initial=-1)) + 1, bool)
        for ring, others in _sides(world):
            kept[ring] = kept[others] = True
        return _Asked(kept, world.customer, [], [], [])

    def update(self, state: _Asked, batch: Batch) -> _Asked:
        """Keep who sent which long prompt when."""
        customer = state.owner[batch.account]
        keep = np.flatnonzero(state.kept[customer] & (batch.column("imprint.words") >= LEAST_WORDS))
        if len(keep):
            state.customer.append(customer[keep])
            state.at_us.append(batch.at_us[keep])
            state.exact.append(batch.column("imprint.exact")[keep])
        return state

    def merge(self, left: _Asked, right: _Asked) -> _Asked:
        """Prompts of both."""
        return _Asked(
            left.kept,
            left.owner,
            left.customer + right.customer,
            left.at_us + right.at_us,
            left.exact + right.exact,
        )

    def finish(self, state: _Asked, world: World) -> Mapping[int, Finding]:
        """A finding for each ring with prompts enough and others enough."""
        if not state.customer:
            return {}
        customer, at_us = np.concatenate(state.customer), np.concatenate(state.at_us)
        exact = np.concatenate(state.exact)
        order = by_code(customer, at_us, exact)
        customer, at_us, exact = customer[order], at_us[order], exact[order]
        first = np.searchsorted(customer, customer)
        keep = np.arange(len(customer)) - first < EACH
        customer, at_us, exact = customer[keep], at_us[keep], exact[keep]
        # Prompts by the time at which they came, equal ones by their text, and texts by small numbers.
        rank = np.empty(len(exact), np.int64)
        rank[by_hash((at_us - at_us.min()).astype(np.uint64), exact, customer)] = np.arange(len(exact))
        sent = _Sent(rank, np.unique(exact, return_inverse=True)[1])
        everyone = np.arange(len(state.kept))
        low, high = np.searchsorted(customer, everyone), np.searchsorted(customer, everyone, side="right")
        out = {}
        for at, (ring, others) in enumerate(_sides(world)):
            ring, others = ring[high[ring] > low[ring]], others[high[others] > low[others]]
            size = min(len(ring), len(others) // 2)
            if size < FEWEST:
                continue
            ours = sent.again(some_of(ring, size), low, high)
            if ours is None:
                continue
            # Drawn from both, or groups of others would differ from each other less than from the ring.
            rng, both = np.random.default_rng([world.seed, at]), np.union1d(ring, others)
            usual: list[float] = []
            for _ in range(GROUPS):
                one = sent.again(np.sort(rng.choice(both, size, replace=False)), low, high)
                usual += [one[0] / one[1]] if one is not None else []
                if sum(share <= ours[0] / ours[1] for share in usual) >= ENOUGH:
                    break
            out[at] = _finding(ours, usual)
        return out


def _sides(world: World) -> list[tuple[Codes, Codes]]:
    """For each ring some of its customers, and those that it is compared with."""
    return [(some_of(ring, MOST_CUSTOMERS), others) for ring, others in sides(world)]


class _Sent:
    """All prompts: the rank of each in time, and its text as a small number."""

    def __init__(self, rank: Codes, text: Codes) -> None:
        self._rank, self._text = rank, text
        self._seen = np.zeros(int(text.max(initial=-1)) + 1, np.bool_)

    def again(self, customers: Codes, low: Codes, high: Codes) -> tuple[int, int] | None:
        """Of a group's later half of prompts: how many any of it had sent before, and how many there are."""
        rows = spans(low[customers], high[customers])
        text = self._text[rows[np.argsort(self._rank[rows])]]
        later = len(text) - len(text) // 2
        return (_seen_before(text, len(text) // 2, self._seen), later) if later >= LEAST else None


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _seen_before(text: Codes, first: int, seen: npt.NDArray[np.bool_]) -> int:
    """How many of the texts from place `first` on stand at an earlier place; `seen` is left as it was, all false."""
    again = 0
    for at in range(len(text)):
        again += at >= first and seen[text[at]]
        seen[text[at]] = True
    for at in range(len(text)):
        seen[text[at]] = False
    return again


def _finding(ours: tuple[int, int], usual: list[float]) -> Finding:
    again, of = ours
    share = again / of
    as_little = sum(one <= share for one in usual)
    # Stopped after ENOUGH: the share of draws itself is exact then (Besag and Clifford 1991).
    p_value = as_little / len(usual) if as_little >= ENOUGH else (1 + as_little) / (1 + len(usual))
    typical = float(np.median(usual)) if usual else 0.0
    sentence = (
        f"Of the later {of:,} long prompts that were compared {share:.1%} had been sent before by any of its "
        f"customers; of those of as many customers drawn at random {typical:.1%}."
    )
    figures = {"again": float(again), "prompts": float(of), "usual": typical}
    return Finding(max(calibrated(p_value), 0.0), sentence, p_value, figures)


test = Sweep()
