"""OpenAI's and Anthropic's bodies: pairs and batch files after their public schemas."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.readers.fixtures import aside, damaged, fixture, good, read, read_one
from headwater.errors import BadRow, Where
from headwater.exchange.readers import batches, load, load_all
from headwater.exchange.readers.protocol import Row

FORMATS = {name: fixture(name) for name in ("openai", "anthropic")}
PAIRS = [(name, case) for name, held in FORMATS.items() for case in held["pairs"]]
BATCHES = [(name, case) for name, held in FORMATS.items() for case in held["batches"]]
EACH_PAIR = pytest.mark.parametrize(("name", "case"), PAIRS, ids=[case["name"] for _, case in PAIRS])
EACH_BATCH = pytest.mark.parametrize(("name", "case"), BATCHES, ids=[case["name"] for _, case in BATCHES])


def said(row: Row) -> Row:
    """What a row says: a value that is None is as good as absent."""
    return {column: value for column, value in row.items() if value is not None}


def bodies(record: dict[str, Any]) -> list[Any]:
    return [record[half].get("body", record[half]) for half in ("request", "response")]


def logged(case: dict[str, Any]) -> dict[str, Any]:
    """The record as it is in the log: bodies may be kept as text."""
    record: dict[str, Any] = json.loads(json.dumps(case["record"]))
    if case.get("bodies_in_text"):
        for half in ("request", "response"):
            record[half]["body"] = json.dumps(record[half]["body"])
    return record


@EACH_PAIR
def test_bodies_follow_the_public_schema(name: str, case: dict[str, Any]) -> None:
    for body, schema in zip(bodies(case["record"]), case["schemas"], strict=True):
        jsonschema.validate(body, FORMATS[name]["schemas"][schema])


@EACH_PAIR
def test_a_pair_gives_its_exchange(name: str, case: dict[str, Any]) -> None:
    (row,) = good(read_one(name, logged(case)))
    assert said(row) == case["exchange"]
    assert "secret" not in json.dumps(row)


@EACH_PAIR
def test_a_pair_is_recognised_by_its_reader_alone(name: str, case: dict[str, Any]) -> None:
    scores = {reader.name: reader.recognises(logged(case)) for reader in load_all()}
    assert scores.pop(name) > 0.6
    assert max(scores.values()) < 0.5, scores


def test_a_request_that_failed_is_an_exchange_without_an_answer() -> None:
    record = {
        "id": "r",
        "at": 1,
        "account": "a",
        "status": 400,
        "request": {"messages": [{"role": "user", "content": "x"}]},
        "response": {"error": {"message": "no"}},
    }
    (row,) = good(read_one("openai", record))
    assert said(row) == {
        "id": "r",
        "at": 1,
        "account": "a",
        "status": 400,
        "prompt": "x",
        "turn": 0,
        "endpoint": "chat",
    }


@EACH_BATCH
def test_batch_lines_follow_the_public_schema(name: str, case: dict[str, Any]) -> None:
    for half in ("input", "output"):
        for line in case[half]:
            jsonschema.validate(line, FORMATS[name]["schemas"][case["schemas"][half]])


@EACH_BATCH
@pytest.mark.parametrize("order", ["requests first", "answers first", "mixed"])
def test_requests_and_answers_are_joined(name: str, case: dict[str, Any], order: str) -> None:
    lines = [*case["input"], *case["output"]]
    if order == "answers first":
        lines = [*case["output"], *case["input"]]
    elif order == "mixed":
        lines = lines[::2] + lines[1::2]
    found = read(load(f"{name}-batch"), lines)
    rows = {str(row["id"]): {k: v for k, v in said(row).items() if k != "id"} for row in good(found)}
    assert rows == case["exchanges"]
    assert aside(found) == []


@EACH_BATCH
def test_batch_lines_are_recognised_by_their_reader_alone(name: str, case: dict[str, Any]) -> None:
    for line in [*case["input"], *case["output"]]:
        scores = {reader.name: reader.recognises(line) for reader in load_all()}
        assert scores.pop(f"{name}-batch") > 0.9
        assert max(scores.values()) < 0.5, scores


def test_anthropics_request_document_holds_all_requests() -> None:
    case = FORMATS["anthropic"]["batches"][0]
    document = {"requests": case["input"]}
    assert load("anthropic-batch").recognises(document) > 0.9
    assert len(good(read(load("anthropic-batch"), [document, *case["output"]]))) == 3


def test_halves_without_their_other_half() -> None:
    case = FORMATS["openai"]["batches"][0]
    (row,) = good(read_one("openai-batch", case["input"][0]))
    assert row["id"] == "task-1"
    assert row.get("at") is None
    (fault,) = aside(read_one("openai-batch", case["output"][0]))
    assert (fault.where, fault.what) == (Where("log", 1, "custom_id"), "answers a request that was not read")


def test_one_custom_id_in_two_batches_at_once_is_not_guessed_at() -> None:
    case = FORMATS["openai"]["batches"][0]
    request, answer = case["input"][0], case["output"][1]
    assert len(good(read(load("openai-batch"), [request, answer, request, answer]))) == 2
    found = read(load("openai-batch"), [request, request, answer, answer])
    assert good(found) == []
    assert [fault.what for fault in aside(found)] == ["is that of several requests"] * 4


def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "WAITING", 5000)
    lines = [
        {"custom_id": f"{n}", "method": "POST", "url": "/", "body": {"prompt": "x" * 500}} for n in range(10)
    ]
    found = read(load("openai-batch"), lines)
    assert len(good(found)) == 3
    assert [fault.where.row for fault in aside(found)] == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ({"custom_id": 7, "body": {}}, "is missing or no text"),
        ({"custom_id": "a", "method": "POST"}, "is neither a request nor an answer of OpenAI batch files"),
        ({"requests": [3]}, "holds an item that is no object"),
    ],
)
def test_lines_that_are_no_half(line: dict[str, Any], what: str) -> None:
    assert [item.what for item in read_one("openai-batch", line) if isinstance(item, BadRow)] == [what]


HOSTILE = [("openai", case["record"]) for case in FORMATS["openai"]["pairs"]]
HOSTILE += [("anthropic", case["record"]) for case in FORMATS["anthropic"]["pairs"]]
HOSTILE += [
    (f"{name}-batch", line) for name, case in BATCHES for half in ("input", "output") for line in case[half]
]


@given(st.data())
def test_junk_anywhere_in_a_record_stops_nothing(data: st.DataObject) -> None:
    name, record = data.draw(st.sampled_from(HOSTILE))
    broken = data.draw(damaged(record))
    assert 0.0 <= load(name).recognises(broken) <= 1.0
    for row in good(read_one(name, broken)):
        for column in ("prompt", "system", "response"):
            assert isinstance(row.get(column), str | None)


@pytest.mark.parametrize(
    ("bias", "shifted"),
    [({"50256": -100}, True), ('{"50256": -100}', True), ({}, False), (None, None), ([3], None), ("x", None)],
)
def test_odds_are_shifted_where_a_token_is_named(bias: object, shifted: bool | None) -> None:
    record = {"request": {"messages": [{"role": "user", "content": "x"}], "logit_bias": bias}, "response": {}}
    (row,) = good(read_one("openai", record))
    assert row["logit_bias"] is shifted


@pytest.mark.parametrize(
    ("around", "answer", "cancelled"),
    [
        ({"status": 499}, {}, True),
        ({"status": "499"}, {}, True),
        ({"status": 200}, {}, None),
        ({"status": 499, "cancelled": False}, {}, False),
        ({"client_disconnected": True}, {}, True),
        ({}, {"object": "response", "status": "cancelled"}, True),
        ({}, {"object": "response", "status": "completed"}, None),
        ({"status": {"code": 499}}, {"status": [499]}, None),
    ],
)
def test_a_client_that_left(around: dict[str, Any], answer: dict[str, Any], cancelled: bool | None) -> None:
    record = {**around, "request": {"messages": [{"role": "user", "content": "x"}]}, "response": answer}
    (row,) = good(read_one("openai", record))
    assert row["cancelled"] is cancelled
