"""Traits as evidence: rarity among others of like volume, the ring left out, unknown values silent, caps kept."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detect.worlds import DAY, log
from headwater.detect.fold import Card, Reading, Ring, World
from headwater.detect.settings import DetectSettings
from headwater.detect.single import KINDS, alone
from headwater.detect.traits import LEAST_MEMBERS, measured, of_account, of_ring, strengths


def card(name: str = "trait", group: str = "behaviour", cap: float = 2.0) -> Card:
    return Card(name, name, group, "sees", "null", "not measured", (), "cost", cap)  # type: ignore[arg-type]


def world(size: int = 600, each: int = 8) -> World:
    account = np.repeat(np.arange(size), each)
    at_us = np.random.default_rng(1).integers(0, 14 * DAY, len(account))
    return log(account, at_us).world()


def ring(members: range) -> Ring:
    return Ring(np.array(members, np.int32), ("template",), 3.0)


def test_a_ring_that_shows_what_few_others_do_is_evidence_and_one_that_shows_what_all_do_is_not() -> None:
    here = world()
    rare, usual = np.zeros(here.size), np.ones(here.size)
    rare[:20] = 1.0
    found = of_ring(measured(card(), Reading(rare, 0.5, "do so"), here), ring(range(20)), here)
    assert found is not None
    assert found.raw > 10
    assert found.p_value is not None
    assert found.p_value < 1e-9
    common = of_ring(measured(card(), Reading(usual, 0.5, "do so"), here), ring(range(20)), here)
    assert common is not None
    assert common.raw == 0


def test_a_ring_that_is_half_of_the_log_does_not_make_its_habit_usual() -> None:
    here = world(60)
    value = np.zeros(60)
    value[:30] = 1.0
    found = of_ring(measured(card(), Reading(value, 0.5, "do so"), here), ring(range(30)), here)
    assert found is not None
    assert found.raw > 5


def test_unknown_values_count_neither_way() -> None:
    here = world()
    value = np.full(here.size, np.nan)
    trait = measured(card(), Reading(value, 0.5, "do so"), here)
    assert of_ring(trait, ring(range(20)), here) is None
    assert of_account([trait], 3) == []
    assert not strengths([trait], here.size).any()
    value[: LEAST_MEMBERS - 1] = 1.0
    assert of_ring(measured(card(), Reading(value, 0.5, "do so"), here), ring(range(20)), here) is None


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**31), share=st.floats(0.0, 0.5))
def test_groups_drawn_at_random_rarely_look_special(seed: int, share: float) -> None:
    """The p-value of a random group is at most as often small as it says (checked at 1 in 100, over many groups)."""
    rng = np.random.default_rng(seed)
    here = world(400)
    value = (rng.random(400) < share).astype(float)
    trait = measured(card(), Reading(value, 0.5, "do so"), here)
    small = 0
    for _ in range(40):
        members = np.sort(rng.choice(400, 20, replace=False)).astype(np.int32)
        found = of_ring(trait, Ring(members, ("template",), 3.0), here)
        small += found is not None and found.p_value is not None and found.p_value < 0.01
    assert small <= 6  # P(Binomial(40, 0.01) > 6) is about 1e-7


def test_accounts_of_one_customer_count_once() -> None:
    account = np.repeat(np.arange(300), 8)
    made = log(
        account,
        np.random.default_rng(1).integers(0, 14 * DAY, len(account)),
        known={"organisation": ["one firm" if a < 20 else None for a in range(300)]},
    )
    here = made.world()
    value = np.zeros(300)
    value[:20] = 1.0
    assert of_ring(measured(card(), Reading(value, 0.5, "do so"), here), ring(range(20)), here) is None


def test_strengths_are_the_sum_over_groups_of_the_strongest_within_its_cap() -> None:
    here = world(5000, 2)
    value = np.zeros(here.size)
    value[7] = 1.0
    traits = [
        measured(card(name, group, cap), Reading(value, 0.5, "do so"), here)
        for name, group, cap in (("a", "behaviour", 2.0), ("b", "behaviour", 1.5), ("c", "intent", 1.0))
    ]
    nats = strengths(traits, here.size)
    assert nats[7] == pytest.approx(3.0)
    assert np.count_nonzero(nats) == 1


def test_one_account_is_possible_at_most_and_needs_two_kinds() -> None:
    here = world(5000, 2)
    value = np.zeros(here.size)
    value[7] = 1.0
    kinds = ("behaviour", "intent", "account", "client")
    traits = tuple(measured(card(group, group, 3.0), Reading(value, 0.5, "do so"), here) for group in kinds)
    (found,) = alone(traits, here, DetectSettings(), {here.accounts[7]: "warm-river"})
    assert (found.account, found.word, found.campaign) == (here.accounts[7], "possible", "warm-river")
    assert found.log_odds == pytest.approx(found.prior_log_odds + sum(p.llr for p in found.pieces))
    single = tuple(
        measured(card(f"t{i}", "behaviour", 9.0), Reading(value, 0.5, "do so"), here) for i in range(4)
    )
    assert KINDS == 2
    assert alone(single, here, DetectSettings(account_prior=0.5), {}) == ()
    assert alone((), here, DetectSettings(), {}) == ()
