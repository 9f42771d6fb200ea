"""TDM reservation: the examples of w3c/tdm-reservation-protocol @1a547b5dc44bb48813fdd79d56f597834cf33433."""

from __future__ import annotations

import json

import pytest

from headwater.errors import UnreadableInput
from headwater.provenance.terms import read_tdm_headers, read_tdm_html, read_tdmrep

EVERYTHING = b'[{"location": "/", "tdm-reservation": 1}]'
GROUPS = json.dumps(
    [
        {"location": "/directory-a/", "tdm-reservation": 1},
        {
            "location": "/directory-b/html/",
            "tdm-reservation": 1,
            "tdm-policy": "https://provider.com/policies/policy.json",
        },
        {"location": "/directory-b/images/*.jpg", "tdm-reservation": 0},
    ]
).encode()


def says(data: bytes, path: str) -> list[str]:
    return [signal.says for signal in read_tdmrep(data, path=path)]


def test_the_file_at_the_origin() -> None:
    assert says(EVERYTHING, "/any/file") == ["not-allowed"]
    assert says(GROUPS, "/directory-a/x.pdf") == ["not-allowed"]
    assert says(GROUPS, "/directory-b/html/x.html") == ["conditional"]
    assert says(GROUPS, "/directory-b/images/x.jpg") == ["allowed"]
    assert says(GROUPS, "/elsewhere") == []
    assert len(read_tdmrep(GROUPS)) == 3


def test_the_first_match_counts() -> None:
    data = b'[{"location": "/a", "tdm-reservation": 0}, {"location": "/", "tdm-reservation": 1}]'
    assert says(data, "/a/b") == ["allowed"]


@pytest.mark.parametrize("value", ["2", '"yes"', "true", "null"])
def test_other_values_are_as_if_unset(value: str) -> None:
    assert says(f'[{{"location": "/", "tdm-reservation": {value}}}]'.encode(), "/") == ["unsaid"]


def test_headers() -> None:
    assert read_tdm_headers({"Content-Type": "text/html"}) is None
    reserved = read_tdm_headers({"TDM-Reservation": "1"})
    assert reserved is not None
    assert reserved.says == "not-allowed"
    offered = read_tdm_headers(
        {"tdm-reservation": "1", "tdm-policy": "https://provider.com/policies/policy.json"}
    )
    assert offered is not None
    assert offered.says == "conditional"
    assert "https://provider.com/policies/policy.json" in offered.quote


HTML = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="tdm-reservation" content="1">
<meta name="tdm-policy" content="https://provider.com/policies/policy.json"></head><body>{}</body></html>"""


def test_html() -> None:
    signal = read_tdm_html(HTML.format("text"))
    assert signal is not None
    assert signal.says == "conditional"
    assert read_tdm_html("<html><body><meta name='tdm-reservation' content='0'></body></html>") is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b'{"location": "/"}',
        b'[{"tdm-reservation": 1}]',
        b"[1]",
        b"[" * 50_000,
        b"[" + b" " * 2_000_000 + b"]",
    ],
)
def test_what_is_no_list_of_rules_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableInput):
        read_tdmrep(data)
