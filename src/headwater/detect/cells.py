"""What a ring asks for, and what its accounts ask for besides: content in cells, told apart exchange by exchange.

Content is divided into cells (k-means of whitened sketches, from the proposing half). Where a ring's accounts send
more than everybody else does, the excess is what they have in common; the rest is business of their own, in which they
are like other people. So each exchange has a chance of being the ring's, without a template and without a label, and
each account a log likelihood of taking part. Every member is judged by what the *others* ask for, or its own topics
would speak against it. Source: the empirical-Bayes two-group model (Efron 2008), local false discovery rate by cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from scipy import sparse

from headwater.detect.fold import PROPOSE, Batch, Ring, World
from headwater.detect.population import A_ACCOUNT, BLOCK, UNIT, Content, multiplied
from headwater.exchange import SKETCH

Floats = npt.NDArray[np.float64]

#: Cells at most, rounds of k-means, exchanges that it sees, and how many of them make a cell.
CELLS, ROUNDS, SAMPLE, A_CELL = 256, 8, 40_000, 40
#: Exchanges of prior weight: a cell seen seldom says little.
PRIOR = 20.0
#: An exchange from this chance on is the ring's.
OURS = 0.7
#: Rounds after which a share of a mixture stands still.
EM_ROUNDS = 100
#: The purest of these chances that leaves this share of a ring's exchanges chooses those that are tested for one queue.
PURE, LEFT = (0.9, OURS, 0.5), 0.2
MOST_USUAL = 0.98
#: Nats from which an account takes part, and from which one outside joins (on the proposing half, with this share).
TAKES_PART, JOINS, JOINING_SHARE = 1.0, 5.0, 0.2
#: Nats from which both halves and its hours name a member of which the confirming half says anything. In four worlds of
#: two rings that named 1,223 of 1,298 accounts under test and 3 of 43 innocents; two nats of the confirming half alone
#: had named 1,080 and 3.
NAMED = 4.0
#: Shares of an account's traffic that are tried.
SHARES = np.linspace(0.02, 0.98, 25)


@dataclass(frozen=True)
class Cells:
    """A division of content: a raw sketch s belongs to the cell where s @ `map` + `offset` is greatest.

    `placed` (rows of the log, −1: not yet) remembers what was found, since several folds ask for the same rows.
    """

    map: npt.NDArray[np.float32]
    offset: npt.NDArray[np.float32]
    placed: npt.NDArray[np.int16] | None = None

    @property
    def count(self) -> int:
        """Number of cells."""
        return len(self.offset)

    def of(self, sketches: npt.NDArray[np.int8]) -> npt.NDArray[np.int16]:
        """The cell of each sketch (n × SKETCH, int8)."""
        out = np.empty(len(sketches), np.int16)
        for at, part in multiplied(sketches, self.map):
            part += self.offset
            out[at] = part.argmax(axis=1)
        return out

    def at(self, batch: Batch, which: npt.NDArray[np.int64]) -> npt.NDArray[np.int16]:
        """The cells of some rows of a batch (their places in it)."""
        if self.placed is None:
            return self.of(batch.column("imprint.sketch").take(which, axis=0))
        rows = batch.row[which]
        new = np.flatnonzero(self.placed[rows] < 0)
        if len(new):
            self.placed[rows[new]] = self.of(batch.column("imprint.sketch").take(which[new], axis=0))
        return self.placed[rows]


@dataclass
class _Sample:
    keep: Floats
    exact: list[npt.NDArray[np.uint64]]
    sketch: list[npt.NDArray[np.int8]]


class Division:
    """A fold over the proposing half that ends in `Cells` (None where there is next to nothing to divide)."""

    columns = ("imprint",)

    def init(self, world: World) -> _Sample:
        """No rows; busy accounts are thinned as they are for the covariance, and the whole to SAMPLE rows."""
        volume = world.half_volume[:, PROPOSE]
        keep = np.minimum(1.0, A_ACCOUNT / np.maximum(volume, 1))
        expected = float((keep * volume).sum())
        return _Sample(keep * min(1.0, SAMPLE / max(expected, 1.0)), [], [])

    def update(self, state: _Sample, batch: Batch) -> _Sample:
        """Keep rows by a hash of their content."""
        exact = batch.column("imprint.exact")
        chance = exact.astype(np.float64) / UNIT
        keep = np.flatnonzero((batch.half == PROPOSE) & (chance < state.keep[batch.account]))
        if len(keep):
            state.exact.append(exact[keep])
            state.sketch.append(batch.column("imprint.sketch")[keep])
        return state

    def merge(self, left: _Sample, right: _Sample) -> _Sample:
        """Rows of both."""
        return _Sample(left.keep, left.exact + right.exact, left.sketch + right.sketch)

    def finish(self, state: _Sample, world: World) -> Cells | None:
        """Spherical k-means; equal texts are one point, so that a text sent often has no cell to itself."""
        if not state.exact:
            return None
        exact, sketch = np.concatenate(state.exact), np.concatenate(state.sketch).reshape(-1, SKETCH)
        # Texts that differ in layout alone have one hash and several sketches: the least of them, in any order of rows.
        order = np.lexsort((*sketch.T, exact))
        first = order[np.concatenate([[True], np.diff(exact[order]) != 0])]
        content: Content = world.context["content"]
        points = content.whiten(sketch[first])
        count = min(CELLS, len(points) // A_CELL)
        if count < 2:
            return None
        centres = _centres(points, count, np.random.default_rng(world.seed))
        turned = content.matrix @ centres.T
        return Cells(turned.astype(np.float32), (-(content.mean @ turned)).astype(np.float32))


def _centres(
    points: npt.NDArray[np.float32], count: int, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    centres = points[np.sort(rng.choice(len(points), count, replace=False))]
    for _ in range(ROUNDS):
        near = np.concatenate(
            [(points[a : a + BLOCK] @ centres.T).argmax(axis=1) for a in range(0, len(points), BLOCK)]
        )
        ones, shape = np.ones(len(near), np.float32), (count, len(near))
        place = sparse.csr_matrix((ones, (near, np.arange(len(near)))), shape=shape)
        total = np.asarray(place @ points)
        length = np.linalg.norm(total, axis=1, keepdims=True)
        centres = np.where(length > 0, total / np.maximum(length, 1e-9), centres).astype(np.float32)
    return centres


@dataclass
class _Rows:
    session: list[npt.NDArray[np.int32]]
    account: list[npt.NDArray[np.int32]]
    cell: list[npt.NDArray[np.int16]]


@dataclass(frozen=True)
class Placed:
    """Exchanges of one half as counts: `session`, `account`, `cell`, `times` (parallel, by session, then cell)."""

    session: npt.NDArray[np.int64]
    account: npt.NDArray[np.int32]
    cell: npt.NDArray[np.int64]
    times: npt.NDArray[np.int64]

    def of(self, keep: npt.NDArray[Any]) -> Placed:
        """Some of them: a mask, or places in ascending order."""
        return Placed(self.session[keep], self.account[keep], self.cell[keep], self.times[keep])

    @cached_property
    def starts(self) -> npt.NDArray[np.int64]:
        """Where each session begins."""
        return np.flatnonzero(np.diff(self.session, prepend=-1))

    def of_accounts(self, accounts: int, cells: int) -> sparse.csr_matrix:
        """What sessions say of each account (accounts × cells): shares of a session, summed over its sessions.

        Exchanges of one session repeat each other: a session says what its mean exchange says.
        """
        sent = np.add.reduceat(self.times, self.starts) if len(self.times) else self.times
        share = self.times / np.repeat(sent, np.diff(np.append(self.starts, len(self.times))))
        return sparse.coo_matrix((share, (self.account, self.cell)), shape=(accounts, cells)).tocsr()


class Placing:
    """A fold over one half that ends in `Placed`."""

    columns = ("imprint",)

    def __init__(self, half: int, *, members_only: bool = False) -> None:
        self.half = half
        self.members_only = members_only

    def init(self, world: World) -> tuple[Cells | None, _Rows]:
        """No rows."""
        return world.context.get("cells"), _Rows([], [], [])

    def update(self, state: tuple[Cells | None, _Rows], batch: Batch) -> tuple[Cells | None, _Rows]:
        """Place the rows of this half."""
        cells, rows = state
        keep = np.flatnonzero((batch.half == self.half) & ((batch.ring >= 0) | (not self.members_only)))
        if cells is not None and len(keep):
            rows.session.append(batch.session[keep])
            rows.account.append(batch.account[keep])
            rows.cell.append(cells.at(batch, keep))
        return state

    def merge(
        self, left: tuple[Cells | None, _Rows], right: tuple[Cells | None, _Rows]
    ) -> tuple[Cells | None, _Rows]:
        """Rows of both."""
        a, b = left[1], right[1]
        return left[0], _Rows(a.session + b.session, a.account + b.account, a.cell + b.cell)

    def finish(self, state: tuple[Cells | None, _Rows], world: World) -> Placed | None:
        """Counts by session and cell."""
        cells, rows = state
        if cells is None or not rows.session:
            return None
        session = np.concatenate(rows.session).astype(np.int64)
        cell = np.concatenate(rows.cell).astype(np.int64)
        key, first, times = np.unique(session * cells.count + cell, return_index=True, return_counts=True)
        return Placed(
            key // cells.count, np.concatenate(rows.account)[first], key % cells.count, times.astype(np.int64)
        )


@dataclass(frozen=True)
class Excess:
    """What a ring's accounts ask for beyond what everybody does, learned on the proposing half.

    `members` (m, ascending), `inside` (cells) and `own` (m × cells) weighted exchanges of the ring and of each member,
    `outside` (cells) chances elsewhere, `usual` the share of members' traffic that is like everybody's.
    """

    members: npt.NDArray[np.int32]
    inside: Floats
    own: sparse.csr_matrix
    outside: Floats
    usual: float

    @cached_property
    def _prior(self) -> Floats:
        return PRIOR * self.outside

    @cached_property
    def _sent(self) -> Floats:
        return np.asarray(self.own.sum(axis=1), np.float64).ravel()

    @cached_property
    def _sent_by_place(self) -> tuple[npt.NDArray[np.int64], Floats]:
        """What `own` holds, by one ascending number for member and cell."""
        own = self.own.tocsr().sorted_indices()
        member = np.repeat(np.arange(own.shape[0]), np.diff(own.indptr))
        return member * own.shape[1] + own.indices, np.asarray(own.data, np.float64)

    def _of(self, place: npt.NDArray[np.int64], cell: npt.NDArray[np.int64]) -> Floats:
        """What members (by their places) sent into cells."""
        key, sent = self._sent_by_place
        if not len(key):
            return np.zeros(len(place))
        wanted = place * self.own.shape[1] + cell
        at = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
        return np.where(key[at] == wanted, sent[at], 0.0)

    def ratio(self, account: npt.NDArray[np.int32], cell: npt.NDArray[np.int64]) -> Floats:
        """For exchanges (n): how much likelier their cell is in what the ring's *other* accounts have in common."""
        place = np.searchsorted(self.members, account)
        place[place == len(self.members)] = 0
        member = np.flatnonzero(self.members[place] == account)
        own, own_total = np.zeros(len(cell)), np.zeros(len(cell))
        own[member] = self._of(place[member], cell[member])
        own_total[member] = self._sent[place[member]]
        inside = (self.inside[cell] - own + self._prior[cell]) / (self.inside.sum() - own_total + PRIOR)
        excess = inside / self.outside[cell] - self.usual
        return np.asarray(np.maximum(excess, 0.0) / max(1 - self.usual, 1e-6))

    def chance(self, account: npt.NDArray[np.int32], cell: npt.NDArray[np.int64]) -> Floats:
        """For members' exchanges (n): the chance that it is the ring's and not the account's own business."""
        ratio = self.ratio(account, cell)
        both = (1 - self.usual) * ratio
        return np.asarray(both / (both + self.usual))

    def pure(self, placed: Placed) -> float:
        """The chance from which members' exchanges are all but surely the ring's, if enough are; 0 where none is."""
        chance = self.chance(placed.account, placed.cell)
        every = placed.times.sum()
        return next((q for q in PURE if placed.times[chance > q].sum() >= LEFT * every), 0.0)

    def gain(self, placed: Placed, accounts: int) -> tuple[Floats, Floats]:
        """Nats (accounts) by which each takes part in the ring rather than not, and the likeliest share of its traffic.

        Exchanges of one session repeat each other: a session says what its mean exchange says.
        """
        best, share = np.zeros(accounts), np.zeros(accounts)
        if not len(placed.account):
            return best, share
        ratio = self.ratio(placed.account, placed.cell)
        starts = placed.starts
        who, of = np.unique(placed.account[starts], return_inverse=True)
        best[who], share[who] = _likeliest(ratio, placed.times, starts, of, len(who), SHARES)
        return best, share

    def outsiders(
        self, sent: sparse.csr_matrix, least: float
    ) -> tuple[npt.NDArray[np.int64], Floats, Floats]:
        """Accounts outside that may gain more than `least` nats, and the gain and share of each, as `gain` has them.

        `sent` (accounts × cells): what their sessions say, see `Placed.of_accounts`. Of accounts outside an exchange's
        cell is all that counts.
        """
        ratio = self.ratio(np.full(self.outside.shape, -1, np.int32), np.arange(len(self.outside)))
        # At the share that suits each exchange best, an account can gain no more than this.
        able = np.flatnonzero(sent @ np.log(np.maximum(ratio, 1.0)) > least)
        nats = np.asarray(sent[able] @ np.log(SHARES * ratio[:, None] + 1 - SHARES))
        best = nats.argmax(axis=1)
        return able, np.maximum(nats[np.arange(len(able)), best], 0.0), SHARES[best]


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _likeliest(
    ratio: Floats,
    times: npt.NDArray[np.int64],
    starts: npt.NDArray[np.int64],
    of: npt.NDArray[np.int64],
    accounts: int,
    shares: Floats,
) -> tuple[Floats, Floats]:
    """The most nats of each account and the share that gives them; `of` (sessions): whose each is."""
    total = np.zeros((accounts, len(shares)))
    for session in range(len(starts)):
        end = starts[session + 1] if session + 1 < len(starts) else len(times)
        sent = 0
        for i in range(starts[session], end):
            sent += times[i]
        row = total[of[session]]
        for j in range(len(shares)):
            nats = 0.0
            for i in range(starts[session], end):
                nats += times[i] * np.log(shares[j] * ratio[i] + 1 - shares[j])
            row[j] += nats / sent
    best, share = np.zeros(accounts), np.zeros(accounts)
    for account in range(accounts):
        for j in range(len(shares)):
            if total[account, j] > best[account]:
                best[account], share[account] = total[account, j], shares[j]
    return best, share


