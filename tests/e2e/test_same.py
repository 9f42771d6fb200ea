"""The same traffic gives the same campaigns: in other tools' forms, in any order, with any threads."""

from __future__ import annotations

import json
import random
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from e2e.conftest import SAMPLE, Report, investigated
from headwater.detect import Findings
from headwater.exchange import render

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("sample")]


def gist(findings: Findings) -> list[tuple[str, str, str, frozenset[str]]]:
    """What must be the same however the log was written: names, words and members."""
    return [
        (ring.id, ring.kind, ring.word, frozenset(member.account for member in ring.members))
        for ring in findings.campaigns
    ]


def verdicts(report: Report) -> bytes:
    """Everything in campaigns.json but what a run's machine and files decide."""
    told = json.loads((report.folder / "campaigns.json").read_bytes())
    for name in ("seconds", "peak_bytes"):
        told.pop(name, None)
    told["log"].pop("sources", None)
    return json.dumps(told, sort_keys=True).encode()


@pytest.mark.parametrize("form", ["litellm", "otel"])
def test_another_tools_export_gives_the_same_campaigns(form: str, report: Report, tmp_path: Path) -> None:
    rows = pq.read_table(SAMPLE / "exchanges.parquet").to_pylist()
    encoder = msgspec.json.Encoder()
    log = tmp_path / f"{form}.jsonl"
    with log.open("wb") as file:
        for record in render.render(rows, form):
            file.write(encoder.encode(record) + b"\n")
    other = investigated(tmp_path / "report", str(log))
    assert other.findings.log.exchanges == report.findings.log.exchanges
    assert other.findings.log.set_aside == 0
    assert gist(other.findings) == gist(report.findings)


@pytest.mark.parametrize(
    ("before", "after"),
    [("<user_input>\n", "\n</user_input>"), ("", "</script>=1+1"), ("[INST] ", " [/INST]")],
)
def test_a_form_around_every_prompt_hides_no_campaign(
    before: str, after: str, report: Report, tmp_path: Path
) -> None:
    """A gateway that wraps all prompts alike doesn't tie strangers to a ring, nor break a ring up."""
    table = pq.read_table(SAMPLE / "exchanges.parquet")
    at = table.schema.get_field_index("prompt")
    prompts = [before + prompt + after for prompt in table.column("prompt").to_pylist()]
    pq.write_table(table.set_column(at, "prompt", pa.array(prompts)), tmp_path / "log.parquet")
    found = investigated(tmp_path / "report", str(tmp_path / "log.parquet")).findings.campaigns
    rings = [{member.account for member in ring.members} for ring in found]
    expected = [{member.account for member in ring.members} for ring in report.findings.campaigns]
    assert len(rings) == len(expected)
    for ring in expected:
        best = max(rings, key=lambda other: len(ring & other))
        assert len(ring & best) >= 0.9 * len(ring | best)


@pytest.fixture(scope="module")
def shuffled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's rows in another order, over three files whose names sort otherwise."""
    folder = tmp_path_factory.mktemp("shuffled")
    table = pq.read_table(SAMPLE / "exchanges.parquet")
    order = list(range(table.num_rows))
    random.Random(7).shuffle(order)
    table = table.take(pa.array(order))
    third = table.num_rows // 3
    for name, start, length in (("c", 0, third), ("a", third, third), ("b", 2 * third, table.num_rows)):
        pq.write_table(table.slice(start, length), folder / f"{name}.parquet")
    return folder


@pytest.mark.parametrize("threads", ["1", "3"])
def test_order_and_threads_change_nothing(
    threads: str, shuffled: Path, report: Report, tmp_path: Path
) -> None:
    note = report.findings.labels_note or ""
    other = investigated(tmp_path / "report", str(shuffled), "--threads", threads, "--labels-note", note)
    assert verdicts(other) == verdicts(report)


def test_a_ring_found_again_keeps_its_name(report: Report, tmp_path: Path) -> None:
    table = pq.read_table(SAMPLE / "exchanges.parquet")
    later = table.slice(0, table.num_rows * 9 // 10)
    pq.write_table(later, tmp_path / "part.parquet")
    other = investigated(
        tmp_path / "report", str(tmp_path / "part.parquet"), "--previous", str(report.folder)
    )
    before = {ring.id: {member.account for member in ring.members} for ring in report.findings.campaigns}
    assert other.findings.campaigns
    for ring in other.findings.campaigns:
        assert ring.id in before
        assert before[ring.id] & {member.account for member in ring.members}
