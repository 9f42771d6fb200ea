"""Somebody else's address: by the operator's table, and of servers only where the client says it is a browser."""

from __future__ import annotations

import numpy as np
import pytest

from detect.evidence.account.people import EACH, SIZE, by_account, networks, people, read, shown
from headwater.detect.evidence.account import relays

NETS = networks(
    "192.0.2.0/24,residential-proxy,1",
    "198.51.100.0/24,vpn,2",
    "203.0.113.0/24,data-centre,3",
    "10.0.0.0/8,carrier,4",
)
HOME = [f"10.0.0.{i}" for i in range(SIZE)]


@pytest.mark.parametrize("address", ["192.0.2.9", "198.51.100.9"])
def test_through_a_proxy(address: str) -> None:
    reading = read(relays.trait, people(ip=by_account([address] * 3 + HOME[3:])), networks=NETS)
    assert shown(reading) == [0, 1, 2]
    assert reading.value[0] == 1


def test_a_server_is_where_calls_come_from_unless_it_says_it_is_a_browser() -> None:
    ips = by_account(["203.0.113.9"] * 4 + HOME[4:])
    agent = by_account(["Mozilla/5.0 (X)"] * 2 + ["python/1"] * 2 + ["Mozilla/5.0"] * 56)
    assert shown(read(relays.trait, people(ip=ips, user_agent=agent), networks=NETS)) == [0, 1]
    assert shown(read(relays.trait, people(ip=ips), networks=NETS)) == []


def test_now_and_then_is_not_half() -> None:
    ips = ["192.0.2.9" if i % 3 == 0 else "10.0.0.1" for i in range(SIZE * EACH)]
    assert shown(read(relays.trait, people(ip=ips), networks=NETS)) == []


def test_hashes_nulls_few_exchanges_and_no_table_are_unknown() -> None:
    for ip in (None, "0123abcd"):
        assert np.isnan(read(relays.trait, people(ip=[ip] * SIZE * EACH), networks=NETS).value).all()
    assert np.isnan(
        read(relays.trait, people(each=9, ip=["192.0.2.9"] * 9 * SIZE), networks=NETS).value
    ).all()
    assert np.isnan(read(relays.trait, people(ip=by_account(HOME))).value).all()
    assert read(relays.trait, people(1, ip=["192.0.2.9"] * EACH), networks=NETS).value.tolist() == [1]
