"""Means that other customers use too: counted by customer, never for what most have."""

from __future__ import annotations

import numpy as np

from detect.evidence.account.people import SIZE, people, read, shown
from headwater.detect.evidence.account import means

OWN = [f"own {i}" for i in range(SIZE)]


def test_a_card_behind_five_customers() -> None:
    reading = read(means.trait, people(known={"payment": ["card"] * 5 + OWN[5:]}))
    assert shown(reading) == [0, 1, 2, 3, 4]
    assert reading.value[0] == 4


def test_the_most_shared_means_counts() -> None:
    reading = read(
        means.trait, people(known={"phone": ["p"] * 2 + [None] * 58, "device": ["d"] * 6 + OWN[6:]})
    )
    assert reading.value[:8].tolist() == [5, 5, 5, 5, 5, 5, 0, 0]


def test_a_household_a_company_and_a_placeholder_show_nothing() -> None:
    assert shown(read(means.trait, people(known={"payment": ["card"] * 3 + OWN[3:]}))) == []
    one = {"payment": ["card"] * 9 + OWN[9:], "organisation": ["org"] * 9 + [None] * 51}
    assert shown(read(means.trait, people(known=one))) == []
    assert shown(read(means.trait, people(known={"device": ["none"] * 30 + OWN[30:]}))) == []


def test_nothing_known_is_unknown() -> None:
    assert np.isnan(read(means.trait, people(known={"payment": [None] * SIZE})).value).all()
    assert np.isnan(read(means.trait, people(known={"payment": ["", "  "] + [None] * 58})).value).all()
    assert read(means.trait, people(1, known={"phone": ["p"]})).value.tolist() == [0]
