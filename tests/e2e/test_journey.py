"""A first day with Headwater: investigate, read, ask, compare; every promised file, and what is in it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from e2e.conftest import SAMPLE, Report
from headwater.cli.app import run

pytestmark = pytest.mark.xdist_group("sample")


def truth() -> dict[str, str]:
    """Who really is in which ring of the sample: account → ring, as it was constructed."""
    rows = pq.read_table(SAMPLE / "_truth_accounts.parquet").to_pylist()
    return {row["account"]: row["ring"] for row in rows if row["ring"]}


def test_the_rings_of_the_sample_are_found_and_few_others(report: Report) -> None:
    rings = truth()
    assert report.findings.campaigns
    reached = set()
    for campaign in report.findings.campaigns:
        members = [member.account for member in campaign.members]
        innocent = [account for account in members if account not in rings]
        assert len(innocent) <= 0.15 * len(members), campaign.id
        reached |= {rings[account] for account in members if account in rings}
    assert reached == set(rings.values())


def test_the_files_that_are_promised(report: Report) -> None:
    names = {path.name for path in report.folder.iterdir()}
    assert {"report.html", "campaigns.json", "accounts.parquet", "exchanges.parquet"} <= names
    assert (report.folder / "report.html").stat().st_size < 3_000_000
    accounts = pq.read_table(report.folder / "accounts.parquet")
    exchanges = pq.read_table(report.folder / "exchanges.parquet")
    assert accounts.num_rows == report.findings.log.accounts
    assert exchanges.num_rows == report.findings.log.exchanges
    named = {ring.id for ring in report.findings.campaigns}
    assert set(exchanges["campaign"].drop_null().unique().to_pylist()) == named
    for ring in report.findings.campaigns:
        attributed = sum(
            1 for row in exchanges.filter(exchanges["attributed"]).to_pylist() if row["campaign"] == ring.id
        )
        assert attributed == ring.exchanges


def test_every_verdict_adds_up_and_says_its_chance(report: Report) -> None:
    for ring in (*report.findings.campaigns, *report.findings.considered):
        total = ring.prior_log_odds + sum(piece.llr for piece in ring.pieces)
        assert total == pytest.approx(ring.log_odds, abs=1e-9)
        assert ring.null_model
        assert ring.chance >= 0
        assert ring.proposal is not None
        assert ring.proposal.pack_sha256


def test_the_report_says_how_its_labels_were_made(report: Report) -> None:
    assert report.findings.labels_note
    assert "constructed" in report.findings.labels_note.lower()


def test_explain_answers_for_campaign_and_account(report: Report, capsys: pytest.CaptureFixture[str]) -> None:
    ring = report.findings.campaigns[0]
    for name in (ring.id, ring.members[0].account):
        assert run(["explain", name, "--report", str(report.folder)]) == 0
        shown = capsys.readouterr().out
        assert name in shown
        assert "chance" in shown
        assert run(["explain", name, "--report", str(report.folder), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["passages"]


def test_explain_names_the_nearest(report: Report, capsys: pytest.CaptureFixture[str]) -> None:
    ring = report.findings.campaigns[0]
    assert run(["explain", ring.id[:-1], "--report", str(report.folder)]) == 2
    assert f"did you mean {ring.id}?" in capsys.readouterr().err


def test_diff_with_itself_says_same(report: Report, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diff", str(report.folder), str(report.folder)]) == 0
    assert f"{len(report.findings.campaigns)} same" in capsys.readouterr().out.splitlines()[0]


def test_a_ring_that_is_gone_is_named(
    report: Report, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ring = report.findings.campaigns[0].id
    told = json.loads((report.folder / "campaigns.json").read_bytes())
    told["campaigns"] = [each for each in told["campaigns"] if each["id"] != ring]
    (tmp_path / "campaigns.json").write_text(json.dumps(told))
    assert run(["diff", str(report.folder), str(tmp_path), "--json"]) == 0
    changes = json.loads(capsys.readouterr().out)["changes"]
    assert [change["before"]["id"] for change in changes if change["kind"] == "gone"] == [ring]


@pytest.mark.slow
def test_json_and_progress_go_to_different_streams(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "headwater.cli", "demo", "--json", "-o", str(tmp_path / "report")]
    environment = {**os.environ, "FORCE_COLOR": "1"}
    done = subprocess.run(command, capture_output=True, check=True, env=environment, cwd=tmp_path)
    assert json.loads(done.stdout)["format"] == "headwater.campaigns"
    assert b"\x1b" not in done.stdout


@pytest.mark.slow
def test_fail_on_and_max_bad_decide_the_exit_code(tmp_path: Path) -> None:
    log = str(SAMPLE / "exchanges.parquet")
    command = ["investigate", log, "-o", str(tmp_path / "report"), "-q", "--json", "--fail-on", "likely"]
    assert run(command) == 1


@pytest.mark.slow
def test_an_interrupted_run_says_so_and_exits_with_130(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "headwater.cli", "demo", "-o", str(tmp_path / "report")]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A test runner in the background may have told its children to ignore the signal.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    ) as process:
        # It has begun once its folder is there, and takes seconds from then on.
        while not any(tmp_path.iterdir()) and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == b""
    assert err.strip() == b"interrupted"


def test_an_account_that_nothing_ties_is_explained_and_no_typo(
    report: Report, capsys: pytest.CaptureFixture[str]
) -> None:
    held = {
        m.account for ring in (*report.findings.campaigns, *report.findings.considered) for m in ring.members
    }
    accounts = pq.read_table(report.folder / "accounts.parquet").column("account").to_pylist()
    free = next(name for name in accounts if name not in held)
    assert run(["explain", free, "--report", str(report.folder)]) == 0
    assert "Nothing ties it to a group" in capsys.readouterr().out
    assert run(["explain", f"{free}x", "--report", str(report.folder)]) == 2
