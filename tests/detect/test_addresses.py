"""Addresses are read as the system reads them; what it refuses has no key."""

from __future__ import annotations

import ipaddress
from socket import AF_INET, AF_INET6, inet_pton

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.detect.addresses import keys


def told(text: str) -> bytes:
    """What the system's own parser says, one by one."""
    for family, version in ((AF_INET, b"\x04"), (AF_INET6, b"\x06")):
        try:
            packed = inet_pton(family, text)
        except (OSError, ValueError):
            continue
        mapped = family == AF_INET6 and packed.startswith(b"\0" * 10 + b"\xff\xff")
        return (b"\x04" + packed[12:] if mapped else version + packed).rstrip(b"\0")
    return b""


NEARLY = st.text("0123456789.", max_size=17) | st.text("0129:.af%", max_size=24)
QUADS = st.lists(
    st.integers(0, 300).map(str) | st.sampled_from(["", "00", "01", "007", "1111"]), min_size=3, max_size=5
)


@given(
    texts=st.lists(
        NEARLY | QUADS.map(".".join) | st.ip_addresses().map(str) | st.text(max_size=20), max_size=20
    )
)
def test_a_key_is_what_the_system_reads(texts: list[str]) -> None:
    texts = [t.encode("utf-8", "replace").decode() for t in texts]
    assert keys(texts).tolist() == [told(t) for t in texts]


@pytest.mark.parametrize(
    "text",
    [
        "1.2.3.4\n",
        "1.2.3.4\n5",
        "1.2.3.4.",
        ".1.2.3.4",
        "1..2.3",
        "256.1.1.1",
        "1.2.3.04",
        "1.2.3.4\0",
        "١.2.3.4",
    ],
)
def test_nearly_an_address(text: str) -> None:
    assert keys([text]).tolist() == [b""]


def test_keys_sort_as_addresses_do() -> None:
    texts = [
        "0.0.0.0",
        "1.2.3.4",
        "9.0.0.0",
        "10.0.0.0",
        "255.255.255.255",
        "::",
        "::1",
        "2001:db8::",
        "ffff::",
    ]
    made = keys(texts[::-1])
    assert np.array_equal(np.argsort(made), np.arange(len(texts))[::-1])
    assert int(ipaddress.ip_address("10.0.0.0")) == int.from_bytes(bytes(made[5])[1:].ljust(4, b"\0"))


def test_nothing_and_null() -> None:
    assert keys([]).tolist() == []
    assert keys([None, "", "\ud800", "x" * 10**6]).tolist() == [b""] * 4
