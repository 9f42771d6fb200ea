"""One extraction of prompts for all readers: the shapes of chat messages that are in use."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.exchange.readers.messages import Turns, answer, text_of, turns


def user(text: object) -> dict[str, object]:
    return {"role": "user", "content": text}


def assistant(text: object) -> dict[str, object]:
    return {"role": "assistant", "content": text}


@pytest.mark.parametrize(
    ("messages", "prompt", "turn"),
    [
        ([user("a")], "a", 0),
        ([user("a"), user("b")], "a\nb", 0),
        ([user("a"), assistant("x"), user("b")], "b", 1),
        ([user("a"), assistant("x"), user("b"), {"role": "system", "content": "s"}, user("c")], "b\nc", 1),
        # an agent's step and a prefilled answer keep the turn that started them
        ([user("a"), assistant(None), {"role": "tool", "content": "42"}], "a", 0),
        ([user("a"), assistant("Sure, ")], "a", 0),
        ([user("")], "", 0),
        ([assistant("x")], None, None),
        ([], None, None),
        ("plain text", "plain text", 0),
        ('{"answer": "in JSON"}', '{"answer": "in JSON"}', 0),
        ('["a", "b"]', '["a", "b"]', 0),
        ("[unclosed", "[unclosed", 0),
        (json.dumps([user("a")]), "a", 0),
        ({"messages": [user("a")]}, "a", 0),
        (user("a"), "a", 0),
        (["one", "two"], "one\ntwo", 0),
        ([101, 102], None, None),
        (
            [
                {"role": "human", "content": "a"},
                {"role": "ai", "content": "x"},
                {"type": "human", "content": "b"},
            ],
            "b",
            1,
        ),
        ([{"role": "user", "parts": [{"text": "a"}]}, {"role": "model", "parts": [{"text": "x"}]}], "a", 0),
        ([{"role": "user", "parts": [{"type": "text", "content": "a"}]}], "a", 0),
        (None, None, None),
        (7, None, None),
    ],
)
def test_newest_user_turn(messages: object, prompt: str | None, turn: int | None) -> None:
    found = turns(messages)
    assert (found.prompt, found.turn) == (prompt, turn)


def test_responses_items() -> None:
    items = [
        {"role": "developer", "content": "be brief"},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a"}]},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hidden"}]},
        {"type": "function_call", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "output": "42"},
        {
            "role": "user",
            "content": [{"type": "input_text", "text": "b"}, {"type": "input_image", "image_url": "x"}],
        },
    ]
    assert turns(items, system="top") == Turns("b\n[image]", "top\nbe brief", 1)


def test_anthropic_blocks() -> None:
    system = [
        {"type": "text", "text": "s1", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "s2"},
    ]
    messages = [
        user(
            [
                {"type": "text", "text": "look"},
                {"type": "image", "source": {"type": "base64", "data": "AAAA"}},
            ]
        ),
        assistant([{"type": "thinking", "thinking": "hm"}, {"type": "tool_use", "id": "t", "input": {}}]),
        user([{"type": "tool_result", "tool_use_id": "t", "content": "file contents"}]),
    ]
    assert turns(messages, system=system) == Turns("look\n[image]", "s1\ns2", 0)


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ({"type": "image_url", "image_url": {"url": "data:…"}}, "[image]"),
        ({"type": "input_audio", "input_audio": {"data": "…"}}, "[audio]"),
        ({"type": "file", "file": {"file_id": "f"}}, "[file]"),
        ({"type": "document", "source": {"type": "text", "data": "long"}}, "[file]"),
        ({"type": "blob", "modality": "image", "content": "QUJD"}, "[image]"),
        ({"type": "video_url", "video_url": {}}, "[video]"),
        ({"type": "tool_result", "content": "x"}, None),
        ({"type": "tool_call", "name": "f"}, None),
        ({"type": "redacted_thinking", "data": "x"}, None),
        ({"inline_data": {"mime_type": "image/png"}}, "[image]"),
        ({"type": "output_text", "text": "x", "annotations": []}, "x"),
        ({"unknown": 1}, None),
        (None, None),
        (3, None),
    ],
)
def test_parts(part: object, text: str | None) -> None:
    assert text_of([part]) == text


def test_answers() -> None:
    assert answer([assistant("a"), {"role": "tool", "content": "t"}, assistant("b")]) == "a\nb"
    assert answer({"role": "assistant", "content": None}) is None
    assert answer('{"json": "mode"}') == '{"json": "mode"}'
    assert (
        answer(
            [
                {"type": "reasoning"},
                {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "x"}]},
            ]
        )
        == "x"
    )


def test_json_text_of_too_many_values_stays_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each value is an object in memory, in a cell as in a record of its own."""
    text = json.dumps([user("a"), *[user(str(number)) for number in range(9)]])
    assert turns(text).turn == 0
    assert turns(text).prompt != text
    monkeypatch.setattr("headwater.exchange.decoding._MOST_VALUES", 20)
    assert turns(text).prompt == text
    assert turns([user(text)]).prompt == text


def test_nesting_has_an_end() -> None:
    content: object = "deep"
    for _ in range(5000):
        content = [content]
    assert text_of(content) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["role", "content", "type", "text", "parts", "messages", "modality"])
            | st.text(max_size=3),
            inner | st.sampled_from(["user", "assistant", "system", "text", "image", "tool_result"]),
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(json_values, json_values)
def test_anything_gives_texts_or_nothing(messages: object, system: object) -> None:
    found = turns(messages, system=system)
    assert isinstance(found.prompt, str | None)
    assert isinstance(found.system, str | None)
    assert (found.turn is None) == (found.prompt is None)
    assert isinstance(answer(messages), str | None)
    assert turns(json.dumps(messages), system=system).prompt is not None or found.prompt is None


@pytest.mark.parametrize(
    ("messages", "previous"),
    [
        ([user("a")], None),
        ([user("a"), assistant("x"), user("b")], "x"),
        ([user("a"), assistant("x"), user("b"), assistant("y"), user("c")], "y"),
        # an answer in parts, one after another, is one answer
        ([user("a"), assistant("x"), assistant("y"), user("b")], "x\ny"),
        # an agent's step is an answer too; what stands in the model's mouth at the end is none
        ([user("a"), assistant("let me look"), {"role": "tool", "content": "42"}], "let me look"),
        ([user("a"), assistant("x"), user("b"), assistant("Sure, ")], "x"),
        ([user("a"), assistant("Sure, ")], None),
        ([user("a"), assistant(None), user("b")], None),
        ([{"role": "user", "content": "a"}, {"role": "model", "parts": [{"text": "x"}]}, user("b")], "x"),
        ([assistant([{"type": "thinking", "thinking": "t"}, {"type": "text", "text": "x"}]), user("b")], "x"),
        ("plain text", None),
        (None, None),
    ],
)
def test_the_answer_that_is_carried_back(messages: object, previous: str | None) -> None:
    assert turns(messages).previous == previous


def test_what_is_carried_back_is_what_was_answered() -> None:
    said = [
        {"type": "text", "text": "One."},
        {"type": "tool_use", "name": "f"},
        {"type": "text", "text": "Two."},
    ]
    assert turns([user("a"), assistant(said), user("b")]).previous == answer(said)
