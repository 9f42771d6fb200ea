"""Helicone requests from its API and its export tool."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.readers.fixtures import aside, check_hostile, damaged, fixture, from_csv, good, maker, read_one
from headwater.exchange.readers import load

FIXTURE = fixture("helicone")
CASES = FIXTURE["cases"]
NAMED = pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])


def request() -> dict[str, Any]:
    held: dict[str, Any] = json.loads(json.dumps(CASES[0]["record"]))
    return held


@NAMED
def test_fixture_follows_the_public_schema(case: dict[str, Any]) -> None:
    record, schema = case["record"], case["schema"]
    for one in record["data"] if schema is None else [record]:
        jsonschema.validate(one, FIXTURE["schemas"][schema or "HeliconeRequest"])


@NAMED
def test_record_gives_its_exchanges(case: dict[str, Any]) -> None:
    found = read_one("helicone", case["record"])
    assert good(found) == case["exchanges"]
    faults = aside(found)
    assert [(f.where.field, f.what) for f in faults] == [(f["field"], f["what"]) for f in case["set_aside"]]
    assert all(f["hint"] in (fault.hint or "") for fault, f in zip(faults, case["set_aside"], strict=True))


@NAMED
def test_record_is_recognised_and_by_nobody_surer(case: dict[str, Any]) -> None:
    own = maker("helicone")().recognises(case["record"])
    assert own > 0.8
    others = ("litellm", "otel", "langfuse", "openai", "anthropic", "openai-batch", "anthropic-batch")
    assert all(load(name).recognises(case["record"]) < own for name in others)


@pytest.mark.parametrize(
    ("changes", "account"),
    [
        ({"request_user_id": "r", "helicone_user": "h"}, "r"),
        ({"request_user_id": "", "user_id": "u", "helicone_user": "h"}, "u"),
        ({"request_user_id": None, "helicone_user": "h"}, "h"),
        ({"request_user_id": None, "request_properties": {"Helicone-User-Id": "p"}}, "p"),
        ({"request_user_id": None, "key_name": "k"}, "k"),
        ({"request_user_id": None}, None),
    ],
)
def test_account_follows_the_documented_precedence(changes: dict[str, Any], account: str | None) -> None:
    (row,) = good(read_one("helicone", {**request(), **changes}))
    assert row.get("account") == account


def test_csv_of_the_export_tool(tmp_path: Path) -> None:
    case = next(case for case in CASES if case["schema"] == "CSV")
    (row,), wrong = from_csv(tmp_path / "export.csv", [case["record"]])
    assert (wrong.total, wrong.notices.total()) == (0, 0)
    assert (row["id"], row["account"], row["status"], row["input_tokens"]) == ("res-1", "u-1", 200, 21)
    assert row["prompt"] == case["exchanges"][0]["prompt"]


def test_a_time_without_a_zone_is_noted(tmp_path: Path) -> None:
    case = next(case for case in CASES if case["schema"] == "CSV")
    record = {**case["record"], "request_created_at": "2025-10-09 08:53:20.123"}
    (row,), wrong = from_csv(tmp_path / "export.csv", [record])
    assert row["at"] == datetime(2025, 10, 9, 8, 53, 20, 123000, tzinfo=UTC)
    assert wrong.notices == {"at: names no time zone and was read as UTC": 1}


def test_what_stands_among_requests_and_is_none_is_counted() -> None:
    sound = request()
    other = {key: value for key, value in sound.items() if key != "request_created_at"}
    found = read_one("helicone", {"data": [sound, 5, other, None, "x"], "error": None})
    assert len(good(found)) == 1
    assert [(fault.where.field, fault.what) for fault in aside(found)] == [
        ("data", "holds something that is no request")
    ] * 4


@settings(max_examples=250)
@given(st.data(), st.sampled_from([case["record"] for case in CASES]))
def test_any_damage_is_survived(data: st.DataObject, sound: dict[str, Any]) -> None:
    check_hostile("helicone", data.draw(damaged(sound)))
