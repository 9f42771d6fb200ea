"""One purse: members turn together, to a new model or to another volume, and everybody else doesn't.

Whoever decides for all accounts changes them at once. What is usual comes from customers outside the ring who send
about as much, so a release day on which everybody turns is no evidence. It shares a group with `purse`: a pause and
the change that ends it are one trace.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from headwater.detect.fold import Batch, Card, Finding, World
from headwater.detect.objects import account_hash
from headwater.detect.ordering import by_code
from headwater.detect.pace import TurnResult, joint_turns, volume_turn

CAP, CAP_AGAINST = 2.5, 0.5
FIRST_LOOK, PERMUTATIONS, WORTH_MORE = 39, 999, 0.1
#: Customers outside a ring that say what is usual, and how far beyond its members' volumes theirs may lie.
BACKGROUND, ALIKE = 300, 2.0
#: Customers that are looked at for a background at a time, in an order drawn once.
SEEN = 8_192
#: What a customer takes up within this time of its first request is how it began, and no turn.
BEGINNING_US = 86_400_000_000
#: Models looked at, those that most customers (ring and background alike) turned to.
MOST_MODELS = 12
VOLUME = "volume"
NAME_CHARS = 60

CARD = Card(
    name="turns",
    title="Joint turns",
    group="purse",
    sees="accounts that take up a model, or jump in volume, within hours of each other while others don't",
    null="as many customers drawn from the ring and from others alike in volume turn as close together (permutation)",
    false_positive="not measured: public data shows no models. The permutation holds its level on simulated strangers",
    innocent_causes=(
        "an update of a client library that changes its default model",
        "a course or a hackathon",
        "a decision of one organisation under several names",
    ),
    evasion_cost="move accounts to a new model over weeks: most of the harvest stays on the old one meanwhile",
    cap_nats=CAP,
    cap_against_nats=CAP_AGAINST,
    needs=("model",),
    source="permutation test of joint changes; docs/explanation/pace.md",
    atlas=("AML.CS0056", "AML.T0024.002"),
    aisvs=("11.3.1", "12.2.3"),
)


Codes = npt.NDArray[np.int64]
#: Where the world keeps what `sides` made, and of which rings.
SIDES, SIDES_OF = "sides", "sides_of"


@dataclass
class _Uses:
    """Requests of the ring's customers and of their backgrounds: who, when, which model (−1: none)."""

    kept: npt.NDArray[np.bool_]
    owner: npt.NDArray[np.int32]
    customer: list[npt.NDArray[np.int32]]
    at_us: list[npt.NDArray[np.int64]]
    model: list[npt.NDArray[np.int32]]


class Turns:
    """First uses of each model and jumps in volume, in each ring and around it."""

    card = CARD
    stage = "confirm"
    columns = ()

    def init(self, world: World) -> _Uses:
        """No requests; whose will be kept follows from the rings."""
        kept = np.zeros(int(world.customer.max(initial=-1)) + 1, bool)
        for ring, others in sides(world):
            kept[ring] = kept[others] = True
        return _Uses(kept, world.customer, [], [], [])

    def update(self, state: _Uses, batch: Batch) -> _Uses:
        """Keep who asked which model when."""
        customer = state.owner[batch.account]
        keep = np.flatnonzero(state.kept[customer])
        if len(keep):
            state.customer.append(customer[keep])
            state.at_us.append(batch.at_us[keep])
            state.model.append(batch.model[keep])
        return state

    def merge(self, left: _Uses, right: _Uses) -> _Uses:
        """Requests of both."""
        return _Uses(
            left.kept,
            left.owner,
            left.customer + right.customer,
            left.at_us + right.at_us,
            left.model + right.model,
        )

    def finish(self, state: _Uses, world: World) -> Mapping[int, Finding]:
        """A finding for each ring of which some turned, with enough others to compare."""
        if not state.customer:
            return {}
        customer, at_us = np.concatenate(state.customer), np.concatenate(state.at_us)
        order = by_code(customer, at_us)
        table = turned(customer[order], at_us[order], np.concatenate(state.model)[order], len(world.models))
        out = {}
        for at, (ring, others) in enumerate(sides(world)):
            result = _compared(table, world, ring, others)
            if result.enough:
                out[at] = _finding(result)
        return out


