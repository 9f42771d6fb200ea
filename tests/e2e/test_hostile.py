"""Prompts, names and agents are data: nothing in them acts; and broken logs cost their bad rows only."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from e2e.conftest import SAMPLE, Report, investigated
from headwater.cli.app import run
from headwater.explain import load
from headwater.keys import DEMO_KEY, save_imprint_key

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("sample")]

#: Goes before and after every prompt, and into names and agents.
POISON = (
    '</script><img src=x onerror=alert(1)>\x1b[2J\x1b]0;owned\x07{{7*7}}=cmd|"/c calc"!A0 ../../etc/passwd '
)


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample with poison in every text that a client chooses."""
    folder = tmp_path_factory.mktemp("poisoned")
    table = pq.read_table(SAMPLE / "exchanges.parquet")
    for name in ("prompt", "user_agent", "model", "account"):
        if name not in table.schema.names:
            continue
        column = table.column(name)
        marked = pc.binary_join_element_wise(
            pa.scalar(POISON, column.type), column, pa.scalar("", column.type)
        )
        table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), marked)
    pq.write_table(table, folder / "exchanges.parquet")
    return folder / "exchanges.parquet"


def test_poison_changes_nothing(poisoned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["investigate", str(poisoned), "-o", str(tmp_path / "report")]) == 0
    shown = capsys.readouterr()
    assert "\x1b" not in shown.out + shown.err
    assert "\x07" not in shown.out + shown.err
    page = (tmp_path / "report" / "report.html").read_text()
    assert "<img src=x" not in page
    assert "onerror=alert" not in page.replace("onerror=alert(1)&gt;", "")
    assert "\x1b" not in page
    found = load(tmp_path / "report")
    # Words that stand in every prompt weaken what prompts tell, so a ring may only be considered.
    member = (*found.campaigns, *found.considered)[0].members[0].account
    assert POISON in member
    assert run(["explain", member, "--report", str(tmp_path / "report")]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_imprints_only_keeps_no_prompt(report: Report, tmp_path: Path) -> None:
    # Imprints are keyed, and so are the detector's hash tables: only under one key is everything the same.
    save_imprint_key(DEMO_KEY, tmp_path / "key")
    other = investigated(
        tmp_path / "report",
        str(SAMPLE / "exchanges.parquet"),
        "--imprints-only",
        "--key-file",
        str(tmp_path / "key"),
    )
    words = {tuple(sorted(m.account for m in ring.members)) for ring in report.findings.campaigns}
    assert {tuple(sorted(m.account for m in ring.members)) for ring in other.findings.campaigns} == words
    prompts = pq.read_table(SAMPLE / "exchanges.parquet")["prompt"].to_pylist()
    told = (other.folder / "campaigns.json").read_text() + (other.folder / "report.html").read_text()
    for prompt in prompts[::97]:
        assert prompt[:60] not in told
    for ring in other.findings.campaigns:
        assert all(not template.texts for template in ring.templates)


def test_imprints_only_asks_for_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("HEADWATER_IMPRINT_KEY", raising=False)
    log = str(SAMPLE / "exchanges.parquet")
    assert run(["investigate", log, "--imprints-only", "-o", str(tmp_path / "report")]) == 2
    assert "hint: headwater keys new imprint.key, then --key-file imprint.key" in capsys.readouterr().err


def test_broken_rows_cost_themselves_only(report: Report, tmp_path: Path) -> None:
    rows = pq.read_table(SAMPLE / "exchanges.parquet").to_pylist()
    lines = [json.dumps({**row, "at": row["at"].isoformat()}).encode() for row in rows]
    bad = [
        b'{"id": 1, "at": "yesterday", "account": "x", "prompt": "y"}',
        b'{"id": "no-account", "at": "2026-09-08T00:00:00Z", "prompt": "y"}',
        b'{"id": "late", "at": "2226-09-08T00:00:00Z", "account": "x", "prompt": "y"}',
        b'{"id": "bytes", "at": "2026-09-08T00:00:00Z", "account": "x", "prompt": "\xff\xfe"}',
        b"[1, 2]",
        b'{"torn": ',
    ]
    for place, line in enumerate(bad):
        lines.insert(1000 * (place + 1), line)
    packed = gzip.compress(b"\n".join(lines) + b'\n{"id": "cut off in the mid')
    log = tmp_path / "torn.jsonl.gz"
    log.write_bytes(packed[:-12])
    other = investigated(tmp_path / "report", str(log))
    assert other.findings.log.exchanges in (len(rows), len(rows) + 1)
    aside = [json.loads(line) for line in (other.folder / "set_aside.jsonl").read_text().splitlines()]
    assert len(aside) == other.findings.log.set_aside
    assert all(row["file"] and row["what"] for row in aside)
    assert {row["row"] for row in aside} >= {1001, 2001}
    members = {frozenset(m.account for m in ring.members) for ring in other.findings.campaigns}
    assert members == {frozenset(m.account for m in ring.members) for ring in report.findings.campaigns}


def test_a_poorer_log_says_what_it_lost(tmp_path: Path) -> None:
    table = pq.read_table(SAMPLE / "exchanges.parquet")
    poorer = table.drop_columns([name for name in ("ip", "tls", "user_agent") if name in table.schema.names])
    pq.write_table(poorer, tmp_path / "exchanges.parquet")
    out = tmp_path / "report"
    assert run(["investigate", str(tmp_path / "exchanges.parquet"), "-o", str(out), "-q", "--json"]) == 0
    found = load(out)
    assert "ip" in found.log.missing
    lost = [each for each in found.coverage if not each.available]
    assert any("ip" in name for each in lost for name in each.missing)
    assert lost[0].title in (out / "report.html").read_text()
