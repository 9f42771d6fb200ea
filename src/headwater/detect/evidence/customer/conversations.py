"""Conversations of one's own: most of what the accounts send carries on their own talks.

People answer answers. A request that carries back, word for word, what the same customer was answered before, and isn't
one of the ring's own prompts, is a turn of a conversation; a harvest has no use for it. Every answer counts once. Where
the log keeps no answers the count of turns is taken for it, which any client can claim, and weighs less.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from headwater.detect.fold import Batch, Card, Finding, World
from headwater.detect.hashed import among, first_of

#: Exchanges from which an account has a share, members that must have one.
LEAST, LEAST_MEMBERS = 10, 5
#: Densities of that share: of accounts that serve a ring Beta(1, 4), of people's accounts Beta(2, 1).
RING, PEOPLE = (1.0, 4.0), (2.0, 1.0)
#: The share that three in four members reach at least is what counts: a few talkative members excuse nobody.
QUARTER = 0.25
#: Turns that are only claimed weigh at most this, and turns in a group whose own prompts can't be told from the rest.
CLAIMED, UNTOLD = 1.0, 1.5

SPREAD = np.uint64(0x9E3779B97F4A7C15)

CARD = Card(
    name="conversations",
    title="Conversations of their own",
    group="customer",
    sees="members whose exchanges mostly carry back what they themselves were answered, outside the ring's templates",
    null="people's accounts carry on their own talks in a share Beta(2, 1) of exchanges, a ring's in Beta(1, 4)",
    false_positive="not applicable: it speaks for the customer. How many rings it would excuse isn't measured yet",
    innocent_causes=(),
    evasion_cost="for every exchange of the harvest at least another one that goes on from an earlier answer, in three "
    "of four accounts; four for one, for its full weight. Where no prompt of the ring can be told from other business, "
    "prompts chained into one talk, each paying for an earlier answer as input: that weighs half",
    cap_nats=0.0,
    cap_against_nats=3.0,
    any_of=("previous", "turn"),
    atlas=("AML.T0040",),
)


@dataclass
class _Rows:
    """Members' rows: account code, hashes of the answer carried back and of the answer given (0: none), turn, ours."""

    account: list[npt.NDArray[np.int32]]
    previous: list[npt.NDArray[np.uint64]]
    response: list[npt.NDArray[np.uint64]]
    turn: list[npt.NDArray[np.int64]]
    ours: list[npt.NDArray[np.bool_]]


class Conversations:
    """Looks for members' earlier answers in their later requests."""

    card = CARD
    stage = "confirm"
    columns = ("imprint", "previous", "response", "turn")

    def init(self, world: World) -> _Rows:
        """No rows."""
        return _Rows([], [], [], [], [])

    def update(self, state: _Rows, batch: Batch) -> _Rows:
        """Keep members' rows."""
        batch = batch.members
        if len(batch):
            state.account.append(batch.account)
            state.previous.append(_filled(batch, "previous", 0).astype(np.uint64))
            state.response.append(_filled(batch, "response", 0).astype(np.uint64))
            state.turn.append(_filled(batch, "turn", -1).astype(np.int64))
            state.ours.append(batch.attributed)
        return state

    def merge(self, left: _Rows, right: _Rows) -> _Rows:
        """Rows of both."""
        return _Rows(
            left.account + right.account,
            left.previous + right.previous,
            left.response + right.response,
            left.turn + right.turn,
            left.ours + right.ours,
        )

    def finish(self, state: _Rows, world: World) -> Mapping[int, Finding]:
        """A finding for each ring whose members mostly talk."""
        if not state.account:
            return {}
        account, ours = np.concatenate(state.account), np.concatenate(state.ours)
        previous, response = np.concatenate(state.previous), np.concatenate(state.response)
        sent = np.bincount(account, minlength=world.size)
        mark = world.customer[account].astype(np.uint64) * SPREAD
        back = np.flatnonzero(previous)
        carried = np.zeros(len(previous), bool)
        carried[back] = among((previous ^ mark)[back], (response ^ mark)[response != 0])
        turns = np.concatenate(state.turn) > 0
        # Where answers are kept a claim doesn't count.
        proved = bool((response != 0).any())
        talk = np.flatnonzero((carried if proved else turns) & ~ours)
        if proved:
            once = previous[talk] ^ (account[talk].astype(np.uint64) + np.uint64(1)) * SPREAD
            talk = talk[first_of(once)]
        talks, told = (
            np.bincount(account[talk], minlength=world.size),
            np.bincount(account[ours], minlength=world.size),
        )
        out = {}
        for at, ring in enumerate(world.rings):
            members = ring.members[sent[ring.members] >= LEAST]
            if len(members) >= LEAST_MEMBERS:
                share = float(np.quantile(talks[members] / sent[members], QUARTER))
                raw = _density(share, *RING) - _density(share, *PEOPLE)
                most = CLAIMED if not proved else CARD.cap_against_nats if told[members].any() else UNTOLD
                if raw < 0:
                    out[at] = _finding(share, len(members), max(raw, -most), proved)
        return out


def _finding(share: float, members: int, raw: float, proved: bool) -> Finding:
    what = (
        "go on from an answer that they were given" if proved else "say that they go on with a conversation"
    )
    sentence = (
        f"In three of four of the {members:,} members that sent enough, at least {share:.0%} of exchanges {what}, "
        "outside the group's own prompts."
    )
    return Finding(raw, sentence, None, {"share": share, "members": float(members), "proved": float(proved)})


def _density(share: float, a: float, b: float) -> float:
    """Log density of a Beta(a, b), away from its ends."""
    x = min(max(share, 0.01), 0.99)
    norm = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    return (a - 1) * math.log(x) + (b - 1) * math.log1p(-x) - norm


def _filled(batch: Batch, name: str, nothing: int) -> npt.NDArray[Any]:
    """A column with `nothing` where it is null, or where the log lacks it."""
    if not batch.has(name):
        return np.full(len(batch), nothing)
    column: Any = batch.arrow(name)
    return np.asarray(column.fill_null(nothing).to_numpy(zero_copy_only=False))


test = Conversations()