def sides(world: World) -> list[tuple[Codes, Codes]]:
    """For each ring its customers, and at most BACKGROUND others that send about as much (codes, ascending).

    Made once for the rings under test: a fold begins anew whenever its state is written down.
    """
    if world.context.get(SIDES_OF) is not world.rings:
        world.context[SIDES] = _sides(world)
        world.context[SIDES_OF] = world.rings
    return cast(list[tuple[Codes, Codes]], world.context[SIDES])


def _sides(world: World) -> list[tuple[Codes, Codes]]:
    volume = np.bincount(world.customer, world.volume)
    drawn = np.argsort(account_hash(np.arange(len(volume), dtype=np.int32)), kind="stable")
    sent, inside = volume[drawn], np.zeros(len(volume), bool)
    out = []
    for ring in world.rings:
        members = np.unique(world.customer[ring.members]).astype(np.int64)
        low, high = np.quantile(volume[members], [0.05, 0.95])
        inside[members] = True
        found, at = [drawn[:0]], 0
        while at < len(drawn) and sum(map(len, found)) < BACKGROUND:
            part = slice(at, at := at + SEEN)
            alike = (sent[part] >= max(low / ALIKE, 1)) & (sent[part] <= high * ALIKE)
            found.append(drawn[part][alike & ~inside[drawn[part]]])
        inside[members] = False
        out.append((members, np.sort(np.concatenate(found)[:BACKGROUND])))
    return out


def turned(
    customer: npt.NDArray[np.int32], at_us: npt.NDArray[np.int64], model: npt.NDArray[np.int32], models: int
) -> dict[int, dict[int, int]]:
    """For each customer: model code → when it first used it (µs), `models` → when its volume jumped.

    Rows come sorted by customer, then time. What a customer began with is left out.
    """
    starts = np.flatnonzero(np.concatenate([[True], np.diff(customer) != 0]))
    out: dict[int, dict[int, int]] = {}
    for low, high in zip(starts, np.append(starts[1:], len(customer)), strict=True):
        times = at_us[low:high]
        code, first = np.unique(model[low:high], return_index=True)
        uses = {
            int(c): int(times[i])
            for c, i in zip(code, first, strict=True)
            if c >= 0 and times[i] > times[0] + BEGINNING_US
        }
        jump = volume_turn(times)
        if jump is not None:
            uses[models] = jump
        out[int(customer[low])] = uses
    return out


def _compared(
    table: Mapping[int, Mapping[int, int]],
    world: World,
    members: Codes,
    others: Codes,
) -> TurnResult:
    # The models are chosen by ring and background together, or the permutation would not be fair.
    everyone = [table.get(c, {}) for c in (*members.tolist(), *others.tolist())]
    turns = np.array([what for uses in everyone for what in uses], np.int64)
    times = np.bincount(turns, minlength=len(world.models) + 1)
    chosen = np.lexsort((np.arange(len(times)), -times))
    chosen = chosen[times[chosen] > 0][: MOST_MODELS + 1]
    name = {len(world.models): VOLUME} | {c: f"model {text}" for c, text in enumerate(world.models)}
    uses = {name[int(what)]: [one.get(int(what)) for one in everyone] for what in chosen}
    size = len(members)
    # Few permutations show where nothing is to be found; only the rest is worth many.
    for permutations in (FIRST_LOOK, PERMUTATIONS):
        result = joint_turns(
            {what: when[:size] for what, when in uses.items()},
            {what: when[size:] for what, when in uses.items()},
            seed=world.seed,
            permutations=permutations,
        )
        if not result.enough or result.p_value > WORTH_MORE:
            break
    return result


def _finding(result: TurnResult) -> Finding:
    hours = round(result.window_us / 3_600_000_000)
    within = "an hour" if hours == 1 else f"{hours} hours"
    change = "jumped in volume" if result.what == VOLUME else f"first used {result.what[:NAME_CHARS]}"
    if result.llr > 0:
        sentence = (
            f"{result.members:,} of its {result.of:,} customers {change} within {within}; "
            f"{result.expected:.1f} of as many others did in these hours."
        )
    else:
        sentence = "Its accounts turn to models and volumes no closer together than others do."
    figures = {
        "members": float(result.members),
        "of": float(result.of),
        "expected": result.expected,
        "window_s": result.window_us / 1e6,
        "at_s": result.at_us / 1e6,
        "statistic": result.statistic,
    }
    return Finding(max(result.llr, -CAP_AGAINST), sentence, result.p_value, figures)


test = Turns()
