"""What bodies ask for, told right or refused; and what goes on is what came, but for what was granted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headwater.exchange import UnreadableRequestError, read_request, write_request

ENDPOINTS = ("chat", "completion", "responses", "messages", "embeddings")
LIMITS = {
    "chat": "max_tokens",
    "completion": "max_tokens",
    "responses": "max_output_tokens",
    "messages": "max_tokens",
}
LENGTHS = ("max_tokens", "max_completion_tokens", "max_output_tokens", "n_predict", "max_new_tokens")
PROBED = ("logprobs", "top_logprobs", "prompt_logprobs", "n_probs", "return_logprob", "return_hidden_states")
UNPARTED = ("reasoning_format", "separate_reasoning", "return_token_ids")
NAMES = (
    *("model", "stream", "stream_options", "n", "best_of", "prompt", "prompt_embeds", "messages", "input", "thinking"),
    *("include", "background", "store", "temperature", "Stream", "MAX_TOKENS", "max_toKens", "logprob\u017f"),
    *LENGTHS, *PROBED, *UNPARTED,
)  # fmt: skip

INNER = ("type", "content", "image_url", "source", "url", "data", "budget_tokens", "include_usage")
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 5000), st.integers(-(10**30), 10**30), st.text(max_size=8),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["image_url", "data:image/png;base64,AA", "enabled"]),
)  # fmt: skip
names = st.one_of(st.sampled_from(INNER), st.text(max_size=5))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(names, inner, max_size=4)),
    max_leaves=12,
)
pairs = st.lists(st.tuples(st.one_of(st.sampled_from(NAMES), st.text(max_size=6)), values), max_size=10)


def written(fields: list[tuple[str, Any]], draws: list[int]) -> bytes:
    """A body with these names in this order, some with escapes for plain letters, some with blanks around them."""
    told = []
    for at, (name, value) in enumerate(fields):
        draw = draws[at % len(draws)] if draws else 0
        key = json.dumps(name, ensure_ascii=bool(draw & 1))
        if draw & 2 and name[:1].isalnum() and name[0].isascii():
            key = f'"\\u{ord(name[0]):04X}{key[2:]}'
        blank = " \t\r\n"[: draw >> 2 & 3]
        told.append(f"{blank}{key}{blank}:{blank}{json.dumps(value, ensure_ascii=bool(draw & 1))}{blank}")
    return ("{" + ",".join(told) + "}").encode("utf-8", "surrogatepass")


def once(held: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len({name for name, _ in held}) == len(held)
    return dict(held)


@settings(max_examples=600, deadline=None)
@given(
    pairs,
    st.lists(st.integers(0, 15), max_size=5),
    st.sampled_from(ENDPOINTS),
    st.one_of(st.none(), st.integers(0, 9999)),
    st.sets(st.sampled_from(("logprobs", "raw_reasoning"))),
)
@example(
    [("n_predict", 7), ("max_tokens", 5), ("stream", True), ("stream_options", None)],
    [2],
    "chat",
    None,
    set(),
)
@example([("max_tokens", 1 << 40)], [], "messages", 5, set())
@example(
    [("thinking", {"type": "enabled", "budget_tokens": 4000}), ("max_tokens", 5000)],
    [],
    "messages",
    3000,
    set(),
)
def test_any_object_goes_on_as_it_came_but_for_what_was_granted(
    fields: list[tuple[str, Any]], draws: list[int], endpoint: str, granted: int | None, drop: set[str]
) -> None:
    body = written([("model", "m"), *fields], draws)
    try:
        asked = read_request(body, endpoint)
    except UnreadableRequestError:
        return
    stream, tells = asked.stream, asked.tells_usage
    if endpoint == "embeddings":
        granted = None
    came = json.loads(body)
    goes = json.loads(write_request(asked, max_tokens=granted, drop=drop), object_pairs_hook=_top())
    for name, value in came.items():
        if name not in (*LENGTHS, *PROBED, *UNPARTED, "stream_options", "thinking", "include"):
            assert goes[name] == value
    assert goes.keys() - came.keys() <= {"stream_options", LIMITS.get(endpoint), "max_completion_tokens"}
    if endpoint == "embeddings":
        assert goes.keys() >= came.keys() - (set(PROBED) if "logprobs" in drop else set()) - set(UNPARTED)
        return
    assert not goes.keys() & {"n_predict", "max_new_tokens"}
    lengths = [goes[name] for name in LENGTHS if goes.get(name) is not None and (name in _own(endpoint))]
    if granted is not None:
        assert lengths
        assert all(length == granted for length in lengths)
    else:
        assert min(lengths, default=None) == asked.output_tokens
    if stream and endpoint in ("chat", "completion"):
        options = came.get("stream_options")
        assert goes["stream_options"] == {
            **(options if isinstance(options, dict) else {}),
            "include_usage": True,
        }
        assert tells is (isinstance(options, dict) and options.get("include_usage") is True)
    if "logprobs" in drop:
        assert not goes.keys() & set(PROBED)
    if "raw_reasoning" in drop:
        assert not goes.keys() & set(UNPARTED)
        assert endpoint != "messages" or "thinking" not in goes


def _own(endpoint: str) -> tuple[str, ...]:
    return ("max_tokens", "max_completion_tokens") if endpoint == "chat" else (LIMITS[endpoint],)


def _top() -> Any:
    """A hook that holds every object to names that stand once: bodies made from Python's have none twice within."""
    return once


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60), st.sampled_from(ENDPOINTS))
@example(b'{"a":' + b"[" * 100_000, "chat")
@example(b'{"a":"\\ud800"}', "chat")
@example(b'{"a":"\xff"}', "chat")
@example(b'{"messages":[{"type":"image","x":1e999}]}', "chat")
@example(b"\xef\xbb\xbf{}", "messages")
@example("{}".encode("utf-16"), "messages")
def test_any_bytes_are_read_or_refused(data: bytes, endpoint: str) -> None:
    try:
        asked = read_request(data, endpoint)
    except UnreadableRequestError:
        return
    json.loads(write_request(asked, max_tokens=None).decode("utf-8"))


