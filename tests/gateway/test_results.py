"""Results of batches: each line's end is told once, and no byte is lost but reasoning, of whichever API's answer."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.gateway.stages.results import Results

CHAT = {"choices": [{"index": 0, "message": {"content": "4", "reasoning": "2+2"}, "finish_reason": "stop"}]}
RESPONSE = {
    "output": [{"type": "reasoning", "id": "r", "content": [{"type": "reasoning_text", "text": "2+2"}]}]
}
MESSAGE = {
    "content": [{"type": "thinking", "thinking": "2+2"}, {"type": "text", "text": "4"}],
    "stop_reason": "end_turn",
}


def openai(name: str, body: Any) -> dict[str, Any]:
    return {"id": "b", "custom_id": name, "response": {"status_code": 200, "body": body}, "error": None}


LINES: list[dict[str, Any]] = [
    openai("chat", CHAT),
    openai("response", RESPONSE),
    {"custom_id": "message", "result": {"type": "succeeded", "message": MESSAGE}},
    {"custom_id": "failed", "result": {"type": "errored", "error": {"type": "error", "error": {"type": "api_error"}}}},
    {"id": "b", "custom_id": "expired", "response": None, "error": {"code": "batch_expired", "message": "late"}},
    openai("plain", {"choices": [{"message": {"content": 'the "requests" of \ud83d'}}]}),
]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from(range(len(LINES))), max_size=6),
    st.lists(st.integers(0, 3000), max_size=10),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_however_results_are_cut(
    which: list[int], at: list[int], end: str, last: bool, hide: bool, known: bool
) -> None:
    lines = [{**LINES[one], "custom_id": f"{place}"} for place, one in enumerate(which)]
    data = (end.join(json.dumps(one) for one in lines) + (end if last else "")).encode()
    results = Results("b", hide=hide, length=len(data) if known else -1)
    places = sorted({place % (len(data) + 1) for place in at} | {0, len(data)})
    pieces = [data[begin:until] for begin, until in pairwise(places)]
    out = [results.feed(piece, 5) for piece in pieces]
    passed = b"".join(came if goes is None else goes for came, goes in zip(pieces, out, strict=True))
    told = [json.loads(line) for line in passed.decode().splitlines() if line]
    assert [one.id for one in results.outcomes] == [f"b/{place}" for place in range(len(which))]
    if not hide:
        assert passed == data
        return
    assert b"2+2" not in passed
    assert [one["custom_id"] for one in told] == [one["custom_id"] for one in lines]
    assert passed.endswith(b"\n") is last
    for came, goes in zip(lines, told, strict=True):
        text = json.dumps(came)
        assert json.dumps(goes) == (text if "2+2" not in text else json.dumps(without(came)))


def without(line: dict[str, Any]) -> Any:
    line = json.loads(json.dumps(line))
    if "result" in line:
        del line["result"]["message"]["content"][0]
    elif "output" in line["response"]["body"]:
        del line["response"]["body"]["output"][0]["content"]
    else:
        del line["response"]["body"]["choices"][0]["message"]["reasoning"]
    return line


def test_what_is_no_result_passes_and_tells_nothing() -> None:
    data = b'no json\n\n[1, 2]\n{"custom_id": 5}\n{"half": '
    results = Results("b", hide=True, length=len(data))
    assert results.feed(data, 1) == data
    assert results.outcomes == []
