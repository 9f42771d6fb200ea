"""Likeness of whole accounts: means of content that can't be told apart (detection without any template).

The proposing half of one queue. It needs no template, no attribute and no shared prompt, only imprints; what it
proposes is confirmed or refused by `queue` on sessions that it hasn't seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headwater.detect.authors import Accounts, Sessions, learn, summed
from headwater.detect.fold import PROPOSE, Batch, Card, Links, World
from headwater.detect.nearness import clusters, nearest
from headwater.detect.objects import Sharing, weave
from headwater.detect.population import Content

#: Fewer exchanges in the proposing half say too little about an account.
LEAST = 3
WEIGHT = 2.0

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
    """Exact sums by session: they add up in any order."""

    session: list[npt.NDArray[np.int32]]
    total: list[npt.NDArray[np.int32]]
    count: list[npt.NDArray[np.int64]]
    account: list[npt.NDArray[np.int32]]


class Nearness:
    """Proposes ties inside clusters of accounts that share one expected content."""

    card = CARD
    stage = "propose"
    columns = ("imprint",)

    def init(self, world: World) -> _Sums:
        """No sessions yet."""
        return _Sums([], [], [], [])

    def update(self, state: _Sums, batch: Batch) -> _Sums:
        """Add the sketches of proposing rows to their session's sum."""
        keep = batch.half == PROPOSE
        if not keep.any():
            return state
        session, first, place = np.unique(batch.session[keep], return_index=True, return_inverse=True)
        state.session.append(session)
        state.total.append(summed(batch.column("imprint.sketch")[keep].astype(np.int32), place, len(session)))
        state.count.append(np.bincount(place))
        state.account.append(batch.account[keep][first])
        return state

    def merge(self, left: _Sums, right: _Sums) -> _Sums:
        """Put the sums of both together."""
        return _Sums(
            left.session + right.session,
            left.total + right.total,
            left.count + right.count,
            left.account + right.account,
        )

    def finish(self, state: _Sums, world: World) -> Links:
        """Ties inside each cluster."""
        content: Content = world.context["content"]
        accounts = compared(state, content, world)
        if accounts is None:
            return Links.none(CARD.name)
        neighbours, score = nearest(accounts, world.seed)
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
    total = summed(np.concatenate(state.total), place, len(session))
    count = summed(np.concatenate(state.count)[:, None], place, len(session))[:, 0]
    account = np.concatenate(state.account)[first]
    vector = ((total - count[:, None] * content.mean) @ content.matrix).astype(np.float64)
    matrix = content.matrix.astype(np.float64)
    sessions = Sessions(vector, count.astype(np.float64), account)
    accounts = learn(sessions, matrix.T @ content.covariance @ matrix, world.size, LEAST)
    return accounts if accounts is not None and len(accounts) >= 10 else None


propose = Nearness()
