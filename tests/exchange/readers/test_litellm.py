"""LiteLLM's two forms of log, after their public schemas."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.readers.fixtures import aside, check_hostile, damaged, fixture, from_csv, good, maker, read_one

FIXTURE = fixture("litellm")
CASES = FIXTURE["cases"]
NAMED = pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])


def record(number: int) -> dict[str, Any]:
    return json.loads(json.dumps(CASES[number]["record"]))


SPEND = next(n for n, case in enumerate(CASES) if case["schema"] == "SpendLogs")


@NAMED
def test_fixture_follows_the_public_schema(case: dict[str, Any]) -> None:
    jsonschema.validate(case["record"], FIXTURE["schemas"][case["schema"]])


@NAMED
def test_record_gives_its_exchanges(case: dict[str, Any]) -> None:
    found = read_one("litellm", case["record"])
    assert good(found) == case["exchanges"]
    faults = aside(found)
    assert [(f.where.field, f.what) for f in faults] == [(f["field"], f["what"]) for f in case["set_aside"]]
    assert all(f["hint"] in (fault.hint or "") for fault, f in zip(faults, case["set_aside"], strict=True))


@NAMED
def test_record_is_recognised(case: dict[str, Any]) -> None:
    assert maker("litellm")().recognises(case["record"]) > 0.9


def test_both_forms_give_the_same_exchange() -> None:
    payload, spend = read_one("litellm", record(0))[0], read_one("litellm", record(SPEND))[0]
    assert isinstance(payload, dict)
    assert isinstance(spend, dict)
    assert {**payload, "at": 0} == {**spend, "at": 0}


def test_arguments_of_a_custom_callback_hold_the_payload() -> None:
    wrapped = {"model": "x", "standard_logging_object": record(0)}
    assert maker("litellm")().recognises(wrapped) > 0.9
    assert read_one("litellm", wrapped) == CASES[0]["exchanges"]


def test_key_in_the_clear_leaves_as_its_hash() -> None:
    log = record(SPEND)
    log["metadata"] = {}
    log["api_key"] = "sk-very-secret"
    (row,) = good(read_one("litellm", log))
    assert row["account"] == hashlib.sha256(b"sk-very-secret").hexdigest()
    assert "very-secret" not in json.dumps(row)


@pytest.mark.parametrize(
    ("changes", "account"),
    [
        ({"metadata": {"user_api_key_hash": "h", "user_api_key_user_id": "u"}, "api_key": "k"}, "h"),
        ({"metadata": {"user_api_key_user_id": "u"}, "api_key": "k"}, "k"),
        ({"metadata": {"user_api_key_user_id": "u"}, "api_key": "", "user": "v"}, "u"),
        ({"metadata": "{}", "api_key": "", "user": "v", "end_user": "e"}, "v"),
        ({"metadata": None, "api_key": None, "user": "", "end_user": "e"}, "e"),
        ({"metadata": None, "api_key": None, "user": "", "end_user": ""}, None),
    ],
)
def test_account_follows_the_documented_precedence(changes: dict[str, Any], account: str | None) -> None:
    (row,) = good(read_one("litellm", {**record(SPEND), **changes}))
    assert row.get("account") == account


def test_calls_of_the_proxy_itself_are_no_customers() -> None:
    log = record(SPEND)
    log["metadata"]["internal_call_origin"] = "autorouter_classifier"
    assert read_one("litellm", log) == []


@pytest.mark.parametrize(
    "kind", ["call_mcp_tool", "acreate_file", "amoderation", "arerank", "aimage_generation"]
)
def test_work_without_a_question_is_passed_over(kind: str) -> None:
    assert read_one("litellm", {**record(0), "call_type": kind}) == []


def test_unknown_kinds_of_call_are_read() -> None:
    (row,) = good(read_one("litellm", {**record(0), "call_type": "_anew_thing"}))
    assert row["endpoint"] == "anew_thing"


def test_dump_of_the_table_as_csv(tmp_path: Path) -> None:
    case = next(case for case in CASES if "dump of the table" in case["name"])
    rows = [{name: "" if value is None else str(value) for name, value in case["record"].items()}]
    (row,), wrong = from_csv(tmp_path / "spend_logs.csv", rows)
    assert (wrong.total, wrong.notices) == (0, {"at: names no time zone and was read as UTC": 1})
    expected = {**case["exchanges"][0], "input_tokens": 21, "output_tokens": 9}
    for name in ("id", "account", "prompt", "system", "response", "model", "status", "input_tokens", "seed"):
        assert row[name] == expected[name]
    assert row["at"] == datetime(2025, 10, 9, 8, 53, 20, 123000, tzinfo=UTC)


@settings(max_examples=250)
@given(st.data(), st.sampled_from([case["record"] for case in CASES]))
def test_any_damage_is_survived(data: st.DataObject, sound: dict[str, Any]) -> None:
    check_hostile("litellm", data.draw(damaged(sound)))
