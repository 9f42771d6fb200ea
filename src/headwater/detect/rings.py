"""Links become rings: communities of the tie graph, bridges between them cut and kept for show.

Ties of different evidence about one pair add up (within the cap of each evidence); the graph is divided by Louvain
communities (Blondel et al. 2008), and a community is divided again until most of it hangs on one object. A ring
proposed here is only a question; `confirm` answers it on other sessions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse import csgraph

from headwater.detect.communities import Weights, communities
from headwater.detect.cores import Core
from headwater.detect.fold import Links, Ring
from headwater.detect.objects import Sharing
from headwater.detect.ordering import ByCode

FEWEST = 3
#: A community stays whole if one object ties this share of it, unless a part (of at least that share of the members)
#: has an object of its own that is so many times as rare.
COHERENT, PART, RARER = 0.5, 0.05, 2.0
#: A member whose ties into its ring are weaker than this (nats) isn't one.
LEAST_TIE = 1.5
#: Parts tied to the rest by less than this share of their ties are joined by bridges, which are cut.
BRIDGE = 0.1
DEPTH = 8
#: Bridges that are shown of a ring.
MOST_BRIDGES = 10


@dataclass(frozen=True)
class Graph:
    """All ties: `a`, `b`, `weight` (nats, summed over evidence) and what each evidence gave (for the report)."""

    a: npt.NDArray[np.int32]
    b: npt.NDArray[np.int32]
    weight: npt.NDArray[np.float64]
    links: tuple[Links, ...]
    size: int

    @cached_property
    def touching(self) -> tuple[ByCode, ByCode]:
        """Where each account's ties stand, by their first and by their second end."""
        return ByCode(self.a, self.size), ByCode(self.b, self.size)

    @cached_property
    def touching_links(self) -> tuple[ByCode, ...]:
        """The same of the ties of each evidence, by their first end."""
        return tuple(ByCode(part.a, self.size) for part in self.links)


def graph(links: Sequence[Links], tenant: npt.NDArray[np.int32]) -> Graph:
    """Sum the ties of all evidence by pair; `tenant` is the organisation of each account (−1: none).

    Accounts of one organisation in the open are one customer: that they resemble each other ties nobody.
    """
    size = len(tenant)
    links = tuple(sorted((between(part, tenant) for part in links), key=lambda part: part.evidence))
    links = tuple(part for part in links if len(part.a))
    if not links:
        none = np.empty(0, np.int32)
        return Graph(none, none, np.empty(0), (), size)
    matrix = sparse.coo_matrix(
        (
            np.concatenate([part.weight for part in links]),
            (np.concatenate([part.a for part in links]), np.concatenate([part.b for part in links])),
        ),
        shape=(size, size),
    ).tocsr()
    matrix.sum_duplicates()
    out = matrix.tocoo()
    return Graph(out.row.astype(np.int32), out.col.astype(np.int32), out.data, links, size)


def between(links: Links, tenant: npt.NDArray[np.int32]) -> Links:
    """The ties between different customers."""
    keep = (tenant[links.a] != tenant[links.b]) | (tenant[links.a] < 0)
    return Links(links.evidence, links.a[keep], links.b[keep], links.weight[keep])


def rings(ties: Graph, shared: Sequence[Sharing] = (), bound: Sequence[Core] = ()) -> tuple[Ring, ...]:
    """Rings of at least FEWEST accounts, largest first.

    `bound` are groups that hang on one thing: each is a ring as it is. What is left is divided into communities:
    `shared` are the objects (templates, means, clusters) behind the ties, and a community that hangs on one of them is
    coherent and stays whole, any other is divided further.
    """
    if not len(ties.a):
        return ()
    matrix = sparse.coo_matrix((ties.weight, (ties.a, ties.b)), shape=(ties.size, ties.size)).tocsr()
    matrix = matrix + matrix.T
    inside = _Inside(matrix)
    found: list[tuple[npt.NDArray[np.int64], tuple[str, ...], float]]
    found = [(c.members.astype(np.int64), (c.evidence,), inside.strength(c.members)) for c in bound]
    if found:
        free = np.ones(ties.size)
        free[np.concatenate([members for members, _, _ in found])] = 0.0
        matrix = (sparse.diags(free) @ matrix @ sparse.diags(free)).tocsr()
        matrix.eliminate_zeros()
        inside = _Inside(matrix)
    bindings = [_Bindings(sharing, ties.size) for sharing in shared if len(sharing)]
    count, component = csgraph.connected_components(matrix, directed=False)
    sizes = np.bincount(component, minlength=count)
    order = np.argsort(component, kind="stable")
    start = np.concatenate([[0], np.cumsum(sizes)])
    waiting = [(order[start[c] : start[c + 1]], 0) for c in np.flatnonzero(sizes >= FEWEST)]
    while waiting:
        members, depth = waiting.pop()
        if depth < DEPTH and len(members) >= 2 * FEWEST:
            parts, loose = _parts(inside, np.sort(members))
            if len(parts) > 1 and (loose or not coherent(members, parts, bindings)):
                waiting += [(part, depth + 1) for part in parts if len(part) >= FEWEST]
                continue
        kept = _tied(inside, members)
        if len(kept) >= FEWEST:
            found.append((np.sort(kept), (), inside.strength(kept)))
    sources = _sources(ties, [members for members, _, _ in found])
    out = [
        Ring(members.astype(np.int32), tuple(sorted({*some, *more})), strength)
        for (members, more, strength), some in zip(found, sources, strict=True)
    ]
    out.sort(key=lambda ring: (-len(ring.members), int(ring.members[0])))
    return tuple(out)


