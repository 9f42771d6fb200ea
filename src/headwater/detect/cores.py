"""Groups that hang on one thing: they are proposed whole, before communities of ties are looked for.

A form that hundreds of accounts fill and nobody else does, or one author that explains hundreds of accounts, is a group
by itself. Left to communities it is torn apart by what its members do beside it: topics that they share with strangers
tie each of them elsewhere, the more so the harder the group tries to look like its surroundings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from headwater.detect.objects import Sharing

#: Different customers that a core has at least; smaller groups are left to communities.
FEWEST = 8
#: Accounts of a cluster that is a core: what else ties the members of a smaller one may know better.
LARGE = 60
#: A form is a group's own from this rarity (nats) on, and if this share of the accounts that touched it is committed.
RARE, OWN = 3.0, 0.6
#: Forms that are looked at, largest and rarest first.
MOST_FORMS = 4_000
#: A form belongs to a core if this share of its accounts does.
WITHIN = 0.6
#: Forms that bind much the same accounts from which these have forms of their own.
IN_NUMBERS = 4
#: A form binds a family if this share of the family fills it.
BINDS = 0.1
#: What is left of a cluster once others took their accounts is a core if it is this share of it.
LEFT = 0.5

Members = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Core:
    """Accounts (ascending) that one kind of thing binds: `evidence` says which."""

    members: Members
    evidence: str


def cores(templates: Sharing | None, clusters: Sharing | None, customer: npt.NDArray[np.int32]) -> list[Core]:
    """Groups of at least FEWEST customers, no account in two; `customer` is the customer of each account.

    Forms come first: a group that shares its forms and is dealt its topics in shards is one group, not one a shard.
    """
    of = np.full(len(customer), -1, np.int64)
    found = []
    if templates is not None and len(templates):
        found += [Core(members, "template") for members in _families(templates, customer, of)]
    for at in range(len(clusters) if clusters is not None else 0):
        assert clusters is not None
        members = clusters.of(at).astype(np.int64)
        free = np.sort(members[of[members] < 0])
        if len(free) >= max(LARGE, LEFT * len(members)) and _enough(free, customer):
            of[free] = len(found)
            found.append(Core(free, "nearness"))
    return found


def _families(templates: Sharing, customer: npt.NDArray[np.int32], of: Members) -> list[Members]:
    """Accounts by the forms that they fill; `of` (accounts) is set to the family of each."""
    size, rarity = np.diff(templates.start), templates.rarity(len(customer))
    fit = np.flatnonzero((size >= FEWEST) & (rarity >= RARE) & (size >= OWN * templates.touched))
    fit = fit[np.lexsort((templates.objects[fit], -(size * rarity)[fit]))][:MOST_FORMS]
    support = _supported(templates, fit, len(customer))
    turn = np.lexsort((templates.objects[fit], -(size * rarity)[fit] * support))
    order, claims = fit[turn], support[turn] >= IN_NUMBERS
    label = np.full(len(customer), -1, np.int64)
    # Accounts that one form brought to a family that had it without them: forms of their own, in numbers, claim them.
    guest = np.zeros(len(customer), bool)
    count = 0
    for at, own in zip(order.tolist(), claims.tolist(), strict=True):
        members = templates.of(at)
        here = label[members]
        free = members[(here < 0) | (guest[members] & own)]
        if len(free) >= WITHIN * len(members):
            # A form of strangers, whoever else fills it now and then.
            label[free], guest[free] = count, False
            count += 1
            continue
        known, times = np.unique(here[here >= 0], return_counts=True)
        best = int(np.argmax(times))
        if times[best] >= WITHIN * len(members):
            # Whoever fills a second form of a family belongs to it.
            guest[members[here == known[best]]] = False
            new = members[here < 0]
            label[new], guest[new] = known[best], True
    bound = _bound(templates, order, label, np.bincount(label[label >= 0], minlength=count))
    found: list[Members] = []
    for k in range(count):
        family = np.flatnonzero((label == k) & bound).astype(np.int64)
        if _enough(family, customer):
            of[family] = len(found)
            found.append(family)
    return found


def _supported(templates: Sharing, forms: Members, accounts: int) -> Members:
    """How many forms bind much the same accounts as each does.

    A group's forms come in numbers. That which two groups share, as a wrapper makes it, stands alone.
    """
    members = [templates.of(at) for at in forms.tolist()]
    size = np.array([len(part) for part in members], np.int64)
    if not len(size):
        return size
    start = np.concatenate([[0], np.cumsum(size)])
    who = sparse.csr_matrix(
        (np.ones(int(start[-1]), np.int32), np.concatenate(members), start), shape=(len(size), accounts)
    )
    both = (who @ who.T).tocoo()
    alike = both.data >= WITHIN * (size[both.row] + size[both.col] - both.data)
    return np.bincount(both.row[alike], minlength=len(size)).astype(np.int64)


def _bound(templates: Sharing, forms: Members, label: Members, size: Members) -> npt.NDArray[np.bool_]:
    """Accounts that fill a form of their family which many of it fill; a rare topic's words bind nobody."""
    bound = np.zeros(len(label), bool)
    for at in forms.tolist():
        members = templates.of(at)
        members = members[label[members] >= 0]
        known, times = np.unique(label[members], return_counts=True)
        for family in known[times >= BINDS * size[known]]:
            bound[members[label[members] == family]] = True
    return bound


def _enough(members: Members, customer: npt.NDArray[np.int32]) -> bool:
    return len(np.unique(customer[members])) >= FEWEST
