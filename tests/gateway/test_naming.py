"""Names of objects in bodies are found however they are written, and a client's own words aren't taken for any."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headwater.gateway.stages.naming import UNREADABLE, named_in

CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/v1/messages", "/v1/responses"


def said(*content: Any) -> list[Any]:
    return [{"role": "user", "content": list(content)}]


FILE = {"type": "file", "file": {"file_id": "f-1"}}
SOURCE = {"type": "document", "source": {"type": "file", "file_id": "f-1"}}
CODE = {"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["f-1", "f-2"]}}


@pytest.mark.parametrize(
    ("path", "body", "names"),
    [
        (CHAT, {"messages": said(FILE)}, ["f-1"]),
        (MESSAGES, {"messages": said(SOURCE, {"type": "container_upload", "file_id": "f-2"})}, ["f-1", "f-2"]),
        (MESSAGES, {"messages": said({"type": "tool_result", "content": [SOURCE]})}, ["f-1"]),
        (MESSAGES, {"container": "c-1"}, ["c-1"]),
        (MESSAGES, {"container": {"id": "c-1", "skills": []}}, ["c-1"]),
        (RESPONSES, {"previous_response_id": "r-1", "conversation": {"id": "v-1"}}, ["r-1", "v-1"]),
        (RESPONSES, {"previous_response_id": None, "conversation": "v-1"}, ["v-1"]),
        (RESPONSES, {"input": said({"type": "input_image", "file_id": "f-1"})}, ["f-1"]),
        (RESPONSES, {"tools": [CODE, {"type": "code_interpreter", "container": "c-1"}]}, ["f-1", "f-2", "c-1"]),
        (RESPONSES, {"tools": [{"type": "file_search", "vector_store_ids": ["vs-1"]}]}, ["vs-1"]),
        (RESPONSES, {"input": [{"type": "item_reference", "id": "i-1"}, {"id": "i-2"}]}, ["i-1", "i-2"]),
        (RESPONSES, {"input": [{"type": "reasoning", "id": "i-1", "summary": []}]}, ["i-1"]),
        (RESPONSES, {"input": [{"type": "image_generation_call", "id": "i-1"}]}, ["i-1"]),
        (RESPONSES, {"input": [{"type": "reasoning", "id": "i-1", "encrypted_content": "x"}]}, []),
        (RESPONSES, {"input": [{"type": "message", "role": "assistant", "id": "i-1", "content": []}]}, []),
        (RESPONSES, {"input": [{"type": "function_call", "id": "i-1", "call_id": "c", "arguments": "{}"}]}, []),
        (RESPONSES, {"type": "tool_use", "input": [{"type": "item_reference", "id": "i-1"}]}, ["i-1"]),
        (RESPONSES, {"input": [{"type": "a_tool_use", "input": [{"file_id": "f-1"}]}]}, ["f-1"]),
        # What a client's own program means by these words is nothing to the server.
        (MESSAGES, {"messages": said({"type": "tool_use", "input": {"file_id": "f-1", "container": "nginx"}})}, []),
        (MESSAGES, {"tools": [{"input_schema": {"properties": {"file_id": {"default": "f-1"}}, "file_id": "x"}}]}, []),
        (CHAT, {"messages": [{"tool_calls": [{"function": {"arguments": '{"file_id": "f-1"}'}}]}]}, []),
        (CHAT, {"messages": said({"type": "text", "text": '{"file_id": "f-1"}'})}, []),
        (RESPONSES, {"metadata": {"file_id": "f-1"}, "input": "file_id"}, []),
    ],
)  # fmt: skip
def test_known_bodies(path: str, body: dict[str, Any], names: list[str]) -> None:
    assert sorted(named_in(json.dumps(body).encode(), path)) == sorted(names)


@pytest.mark.parametrize(
    "body",
    [
        b'{"messages":[{"content":[{"type":"file","file":{"file\\u005fid":"f-1"}}]}]}',
        b'{"messages":[{"content":[{"type":"file","file":{"file_id":"f\\u002d1"}}]}]}',
        b'{"messages":[{"content":[{"file":{"file_id":"f-1","file_id":"other"}}]}]}',
        b'{"messages":[{"content":[{"file":{"file_id":"other","file_id":"f-1"}}]}]}',
        b'{"x":1e999,"messages":[{"content":[{"file":{"file_id":"f-1"}}]}]}',
        b'{"x":"\\ud800","messages":[{"content":[{"file":{"file_id":"f-1"}}]}]}',
        b'{"x":"\xff","messages":[{"content":[{"file":{"file_id":"f-1"}}]}]}',
        b'{"x":NaN,"messages":[{"content":[{"file":{"file_id":"f-1"}}]}]}',
        b'{"messages":[{"content":[{"type":"tool_use","type":"file","input":{"file_id":"f-1"}}]}]}',
    ],
)
def test_what_hides_a_name_hides_it_from_nobody(body: bytes) -> None:
    assert "f-1" in named_in(body, CHAT)


def test_a_body_that_names_too_many_names_nobodys() -> None:
    named = [{"type": "item_reference", "id": f"i-{at}"} for at in range(1025)]
    assert named_in(json.dumps({"input": named}).encode()) == [UNREADABLE]
    assert len(named_in(json.dumps({"input": named[1:]}).encode())) == 1024


@pytest.mark.parametrize("body", [b'{"file_id":', b'{"file_id":"f-1","a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
                                  b'{"file_id":"f-1","a":' + b"1" * 5000 + b"}"])  # fmt: skip
def test_where_names_cant_be_read_nobody_owns_them(body: bytes) -> None:
    assert named_in(body, CHAT) == [UNREADABLE]


def escaped(text: str, draws: list[int]) -> str:
    return "".join(
        f"\\u{ord(one):04x}" if draws and draws[at % len(draws)] else one for at, one in enumerate(text)
    )


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["file_id", "file_ids", "container", "conversation"]),
    st.text(alphabet="abc-_0", min_size=1, max_size=9).filter(lambda name: name != "auto"),
    st.lists(st.integers(0, 1), max_size=4),
    st.lists(st.sampled_from(["content", "file", "x", "list"]), max_size=5),
)
@example("file_id", "f", [1], [])
def test_at_any_depth_and_under_any_escape(name: str, value: str, draws: list[int], way: list[str]) -> None:
    inner = f'{{"{escaped(name, draws)}":"{escaped(value, draws[::-1])}"}}'
    for step in way:
        inner = f"[{inner}]" if step == "list" else f'{{"{step}":{inner}}}'
    body = f'{{"messages":{inner}}}'.encode()
    assert named_in(body, CHAT if name.startswith("file") else MESSAGES) == [value]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80), st.sampled_from([CHAT, MESSAGES, RESPONSES]))
def test_any_bytes(data: bytes, path: str) -> None:
    assert isinstance(named_in(b'{"file_id":' + data, path), list)
