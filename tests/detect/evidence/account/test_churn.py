"""Addresses that keep changing: over the log or within sessions, but not a carrier's."""

from __future__ import annotations

import numpy as np

from detect.evidence.account.people import EACH, SIZE, by_account, networks, people, read, shown
from detect.worlds import HOUR
from headwater.detect.evidence.account import churn

STEADY = by_account([f"10.0.0.{i}" for i in range(SIZE)])


def changing(*who: int, start: str = "192.0") -> list[str | None]:
    return [f"{start}.{i // 250 % 250}.{i % 250}" if i // EACH in who else ip for i, ip in enumerate(STEADY)]


def test_a_new_address_each_time() -> None:
    reading = read(churn.trait, people(ip=changing(3, 7)))
    assert shown(reading) == [3, 7]
    assert reading.value[3] == 100
    assert reading.value[0] == 0


def test_hashed_addresses_count_as_well() -> None:
    assert shown(read(churn.trait, people(ip=[None if a is None else f"h{a}" for a in changing(3)]))) == [3]


def test_a_few_addresses_in_every_session() -> None:
    # Sessions of ten exchanges, each with the same six addresses: few in all, but they change within a session.
    at = np.tile(np.arange(EACH) % 10 * 1000 + np.arange(EACH) // 10 * HOUR, SIZE)
    ips = [f"192.0.2.{i % 10 % 7}" if i // EACH == 3 else ip for i, ip in enumerate(STEADY)]
    reading = read(churn.trait, people(ip=ips, at_us=at))
    assert shown(reading) == [3]
    assert 60 < reading.value[3] < 70


def test_a_carrier_is_one_address() -> None:
    carrier = networks("192.0.0.0/16,carrier,64500")
    assert shown(read(churn.trait, people(ip=changing(3)), networks=carrier)) == []
    assert shown(read(churn.trait, people(ip=changing(3)), networks=networks("10.0.0.0/8,campus,1"))) == [3]


def test_another_address_every_few_exchanges_is_usual() -> None:
    ips = [f"192.0.2.{i // 4 % 250}" for i in range(SIZE * EACH)]
    assert shown(read(churn.trait, people(ip=ips))) == []


def test_nulls_and_too_few_are_unknown() -> None:
    assert np.isnan(read(churn.trait, people(ip=[None] * SIZE * EACH)).value).all()
    assert np.isnan(read(churn.trait, people(each=19, ip=[f"h{i}" for i in range(19 * SIZE)])).value).all()
    assert read(churn.trait, people(1, ip=["::1"] * 20 + [None] * 20)).value.tolist() == [0]