@pytest.mark.parametrize(
    ("endpoint", "body", "said"),
    [
        ("chat", {"max_tokens": 5, "max_completion_tokens": 3, "n": 4}, {"output_tokens": 3, "answers": 4}),
        ("chat", {"max_tokens": None}, {"output_tokens": None, "answers": 1, "logprobs": False}),
        ("chat", {"max_tokens": 5, "n_predict": -1}, {"output_tokens": 5}),
        ("chat", {"logprobs": True}, {"logprobs": True}),
        ("chat", {"logprobs": False, "top_logprobs": 0}, {"logprobs": False}),
        ("chat", {"prompt_logprobs": 0}, {"logprobs": True}),
        ("chat", {"n_probs": 3}, {"logprobs": True}),
        ("chat", {"return_hidden_states": True}, {"logprobs": True}),
        ("chat", {"stream": True}, {"stream": True, "tells_usage": False}),
        ("chat", {"stream": True, "stream_options": {"include_usage": True}}, {"tells_usage": True}),
        ("completion", {"prompt": "a"}, {"answers": 1}),
        ("completion", {"prompt": ["a", "b", "c"], "n": 2, "best_of": 3}, {"answers": 9}),
        ("completion", {"prompt": [1, 2, 3], "best_of": 3}, {"answers": 3}),
        ("completion", {"prompt": [[1, 2], [3]]}, {"answers": 2}),
        ("completion", {"prompt": [5, "a", [1], "b"]}, {"answers": 3}),
        ("completion", {"prompt": None, "prompt_embeds": ["QQ==", "QQ=="]}, {"answers": 2}),
        ("completion", {"logprobs": 0}, {"logprobs": True}),
        ("completion", {"logprobs": None}, {"logprobs": False}),
        ("responses", {"max_output_tokens": 9, "background": True}, {"output_tokens": 9, "background": True}),
        ("responses", {"include": ["message.output_text.logprobs"]}, {"logprobs": True}),
        ("responses", {"top_logprobs": 0, "include": []}, {"logprobs": False}),
        ("messages", {"thinking": {"type": "enabled"}}, {"output_tokens": None, "raw_reasoning": True}),
        ("messages", {"thinking": {"type": "disabled"}}, {"raw_reasoning": False}),
        ("embeddings", {"input": ["a", "b"], "max_tokens": 5}, {"output_tokens": None, "answers": 1}),
    ],
)  # fmt: skip
def test_what_bodies_ask_for(endpoint: str, body: dict[str, Any], said: dict[str, Any]) -> None:
    asked = read_request(json.dumps({"model": "m", **body}).encode(), endpoint)
    assert {name: getattr(asked, name) for name in said} == said


