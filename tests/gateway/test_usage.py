"""Usage is found in streams and in JSON, however they are cut, and a model's words can't pass for it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.stub import ANSWER, anthropic_events, openai_events
from gateway.vectors import pieces
from headwater.exchange.answer import UsageScan


def found(data: bytes, cuts: list[int], *, stream: bool) -> dict[str, int]:
    scan = UsageScan(stream=stream)
    for piece in pieces(data, cuts):
        scan.feed(piece)
    return scan.found


CUTS = st.lists(st.integers(0, 10_000), max_size=30)
SAID = b"".join(openai_events())
MESSAGE = b"".join(anthropic_events())
LONG = json.dumps(
    {"data": [{"embedding": [0.1] * 5000}], "usage": {"prompt_tokens": 5, "details": {"a": 1}}}
).encode()


@settings(max_examples=200)
@given(CUTS)
def test_streams_and_bodies_cut_anywhere(cuts: list[int]) -> None:
    assert found(SAID, cuts, stream=True) == {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14}
    assert found(MESSAGE, cuts, stream=True) == {"input_tokens": 25, "output_tokens": 15}
    assert found(ANSWER, cuts, stream=False)["total_tokens"] == 14
    assert found(LONG, cuts, stream=False) == {"prompt_tokens": 5}


def test_every_single_cut() -> None:
    for data, stream in ((SAID, True), (MESSAGE, True), (ANSWER, False)):
        whole = found(data, [], stream=stream)
        assert whole
        assert all(found(data, [cut], stream=stream) == whole for cut in range(len(data)))
        assert found(data, list(range(len(data))), stream=stream) == whole


@given(st.text(), CUTS)
def test_a_models_words_cant_pass_for_usage(text: str, cuts: list[int]) -> None:
    words = f'"usage": {{"completion_tokens": 0}} {text} "usage":{{"total_tokens":1}}'
    event = {"choices": [{"delta": {"content": words}}], "usage": None}
    assert found(b"data: %b\n\n" % json.dumps(event).encode(), cuts, stream=True) == {}


def test_a_tools_arguments_come_before_the_real_one() -> None:
    body = {"content": [{"type": "tool_use", "input": {"usage": {"output_tokens": 0, "more": 9}}}],
            "usage": {"output_tokens": 7}}  # fmt: skip
    assert found(json.dumps(body).encode(), [], stream=False) == {"output_tokens": 7}


@pytest.mark.parametrize(
    "data",
    [b'"usage":{' * 5000, b'"usage":{"a":' + b"[" * 50_000,
     b'"usage":{"a":1e999,"b":-1,"c":true,"d":"1"}', b'"usage":{"a"' + b" " * 99_999],
)  # fmt: skip
def test_hostile_responses_cost_little_and_say_nothing(data: bytes) -> None:
    scan = UsageScan(stream=True)
    for at in range(0, len(data), 1000):
        scan.feed(data[at : at + 1000])
    assert scan.found == {}
    assert len(scan._begun) + len(scan._carry) < 40_000


@given(st.lists(st.binary(max_size=50)))
def test_any_bytes(parts: list[bytes]) -> None:
    scan = UsageScan(stream=True)
    for part in parts:
        scan.feed(part)
    assert isinstance(scan.found, dict)
