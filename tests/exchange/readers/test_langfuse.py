"""Langfuse observations from its API and its exports, joined with their traces."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.readers.fixtures import (
    aside,
    check_hostile,
    damaged,
    fixture,
    from_csv,
    good,
    maker,
    read,
    read_one,
)
from headwater.errors import Where
from headwater.exchange.readers import langfuse as module
from headwater.exchange.readers.langfuse import Langfuse

FIXTURE = fixture("langfuse")
CASES = FIXTURE["cases"]
NAMED = pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])


def joined() -> tuple[dict[str, Any], dict[str, Any]]:
    """An observation without user, and its trace."""
    case = next(case for case in CASES if case["name"] == "observation and its trace")
    observation, trace = json.loads(json.dumps(case["records"]))
    return observation, trace


@NAMED
def test_fixture_follows_the_public_schema(case: dict[str, Any]) -> None:
    for record, schema in zip(case["records"], case["schemas"], strict=True):
        inside = record["data"] if schema is None else [record]
        for one in inside:
            jsonschema.validate(one, FIXTURE["schemas"][schema or "ObservationV2"])


@NAMED
def test_records_give_their_exchanges(case: dict[str, Any]) -> None:
    found = read(maker("langfuse")(), case["records"])
    assert good(found) == case["exchanges"]
    faults = aside(found)
    assert [(f.where.field, f.what) for f in faults] == [(f["field"], f["what"]) for f in case["set_aside"]]
    assert all(f["hint"] in (fault.hint or "") for fault, f in zip(faults, case["set_aside"], strict=True))


@NAMED
def test_records_are_recognised(case: dict[str, Any]) -> None:
    assert all(maker("langfuse")().recognises(record) > 0.8 for record in case["records"])


def test_waiting_observation_keeps_its_place() -> None:
    observation, _ = joined()
    reader = Langfuse()
    assert list(reader.exchanges(observation, Where("observations", 7))) == []
    ((where, row),) = [item for item in reader.finish() if isinstance(item, tuple)]
    assert where == Where("observations", 7)
    assert "account" not in row
    assert list(reader.finish()) == []


def test_trace_serves_all_its_observations_before_and_after_it() -> None:
    observation, trace = joined()
    log = [{**observation, "id": str(n)} for n in range(3)]
    found = good(read(maker("langfuse")(), [*log[:2], trace, log[2]]))
    assert [(row["id"], row["account"], row["conversation"]) for row in found] == [
        ("0", "u-1", "s-1"),
        ("1", "u-1", "s-1"),
        ("2", "u-1", "s-1"),
    ]


@pytest.mark.parametrize(
    ("shape", "good_ones", "faults"),
    [
        (lambda seen: [seen, 5, None, ["x"], "an-id"], 1, ["holds something that is no observation"] * 3),
        (lambda seen: json.dumps([seen, "an-id"]), 1, []),
        (lambda seen: [json.dumps(seen)], 1, []),
        (lambda seen: {"1": seen}, 0, ["is an object of size 1, not a list"]),
        (lambda seen: 5, 0, ["is a number, not a list"]),
        (lambda seen: None, 0, []),
    ],
)
def test_observations_inside_a_trace_are_read_or_counted(
    shape: Callable[[object], object], good_ones: int, faults: list[str]
) -> None:
    observation, trace = joined()
    found = read_one("langfuse", {**trace, "observations": shape(observation)})
    assert len(good(found)) == good_ones
    assert [(fault.where.field, fault.what) for fault in aside(found)] == [
        ("observations", what) for what in faults
    ]


def test_own_user_counts_before_the_trace_s() -> None:
    observation, trace = joined()
    (row,) = good(read(maker("langfuse")(), [trace, {**observation, "userId": "own"}]))
    assert row["account"] == "own"


def test_waiting_observations_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING", 2)
    observation, trace = joined()
    reader = Langfuse()
    left = [
        row
        for n in range(5)
        for row in reader.exchanges({**observation, "id": str(n), "traceId": f"t-{n}"}, Where("log", n))
    ]
    assert [row["id"] for row in good(left)] == ["0", "1", "2"]
    assert [row["id"] for row in good(list(reader.exchanges({**trace, "id": "t-4"}, Where("log", 9))))] == [
        "4"
    ]
    assert len(list(reader.finish())) == 1


def test_csv_export(tmp_path: Path) -> None:
    case = next(case for case in CASES if case["name"].startswith("CSV"))
    record = {name: "" if value is None else str(value) for name, value in case["records"][0].items()}
    (row,), wrong = from_csv(tmp_path / "observations.csv", [record])
    assert (wrong.total, wrong.notices.total()) == (0, 0)
    assert (row["id"], row["account"], row["output_tokens"]) == ("obs-1", "u-1", 9)
    assert row["prompt"] == case["exchanges"][0]["prompt"]


def test_scores_beside_observations_are_known_and_passed_over() -> None:
    score = {"id": "1", "trace_id": "t-1", "name": "quality", "value": 0.5, "data_type": "NUMERIC"}
    assert maker("langfuse")().recognises(score) > 0.5
    assert read(maker("langfuse")(), [score]) == []


@settings(max_examples=250)
@given(st.data(), st.sampled_from([record for case in CASES for record in case["records"]]))
def test_any_damage_is_survived(data: st.DataObject, sound: dict[str, Any]) -> None:
    check_hostile("langfuse", data.draw(damaged(sound)))
