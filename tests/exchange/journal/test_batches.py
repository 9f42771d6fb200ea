"""A batch file of N requests is N exchanges, each with the batch's id, its own answer and its own row."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.journal.journals import AT, journal
from exchange.journal.test_rotation import rows
from headwater.errors import BadRow
from headwater.exchange.journal import (
    Accepted,
    Outcome,
    answers_of_batch,
    line_id,
    lines_of_batch,
    rotate,
)

COMMON = Accepted("", AT, "a", "not this", "nor this", organisation="o", ip="203.0.113.7", stream=True)


def asked(text: str) -> dict[str, object]:
    return {"model": "m", "messages": [{"role": "user", "content": text}], "max_tokens": 5}


def openai(*ids: str) -> bytes:
    url = "/v1/chat/completions"
    lines = [
        {"custom_id": name, "method": "POST", "url": url, "body": asked(f"What of {name}?")} for name in ids
    ]
    return b"\n".join(json.dumps(line).encode() for line in lines)


def anthropic(*ids: str) -> bytes:
    held = [{"custom_id": name, "params": asked(f"What of {name}?")} for name in ids]
    return json.dumps({"requests": held}, indent=1).encode()


OPENAI_ANSWERS = b"\n".join(
    json.dumps(line).encode()
    for line in (
        {
            "id": "x",
            "custom_id": "1",
            "response": {
                "status_code": 200,
                "body": {
                    "choices": [{"message": {"content": "So."}, "finish_reason": "stop"}],
                    "usage": {"prompt_tokens": 4, "completion_tokens": 2},
                },
            },
            "error": None,
        },
        {"id": "y", "custom_id": "2", "response": None, "error": {"code": "batch_expired", "message": "…"}},
    )
)
ANTHROPIC_ANSWERS = b"\n".join(
    json.dumps(line).encode()
    for line in (
        {
            "custom_id": "1",
            "result": {
                "type": "succeeded",
                "message": {
                    "content": [{"type": "text", "text": "So."}],
                    "stop_reason": "end_turn",
                    "usage": {"input_tokens": 4, "output_tokens": 2},
                },
            },
        },
        {
            "custom_id": "2",
            "result": {
                "type": "errored",
                "error": {"type": "error", "error": {"type": "invalid_request_error", "message": "…"}},
            },
        },
    )
)


@pytest.mark.parametrize(
    ("file", "answers", "endpoint", "ends"),
    [
        (
            openai("1", "2", "3"),
            OPENAI_ANSWERS,
            "chat",
            [(200, "stop"), (None, "batch_expired"), (None, None)],
        ),
        (
            anthropic("1", "2", "3"),
            ANTHROPIC_ANSWERS,
            "messages",
            [(200, "succeeded"), (400, "errored"), (None, None)],
        ),
    ],
    ids=["openai", "anthropic"],
)
def test_each_line_is_an_exchange(
    tmp_path: Path, file: bytes, answers: bytes, endpoint: str, ends: list[tuple[int | None, str | None]]
) -> None:
    held = journal(tmp_path / "relay")
    for line in lines_of_batch(file, "batch_7", COMMON):
        assert isinstance(line, Accepted)
        assert line.batch_id == "batch_7"
        held.append(line)
    for answer in answers_of_batch(answers, "batch_7", AT + 5):
        assert isinstance(answer, Outcome)
        held.append(answer)
    held.close(AT)
    done = rotate(tmp_path / "relay", tmp_path / "out", AT)
    assert (done.rows, done.unanswered, done.set_aside) == (3, 1, 0)
    found = rows(tmp_path / "out")
    assert [row["id"] for row in found] == ["batch_7/1", "batch_7/2", "batch_7/3"]
    assert [row["prompt"] for row in found] == ["What of 1?", "What of 2?", "What of 3?"]
    assert [(row["status"], row["finish_reason"]) for row in found] == ends
    assert (found[0]["response"], found[0]["input_tokens"], found[0]["output_tokens"]) == ("So.", 4, 2)
    alike = [(row["batch"], row["endpoint"], row["account"], row["ip"], row["stream"]) for row in found]
    assert alike == [(True, endpoint, "a", "203.0.113.7", None)] * 3
    assert {row["system"] for row in found} == {None}


def test_lines_that_are_none_are_told_with_their_row() -> None:
    lines = [
        openai("1"),
        b"nonsense",
        b"",
        b'{"custom_id": "2"}',
        b'{"custom_id": "", "body": {}}',
        openai("3"),
    ]
    held = list(lines_of_batch(b"\n".join(lines), "b", COMMON))
    assert [line.where.row if isinstance(line, BadRow) else line.id for line in held] == [
        "b/1",
        2,
        3,
        4,
        "b/3",
    ]
    told = list(answers_of_batch(b'{"custom_id": 5}\n{"custom_id": "1"}\n', "b", AT))
    assert [line.where.row if isinstance(line, BadRow) else line.id for line in told] == [1, "b/1"]


def test_ids_stay_unique_and_short() -> None:
    held = list(lines_of_batch(openai("1", "1", "x" * 5000, "x" * 5001), "b", COMMON))
    ids = [line.id for line in held if isinstance(line, Accepted)]
    assert ids[:2] == ["b/1", "b/1#2"]
    assert len(set(ids)) == 4
    assert max(map(len, ids)) < 100
    assert line_id("b", "\ud800" * 300) != line_id("b", "\ud801" * 300)


@given(
    st.binary(max_size=200) | st.sampled_from([b'{"requests": 5}', b'{"requests": [5]}', b"[" * 9999, b"{}"])
)
def test_any_bytes_are_lines_or_none(data: bytes) -> None:
    assert all(isinstance(line, BadRow) for line in lines_of_batch(data, "b", COMMON))
    assert all(isinstance(line, BadRow) for line in answers_of_batch(data, "b", AT))
