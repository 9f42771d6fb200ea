"""RSL 1.0 licences; the examples follow rslstandard.org/rsl and rslstandard.org/guide/ai-preferences."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import UnreadableInput
from headwater.provenance.terms import Signal, read_rsl


def rsl(licences: str, url: str = "/") -> bytes:
    """An RSL file with one content."""
    return (
        f'<rsl xmlns="https://rslstandard.org/rsl"><content url="{url}">{licences}</content></rsl>'.encode()
    )


def one(licences: str) -> Signal:
    (signal,) = read_rsl(rsl(licences))
    return signal


@pytest.mark.parametrize(
    ("licences", "says"),
    [
        (
            '<license><permits type="usage">search</permits><prohibits type="usage">ai-train</prohibits></license>',
            "not-allowed",
        ),
        ('<license><permits type="usage">search ai-input</permits></license>', "not-allowed"),
        ('<license><permits type="usage">ai-train</permits></license>', "allowed"),
        ('<license><permits type="usage">ai-all</permits><payment type="free"/></license>', "allowed"),
        (
            '<license><permits type="usage">train-ai</permits><payment type="subscription"/></license>',
            "conditional",
        ),
        (
            '<license><permits type="usage">all</permits><payment type="attribution"/></license>',
            "conditional",
        ),
        (
            '<license><permits type="usage">all</permits><prohibits type="usage">ai-train</prohibits></license>',
            "not-allowed",
        ),
        ('<license><prohibits type="usage">ai-all</prohibits></license>', "not-allowed"),
        ('<license><prohibits type="usage">search</prohibits></license>', "allowed"),
        ("<license></license>", "allowed"),
        ("", "unsaid"),
        (
            '<license><permits type="usage">ai-train</permits><permits type="user">education</permits></license>',
            "conditional",
        ),
        (
            (
                '<license><permits type="usage">search</permits></license>'
                '<license><permits type="usage">ai-train</permits></license>'
            ),
            "allowed",
        ),
    ],
)
def test_what_a_licence_says(licences: str, says: str) -> None:
    assert one(licences).says == says


def test_an_attribution_is_a_duty_and_a_payment_a_condition() -> None:
    signal = one('<license><payment type="attribution"/></license>')
    assert signal.duties == ("name the source",)
    assert signal.conditions == ()
    assert one('<license><payment type="crawl"/></license>').conditions == ("for a payment (crawl)",)


def test_the_cheapest_of_several_offers_counts() -> None:
    paid = '<license><permits type="usage">ai-train</permits><payment type="use"/></license>'
    named = '<license><permits type="usage">ai-train</permits><payment type="attribution"/></license>'
    assert one(paid + named).duties == ("name the source",)


def test_a_licence_server_is_a_condition() -> None:
    data = rsl("<license/>").replace(b'url="/"', b'url="/" server="https://l.example"')
    (signal,) = read_rsl(data)
    assert signal.says == "conditional"


def test_the_longest_path_counts() -> None:
    data = (
        b'<rsl xmlns="https://rslstandard.org/rsl"><content url="/*"><license/></content><content url="https://x.example/a/*">'
        b'<license><prohibits type="usage">all</prohibits></license></content></rsl>'
    )
    assert [signal.says for signal in read_rsl(data, path="/a/b")] == ["not-allowed"]
    assert [signal.says for signal in read_rsl(data, path="/c")] == ["allowed"]
    assert len(read_rsl(data)) == 2


BOMB = b'<!DOCTYPE rsl [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><rsl xmlns="https://rslstandard.org/rsl">&b;</rsl>'
EXTERNAL = b'<!DOCTYPE rsl [<!ENTITY x SYSTEM "file:///etc/passwd">]><rsl xmlns="https://rslstandard.org/rsl">&x;</rsl>'


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (BOMB, "document type"),
        (EXTERNAL, "document type"),
        (b"<!DOCTYPE rsl><rsl/>", "document type"),
        (b"not xml", "is not XML"),
        (b"<rsl>", "is not XML"),
        (b"<html/>", "not RSL"),
        (b'<rsl xmlns="https://other.example/"/>', "not RSL"),
        (b"<rsl>" + b"<a>" * 100 + b"</a>" * 100 + b"</rsl>", "deeper"),
        (b"<rsl>" + b"<a/>" * 30_000 + b"</rsl>", "more elements"),
        (b"<rsl>" + b" " * 2_000_000 + b"</rsl>", "larger than"),
    ],
)
def test_hostile_files_are_refused(data: bytes, words: str) -> None:
    with pytest.raises(UnreadableInput, match=words):
        read_rsl(data)


def test_elements_of_others_say_nothing() -> None:
    data = (
        b'<rsl xmlns="https://rslstandard.org/rsl" xmlns:o="https://o.example"><content url="/"><license>'
        b'<o:prohibits type="usage">all</o:prohibits></license></content></rsl>'
    )
    assert read_rsl(data)[0].says == "allowed"


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_read(data: bytes) -> None:
    with pytest.raises(UnreadableInput):
        read_rsl(data)
