"""Names stay: with the ring's first member, and with an earlier investigation's campaigns."""

from __future__ import annotations

from headwater.detect.naming import inherit, name_of


def test_known_answer() -> None:
    """The name of an anchor never changes between versions, or yesterday's tickets point nowhere."""
    assert name_of("acct-0001") == NAME
    assert name_of("acct-0001", {NAME}) == f"{NAME}-2"
    assert name_of("acct-0001", {NAME, f"{NAME}-2"}) == f"{NAME}-3"


NAME = "spruce-creek"


def test_a_grown_ring_keeps_its_name_and_a_name_is_given_once() -> None:
    old = [("birch-harbour", frozenset("abcdef")), ("fen-mill", frozenset("uvwxyz"))]
    grown, half, other = frozenset("abcdefghijk"), frozenset("abcxyz"), frozenset("mnop")
    assert inherit([other, half, grown], old) == {1: "fen-mill", 2: "birch-harbour"}
