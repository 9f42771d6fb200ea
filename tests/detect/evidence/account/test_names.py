"""One shape of name: rare outside the ring, or it says nothing."""

from __future__ import annotations

from detect.evidence.account.people import SIZE, found, people
from headwater.detect.evidence.account import names

VARIED = ["a" * (i % 9 + 3) + "." + "a" * (i % 5 + 4) for i in range(SIZE)]


def test_a_shape_that_the_ring_has_and_others_do_not() -> None:
    out = found(names.test, people(known={"name_pattern": ["aaaaa0000"] * 10 + VARIED[10:]}), range(10))[0]
    assert out.raw > 1.5
    assert out.figures["alike"] == 10
    assert "10 of its 10 customers" in out.sentence


def test_varied_names_and_a_shape_that_everybody_has_say_nothing() -> None:
    assert found(names.test, people(known={"name_pattern": VARIED}), range(10))[0].raw == 0
    assert found(names.test, people(known={"name_pattern": ["aaaa"] * SIZE}), range(10))[0].raw == 0


def test_one_companys_convention_is_one_customer() -> None:
    known = {"name_pattern": ["a000000"] * 10 + VARIED[10:], "organisation": ["org"] * 10 + [None] * 50}
    assert found(names.test, people(known=known), range(12)) == {}


def test_too_little_known_says_nothing() -> None:
    assert found(names.test, people(known={"name_pattern": [None] * SIZE}), range(10)) == {}
    assert found(names.test, people(known={"name_pattern": ["a0"] * 4 + [None] * 56}), range(10)) == {}
    assert found(names.test, people(12, known={"name_pattern": ["a0"] * 12}), range(12)) == {}