@pytest.mark.parametrize(
    ("endpoint", "body", "field"),
    [
        ("chat", {"max_tokens": "5"}, "max_tokens"),
        ("chat", {"max_tokens": -1}, "max_tokens"),
        ("chat", {"n_predict": -1}, "max_tokens"),
        ("chat", {"max_tokens": 5, "Max_Tokens": 50_000}, "max_tokens"),
        ("chat", {"max_token\u017f": 50_000}, "max_tokens"),
        ("chat", {"Stream": True}, "stream"),
        ("chat", {"n": 0}, "n"),
        ("chat", {"n": 1.5}, "n"),
        ("completion", {"best_of": 10_000}, "best_of"),
        ("chat", {"stream": "true"}, "stream"),
        ("chat", {"model": 5}, "model"),
        ("responses", {"Previous_Response_Id": "resp_1"}, "previous_response_id"),
    ],
)
def test_what_has_no_clear_meaning_is_refused_by_its_name(
    endpoint: str, body: dict[str, Any], field: str
) -> None:
    with pytest.raises(UnreadableRequestError) as refused:
        read_request(json.dumps({"model": "m", **body}).encode(), endpoint)
    assert refused.value.where.field == field


PICTURE = "data:image/png;base64," + "A" * 10_000
TEXT = "A" * 10_000


SHOT = {"type": "computer_screenshot", "image_url": PICTURE}
GIVEN = {"type": "base64", "media_type": "image/png", "data": TEXT}
RESULT = {"type": "tool_result", "content": [{"type": "image", "source": GIVEN}] * 3}


def shown(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def said(*content: Any) -> list[Any]:
    return [{"role": "user", "content": list(content)}]


@pytest.mark.parametrize(
    ("endpoint", "body", "images", "text"),
    [
        ("chat", {"messages": said(shown(PICTURE))}, 1, False),
        ("chat", {"messages": said(shown("https://a/b"))}, 1, False),
        ("chat", {"messages": said(shown(TEXT))}, 1, True),
        ("chat", {"messages": [], "tools": [{"type": "image_url", "image_url": PICTURE}]}, 0, True),
        ("chat", {"messages": said({"type": "text", "text": PICTURE})}, 0, True),
        ("chat", {"messages": said({"type": "file", "file": {"file_id": "file-1"}})}, 1, False),
        ("responses", {"input": said({"type": "input_image", "image_url": PICTURE})}, 1, False),
        ("responses", {"input": [{"type": "computer_call_output", "output": SHOT}]}, 1, False),
        ("messages", {"messages": said(RESULT)}, 3, False),
        ("messages", {"messages": said({"type": "document", "source": GIVEN})}, 1, True),
    ],
)
def test_a_pictures_base64_is_no_text_where_a_server_takes_it_for_a_picture(
    endpoint: str, body: dict[str, Any], images: int, text: bool
) -> None:
    body = {"model": "m", **body}
    asked = read_request(json.dumps(body).encode(), endpoint)
    assert asked.images == images
    assert (asked.text_bytes > 9_000) is text
    escaped = json.dumps(body).replace('"image', '"\\u0069mage').replace('"type"', '"t\\u0079pe"')
    assert read_request(escaped.encode(), endpoint).images == images


@pytest.mark.parametrize(
    ("model", "field"),
    [("gpt-5.1", "max_completion_tokens"), ("openai/o3-mini", "max_completion_tokens"), ("o1", "max_completion_tokens"),
     ("gpt-oss-120b", "max_tokens"), ("gpt-4o", "max_tokens"), ("olmo-2", "max_tokens")],
)  # fmt: skip
def test_a_length_is_written_where_the_model_takes_it(model: str, field: str) -> None:
    body = json.loads(
        write_request(read_request(json.dumps({"model": model}).encode(), "chat"), max_tokens=9)
    )
    assert body == {"model": model, field: 9}
