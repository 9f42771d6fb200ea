"""Elicitation intents: what the requests ask for that training a model needs.

Chains of thought, rubric grades, self-generated instructions: each has honest users. So a ring's share of such
requests is compared with everybody else's accounts, and the weight stays small.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headwater.detect import counting
from headwater.detect.fold import CONFIRM, Batch, Card, Finding, World

CAP, CAP_AGAINST = 2.0, 1.0
#: Accounts with fewer exchanges have no share to speak of.
LEAST = 5

CARD = Card(
    name="intents",
    title="Elicitation intents",
    group="intent",
    sees="requests that ask for what training needs: reasoning written out, grades by rubric, generated tasks, safe "
    "rewrites, tool traces, in many languages",
    null="accounts outside the ring with at least five exchanges: how many ask for as much",
    false_positive="not measured as a test: what counts is how many others of the log ask for as much; evaluators and "
    "teachers ask the same",
    innocent_causes=("evaluation", "teaching", "a product that shows its reasoning", "labelling of own data"),
    evasion_cost="rephrase what is asked for; some traces can't be had without asking",
    cap_nats=CAP,
    cap_against_nats=CAP_AGAINST,
    atlas=("AML.T0065", "AML.T0024.002"),
    aisvs=("11.3.1",),
)


@dataclass
class _Asked:
    """Confirming exchanges of each account, and those with any intent."""

    rows: npt.NDArray[np.int64]
    asked: npt.NDArray[np.int64]


class Intents:
    """Compares the share of eliciting requests in a ring with everybody else's."""

    card = CARD
    stage = "confirm"
    columns = ("imprint",)

    def init(self, world: World) -> _Asked:
        """Nothing asked."""
        return _Asked(np.zeros(world.size, np.int64), np.zeros(world.size, np.int64))

    def update(self, state: _Asked, batch: Batch) -> _Asked:
        """Count confirming rows by account."""
        keep = np.flatnonzero(batch.half == CONFIRM)
        account = batch.account[keep]
        counting.count(state.rows, account)
        counting.count(state.asked, account[batch.column("imprint.intents")[keep] != 0])
        return state

    def merge(self, left: _Asked, right: _Asked) -> _Asked:
        """Add two states."""
        return _Asked(left.rows + right.rows, left.asked + right.asked)

    def finish(self, state: _Asked, world: World) -> Mapping[int, Finding]:
        """A finding for each ring whose members sent enough."""
        ring_of = world.context["ring_of"]
        outside = (ring_of < 0) & (state.rows >= LEAST)
        others = np.sort(state.asked[outside] / state.rows[outside])
        out = {}
        for at, ring in enumerate(world.rings):
            rows, asked = int(state.rows[ring.members].sum()), int(state.asked[ring.members].sum())
            if rows < LEAST:
                continue
            share = asked / rows
            as_much = len(others) - int(np.searchsorted(others, share, side="left"))
            p_value = (1 + as_much) / (1 + len(others))
            # Half the surprise: that a group asks for this says little about whether it is one hand.
            raw = max(-0.5 * math.log(p_value) - math.log(2), -CAP_AGAINST) if asked else -0.2
            out[at] = Finding(
                raw,
                f"{share:.0%} of its exchanges ask for what training needs (reasoning, grades, generated tasks); "
                f"{as_much:,} of the {len(others):,} accounts outside all groups that sent at least {LEAST} ask for as "
                "much.",
                p_value,
                {"share": share, "others_as_much": float(as_much), "others": float(len(others))},
            )
        return out


test = Intents()
