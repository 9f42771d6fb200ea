"""Answers as they pass: the same bytes go out however the stream was cut, and nothing is lost but what is left out."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headwater.exchange.answer import Answering, Thoughts
from headwater.exchange.answer.events import EventCutter, data_of
from headwater.exchange.answer.hiding import own_usage
from headwater.exchange.answer.usage import WholeUsage

ENDS = ("\n\n", "\r\n\r\n", "\n\r\n")
WORDS = ("reasoning", "reasoning_content", "reasoning_details", "thinking", "thinking_blocks")

letters = st.text(alphabet='ab"\\é\u2028 :{', max_size=12)
numbers = st.one_of(st.integers(-5, 1 << 60), st.floats(allow_nan=False, allow_infinity=False))
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=10)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
comments = st.sampled_from([": ping", ":", "event: ping", "id: 5", "data: [DONE]", "data:", ": reasoning"])


def cut(data: bytes, at: list[int]) -> list[bytes]:
    """The data in pieces that end at these places."""
    places = sorted({place % (len(data) + 1) for place in at} | {0, len(data)})
    return [data[begin:end] for begin, end in pairwise(places)]


def through(change: Callable[[bytes], bytes], pieces: list[bytes]) -> bytes:
    cutter = EventCutter(change)
    return b"".join(cutter.feed(piece) for piece in pieces)


@st.composite
def streams(draw: Any, events: Any) -> bytes:
    """A whole stream: events with their ends, comments and blank lines between them."""
    told = []
    for _ in range(draw(st.integers(0, 6))):
        end = draw(st.sampled_from(ENDS))
        if draw(st.booleans()):
            kind = draw(st.sampled_from(["", "event: x\n"]))
            told.append(f"{kind}data: {json.dumps(draw(events))}{end}")
        else:
            told.append(draw(comments) + end)
        told.append(draw(st.sampled_from(["", "", "\n", "\r\n"])))
    return "".join(told).encode()


@st.composite
def choices(draw: Any) -> dict[str, Any]:
    """Chunks of a chat, some with reasoning by one of its names, some that tell only the usage."""
    if draw(st.integers(0, 3)) == 0:
        return {
            "choices": [],
            "usage": draw(st.sampled_from([None, {"prompt_tokens": 3, "completion_tokens": 9}])),
        }
    delta: dict[str, Any] = {"content": draw(letters), "tool_calls": draw(json_values)}
    for word in draw(st.lists(st.sampled_from(WORDS), max_size=2)):
        delta[word] = draw(st.one_of(letters, json_values))
    choice = {"index": 0, "delta": delta, "logprobs": draw(json_values)}
    return {"id": "c", "choices": [choice], "more": draw(json_values)}


def both(thoughts: Thoughts) -> Callable[[bytes], bytes]:
    return lambda event: own_usage(thoughts.event(event))


@settings(max_examples=400, deadline=None)
@given(streams(choices()), st.lists(st.integers(0, 5000), max_size=12))
@example(b'data: {"choices":[],"usage":{"a":1}}\r\n\r\n\n\ndata: [DONE]\n\n', [36, 37, 38, 39, 40, 41])
def test_however_a_stream_is_cut_the_same_bytes_go_out(data: bytes, at: list[int]) -> None:
    assert through(lambda event: event, cut(data, at)) == data
    whole = through(both(Thoughts("chat")), [data])
    assert through(both(Thoughts("chat")), cut(data, at)) == whole
    assert through(both(Thoughts("chat")), cut(data, list(range(len(data))))) == whole


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=5))
def test_any_bytes_pass_a_cutter_that_changes_nothing(data: bytes, at: list[int]) -> None:
    end = b"\n\n"
    assert through(lambda event: event, [*cut(data, at), end]) == data + end


def test_a_long_event_is_held_back_once_not_once_for_each_piece() -> None:
    event = (
        b"data: " + json.dumps({"choices": [{"delta": {"reasoning": "r" * 9_000_000}}]}).encode() + b"\n\n"
    )
    cutter = EventCutter(Thoughts("chat").event)
    out = [cutter.feed(event[at : at + 65_536]) for at in range(0, len(event), 65_536)]
    assert not any(out[:-1])
    assert json.loads(data_of(out[-1]) or b"") == {"choices": [{"delta": {}}]}


def data(stream: bytes) -> list[Any]:
    told = [data_of(event + b"\n\n") for event in stream.replace(b"\r\n", b"\n").split(b"\n\n")]
    return [json.loads(one) for one in told if one and one != b"[DONE]"]


@settings(max_examples=400, deadline=None)
@given(streams(choices()))
def test_of_a_chat_nothing_is_lost_but_reasoning_and_the_usage_that_was_not_asked_for(stream: bytes) -> None:
    expected = []
    for event in data(stream):
        if event["choices"] == [] and isinstance(event["usage"], dict):
            continue
        for choice in event["choices"]:
            said = [choice["delta"].pop(word) for word in WORDS if word in choice["delta"]]
            if any(one is not None for one in said):
                choice["logprobs"] = None
        expected.append(event)
    found = data(through(both(Thoughts("chat")), [stream]))
    for event in found:  # a chunk in which every name of reasoning is null passes as it is
        for choice in event["choices"]:
            assert all(choice["delta"].pop(word, None) is None for word in WORDS)
    assert found == expected


EVENTS: list[dict[str, Any]] = [
    {"type": "message_start", "message": {"content": [], "usage": {"input_tokens": 3}}},
    {
        "type": "content_block_start",
        "index": 0,
        "content_block": {"type": "thinking", "thinking": "", "signature": ""},
    },
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "2+2"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "s"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "4"}},
    {"type": "ping"},
    {"type": "content_block_stop", "index": 1},
    {"type": "content_block_start", "index": 2, "content_block": {"type": "redacted_thinking", "data": "x"}},
    {"type": "content_block_stop", "index": 2},
    {
        "type": "content_block_start",
        "index": 3,
        "content_block": {"type": "tool_use", "name": "thinking", "input": {}},
    },
    {"type": "content_block_stop", "index": 3},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9}},
    {"type": "message_stop"},
]


def told(events: list[dict[str, Any]]) -> bytes:
    return b"".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in events)


@given(st.lists(st.integers(0, 5000), max_size=10))
def test_anthropics_blocks_move_up_where_thinking_was(at: list[int]) -> None:
    out = data(through(Thoughts("messages").event, cut(told(EVENTS), at)))
    kept = [event for event in EVENTS if event.get("index") not in (0, 2)]
    assert out == [
        {**event, "index": {1: 0, 3: 1}[event["index"]]} if "index" in event else event for event in kept
    ]


REASONING = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "short"}],
             "content": [{"type": "reasoning_text", "text": "2+2"}], "encrypted_content": "e"}  # fmt: skip
BARE = {name: value for name, value in REASONING.items() if name != "content"}
SAID = {"type": "message", "id": "msg_1", "content": [{"type": "output_text", "text": "about reasoning"}]}
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "output": [REASONING, SAID],
    "reasoning": {"effort": "high"},
}


@pytest.mark.parametrize(
    ("event", "left"),
    [
        ({"type": "response.reasoning_text.delta", "delta": "2+2"}, None),
        ({"type": "response.reasoning_text.done", "text": "2+2"}, None),
        ({"type": "response.reasoning_part.added", "part": {"text": "2+2"}}, None),
        ({"type": "response.content_part.done", "part": {"type": "reasoning_text", "text": "2+2"}}, None),
        ({"type": "response.reasoning_summary_text.delta", "delta": "short"}, "same"),
        ({"type": "response.reasoning_summary_part.added", "part": {"type": "summary_text"}}, "same"),
        ({"type": "response.content_part.done", "part": {"type": "output_text", "text": "reasoning"}}, "same"),
        ({"type": "response.output_text.delta", "delta": "reasoning"}, "same"),
        ({"type": "response.output_item.done", "item": REASONING}, {"type": "response.output_item.done", "item": BARE}),
        ({"type": "response.output_item.done", "item": SAID}, "same"),
        ({"type": "response.completed", "response": RESPONSE},
         {"type": "response.completed", "response": {**RESPONSE, "output": [BARE, SAID]}}),
    ],
)  # fmt: skip
def test_of_openais_responses_summaries_stay(event: dict[str, Any], left: Any) -> None:
    raw = told([event])
    out = Thoughts("responses").event(raw)
    if left == "same":
        assert out == raw
    else:
        assert data(out) == ([] if left is None else [left])


def answered(message: dict[str, Any], logprobs: Any = None) -> dict[str, Any]:
    return {"choices": [{"message": message, "logprobs": logprobs}]}


@pytest.mark.parametrize(
    ("endpoint", "body", "left"),
    [
        ("responses", RESPONSE, {**RESPONSE, "output": [BARE, SAID]}),
        ("responses", {"object": "list", "data": [REASONING, SAID]}, {"object": "list", "data": [BARE, SAID]}),
        ("messages", {"content": [{"type": "thinking", "thinking": "2+2"}, {"type": "text", "text": "4"}], "usage": {}},
         {"content": [{"type": "text", "text": "4"}], "usage": {}}),
        ("chat", answered({"content": [{"type": "thinking", "thinking": []}, {"type": "text", "text": "4"}]}),
         answered({"content": [{"type": "text", "text": "4"}]})),
        ("chat", answered({"content": "4", "provider_specific_fields": {"reasoning_content": "2+2", "a": 1}}, 1),
         answered({"content": "4", "provider_specific_fields": {"a": 1}})),
        ("chat", {"choices": [{"message": {"content": "half \ud83d", "reasoning": "2+2"}}], "x": float("nan")},
         {"choices": [{"message": {"content": "half \ud83d"}}], "x": None}),
    ],
)  # fmt: skip
def test_bodies_without_reasoning(endpoint: str, body: dict[str, Any], left: dict[str, Any]) -> None:
    assert json.loads(Thoughts(endpoint).body(json.dumps(body).encode()) or b"") == left


@settings(max_examples=200, deadline=None)
@given(
    json_values.filter(lambda value: value is not None), st.sampled_from(["chat", "messages", "responses"])
)
def test_any_json_passes_as_it_is(value: Any, endpoint: str) -> None:
    body = json.dumps(value).encode()
    assert Thoughts(endpoint).body(body) == body
    event = b"event: reasoning\ndata: " + body + b"\n\n"
    assert Thoughts(endpoint).event(event) == event


class Head:
    status = 200

    def __init__(self, **fields: str) -> None:
        self._fields = {name.replace("_", "-").encode(): value.encode() for name, value in fields.items()}

    def get(self, name: bytes) -> bytes | None:
        return self._fields.get(name)


@pytest.mark.parametrize("kind", ["application/json", "text/plain"])
def test_a_body_that_is_no_json_is_lost_to_nobody(kind: str) -> None:
    answer = Answering(Head(content_type=kind), "chat", hide_usage=False, hide_reasoning=True, length=12)
    pieces = (b"no}", b" json", b" at}")
    out = [answer.feed(piece) for piece in pieces]
    assert (
        b"".join(came if goes is None else goes for came, goes in zip(pieces, out, strict=True))
        == b"no} json at}"
    )


def test_what_is_packed_cant_be_read() -> None:
    packed = Head(content_type="application/json", content_encoding="gzip")
    assert Answering(packed, "chat", hide_usage=False, hide_reasoning=True).sealed
    assert not Answering(packed, "chat", hide_usage=False, hide_reasoning=False).sealed
    plain = Head(content_type="application/json", content_encoding="Identity")
    assert not Answering(plain, "chat", hide_usage=False, hide_reasoning=True).sealed


@settings(max_examples=400, deadline=None)
@given(
    st.booleans(),
    st.booleans(),
    streams(st.one_of(choices(), choices().map(lambda told: {"usage": None, **told}))),
    st.lists(st.integers(0, 5000), max_size=12),
)
@example(
    True,
    False,
    b'data: {"choices":[{}],"usage":null}\n\ndata: {"choices":[],"usage":{"prompt_tokens":3}}\n\ndata: [DONE]\n\n',
    [],
)
def test_whole_events_that_pass_at_once_pass_as_one_by_one(
    usage: bool, reasoning: bool, data: bytes, at: list[int]
) -> None:
    """Of a piece of a stream only what comes behind the first event that is looked for is cut into events."""

    def change(event: bytes) -> bytes:
        event = thoughts.event(event) if reasoning else event
        return own_usage(event) if usage else event

    def fed(pieces: list[bytes]) -> tuple[bytes, Any]:
        answer = Answering(
            Head(content_type="text/event-stream"), "chat", hide_usage=usage, hide_reasoning=reasoning
        )
        out = [piece if passed is None else passed for piece in pieces for passed in [answer.feed(piece)]]
        return b"".join(out), answer.usage

    thoughts, data = Thoughts("chat"), data + b"\n\n"
    wanted = through(change, [data])
    bytewise = fed([data[n : n + 1] for n in range(len(data))])
    assert fed(cut(data, at)) == bytewise
    assert fed([data]) == (wanted, bytewise[1])


def counted(endpoint: str, stream: bool, *parts: dict[str, Any]) -> tuple[int, int] | None:
    head = Head(content_type="text/event-stream" if stream else "application/json")
    answer = Answering(head, endpoint, hide_usage=False, hide_reasoning=False)
    for part in parts:
        body = json.dumps(part).encode()
        answer.feed(b"data: " + body + b"\n\n" if stream else body)
    return answer.usage


FAKE = [{"type": "function", "parameters": {"properties": {"usage": {
    "prompt_tokens": 0, "completion_tokens": 0, "input_tokens": 0, "output_tokens": 0}}}}]  # fmt: skip


def test_a_clients_own_words_that_come_back_lower_no_count() -> None:
    """OpenAI's responses repeat the tools of the request, whose schemas may speak of usage."""
    used = {"input_tokens": 500, "output_tokens": 70}
    created = {"type": "response.created", "response": {"tools": FAKE, "usage": None}}
    completed = {"type": "response.completed", "response": {"tools": FAKE, "usage": used}}
    behind = {"type": "response.completed", "response": {"usage": used, "tools": FAKE}}
    assert counted("responses", True, created, completed) == (500, 70)
    assert counted("responses", True, created, behind) == (500, 70)
    assert counted("responses", False, {"tools": FAKE, "usage": used}) == (500, 70)
    block = {"type": "tool_use", "input": FAKE[0]["parameters"]}
    started = {"type": "content_block_start", "index": 0, "content_block": block}
    used = {"input_tokens": 500, "output_tokens": 1, "cache_read_input_tokens": 20}
    message = {"type": "message_start", "message": {"usage": used}}
    ended = {"type": "message_delta", "usage": {"output_tokens": 70}}
    assert counted("messages", True, message, started, ended) == (520, 70)
    assert counted("chat", True, {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}) == (
        5,
        2,
    )
    assert counted("embeddings", False, {"data": [], "usage": {"prompt_tokens": 5}}) == (5, 0)
    assert counted("chat", False, {"usage": {"input_tokens": 5, "output_tokens": 2}}) == (5, 2)
    assert counted("chat", False, {"choices": []}) is None


def test_a_body_that_is_too_long_to_hold_is_searched() -> None:
    usage = WholeUsage()
    usage.feed(b'{"data": ["')
    for _ in range(20):
        usage.feed(b"x" * (1 << 20))
    usage.feed(b'"], "usage": {"prompt_tokens": 7, "completion_tokens": 0}}')
    assert usage.found == {"prompt_tokens": 7, "completion_tokens": 0}
    assert sum(map(len, usage._pieces)) == 0


def test_a_bodys_usage_is_its_own_in_however_many_pieces_it_comes() -> None:
    within = b'{"usage": {"prompt_tokens": %d}}'
    body = b'{"tools": [%b], "usage": {"prompt_tokens": 7}, "x": %b}' % (within % 1, within % 2)
    for cut in range(len(body)):
        usage = WholeUsage()
        usage.feed(body[:cut])
        usage.feed(body[cut:])
        assert usage.found == {"prompt_tokens": 7}
