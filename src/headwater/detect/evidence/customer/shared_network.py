"""A shared network: the address that members have in common is a carrier's, a campus's or a crowd's.

One address behind many accounts is one hand's or one gateway's. The operator's table of networks says which ranges are
carriers' or campuses'; an address that many customers outside use says it by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from headwater.detect.evidence.account.tally import names_of
from headwater.detect.fold import Batch, Card, Finding, Ring, World
from headwater.detect.networks import Networks
from headwater.detect.objects import Counts

#: Customers outside from which an address is a crowd's, and members from which there is something to excuse.
CROWD, LEAST_MEMBERS = 25, 5
#: Share of a group's customers that must share an address with another member.
TIED = 0.5
#: Nats at most: mobile exits are rented out by the hour, a campus or a crowd isn't.
CARRIER, PLACE = 0.75, 1.5
#: What excuses a member or two of many isn't mentioned.
LEAST_RAW = 0.05

CARD = Card(
    name="shared_network",
    title="A carrier's or a campus's network",
    group="customer",
    sees="groups whose addresses in common belong to a carrier or a campus, or are used by many customers outside",
    null="not applicable: by the share of members that such an address explains",
    false_positive="not applicable: it speaks for the customer. How many rings it would excuse isn't measured yet",
    innocent_causes=(),
    evasion_cost="send everything through one campus or a crowd's gateway; exits behind carriers are for rent, and "
    "excuse half as much",
    cap_nats=0.0,
    cap_against_nats=PLACE,
    needs=("ip",),
)


@dataclass
class _Used:
    """Addresses (hashes) by account; of those that members use, whether they are a carrier's or a campus's."""

    networks: Networks | None
    counts: Counts
    carrier: set[int]
    campus: set[int]


class SharedNetwork:
    """Looks at the addresses that members have in common."""

    card = CARD
    stage = "confirm"
    columns = ("ip",)

    def init(self, world: World) -> _Used:
        """No addresses."""
        return _Used(world.context.get("networks"), Counts(), set(), set())

    def update(self, state: _Used, batch: Batch) -> _Used:
        """Count addresses by account; each text is looked at once a batch."""
        if not batch.has("ip"):
            return state
        coded = batch.coded("ip")
        known = np.flatnonzero(coded.is_valid().to_numpy(zero_copy_only=False))
        if not len(known):
            return state
        code = coded.indices.fill_null(0).to_numpy()[known]
        hashes = names_of(coded.dictionary)
        state.counts.add(hashes[code], batch.account[known])
        if state.networks is not None:
            members = np.unique(code[batch.ring[known] >= 0])
            found = state.networks.find(coded.dictionary.take(pa.array(members)).to_pylist())
            members, found = members[found >= 0], found[found >= 0]
            for kind, held in (("carrier", state.carrier), ("campus", state.campus)):
                held.update(hashes[members[state.networks.of_kind(found, (kind,))]].tolist())
        return state

    def merge(self, left: _Used, right: _Used) -> _Used:
        """Addresses of both."""
        left.counts.absorb(right.counts)
        return _Used(left.networks, left.counts, left.carrier | right.carrier, left.campus | right.campus)

    def finish(self, state: _Used, world: World) -> Mapping[int, Finding]:
        """A finding for each ring whose addresses in common excuse it."""
        state.counts.compact()
        if not len(state.counts.objects):
            return {}
        known, place = np.unique(state.counts.objects, return_inverse=True)
        kinds = [np.isin(known, np.array(sorted(held), np.uint64)) for held in (state.carrier, state.campus)]
        size = int(world.customer.max()) + 1
        pairs = np.unique(place * size + world.customer[state.counts.accounts])
        place, customer = np.divmod(pairs, size)
        out = {}
        for at, ring in enumerate(world.rings):
            finding = _finding(place, customer, kinds, ring, world)
            if finding is not None:
                out[at] = finding
        return out


def _finding(
    place: npt.NDArray[np.int64],
    customer: npt.NDArray[np.int64],
    kinds: list[npt.NDArray[np.bool_]],
    ring: Ring,
    world: World,
) -> Finding | None:
    """`place` and `customer` are pairs, each once; `kinds` say which addresses are a carrier's, which a campus's."""
    members = np.unique(world.customer[ring.members])
    inside = np.isin(customer, members)
    users = np.bincount(place[inside], minlength=len(kinds[0]))
    shared = users >= 2
    tied = np.unique(customer[inside & shared[place]])
    if len(members) < LEAST_MEMBERS or len(tied) < TIED * len(members):
        return None
    crowd = np.bincount(place[~inside], minlength=len(users)) >= CROWD
    carrier, campus = kinds

    def excused(kind: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        return np.unique(customer[inside & (shared & kind)[place]])

    # Members that share an address of their own as well aren't explained by the crowd's.
    own = excused(~(crowd | campus | carrier))
    in_place = np.setdiff1d(excused(crowd | campus), own)
    moving = np.setdiff1d(excused(carrier), np.union1d(own, in_place))
    raw = -(PLACE * len(in_place) + CARRIER * len(moving)) / len(members)
    if raw > -LEAST_RAW:
        return None
    sentence = (
        f"{len(tied):,} of its {len(members):,} customers share an address with another; for {len(in_place):,} it is a "
        f"campus's or one that at least {CROWD} customers outside use, for {len(moving):,} a carrier's."
    )
    figures = {"tied": float(len(tied)), "customers": float(len(members)), "place": float(len(in_place))}
    return Finding(raw, sentence, None, {**figures, "carrier": float(len(moving))})


test = SharedNetwork()