def mixture(ratio: Floats) -> Floats:
    """For a ring's exchanges (n, by their `ratio`) that fill no template: the chance that each is the ring's.

    The ring's share of them is the likeliest one (EM for the weight of a mixture of two known laws: Dempster, Laird
    and Rubin, J. R. Stat. Soc. B 39, 1977); much cover leaves little of it.
    """
    share = 0.5
    for _ in range(EM_ROUNDS):
        chance = share * ratio / (share * ratio + 1 - share)
        share = min(float(chance.mean()) if len(chance) else 0.0, 1 - 1e-9)
    return np.asarray(share * ratio / (share * ratio + 1 - share))


def excess(ring: Ring, mine: Placed, every: Floats, world: World) -> Excess:
    """What `ring` asks for beyond everybody else, from its own exchanges of the proposing half and `every` (cells)."""
    worth = mine.times * weights(world)[mine.account]
    at = np.searchsorted(ring.members, mine.account)
    shape = (len(ring.members), len(every))
    own = sparse.coo_matrix((worth, (at, mine.cell)), shape=shape).tocsr()
    inside = np.asarray(own.sum(axis=0)).ravel()
    elsewhere = np.maximum(every - inside, 0.0)
    usually = (every + 1 / len(every)) / (every.sum() + 1)
    outside = (elsewhere + PRIOR * usually) / (elsewhere.sum() + PRIOR)
    likely = (inside + PRIOR * outside) / (inside.sum() + PRIOR)
    ratio = likely / outside
    # Cells in which the ring sends less than everybody does hold its accounts' own business at most; of these the
    # middle one (by what everybody sends), as single cells are noisy and their least is always too little.
    order = np.argsort(ratio, kind="stable")
    mass = np.cumsum(np.where(ratio[order] < 1, outside[order], 0.0))
    usual = float(ratio[order][np.searchsorted(mass, mass[-1] / 2)]) if mass[-1] > 0 else 0.0
    return Excess(ring.members, inside, own, outside, min(usual, MOST_USUAL))


def weights(world: World) -> Floats:
    """What an exchange of each account counts for: busy accounts are thinned, as they are for the covariance."""
    return np.asarray(np.minimum(1.0, A_ACCOUNT / np.maximum(world.half_volume[:, PROPOSE], 1)))


def by_cell(placed: Placed, cells: int, world: World) -> Floats:
    """Weighted exchanges of everybody in each cell."""
    worth = placed.times * weights(world)[placed.account]
    return np.asarray(np.bincount(placed.cell, worth, cells), np.float64)


def by_ring(placed: Placed, ring_of: npt.NDArray[np.int32], rings: int) -> list[Placed]:
    """The exchanges of each ring's members."""
    ring = ring_of[placed.account]
    order = np.argsort(ring, kind="stable")
    bounds = np.searchsorted(ring[order], np.arange(rings + 1))
    parts = (order[a:b] for a, b in pairwise(bounds))
    return [placed.of(part) for part in parts]
