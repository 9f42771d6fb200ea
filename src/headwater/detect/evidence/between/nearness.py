"""Likeness of whole accounts: means of content that can't be told apart (detection without any template).

The proposing half of one queue. It needs no template, no attribute and no shared prompt, only imprints; what it
proposes is confirmed or refused by `queue` on sessions that it hasn't seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headwater.detect import counting
from headwater.detect.authors import Accounts, Sessions, described, learn, summed
from headwater.detect.companions import nearest
from headwater.detect.fold import PROPOSE, Batch, Card, Links, World
from headwater.detect.nearness import clusters
from headwater.detect.objects import Sharing, account_hash, weave
from headwater.detect.population import Content
from headwater.exchange import SKETCH

#: Fewer exchanges in the proposing half say too little about an account.
LEAST = 3
#: So few accounts aren't compared.
FEWEST = 10
#: Accounts that the model is learned from, in expectation.
LEARNED = 50_000
WEIGHT = 2.0
BLOCK = 16_384

CARD = Card(
    name="nearness",
    title="Accounts whose content can't be told apart",
    group="dispatch",
    sees="accounts whose prompts have the same expected content, as prompts dealt from one queue do",
    null="accounts differ in content as people do; used to propose only, so it carries no weight in the verdict",
    false_positive="not a verdict: every proposal counts in the multiplicity and is confirmed on other sessions",
    innocent_causes=("a narrow class or product", "one person with several accounts", "very short prompts"),
    evasion_cost="give every account a topic of its own: the harvest must be sharded, accounts can't replace each "
    "other",
    cap_nats=0.0,
    source="two-covariance model of authors (PLDA; Brümmer and de Villiers 2010) on whitened imprint sketches",
    atlas=("AML.CS0056", "AML.T0024.002"),
    aisvs=("11.3.1", "12.2.3"),
)


@dataclass
class _Sums:
    """Exact sums, which add up in any order.

    `place` (accounts) of those with exchanges enough, and `total` (so many × SKETCH) the sums of their sketches. Of
    each session its count; its sum too where its account is one of those that the model is `learned` from.
    """

    place: npt.NDArray[np.int32]
    learned: npt.NDArray[np.bool_]
    total: npt.NDArray[np.int32]
    session: list[npt.NDArray[np.int32]]
    account: list[npt.NDArray[np.int32]]
    count: list[npt.NDArray[np.int32]]
    some: list[npt.NDArray[np.int32]]
    of_some: list[npt.NDArray[np.int32]]


class Nearness:
    """Proposes ties inside clusters of accounts that share one expected content."""

    card = CARD
    stage = "propose"
    columns = ("imprint",)

    def init(self, world: World) -> _Sums:
        """No sessions yet."""
        able = world.half_volume[:, PROPOSE] >= LEAST
        size = int(able.sum())
        chance = account_hash(np.arange(world.size, dtype=np.int32))
        return _Sums(
            np.where(able, np.cumsum(able) - 1, -1).astype(np.int32),
            chance <= LEARNED / max(world.size, 1),
            np.zeros((size, SKETCH), np.int32),
            *([], [], [], [], []),
        )

    def update(self, state: _Sums, batch: Batch) -> _Sums:
        """Add the sketches of proposing rows."""
        rows = np.flatnonzero(batch.half == PROPOSE)
        if not len(rows):
            return state
        sketch, account = batch.column("imprint.sketch"), batch.account
        counting.add_rows(state.total, state.place[account[rows]], sketch[rows])
        session, first, count = np.unique(batch.session[rows], return_index=True, return_counts=True)
        state.session.append(session)
        state.account.append(account[rows[first]])
        state.count.append(count.astype(np.int32))
        some = rows[state.learned[account[rows]]]
        session, place = np.unique(batch.session[some], return_inverse=True)
        state.some.append(summed(sketch[some].astype(np.int32), place, len(session)))
        state.of_some.append(session)
        return state

    def merge(self, left: _Sums, right: _Sums) -> _Sums:
        """Put the sums of both together."""
        return _Sums(
            left.place,
            left.learned,
            left.total + right.total,
            left.session + right.session,
            left.account + right.account,
            left.count + right.count,
            left.some + right.some,
            left.of_some + right.of_some,
        )

    def finish(self, state: _Sums, world: World) -> Links:
        """Ties inside each cluster."""
        content: Content = world.context["content"]
        accounts = compared(state, content, world)
        if accounts is None:
            return Links.none(CARD.name)
        neighbours, score = nearest(accounts, world.seed, world.workers)
        world.context["companions"] = accounts, neighbours, score
        found = clusters(accounts, neighbours, score)
        if not found:
            return Links.none(CARD.name)
        sizes = np.array([len(c.members) for c in found])
        sharing = Sharing(
            np.arange(len(found), dtype=np.uint64),
            np.concatenate([[0], np.cumsum(sizes)]),
            np.concatenate([accounts.code[c.members] for c in found]),
            sizes,
        )
        world.context["clusters"] = sharing
        return weave(CARD.name, sharing, np.arange(len(found)), np.full(len(found), WEIGHT))


def compared(state: _Sums, content: Content, world: World) -> Accounts | None:
    """Accounts with exchanges enough, in a model of how authors differ (None: fewer than ten of them)."""
    if not state.session:
        return None
    session, first, place = np.unique(np.concatenate(state.session), return_index=True, return_inverse=True)
    count = np.bincount(place, np.concatenate(state.count), len(session)).astype(np.float64)
    account = np.concatenate(state.account)[first]
    some, place = np.unique(np.concatenate(state.of_some), return_inverse=True)
    total = summed(np.concatenate(state.some), place, len(some))
    at = np.searchsorted(session, some)
    vector = ((total - count[at, None] * content.mean) @ content.matrix).astype(np.float64)
    matrix = content.matrix.astype(np.float64)
    model = learn(Sessions(vector, count[at], account[at]), matrix.T @ content.covariance @ matrix)
    code = np.flatnonzero(state.place >= 0).astype(np.int32)
    if model is None or len(code) < FEWEST:
        return None
    sent = np.bincount(account, count, world.size)[code].astype(np.float64)
    squares = np.bincount(account, count**2, world.size)[code].astype(np.float64)
    mean = np.empty((len(code), SKETCH), np.float32)
    for low in range(0, len(code), BLOCK):
        part = slice(low, low + BLOCK)
        mean[part] = (state.total[part] / sent[part, None] - content.mean) @ content.matrix
    return described(model, code, mean, model.effective(sent, squares))


propose = Nearness()
