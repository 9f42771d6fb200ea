"""Means in common: the same payment instrument, device, phone or address behind several accounts.

Shared means tie accounts to one purse, or to one company, campus or carrier. Rarity decides: an address that a
thousand accounts use says nothing. What a means *is* (a country, a kind of card) never counts, only that it is shared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import pdtrc

from headwater.detect.evidence.account.tally import names_of
from headwater.detect.fold import Batch, Card, Finding, Links, NoRows, Ring, World
from headwater.detect.objects import Counts, Sharing, committed, distinct, weave
from headwater.detect.ordering import ByCode
from headwater.detect.pairs import pairs
from headwater.detect.pvalues import calibrated

#: What sharing a rare one may weigh at most, in nats: an address is often a company's or a carrier's.
MEANS = {"payment": 3.0, "device": 3.0, "phone": 3.0, "signup_ip": 1.0, "ip": 1.0}
CAP = 3.0
#: A ring that nothing but means proposed says by them only what proposed it.
PROPOSED_BY_MEANS = 0.5
#: A means that this share of all accounts uses is a carrier or a campus, not a hand.
COMMON = 0.02
LEAST_COMMON = 25

CARD = Card(
    name="infrastructure",
    title="Infrastructure and payment in common",
    group="infrastructure",
    sees="accounts that share a payment instrument, device, phone, sign-up address or client address that few others "
    "use",
    null="as many accounts drawn at random would share so many rare means (Poisson)",
    false_positive="not measured on real attributes: public data has none. With simulated ones: "
    "docs/reference/figures.md, with and without them",
    innocent_causes=(
        "one company behind one card and one address",
        "a campus or a carrier's shared address",
        "a family",
    ),
    evasion_cost="buy separate cards, devices and residential addresses for each account",
    cap_nats=CAP,
    any_of=("ip", *(f"account.{name}" for name in MEANS if name != "ip")),
    atlas=("AML.T0021", "AML.T0008.005"),
    aisvs=("12.2.5", "11.2.2"),
)


#: The lowest bits of an object say which kind of means it is.
KIND_MASK = np.uint64(7)
WORDS = {
    "payment": "payment instrument",
    "device": "device",
    "phone": "phone number",
    "signup_ip": "address at sign-up",
    "ip": "client address",
}


@dataclass
class _Addresses:
    counts: Counts


class Infrastructure:
    """Ties by rare means in common."""

    card = CARD
    stage = "propose"
    columns = ("ip",)

    def init(self, world: World) -> _Addresses:
        """No address seen."""
        return _Addresses(Counts())

    def update(self, state: _Addresses, batch: Batch) -> _Addresses:
        """Count (address, account) pairs of all rows: attributes aren't what content is confirmed on."""
        if not batch.has("ip"):
            return state
        coded = batch.coded("ip")
        known = np.flatnonzero(coded.is_valid().to_numpy(zero_copy_only=False))
        if len(known):
            hashes = names_of(coded.dictionary) & ~KIND_MASK | _code("ip")
            state.counts.add(hashes[coded.indices.fill_null(0).to_numpy()[known]], batch.account[known])
        return state

    def merge(self, left: _Addresses, right: _Addresses) -> _Addresses:
        """Add two states."""
        left.counts.absorb(right.counts)
        return left

    def finish(self, state: _Addresses, world: World) -> Links:
        """Ties among the accounts of each rare means."""
        for name in MEANS:
            if name == "ip":
                continue
            column: list[Any] = world.accounts_table.column(name).to_pylist()
            held = [code for code, value in enumerate(column) if value]
            if held:
                state.counts.add(_hashes(name, [column[code] for code in held]), np.array(held, np.int32))
        sharing = committed(state.counts, np.ones(world.size, np.int64), 1, 0.0)
        most = max(LEAST_COMMON, COMMON * world.size)
        world.context["means"] = sharing
        chosen = distinct(sharing)
        size = np.diff(sharing.start)[chosen] if len(sharing) else np.empty(0, np.int64)
        chosen, size = chosen[size <= most], size[size <= most]
        return weave(CARD.name, sharing, chosen, np.minimum(np.log(world.size / np.maximum(size, 1)), 4.0))


