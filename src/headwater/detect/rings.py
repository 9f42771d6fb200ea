"""Links become rings: communities of the tie graph, bridges between them cut and kept for show.

Ties of different evidence about one pair add up (within the cap of each evidence); the graph is divided by Louvain
communities (Blondel et al. 2008), and a community is divided again until most of it hangs on one object. A ring
proposed here is only a question; `confirm` answers it on other sessions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse import csgraph

from headwater.detect.cores import Core
from headwater.detect.fold import Links, Ring
from headwater.detect.objects import Sharing

FEWEST = 3
#: A community stays whole if one object ties this share of it, unless a part (of at least that share of the members)
#: has an object of its own that is so many times as rare.
COHERENT, PART, RARER = 0.5, 0.05, 2.0
#: A member whose ties into its ring are weaker than this (nats) isn't one.
LEAST_TIE = 1.5
#: Parts tied to the rest by less than this share of their ties are joined by bridges, which are cut.
BRIDGE = 0.1
DEPTH = 8


@dataclass(frozen=True)
class Graph:
    """All ties: `a`, `b`, `weight` (nats, summed over evidence) and what each evidence gave (for the report)."""

    a: npt.NDArray[np.int32]
    b: npt.NDArray[np.int32]
    weight: npt.NDArray[np.float64]
    links: tuple[Links, ...]
    size: int


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


def rings(
    ties: Graph, seed: int, shared: Sequence[Sharing] = (), bound: Sequence[Core] = ()
) -> tuple[Ring, ...]:
    """Rings of at least FEWEST accounts, largest first.

    `bound` are groups that hang on one thing: each is a ring as it is. What is left is divided into communities:
    `shared` are the objects (templates, means, clusters) behind the ties, and a community that hangs on one of them is
    coherent and stays whole, any other is divided further.
    """
    if not len(ties.a):
        return ()
    matrix = sparse.coo_matrix((ties.weight, (ties.a, ties.b)), shape=(ties.size, ties.size)).tocsr()
    matrix = matrix + matrix.T
    out = []
    for core in bound:
        sources = tuple(sorted({*_sources(ties, core.members), core.evidence}))
        out.append(Ring(core.members.astype(np.int32), sources, _strength(matrix, core.members)))
    if out:
        free = np.ones(ties.size)
        free[np.concatenate([ring.members for ring in out])] = 0.0
        matrix = (sparse.diags(free) @ matrix @ sparse.diags(free)).tocsr()
        matrix.eliminate_zeros()
    count, component = csgraph.connected_components(matrix, directed=False)
    sizes = np.bincount(component, minlength=count)
    order = np.argsort(component, kind="stable")
    start = np.concatenate([[0], np.cumsum(sizes)])
    waiting = [(order[start[c] : start[c + 1]], 0) for c in np.flatnonzero(sizes >= FEWEST)]
    while waiting:
        members, depth = waiting.pop()
        if depth < DEPTH and len(members) >= 2 * FEWEST:
            parts, loose = _parts(matrix, np.sort(members), seed)
            if len(parts) > 1 and (loose or not coherent(members, parts, shared, ties.size)):
                waiting += [(part, depth + 1) for part in parts if len(part) >= FEWEST]
                continue
        kept = _tied(matrix, members)
        if len(kept) >= FEWEST:
            out.append(Ring(np.sort(kept).astype(np.int32), _sources(ties, kept), _strength(matrix, kept)))
    out.sort(key=lambda ring: (-len(ring.members), int(ring.members[0])))
    return tuple(out)


def _strength(matrix: sparse.csr_matrix, members: npt.NDArray[np.int64]) -> float:
    """Nats of ties inside, per member."""
    return float(matrix[members][:, members].sum() / 2 / len(members))


def coherent(
    members: npt.NDArray[np.int64],
    parts: Sequence[npt.NDArray[np.int64]],
    shared: Sequence[Sharing],
    accounts: int,
) -> bool:
    """Whether one object ties half of the members, and what ties its parts is much the same.

    Where every prompt of a log is wrapped in one form, that form ties the short prompts of strangers as well; the rings
    inside have rarer forms of their own.
    """
    large = [part for part in parts if len(part) >= max(FEWEST, PART * len(members))]
    for sharing in shared:
        whole = _binding(members, sharing, accounts)
        if whole is not None:
            inner = [_binding(part, sharing, accounts) or 0.0 for part in large]
            return max(inner, default=0.0) < RARER * whole
    return False


def _binding(members: npt.NDArray[np.int64], sharing: Sharing, accounts: int) -> float | None:
    """Rarity (nats) of the rarest object that ties enough of the members; None where none does."""
    if not len(sharing):
        return None
    inside = np.isin(sharing.members, members)
    object_of = np.repeat(np.arange(len(sharing)), np.diff(sharing.start))
    tied = np.bincount(object_of[inside], minlength=len(sharing)) >= COHERENT * len(members)
    return float(sharing.rarity(accounts)[tied].max()) if tied.any() else None


def _parts(
    matrix: sparse.csr_matrix, members: npt.NDArray[np.int64], seed: int
) -> tuple[list[npt.NDArray[np.int64]], bool]:
    """Louvain's communities, and whether each hangs on the others by a few ties only (bridges)."""
    from sknetwork.clustering import Louvain

    part = matrix[members][:, members].tocsr()
    label = Louvain(random_state=seed).fit_predict(part)
    parts = [members[label == k] for k in range(int(label.max()) + 1)]
    ties = part.tocoo()
    volume = np.bincount(label[ties.row], ties.data, len(parts))
    cut = np.bincount(label[ties.row], ties.data * (label[ties.row] != label[ties.col]), len(parts))
    return parts, bool((cut < BRIDGE * volume).all())


