"""One queue: it is chance which member sent which prompt.

The test runs on sessions that proposing hasn't seen. Its two laws are stated: under one dispatcher z is about N(0, 1)
(a little wider, since queues drift and batches are dealt together); under separate authors z = effect × power, with
the author effect of groups of real accounts that were chosen for being alike.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from headwater.detect.allies import ALLIED
from headwater.detect.counting import add_rows
from headwater.detect.exchangeable import Exchangeability, exchangeability
from headwater.detect.fold import CONFIRM, Batch, Card, Finding, World
from headwater.detect.moments import COVER
from headwater.detect.objects import account_hash
from headwater.detect.ordering import ByCode, by_code
from headwater.detect.population import Content
from headwater.exchange.model import SKETCH

#: Rows of one ring that are kept for the test, in expectation; whole accounts are left out beyond it.
MOST_ROWS = 60_000
#: Groups that a thread looks at in a row, where there are many.
AT_ONCE = 64
#: Permutations of a first look, and where that leaves any doubt.
FIRST_LOOK, PERMUTATIONS = 29, 199
#: Imperfect dealing (drift, batches, personas) leaves this much effect: scale of a half-normal.
RING_EFFECT = 0.004
#: Author effect of innocent groups chosen for likeness: log-normal around its median …
EFFECT_MEDIAN, EFFECT_SIGMA = 0.055, 0.5
#: … and, for one in ten, as small as in the narrowest class of people that was measured, or smaller.
NARROW_SHARE, NARROW = 0.1, (0.004, 0.06)
STRONG = 0.15
#: From this share of template rows on the rest is hardly worth a look of its own.
MOSTLY = 0.8
CAP, CAP_AGAINST = 6.0, 3.0
#: Small groups of people that were grown for likeness stay alike on fresh sessions more often than the law above says.
#: Measured on innocent groups of the tune side (docs/explanation/detection.md): of 5 to 9 customers 5% reached 3 nats,
#: of 10 to 24 one in a hundred 5. So a group of SMALL customers says 3 at most, and twice as many 1.25 more.
SMALL, SAYS, DOUBLED, LEAST_SAID = 8, 3.0, 1.25, 2.0

CARD = Card(
    name="queue",
    title="One queue",
    group="dispatch",
    sees="accounts whose prompts are exchangeable: it is chance which of them sent which",
    null="separate authors: z = effect × power, effect log-normal (median 0.055, σ 0.5) as in groups of real accounts "
    "grown for likeness, one in ten as small as in the narrowest class measured",
    false_positive="0 of 250 groups of 10 and 20 real accounts, chosen for being alike in five projects, had z < 2 on "
    "fresh messages (95% upper bound 1.2%; 10 messages an account, prototype sketch)",
    innocent_causes=(
        "one product with many keys",
        "an evaluation harness on several keys",
        "a relay's mixed users",
        "customers of one trade behind one automation vendor",
    ),
    evasion_cost="shard the harvest by topic, one topic an account: accounts can't take over from each other",
    cap_nats=CAP,
    cap_against_nats=CAP_AGAINST,
    source="permutation test of MMD between accounts (Gretton et al. 2012), used for likeness; "
    "docs/explanation/detection.md",
    atlas=("AML.CS0056", "AML.T0024.002"),
    aisvs=("11.3.1", "12.2.3"),
)


@dataclass
class _Rows:
    """Confirming rows of members: sketches kept as they are, so that no sum depends on order."""

    kept: npt.NDArray[np.bool_]
    account: list[npt.NDArray[np.int32]]
    session: list[npt.NDArray[np.int32]]
    at_us: list[npt.NDArray[np.int64]]
    exact: list[npt.NDArray[np.uint64]]
    sketch: list[npt.NDArray[np.int8]]
    harvest: list[npt.NDArray[np.bool_]]


class Queue:
    """Tests each ring for exchangeable content, by so many permutations where the first look leaves any doubt."""

    card = CARD
    stage = "confirm"
    columns = ("imprint",)

    def __init__(self, permutations: int = PERMUTATIONS) -> None:
        self.permutations = permutations

    @property
    def glance(self) -> Queue:
        """The same of a few permutations."""
        return Queue(FIRST_LOOK)

    def init(self, world: World) -> _Rows:
        """No rows; accounts of very large rings are thinned by a hash of their code."""
        kept = np.zeros(world.size, bool)
        for ring in world.rings:
            rows = int(world.half_volume[ring.members, CONFIRM].sum())
            share = min(1.0, MOST_ROWS / max(rows, 1))
            kept[ring.members[account_hash(ring.members) <= share]] = True
        return _Rows(kept, [], [], [], [], [], [])

    def update(self, state: _Rows, batch: Batch) -> _Rows:
        """Keep the members' confirming rows."""
        batch = batch.where((batch.half == CONFIRM) & (batch.ring >= 0) & state.kept[batch.account])
        if len(batch):
            state.account.append(batch.account)
            state.session.append(batch.session)
            state.at_us.append(batch.at_us)
            state.exact.append(batch.column("imprint.exact"))
            state.sketch.append(batch.column("imprint.sketch"))
            state.harvest.append(batch.filled)
        return state

    def merge(self, left: _Rows, right: _Rows) -> _Rows:
        """Put two states together."""
        return _Rows(
            left.kept,
            left.account + right.account,
            left.session + right.session,
            left.at_us + right.at_us,
            left.exact + right.exact,
            left.sketch + right.sketch,
            left.harvest + right.harvest,
        )

    def finish(self, state: _Rows, world: World) -> Mapping[int, Finding]:
        """The test of every ring with enough pairs."""
        if not state.account:
            return {}
        account, session = np.concatenate(state.account), np.concatenate(state.session)
        at_us = np.concatenate(state.at_us)
        exact, harvest = np.concatenate(state.exact), np.concatenate(state.harvest)
        sketch = np.concatenate(state.sketch).reshape(-1, SKETCH)
        order = by_code(account, session, at_us, exact)
        content: Content = world.context["content"]
        by_ring = ByCode(world.context["ring_of"][account[order]])

        # Groups joined by their runs are dealt topics of their own: that they differ speaks for nobody.
        allied = world.context.get(ALLIED, ())

        def look(at: int) -> Finding | None:
            looks: list[Exchangeability] = []
            for chosen in _choices(at, order[by_ring.of(at)], harvest, account, sketch, world):
                vectors = content.whiten(sketch[chosen])
                looks += _looks(
                    vectors, account[chosen], session[chosen], at_us[chosen], world, self.permutations
                )
            return _finding(looks, 0.0 if at in allied else CAP_AGAINST) if looks else None

        # Where groups are many, most are small. The large ones come first: each part has some of all.
        size = len(world.rings)
        count = max(-(-size // AT_ONCE), min(size, AT_ONCE))
        parts = [range(at, size, count) for at in range(count)]
        with ThreadPoolExecutor(world.workers) as pool:
            looked = pool.map(lambda part: [(at, look(at)) for at in part], parts)
            return {at: finding for some in looked for at, finding in some if finding is not None}


def _choices(
    at: int,
    rows: npt.NDArray[np.int64],
    harvest: npt.NDArray[np.bool_],
    account: npt.NDArray[Any],
    sketch: npt.NDArray[np.int8],
    world: World,
) -> list[npt.NDArray[np.int64]]:
    """A ring's rows, and those that are surest to be its own, where these are fewer.

    The rest may be cover, in which accounts differ: but what is chosen is less, and tells less.
    """
    share = float(harvest[rows].mean()) if len(rows) else 0.0
    if share > MOSTLY:
        choices = [rows[harvest[rows]]]
    elif share > COVER:
        choices = [rows, rows[harvest[rows]]]
    elif at in world.context.get("excess", {}):
        purest = _purest(at, rows, account, sketch, world)
        choices = [rows, purest] if len(purest) < len(rows) else [rows]
    else:
        choices = [rows]
    return [chosen for chosen in choices if len(chosen) >= 2]


def _looks(
    vectors: npt.NDArray[np.float32],
    account: npt.NDArray[np.int32],
    session: npt.NDArray[np.int32],
    at_us: npt.NDArray[np.int64],
    world: World,
    permutations: int,
) -> list[Exchangeability]:
    """The test among all members, and among those who ask for alike things only: a queue a topic."""
    vector, unit_account, unit_at = units(vectors, account, session, at_us)
    owner = world.customer[unit_account].astype(np.int64)
    tests = [_test(vector, owner, unit_at, None, world.seed, permutations)]
    stratum = world.context.get("strata", np.full(world.size, -1))[unit_account]
    kept = np.flatnonzero(stratum >= 0)
    if len(np.unique(stratum[kept])) >= 2:
        # One customer stands in one stratum: that of its first unit.
        _, first, whose = np.unique(owner[kept], return_index=True, return_inverse=True)
        of = stratum[kept][first][whose].astype(np.int64)
        tests.append(_test(vector[kept], owner[kept], unit_at[kept], of, world.seed, permutations))
    return [test for test in tests if test.enough]


def _test(
    vector: npt.NDArray[np.float32],
    owner: npt.NDArray[np.int64],
    at_us: npt.NDArray[np.int64],
    strata: npt.NDArray[np.int64] | None,
    seed: int,
    permutations: int,
) -> Exchangeability:
    """The permutation test; of what a few permutations leave no doubt, no more are made."""
    result = exchangeability(vector, owner, at_us, seed=seed, permutations=FIRST_LOOK, strata=strata)
    if permutations == FIRST_LOOK:
        return result
    if result.enough and log_ratio(result.z / 2, result.power / 2) > -CAP_AGAINST - 2:
        return exchangeability(vector, owner, at_us, seed=seed, permutations=permutations, strata=strata)
    return result


def _purest(
    at: int,
    rows: npt.NDArray[np.int64],
    account: npt.NDArray[Any],
    sketch: npt.NDArray[np.int8],
    world: World,
) -> npt.NDArray[np.int64]:
    """The rows that are the ring's by their content, as the proposing half knows it: an account's own business differs
    from account to account, and would hide that the rest is dealt.
    """
    known, least = world.context["excess"][at]
    cell = world.context["cells"].of(sketch[rows]).astype(np.int64)
    return rows[known.chance(account[rows], cell) > least] if least else rows


def units(
    vectors: npt.NDArray[np.float32],
    account: npt.NDArray[np.int32],
    session: npt.NDArray[np.int32],
    at_us: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Mean vector, account and start of each session; rows come sorted by account, session, time."""
    begun = np.concatenate([[True], np.diff(session) != 0])
    starts = np.flatnonzero(begun)
    size = np.diff(np.append(starts, len(session)))
    total = np.zeros((len(starts), vectors.shape[1]), np.float32)
    add_rows(total, np.cumsum(begun) - 1, vectors)
    mean = np.divide(total, size[:, None], dtype=np.float32)
    return mean, account[starts].astype(np.int64), at_us[starts]


def _authors() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Effects of separate authors, and the chance of each."""
    effect = np.exp(np.linspace(math.log(1e-4), math.log(1.0), 600))
    step = np.gradient(effect)
    authors = np.exp(-0.5 * (np.log(effect / EFFECT_MEDIAN) / EFFECT_SIGMA) ** 2) / effect
    authors /= (authors * step).sum()
    narrow = np.where((effect >= NARROW[0]) & (effect <= NARROW[1]), 1 / effect, 0.0)
    narrow /= (narrow * step).sum()
    return effect, ((1 - NARROW_SHARE) * authors + NARROW_SHARE * narrow) * step


_EFFECT, _CHANCE = _authors()
#: Effects that imperfect dealing leaves, and how likely each is.
_DEALT: Final = np.abs(np.linspace(-3, 3, 121)) * RING_EFFECT
_WEIGHT: Final = np.exp(-0.5 * np.linspace(-3, 3, 121) ** 2)


def log_ratio(z: float, power: float) -> float:
    """ln of the density of z under one queue over its density under separate authors, before caps."""
    # Beyond the strongest author effect there is nothing more to learn: both laws have only tails there.
    z = min(z, max(STRONG * power, 3.0))
    # Student's t with 8 degrees of freedom instead of a normal: the permutation law has heavier tails than N(0, 1).
    innocent = float(_tail(z - _EFFECT * power) @ _CHANCE)
    ring = float(_tail(z - _DEALT * power) @ _WEIGHT / _WEIGHT.sum())
    return math.log(max(ring, 1e-300)) - math.log(max(innocent, 1e-300))


def _tail(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return (1 + x**2 / 8) ** -4.5


def at_most(customers: int) -> float:
    """Nats that a group of so many customers can say for one queue."""
    return min(CAP, max(LEAST_SAID, SAYS + DOUBLED * math.log2(max(customers, 1) / SMALL)))


def _finding(looks: Sequence[Exchangeability], against: float) -> Finding:
    """Several looks at one question: the mean of their likelihood ratios is one, too."""
    ratios = np.array([log_ratio(look.z, look.power) for look in looks])
    result = looks[int(np.argmax(ratios))]
    ratio = float(np.logaddexp.reduce(ratios)) - math.log(len(looks))
    raw = min(max(ratio, -against), at_most(result.accounts))
    # With z far below 0 accounts are even more alike than chance: that too is no separate authorship.
    if raw >= 0:
        sentence = (
            f"It is chance which account sent which prompt: likeness within accounts is z = {result.z:.1f} against "
            f"permuted accounts, where separate authors would give about {EFFECT_MEDIAN * result.power:.0f}."
        )
    else:
        sentence = (
            f"Each account's prompts resemble its own more than its neighbours' (z = {result.z:.1f}), as separate "
            "authors' do; accounts that each keep to a topic would show the same."
        )
    figures = {
        "z": result.z,
        "author_effect": result.author_effect,
        "power": result.power,
        "pairs": float(result.pairs),
        "units": float(result.units),
        "accounts": float(result.accounts),
        "block_s": float(result.block_s),
        "looks": float(len(looks)),
    }
    return Finding(raw, sentence, None, figures)


test = Queue()
