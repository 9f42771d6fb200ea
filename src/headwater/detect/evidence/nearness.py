"""Likeness of whole accounts: means of content that can't be told apart (detection without any template).

The proposing half of one queue. It needs no template, no attribute and no shared prompt, only imprints; what it
proposes is confirmed or refused by `queue` on sessions that it hasn't seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headwater.detect.fold import PROPOSE, Batch, Card, Links, World
from headwater.detect.nearness import Accounts, clusters, nearest
from headwater.detect.objects import Sharing, weave
from headwater.detect.population import Content
from headwater.exchange.model import SKETCH

#: Fewer exchanges in the proposing half, or a single session, say too little about an account.
LEAST = 4
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
    source="unbiased linear MMD² (Gretton et al. 2012) between accounts on whitened imprint sketches",
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
        session, inverse = np.unique(batch.session[keep], return_inverse=True)
        order = np.argsort(inverse, kind="stable")
        starts = np.searchsorted(inverse[order], np.arange(len(session)))
        sketches = batch.column("imprint.sketch")[keep][order].astype(np.int32)
        state.session.append(session)
        state.total.append(np.add.reduceat(sketches, starts, axis=0))
        state.count.append(np.bincount(inverse))
        state.account.append(batch.account[keep][order][starts])
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
    """Whitened means of the accounts that have enough sessions (None: fewer than ten of them)."""
    if not state.session:
        return None
    session = np.concatenate(state.session)
    order = np.argsort(session, kind="stable")
    starts = np.flatnonzero(np.concatenate([[True], np.diff(session[order]) != 0]))
    total = np.add.reduceat(np.concatenate(state.total)[order], starts, axis=0)
    count = np.add.reduceat(np.concatenate(state.count)[order], starts)
    account = np.concatenate(state.account)[order][starts]
    vector = ((total - count[:, None] * content.mean) @ content.matrix).astype(np.float64)
    del total
    n = np.bincount(account, count, world.size)
    pairs = n**2 - np.bincount(account, count.astype(np.float64) ** 2, world.size)
    code = np.flatnonzero((n >= LEAST) & (pairs > 0)).astype(np.int32)
    if len(code) < 10:
        return None
    sums = np.zeros((world.size, SKETCH))
    np.add.at(sums, account, vector)
    inside = np.bincount(account, np.einsum("ij,ij->i", vector, vector), world.size)
    own = (np.einsum("ij,ij->i", sums, sums) - inside)[code] / pairs[code]
    mean = sums[code] / n[code, None]
    # Under whitening one exchange's covariance has these eigenvalues; its squared trace sets the noise.
    values = np.linalg.eigvalsh(content.matrix.astype(np.float64) @ content.covariance @ content.matrix)
    count, couples = np.asarray(n[code], np.float64), np.asarray(pairs[code], np.float64)
    return Accounts(code, mean, own, count, couples, float((values**2).sum()))


propose = Nearness()
