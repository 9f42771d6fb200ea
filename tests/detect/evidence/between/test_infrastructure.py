"""Means in common: rare ones tie different customers; a carrier's address, or one company's card, ties nobody."""

from __future__ import annotations

from typing import Any

import numpy as np

from detect.worlds import EVERY, dealt_log, folded, judged
from headwater.detect.evidence.between import infrastructure
from headwater.detect.fold import Ring, World

SIZE = 60
ACCOUNT = np.repeat(np.arange(SIZE), 24)


def cards(groups: int) -> list[str | None]:
    return [f"card {i // groups}" if i < 12 else None for i in range(SIZE)]


def ties(**more: Any) -> set[tuple[int, int]]:
    made = dealt_log(1, **more)
    world = made.world()
    links = folded(infrastructure.links, world, [made.batch(world)])
    return set(zip(links.a.tolist(), links.b.tolist(), strict=True))


def weighed(proposed_by: tuple[str, ...] = ("template",), **more: Any) -> Any:
    made = dealt_log(1, **more)
    world = made.world(range(12))
    world = World(**{**vars(world), "rings": (Ring(np.arange(12, dtype=np.int32), proposed_by, 3.0),)})
    folded(infrastructure.links, world, [made.batch(world)])
    return folded(infrastructure.test, world, [made.batch(world)])[0]


def test_a_card_behind_three_accounts_ties_them() -> None:
    assert ties(known={"payment": cards(3)}) == {
        (a, b) for a in range(12) for b in range(a + 1, 12) if a // 3 == b // 3
    }


def test_addresses_are_counted_from_exchanges() -> None:
    assert ties(ip=[f"10.0.0.{a}" if a < 3 else None for a in (ACCOUNT // 2).tolist()]) == {
        (0, 1),
        (2, 3),
        (4, 5),
    }


def test_a_carriers_address_ties_nobody() -> None:
    assert ties(ip=["198.51.100.7"] * len(ACCOUNT)) == set()


def test_one_value_in_two_columns_is_two_means() -> None:
    known = {"payment": ["x", *[None] * (SIZE - 1)], "device": [None, "x", *[None] * (SIZE - 2)]}
    assert ties(known=known) == set()


def test_shared_cards_speak_for_a_ring_and_nothing_shared_a_little_against() -> None:
    found = weighed(known={"payment": cards(3)})
    assert 2 < found.raw <= 3
    assert found.figures["tied"] == 12
    assert weighed().raw == -0.3


def test_an_address_weighs_less_than_a_card() -> None:
    found = weighed(ip=[f"10.0.0.{a // 3}" if a < 12 else None for a in ACCOUNT.tolist()])
    assert 0 < found.raw <= 1


def test_a_ring_proposed_by_means_alone_is_not_confirmed_by_them() -> None:
    assert weighed(("infrastructure",), known={"payment": cards(3)}).raw <= 0.5


def test_few_tied_members_weigh_little() -> None:
    one = [*["card"] * 2, *[None] * (SIZE - 2)]
    assert weighed(known={"payment": one}).raw <= 3 * 2 * 2 / 12


def test_one_organisations_accounts_share_a_card_in_the_open() -> None:
    known = {"payment": cards(6), "organisation": [f"org {i // 6}" for i in range(SIZE)]}
    assert weighed(known=known).raw == -0.3


def test_without_addresses_or_accounts_nothing_is_shared() -> None:
    made = dealt_log(1, columns=EVERY - {"ip"})
    assert judged(infrastructure.test, made, range(12))[0].raw == -0.3
