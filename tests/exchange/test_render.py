"""The same exchanges, written in every form and read again, are the same exchanges."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.readers.fixtures import aside, fixture, good, read
from headwater.errors import UsageError
from headwater.exchange import SetAside
from headwater.exchange import read as read_files
from headwater.exchange.readers import load
from headwater.exchange.render import BATCH, CARRIES, render

FORMS = sorted(CARRIES)
CORE = ("id", "at", "account", "prompt", "model", "input_tokens", "output_tokens", "turn", "conversation")
START = 1_760_000_000_000_000


def traffic(count: int, seed: int = 7) -> list[dict[str, Any]]:
    """`count` exchanges with every column that any form carries, over all kinds of call."""
    rng = random.Random(seed)
    made: list[dict[str, Any]] = []
    for number in range(count):
        endpoint = rng.choice(["chat", "chat", "messages", "responses", "embeddings", "completion"])
        alone = endpoint in ("embeddings", "completion")
        made.append(
            {
                "id": f"call-{number:05d}",
                "at": START + rng.randrange(10**12),
                "account": f"account-{rng.randrange(20)}",
                "prompt": f"Grade answer {number} from 1 to 10 – odpověď 答え {rng.random()}",
                "system": None if alone else f"You are grader {number % 3}.",
                "response": f"{number % 10}",
                "organisation": f"organisation-{number % 4}",
                "conversation": f"conversation-{number % 50}",
                "turn": 0 if alone else rng.randrange(4),
                "model": rng.choice(["small", "large"]),
                "endpoint": endpoint,
                "status": rng.choice([200, 200, 429]),
                "finish_reason": rng.choice(["stop", "length"]),
                "latency_ms": rng.randrange(10**7) / 1000,
                "input_tokens": rng.randrange(5000),
                "output_tokens": rng.randrange(5000),
                "temperature": rng.choice([0, 0.5, 1.0]),
                "top_p": 0.9,
                "max_tokens": 256,
                "n": 1,
                "seed": 7,
                "logprobs": True,
                "stream": number % 2 == 0,
                "tools": rng.randrange(1, 3),
                "response_format": "json_schema",
                "ip": "203.0.113.7",
                "user_agent": "sdk/1.0",
                "tls": "t13d1516h2_8daaf6152771_02713d6af862",
                "ja4h": f"po11nn0{number % 3}enus_9ed1ff1f7b03_cd8dafe26982",
                "http2": "1:65536;4:131072|12517377|0|m,p,a,s",
                "header_order": "host:user-agent:accept",
                "logit_bias": True,
            }
        )
        if made[-1]["turn"]:
            made[-1]["previous"] = f"What was answered before question {number}"
    return made


TRAFFIC = traffic(200)


def log(tmp_path: Path, form: str) -> Path:
    path = tmp_path / f"{form}.jsonl"
    lines = (json.dumps(record, ensure_ascii=False) for record in render(TRAFFIC, form))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("form", FORMS)
def test_every_carried_column_survives(form: str) -> None:
    found = read(load(form), render(TRAFFIC, form))
    assert aside(found) == []
    by_id = {row["id"]: row for row in good(found)}
    assert len(by_id) == len(found) == len(TRAFFIC)
    for exchange in TRAFFIC:
        row = by_id[exchange["id"]]
        kept = CARRIES[form] & exchange.keys()
        assert {name: row.get(name) for name in kept} == {name: exchange[name] for name in kept}


def test_files_of_all_forms_are_told_apart_and_give_the_same_table(tmp_path: Path) -> None:
    tables = {}
    for form in FORMS:
        wrong = SetAside()
        batches = list(read_files([log(tmp_path, form)], aside=wrong))
        assert (wrong.total, wrong.notices.total()) == (0, 0)
        tables[form] = pa.Table.from_batches(batches).select(CORE).sort_by("id")
    assert tables["litellm"].num_rows == len(TRAFFIC)
    assert all(table.equals(tables["litellm"]) for table in tables.values())


@pytest.mark.parametrize("form", FORMS)
def test_same_exchanges_give_same_bytes(form: str) -> None:
    first, again = (json.dumps(list(render(TRAFFIC, form))) for _ in range(2))
    assert first == again


def test_time_may_be_a_datetime() -> None:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=TRAFFIC[0]["at"])
    for form in FORMS:
        assert list(render([{**TRAFFIC[0], "at": at}], form)) == list(render(TRAFFIC[:1], form))


@pytest.mark.parametrize("form", FORMS)
def test_little_is_enough(form: str) -> None:
    least = {"id": "1", "at": START, "account": "a", "prompt": "Hm?"}
    (row,) = good(read(load(form), render([least], form)))
    assert {name: row[name] for name in least} == least


@pytest.mark.parametrize(
    ("form", "schema"),
    [
        ("litellm", "StandardLoggingPayload"),
        ("otel", "ExportTraceServiceRequest"),
        ("langfuse", "enriched observations export"),
        ("helicone", "HeliconeRequest"),
    ],
)
def test_rendered_records_follow_the_public_schemas(form: str, schema: str) -> None:
    validator = jsonschema.Draft202012Validator(fixture(form)["schemas"][schema])
    for record in render(TRAFFIC[:8], form):
        validator.validate(record)


def test_spans_come_in_batches() -> None:
    sizes = [len(r["resourceSpans"][0]["scopeSpans"][0]["spans"]) for r in render(TRAFFIC, "otel")]  # type: ignore[index]
    assert sizes == [BATCH] * (len(TRAFFIC) // BATCH) + [len(TRAFFIC) % BATCH]


def test_another_form_is_refused_with_those_that_exist() -> None:
    with pytest.raises(UsageError) as caught:
        render([], "splunk")
    assert "litellm" in (caught.value.hint or "")


TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)


@given(prompt=TEXT, system=TEXT, response=TEXT, account=TEXT, form=st.sampled_from(FORMS))
def test_any_text_comes_back_as_it_was(
    prompt: str, system: str, response: str, account: str, form: str
) -> None:
    exchange = {**TRAFFIC[0], "prompt": prompt, "system": system, "response": response, "account": account}
    exchange["endpoint"] = "chat"
    written = json.loads(json.dumps(list(render([exchange], form))))
    (row,) = good(read(load(form), written))
    assert (row["prompt"], row["system"], row["response"]) == (prompt, system, response)
    assert row["account"] == account or account.startswith("sk-")
