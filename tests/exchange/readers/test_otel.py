"""OpenTelemetry GenAI spans and events in OTLP JSON: old and current names, joins, damage."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.readers.fixtures import aside, check_hostile, damaged, fixture, good, maker, read, read_one
from headwater.errors import BadRow, Where
from headwater.exchange.readers import otlp
from headwater.exchange.readers.otel_halves import Halves
from headwater.exchange.readers.otlp import Event, Span

FIXTURE = fixture("otel")
CASES = FIXTURE["cases"]
SCHEMAS = FIXTURE["schemas"]
NAMED = pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
CURRENT = CASES[0]


def request() -> dict[str, Any]:
    held: dict[str, Any] = json.loads(json.dumps(CURRENT["records"][0]))
    return held


def only_span(record: dict[str, Any]) -> dict[str, Any]:
    span: dict[str, Any] = record["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    return span


@NAMED
def test_fixture_follows_the_protocol_and_the_conventions(case: dict[str, Any]) -> None:
    for record in case["records"]:
        spans = "resourceSpans" in record
        jsonschema.validate(record, SCHEMAS[f"Export{'Trace' if spans else 'Logs'}ServiceRequest"])
        for held in [*otlp.spans(record), *(place for place, _ in otlp.logs(record))]:
            jsonschema.validate(held.attributes, SCHEMAS["attributes"])
            for name in ("gen_ai.input.messages", "gen_ai.output.messages"):
                messages = held.attributes.get(name)
                if held.attributes.get("gen_ai.operation.name") == "chat" and messages is not None:
                    decoded = json.loads(messages) if isinstance(messages, str) else messages
                    jsonschema.validate(decoded, SCHEMAS["messages"])


@NAMED
def test_records_give_their_exchanges(case: dict[str, Any]) -> None:
    found = read(maker("otel")(), case["records"])
    assert good(found) == case["exchanges"]
    faults = aside(found)
    assert [(f.where.field, f.what) for f in faults] == [(f["field"], f["what"]) for f in case["set_aside"]]
    assert all(f["hint"] in (fault.hint or "") for fault, f in zip(faults, case["set_aside"], strict=True))


@pytest.mark.parametrize("case", [c for c in CASES if c["same_as_current"]], ids=lambda case: case["name"])
def test_old_and_current_names_give_equal_exchanges(case: dict[str, Any]) -> None:
    assert good(read(maker("otel")(), case["records"])) == CURRENT["exchanges"]


@NAMED
def test_records_are_recognised(case: dict[str, Any]) -> None:
    assert all(maker("otel")().recognises(record) > 0.9 for record in case["records"])


def test_joined_halves_do_not_depend_on_the_order_of_records() -> None:
    case = next(case for case in CASES if "any order" in case["name"])
    forward, backward = case["records"], case["records"][::-1]
    assert read(maker("otel")(), forward) == read(maker("otel")(), backward)


def test_one_span_per_record_as_a_console_prints_it() -> None:
    span = only_span(request())
    flat = otlp.attributes(span["attributes"])
    printed = {
        "name": span["name"],
        "context": {
            "trace_id": f"0x{span['traceId']}",
            "span_id": f"0x{span['spanId']}",
            "trace_state": "[]",
        },
        "kind": "SpanKind.CLIENT",
        "parent_id": None,
        "start_time": "2025-10-09T08:53:20.123456Z",
        "end_time": "2025-10-09T08:53:21.373456Z",
        "status": {"status_code": "UNSET"},
        "attributes": flat,
        "events": [],
        "resource": {"attributes": {"service.name": "shop"}},
    }
    assert maker("otel")().recognises(printed) == pytest.approx(0.9)
    assert read_one("otel", printed) == CURRENT["exchanges"]
    assert read_one("otel", span) == CURRENT["exchanges"]


def test_two_answers_to_one_question_are_both_kept() -> None:
    record = request()
    first = only_span(record)
    other = {**first, "spanId": "0123456789abcdef"}
    other["attributes"] = [a for a in first["attributes"] if a["key"] != "gen_ai.response.id"]
    record["resourceSpans"][0]["scopeSpans"][0]["spans"].append(other)
    assert len(good(read_one("otel", record))) == 2


def linked(*links: tuple[str, str, str]) -> list[Any]:
    """Exchanges of calls with one prompt, given as (trace, span, parent)."""
    record = request()
    span = only_span(record)
    named = [a for a in span["attributes"] if a["key"] != "gen_ai.response.id"]
    calls = [
        {**span, "attributes": named, "traceId": trace, "spanId": own, "parentSpanId": parent}
        for trace, own, parent in links
    ]
    record["resourceSpans"][0]["scopeSpans"][0]["spans"] = calls
    return sorted(row["id"] for row in good(read_one("otel", record)))


@pytest.mark.parametrize(
    ("links", "kept"),
    [
        ([("t", "a", "b"), ("t", "b", "")], ["t-a"]),
        ([("t", "a", "b"), ("t", "b", "a")], ["t-a", "t-b"]),
        ([("t", "a", "c"), ("t", "b", "a"), ("t", "c", "b")], ["t-a", "t-b", "t-c"]),
        ([("t", "d", "a"), ("t", "a", "b"), ("t", "b", "a")], ["t-b", "t-d"]),
        ([("t", "a", "a")], ["t-a"]),
        ([("t", "a", "b"), ("u", "b", "")], ["t-a", "u-b"]),
    ],
)
def test_only_the_outer_of_two_nested_spans_goes(links: list[tuple[str, str, str]], kept: list[str]) -> None:
    assert linked(*links) == kept
    assert linked(*reversed(links)) == kept


def test_nobody_inherits_from_another_trace() -> None:
    record = request()
    span = only_span(record)
    callers = [{"key": "user.id", "value": {"stringValue": "stranger"}}]
    record["resourceSpans"][0]["resource"] = {}
    span["attributes"] = [a for a in span["attributes"] if a["key"] != "user.id"]
    other = {"traceId": "ab" * 16, "spanId": "cd" * 8, "name": "agent", "attributes": callers}
    span["parentSpanId"] = other["spanId"]
    record["resourceSpans"][0]["scopeSpans"][0]["spans"].append(other)
    (row,) = good(read_one("otel", record))
    assert "account" not in row
    other["traceId"] = span["traceId"]
    (row,) = good(read_one("otel", record))
    assert row["account"] == "stranger"


@pytest.mark.parametrize("empty", [None, [], [{}]])
def test_spans_under_an_old_name_are_read_beside_an_empty_new_one(empty: object) -> None:
    record = request()
    blocks = record["resourceSpans"]
    for block in blocks:
        block["scope_spans"] = block.pop("scopeSpans")
        block["scopeSpans"] = empty
    assert read_one("otel", record) == read_one("otel", request())
    assert read_one("otel", {"resource_spans": blocks, "resourceSpans": empty}) == read_one("otel", request())


def test_nested_calls_with_different_questions_are_two() -> None:
    record = request()
    inner = only_span(record)
    outer = {**inner, "spanId": "bbbbbbbbbbbbbbbb"}
    outer["attributes"] = [
        {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
        {"key": "gen_ai.prompt", "value": {"stringValue": "Plan the answer."}},
    ]
    inner["parentSpanId"] = outer["spanId"]
    record["resourceSpans"][0]["scopeSpans"][0]["spans"].append(outer)
    assert {row["prompt"] for row in good(read_one("otel", record))} == {
        "Plan the answer.",
        "Which river flows through Prague?",
    }


def test_missing_prompt_names_the_row_of_its_span() -> None:
    off = next(case for case in CASES if "switched off" in case["name"])["records"][0]
    faults = aside(read(maker("otel")(), [request(), off, request()]))
    assert [fault.where.row for fault in faults] == [2]


def test_waiting_calls_are_bounded_and_the_oldest_leaves_first() -> None:
    halves = Halves(limit=2)
    left: list[object] = []
    for number in range(4):
        place = Span("t", f"s{number}", "", 1, 2, {}, (), {})
        left += list(halves.span(place, {"id": f"i{number}"}, Where("log", number)))
    asked = Event("gen_ai.user.message", {}, {"content": "late"})
    left += list(halves.event(Span("t", "s3", "", 1, 0, {}, (), {}), asked, {}, Where("other", 1)))
    assert [item.where.row for item in left if isinstance(item, BadRow)] == [0, 1]
    finished = list(halves.finish())
    assert finished[-1] == (Where("log", 3), {"id": "i3", "prompt": "late", "turn": 0})
    assert list(halves.finish()) == []


def test_events_without_ids_are_not_taken_for_one_call() -> None:
    log = {"timeUnixNano": "1760000000000000000", "eventName": "gen_ai.user.message", "attributes": []}
    entries = [{**log, "body": {"stringValue": said}} for said in ("one", "two")]
    record = {"resourceLogs": [{"scopeLogs": [{"logRecords": entries}]}]}
    assert [row["prompt"] for row in good(read_one("otel", record))] == ["one", "two"]


def test_halves_join_whatever_the_case_of_their_ids() -> None:
    case = next(case for case in CASES if "any order" in case["name"])
    upper = json.loads(json.dumps(case["records"]))
    for entry in upper[1]["resourceLogs"][0]["scopeLogs"][0]["logRecords"]:
        entry["traceId"], entry["spanId"] = entry["traceId"].upper(), entry["spanId"].upper()
    assert good(read(maker("otel")(), upper)) == case["exchanges"]


@pytest.mark.parametrize(
    ("content", "prompt"),
    [
        ('[{"type": "text", "text": "See:"}, {"type": "image_url", "image_url": {}}]', "See:\n[image]"),
        ('[{"a": 1}]', '[{"a": 1}]'),
        ("[{'role': 'user'", "[{'role': 'user'"),
    ],
)
def test_numbered_content_may_be_parts_in_json(content: str, prompt: str) -> None:
    span = only_span(request())
    texts = {
        "gen_ai.operation.name": "chat",
        "gen_ai.prompt.0.role": "user",
        "gen_ai.prompt.0.content": content,
    }
    span["attributes"] = [{"key": key, "value": {"stringValue": text}} for key, text in texts.items()]
    (row,) = good(read_one("otel", span))
    assert row["prompt"] == prompt


def test_metrics_beside_traces_are_known_and_passed_over() -> None:
    metrics = {"resourceMetrics": [{"scopeMetrics": []}]}
    assert maker("otel")().recognises(metrics) > 0.5
    assert read_one("otel", metrics) == []


@pytest.mark.parametrize(
    ("held", "value"),
    [
        ({"intValue": "9007199254740993"}, 9007199254740993),
        ({"intValue": 7}, 7),
        ({"boolValue": False}, False),
        ({"doubleValue": 0.5}, 0.5),
        ({"arrayValue": {"values": [{"stringValue": "a"}, {}]}}, ["a", None]),
        ({"arrayValue": {}}, []),
        ({"kvlistValue": {"values": [{"key": "k", "value": {"intValue": "1"}}]}}, {"k": 1}),
        ({}, None),
        ("text", None),
    ],
)
def test_attribute_values_are_decoded(held: object, value: object) -> None:
    assert otlp.attributes([{"key": "k", "value": held}]) == {"k": value}


def test_deep_attribute_values_end() -> None:
    deep: dict[str, Any] = {"stringValue": "x"}
    for _ in range(500):
        deep = {"arrayValue": {"values": [deep]}}
    assert otlp.attributes([{"key": "k", "value": deep}])["k"] is not None


@settings(max_examples=250)
@given(st.data(), st.sampled_from([record for case in CASES for record in case["records"]]))
def test_any_damage_is_survived(data: st.DataObject, sound: dict[str, Any]) -> None:
    check_hostile("otel", data.draw(damaged(sound)))