def _tied(matrix: sparse.csr_matrix, members: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Members whose ties into the ring are strong enough (checked until nobody else falls out)."""
    while len(members) >= FEWEST:
        tie = np.asarray(matrix[members][:, members].sum(axis=1)).ravel()
        stay = members[tie >= LEAST_TIE]
        if len(stay) == len(members):
            break
        members = stay
    return members


def _sources(ties: Graph, members: npt.NDArray[np.int64]) -> tuple[str, ...]:
    inside = np.zeros(ties.size, bool)
    inside[members] = True
    return tuple(part.evidence for part in ties.links if (inside[part.a] & inside[part.b]).any())


def member_ties(ties: Graph, ring: Ring) -> tuple[npt.NDArray[np.float64], list[tuple[str, ...]]]:
    """For each member: the sum of its ties into the ring (nats), and which evidence ties it."""
    place = np.full(ties.size, -1)
    place[ring.members] = np.arange(len(ring.members))
    total = np.zeros(len(ring.members))
    kinds: list[set[str]] = [set() for _ in ring.members]
    for part in ties.links:
        a, b = place[part.a], place[part.b]
        both = (a >= 0) & (b >= 0)
        for ends in (a[both], b[both]):
            np.add.at(total, ends, part.weight[both])
            for at in np.unique(ends):
                kinds[at].add(part.evidence)
    return total, [tuple(sorted(k)) for k in kinds]


def drawn(ties: Graph, ring: Ring, most: int) -> tuple[tuple[int, int, float, str], ...]:
    """The strongest ties inside a ring, by position of the members, for the map (at most `most`)."""
    place = np.full(ties.size, -1)
    place[ring.members] = np.arange(len(ring.members))
    rows: list[tuple[int, int, float, str]] = []
    for part in ties.links:
        a, b = place[part.a], place[part.b]
        keep = np.flatnonzero((a >= 0) & (b >= 0))
        keep = keep[np.argsort(-part.weight[keep], kind="stable")][:most]
        rows += [(int(a[i]), int(b[i]), float(part.weight[i]), part.evidence) for i in keep]
    rows.sort(key=lambda r: (-r[2], r[0], r[1], r[3]))
    return tuple(rows[:most])


def bridges(ties: Graph, ring_of: npt.NDArray[np.int32], at: int) -> list[tuple[int, int, float]]:
    """Ties from the ring at this place to members of other rings that were cut: (account, account elsewhere, nats)."""
    a_in, b_in = ring_of[ties.a] == at, ring_of[ties.b] == at
    out = []
    for here, there, cut in ((ties.a, ties.b, a_in & ~b_in), (ties.b, ties.a, b_in & ~a_in)):
        keep = np.flatnonzero(cut & (ring_of[there] >= 0))
        out += [(int(here[i]), int(there[i]), float(ties.weight[i])) for i in keep]
    out.sort(key=lambda r: (-r[2], r[0], r[1]))
    return out[:10]
