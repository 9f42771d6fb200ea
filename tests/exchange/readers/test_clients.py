"""What an edge hands on about a client, and what a request carries back, in whatever log they stand."""

from __future__ import annotations

import json
from typing import Any

import pytest

from exchange.readers.fixtures import fixture, good, read, read_one
from headwater.exchange.readers import otel_names
from headwater.exchange.readers.clients import HEADERS, fingerprints
from headwater.exchange.readers.mapping import load_mapping

SEEN = {
    "X-JA4": "t13d1516h2_8daaf6152771_02713d6af862",
    "X-Ja4h": "po11nn05enus_9ed1ff1f7b03_cd8dafe26982",
    "x-http2-fingerprint": "1:65536;4:131072|12517377|0|m,p,a,s",
    "CloudFront-Viewer-Header-Order": "host:user-agent:accept",
    "accept": "*/*",
}
SAID = {
    "tls": SEEN["X-JA4"],
    "ja4h": SEEN["X-Ja4h"],
    "http2": SEEN["x-http2-fingerprint"],
    "header_order": SEEN["CloudFront-Viewer-Header-Order"],
}
TALK = [
    {"role": "user", "content": "Which river flows through Dresden?"},
    {"role": "assistant", "content": "The Elbe."},
    {"role": "user", "content": "And through Prague?"},
]


def of(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row.get(name) for name in SAID}


def test_of_several_headers_the_first_name_counts_whatever_the_order() -> None:
    ja3, ja4 = ("x-ja3", "0cc175b9c0f1b6a831c399e269772661"), ("x-ja4", SEEN["X-JA4"])
    assert fingerprints([ja3, ja4]) == fingerprints([ja4, ja3]) == {"tls": SEEN["X-JA4"]}
    assert fingerprints([("x-ja4", ""), ("x-ja4h", 3), (None, "x"), ("x-header-order", ["a:b", "c"])]) == {
        "header_order": "a:b"
    }


def test_no_header_says_two_things() -> None:
    names = [name for listed in HEADERS.values() for name in listed]
    assert len(names) == len(set(names))


def test_a_pair_with_headers() -> None:
    request = {"headers": SEEN, "body": {"model": "m", "messages": TALK}}
    (row,) = good(
        read_one("openai", {"id": "1", "at": 1, "account": "a", "request": request, "response": {}})
    )
    assert of(row) == SAID
    assert row["previous"] == "The Elbe."


def test_what_the_gateway_wrote_itself_counts_before_headers() -> None:
    request = {"headers": SEEN, "body": {"model": "m", "messages": TALK}}
    around = {"ja4": "t1", "ja4h": "h1", "http2_fingerprint": "f1", "header_order": "o1"}
    (row,) = good(read_one("openai", {"id": "1", "at": 1, "account": "a", "request": request, **around}))
    assert of(row) == {"tls": "t1", "ja4h": "h1", "http2": "f1", "header_order": "o1"}


def test_litellm_keeps_headers_that_begin_with_x() -> None:
    record = json.loads(json.dumps(fixture("litellm")["cases"][0]["record"]))
    record["metadata"]["requester_custom_headers"] = {"x-ja4h": "h1", "x-header-order": "o1"}
    (row,) = good(read_one("litellm", record))
    assert of(row) == {"tls": None, "ja4h": "h1", "http2": None, "header_order": "o1"}


@pytest.mark.parametrize("dash", ["-", "_"])
def test_spans_with_request_headers(dash: str) -> None:
    held = {f"http.request.header.{name.lower().replace('-', dash)}": [value] for name, value in SEEN.items()}
    assert of(otel_names.columns(held)) == SAID
    named = {**held, "tls.client.ja4": "t1"}
    assert otel_names.columns(named)["tls"] == "t1"


def test_spans_with_invocation_parameters() -> None:
    asked = {
        "logprobs": True,
        "logit_bias": {"11": -100},
        "response_format": {"type": "json_object"},
        "max_tokens": 9,
    }
    row = otel_names.columns({"llm.invocation_parameters": json.dumps(asked), "llm.model_name": "m"})
    assert {name: row.get(name) for name in asked} == {
        "logprobs": True,
        "logit_bias": True,
        "response_format": "json_object",
        "max_tokens": 9,
    }


def test_a_mapped_list_of_messages_says_what_it_carries_back() -> None:
    mapping = {"id": "i", "at": "t", "account": "a", "prompt": "m", "ja4h": "edge.ja4h"}
    record = {"i": "1", "t": 1, "a": "a", "m": TALK, "edge": {"ja4h": "h1"}}
    (row,) = good(read(load_mapping(mapping), [record]))
    assert (row["prompt"], row["turn"], row["previous"], row["ja4h"]) == (
        TALK[2]["content"],
        1,
        "The Elbe.",
        "h1",
    )
    (named,) = good(read(load_mapping({**mapping, "previous": "p"}), [{**record, "p": "The Oder."}]))
    assert named["previous"] == "The Oder."
    (spoken,) = good(read(load_mapping({**mapping, "previous": "m"}), [record]))
    assert spoken["previous"] == "The Elbe."
