"""Many networks: autonomous systems of one account, carriers left out."""

from __future__ import annotations

import numpy as np

from detect.evidence.account.people import EACH, SIZE, by_account, networks, people, read, shown
from headwater.detect.evidence.account import spread

NETS = networks(
    *(f"192.0.{i}.0/24,hosting,{64500 + i}" for i in range(20)), "10.0.0.0/8,hosting,1", "11.0.0.0/8,vpn,"
)
HOME = by_account([f"10.0.{i}.1" for i in range(SIZE)])


def wandering(count: int) -> list[str]:
    return [f"192.0.{i % count}.7" if i < EACH else ip for i, ip in enumerate(HOME)]


def test_an_account_in_eight_networks() -> None:
    reading = read(spread.trait, people(ip=wandering(8)), networks=NETS)
    assert shown(reading) == [0]
    assert reading.value[:2].tolist() == [8, 1]


def test_home_work_and_a_journey() -> None:
    assert shown(read(spread.trait, people(ip=wandering(4)), networks=NETS)) == []


def test_carriers_and_networks_without_a_number_are_left_out() -> None:
    carriers = networks(*(f"192.0.{i}.0/24,carrier,{64500 + i}" for i in range(20)), "10.0.0.0/8,hosting,1")
    assert np.isnan(read(spread.trait, people(ip=wandering(8)), networks=carriers).value[0])
    assert np.isnan(read(spread.trait, people(ip=["11.0.0.1"] * SIZE * EACH), networks=NETS).value).all()


def test_hashes_nulls_and_no_table_are_unknown() -> None:
    for ip in (None, "0123abcd"):
        assert np.isnan(read(spread.trait, people(ip=[ip] * SIZE * EACH), networks=NETS).value).all()
    assert np.isnan(read(spread.trait, people(ip=HOME)).value).all()
    assert read(spread.trait, people(1, ip=["10.0.0.1"] * EACH), networks=NETS).value.tolist() == [1]