class _Inside:
    """Parts of the matrix of ties, cut out at the cost of their rows."""

    def __init__(self, matrix: sparse.csr_matrix) -> None:
        self._every = Weights.of(matrix)
        self._place = np.full(matrix.shape[0], -1, np.int64)

    def of(self, members: npt.NDArray[np.int64]) -> Weights:
        """The ties among some accounts (ascending, or columns aren't)."""
        return Weights(*_cut_out(*self._every, members, self._place))

    def strength(self, members: npt.NDArray[np.integer[Any]]) -> float:
        """Nats of ties inside, per member."""
        return float(self.of(members.astype(np.int64)).weight.sum() / 2 / len(members))


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _cut_out(
    start: npt.NDArray[np.int64],
    column: npt.NDArray[np.int64],
    weight: npt.NDArray[np.float64],
    members: npt.NDArray[np.int64],
    place: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Rows and columns of `members`, by their numbers among them; `place` is −1 everywhere, before and afterwards."""
    most = 0
    for at in range(len(members)):
        place[members[at]] = at
        most += start[members[at] + 1] - start[members[at]]
    begin, found = np.zeros(len(members) + 1, np.int64), 0
    other, held = np.empty(most, np.int64), np.empty(most, np.float64)
    for at in range(len(members)):
        for i in range(start[members[at]], start[members[at] + 1]):
            if place[column[i]] >= 0:
                other[found], held[found] = place[column[i]], weight[i]
                found += 1
        begin[at + 1] = found
    for member in members:
        place[member] = -1
    return begin, other[:found], held[:found]


class _Bindings:
    """Objects of one kind by the accounts that share them, and how rare each is."""

    def __init__(self, sharing: Sharing, accounts: int) -> None:
        count = len(sharing)
        ones = np.ones(len(sharing.members), np.int8)
        by_object = sparse.csr_matrix((ones, sharing.members, sharing.start), shape=(count, accounts))
        by_account = by_object.T.tocsr()
        self._start, self._objects = by_account.indptr.astype(np.int64), by_account.indices
        self._rarity = sharing.rarity(accounts)
        self._times = np.zeros(count, np.int64)

    def of(self, members: npt.NDArray[np.int64]) -> float | None:
        """Rarity (nats) of the rarest object that ties enough of the members; None where none does."""
        least = COHERENT * len(members)
        found = _rarest(self._start, self._objects, members, self._rarity, least, self._times)
        return None if np.isnan(found) else found


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _rarest(
    start: npt.NDArray[np.int64],
    objects: npt.NDArray[np.int32],
    members: npt.NDArray[np.int64],
    rarity: npt.NDArray[np.float64],
    least: float,
    times: npt.NDArray[np.int64],
) -> float:
    """The greatest rarity of what so many members share, NaN for nothing; `times` is 0 before and afterwards."""
    found = np.nan
    for member in members:
        for i in range(start[member], start[member + 1]):
            times[objects[i]] += 1
    for member in members:
        for i in range(start[member], start[member + 1]):
            if times[objects[i]] >= least and not found >= rarity[objects[i]]:
                found = rarity[objects[i]]
            times[objects[i]] = 0
    return found


def coherent(
    members: npt.NDArray[np.int64], parts: Sequence[npt.NDArray[np.int64]], bindings: Sequence[_Bindings]
) -> bool:
    """Whether one object ties half of the members, and what ties its parts is much the same.

    Where every prompt of a log is wrapped in one form, that form ties the short prompts of strangers as well; the rings
    inside have rarer forms of their own.
    """
    large = [part for part in parts if len(part) >= max(FEWEST, PART * len(members))]
    for binding in bindings:
        whole = binding.of(members)
        if whole is not None:
            inner = [binding.of(part) or 0.0 for part in large]
            return max(inner, default=0.0) < RARER * whole
    return False


def _parts(inside: _Inside, members: npt.NDArray[np.int64]) -> tuple[list[npt.NDArray[np.int64]], bool]:
    """Louvain's communities, and whether each hangs on the others by a few ties only (bridges)."""
    part = inside.of(members)
    label = communities(part)
    by_label = ByCode(label)
    parts = [members[by_label.of(k)] for k in range(int(label.max()) + 1)]
    own = label[part.row]
    volume = np.bincount(own, part.weight, len(parts))
    cut = np.bincount(own, part.weight * (own != label[part.column]), len(parts))
    return parts, bool((cut < BRIDGE * volume).all())


def _tied(inside: _Inside, members: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Members whose ties into the ring are strong enough (checked until nobody else falls out)."""
    while len(members) >= FEWEST:
        stay = members[inside.of(members).sums >= LEAST_TIE]
        if len(stay) == len(members):
            break
        members = stay
    return members


def _sources(ties: Graph, groups: Sequence[npt.NDArray[np.int64]]) -> list[tuple[str, ...]]:
    """The evidence that ties members of each group, no account being in two."""
    label = np.full(ties.size, -1, np.int64)
    for at, members in enumerate(groups):
        label[members] = at
    out: list[tuple[str, ...]] = [() for _ in groups]
    for part in ties.links:
        own = label[part.a]
        for at in np.unique(own[(own >= 0) & (own == label[part.b])]).tolist():
            out[at] += (part.evidence,)
    return out


def member_ties(ties: Graph, ring: Ring) -> tuple[npt.NDArray[np.float64], list[tuple[str, ...]]]:
    """For each member: the sum of its ties into the ring (nats), and which evidence ties it."""
    place = np.full(ties.size, -1)
    place[ring.members] = np.arange(len(ring.members))
    total = np.zeros(len(ring.members))
    kinds: list[set[str]] = [set() for _ in ring.members]
    for part, touching in zip(ties.links, ties.touching_links, strict=True):
        mine = touching.among(ring.members)
        both = mine[place[part.b[mine]] >= 0]
        for ends in (place[part.a[both]], place[part.b[both]]):
            np.add.at(total, ends, part.weight[both])
            for at in np.unique(ends).tolist():
                kinds[at].add(part.evidence)
    return total, [tuple(sorted(k)) for k in kinds]


def drawn(ties: Graph, ring: Ring, most: int) -> tuple[tuple[int, int, float, str], ...]:
    """The strongest ties inside a ring, by position of the members, for the map (at most `most`)."""
    place = np.full(ties.size, -1)
    place[ring.members] = np.arange(len(ring.members))
    rows: list[tuple[int, int, float, str]] = []
    for part, touching in zip(ties.links, ties.touching_links, strict=True):
        keep = touching.among(ring.members)
        keep = keep[place[part.b[keep]] >= 0]
        keep = keep[np.argsort(-part.weight[keep], kind="stable")][:most]
        a, b = place[part.a[keep]].tolist(), place[part.b[keep]].tolist()
        rows += zip(a, b, part.weight[keep].tolist(), [part.evidence] * len(keep), strict=True)
    rows.sort(key=lambda r: (-r[2], r[0], r[1], r[3]))
    return tuple(rows[:most])


def bridges(ties: Graph, ring_of: npt.NDArray[np.int32], at: int) -> list[tuple[int, int, float]]:
    """Ties from the ring at this place to members of other rings that were cut: (account, account elsewhere, nats)."""
    members = np.flatnonzero(ring_of == at)
    out: list[tuple[int, int, float]] = []
    for here, there, touching in zip((ties.a, ties.b), (ties.b, ties.a), ties.touching, strict=True):
        keep = touching.among(members)
        keep = keep[(ring_of[there[keep]] >= 0) & (ring_of[there[keep]] != at)]
        keep = keep[np.lexsort((there[keep], here[keep], -ties.weight[keep]))[:MOST_BRIDGES]]
        out += [(int(here[i]), int(there[i]), float(ties.weight[i])) for i in keep]
    out.sort(key=lambda r: (-r[2], r[0], r[1]))
    return out[:MOST_BRIDGES]
