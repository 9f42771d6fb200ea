"""Where a request comes from: X-Forwarded-For is believed as far as trusted proxies wrote it, and no further."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.control.identity import Networks, Sources, source_of

PROXIES = ("10.0.0.0/8", "2001:db8:ffff::/48", "192.0.2.7")
V4 = st.ip_addresses(v=4)
ANY = st.ip_addresses()


def address(peer: str, forwarded: str = "", proxies: tuple[str, ...] = PROXIES) -> str:
    return Sources(proxies).of(peer, forwarded).address


@given(V4, st.text(max_size=60))
def test_who_is_no_trusted_proxy_speaks_for_itself_only(peer: ipaddress.IPv4Address, forwarded: str) -> None:
    assert address(str(peer), forwarded, ("10.0.0.0/8",) if not str(peer).startswith("10.") else ()) == str(
        peer
    )


def test_the_classic_spoof() -> None:
    """The client sends the header itself; the proxy appends the address it saw. Only that counts."""
    assert address("10.0.0.1", "1.2.3.4, 198.51.100.77") == "198.51.100.77"
    assert address("10.0.0.1", "10.0.0.9, 127.0.0.1, 198.51.100.77") == "198.51.100.77"


def test_several_trusted_proxies_are_walked_through() -> None:
    assert address("10.0.0.1", "6.6.6.6, 198.51.100.77, 10.2.2.2, 192.0.2.7") == "198.51.100.77"


def test_a_hop_that_is_no_address_ends_the_walk() -> None:
    assert address("10.0.0.1", "198.51.100.77, unknown") == "10.0.0.1"
    assert address("10.0.0.1", "198.51.100.77, unknown, 10.2.2.2") == "10.2.2.2"
    assert address("10.0.0.1", "") == "10.0.0.1"


@pytest.mark.parametrize(
    ("hop", "expected"),
    [
        ("198.51.100.77:4711", "198.51.100.77"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("::ffff:198.51.100.77", "198.51.100.77"),
        ("0::FFFF:198.51.100.77", "198.51.100.77"),
        ("fe80::1%eth0", "fe80::1"),
        ("0306.0063.0144.0115", "10.0.0.1"),
        ("198.51.100.077", "10.0.0.1"),
        ("198.51.100", "10.0.0.1"),
        ("3325256781", "10.0.0.1"),
        ("198.51.100.77\0", "10.0.0.1"),
        ("１９８.51.100.77", "10.0.0.1"),
    ],
)
def test_forms_of_an_address(hop: str, expected: str) -> None:
    assert address("10.0.0.1", hop) == expected


def test_an_address_in_ipv6_clothes_is_the_same_address() -> None:
    plain, mapped = Sources().of("198.51.100.77"), Sources().of("::ffff:198.51.100.77")
    assert (plain.prefix, plain.packed) == (mapped.prefix, mapped.packed)
    assert Sources(("10.0.0.0/8",)).of("::ffff:10.0.0.1").trusted


@given(ANY)
def test_the_prefix_is_that_of_the_standard_library(
    one: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if isinstance(one, ipaddress.IPv6Address) and one.ipv4_mapped:
        one = one.ipv4_mapped
    source = source_of(one.packed)
    length = 24 if one.version == 4 else 48
    network = ipaddress.ip_network((one, length), strict=False)
    assert ipaddress.ip_network(source.prefix) == network
    assert ipaddress.ip_address(source.address) == one


@given(st.lists(st.tuples(ANY, st.integers(0, 128)), max_size=5), ANY)
def test_networks_are_those_of_the_standard_library(
    drawn: list[tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]],
    one: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    held = [
        ipaddress.ip_network((address, min(length, address.max_prefixlen)), strict=False)
        for address, length in drawn
        if not (isinstance(address, ipaddress.IPv6Address) and int(address) >> 32 == 0xFFFF)
    ]
    held = [n for n in held if not getattr(n.network_address, "ipv4_mapped", None)]
    for asked in (one, *(network.network_address for network in held)):
        if getattr(asked, "ipv4_mapped", None):
            continue
        inside = any(network.version == asked.version and asked in network for network in held)
        assert (asked.packed in Networks(map(str, held))) is inside


def test_a_long_header_costs_little_and_moves_nothing() -> None:
    assert address("10.0.0.1", "1.1.1.1," * 200_000 + "198.51.100.77") == "198.51.100.77"
    assert address("10.0.0.1", ",".join(["10.0.0.2"] * 1000)) == "10.0.0.2"


def test_a_peer_without_an_address_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="no address"):
        Sources().of("unix:")


def test_what_a_client_writes_itself_is_not_remembered() -> None:
    sources = Sources(("10.0.0.0/8",))
    for at in range(20_000):
        assert sources.of("203.0.113.9", f"{at} made up").address == "203.0.113.9"
        assert (
            sources.of("10.0.0.1", f"198.51.{at % 200}.{at // 200}").address
            == f"198.51.{at % 200}.{at // 200}"
        )
    held = [len(value) for value in vars(sources).values() if isinstance(value, dict)]
    assert max(held) <= 8192
    assert sum(held) <= 8192 + 2