class InfrastructureTest(NoRows):
    """How many members share a rare means with another member, against as many accounts at random."""

    card = CARD
    stage = "confirm"

    def finish(self, state: None, world: World) -> Mapping[int, Finding]:
        """A finding for each ring, also where nothing is shared."""
        sharing: Sharing | None = world.context.get("means")
        kinds = [] if sharing is None else [_Kind.of(sharing, kind, world.size) for kind in MEANS]
        out = {}
        for at, ring in enumerate(world.rings):
            best = Finding(
                -0.3, "No member shares a rare payment instrument, device, phone or address with another."
            )
            for kind in kinds:
                most = PROPOSED_BY_MEANS if ring.proposed_by == (CARD.name,) else MEANS[kind.name]
                finding = _finding(kind, most, ring, world.customer)
                if finding is not None and finding.raw > best.raw:
                    best = finding
            out[at] = best
        return out


@dataclass(frozen=True)
class _Kind:
    """The rare means of one kind: who uses which (`account` and `place`), how many have how many users."""

    name: str
    used: ByCode
    account: npt.NDArray[np.int32]
    place: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    times: npt.NDArray[np.int64]

    @classmethod
    def of(cls, sharing: Sharing, kind: str, accounts: int) -> _Kind:
        size = np.diff(sharing.start)
        rare = (size <= max(LEAST_COMMON, COMMON * accounts)) & ((sharing.objects & KIND_MASK) == _code(kind))
        keep = np.repeat(rare, size)
        account, place = sharing.members[keep], np.repeat(np.arange(len(size)), size)[keep]
        sizes, times = np.unique(size[rare], return_counts=True)
        return cls(kind, ByCode(account, accounts), account, place, sizes, times)


def _finding(kind: _Kind, most: float, ring: Ring, customer: npt.NDArray[np.int32]) -> Finding | None:
    rows = kind.used.among(ring.members)
    if not len(rows):
        return None
    account, place = kind.account[rows], kind.place[rows]
    # Only means that different customers share tie anything: one company's accounts share a card in the open.
    _, at = np.unique(place, return_inverse=True)
    tied = len(np.unique(account[np.bincount(pairs(at, customer[account]).first)[at] >= 2]))
    if not tied:
        return None
    share = len(ring.members) / len(customer)
    # Expected members that share one by chance: each of its c users is in the group with probability `share`.
    each = kind.sizes * share * (1 - (1 - share) ** np.maximum(kind.sizes - 1, 0))
    expected = float((kind.times * each).sum())
    p_value = float(pdtrc(tied - 1, expected))
    # Where few members share anything the weight falls with their share: the rest may be bystanders to it.
    raw = min(max(calibrated(p_value), 0.0), most * min(1.0, 2 * tied / len(ring.members)))
    sentence = (
        f"{tied:,} of {len(ring.members):,} members share a rare {WORDS[kind.name]} with another member; "
        f"{expected:.1f} would by chance."
    )
    return Finding(
        raw,
        sentence,
        p_value,
        {"tied": float(tied), "expected": expected, "members": float(len(ring.members))},
    )


def _hashes(kind: str, values: Sequence[str]) -> npt.NDArray[np.uint64]:
    """64-bit names for values of an attribute (n); they live no longer than the investigation."""
    digests = [hashlib.blake2b(f"{kind}\0{value}".encode(), digest_size=8).digest() for value in values]
    return np.frombuffer(b"".join(digests), "<u8").astype(np.uint64) & ~KIND_MASK | _code(kind)


def _code(kind: str) -> np.uint64:
    return np.uint64(list(MEANS).index(kind))


links = Infrastructure()
test = InfrastructureTest()
