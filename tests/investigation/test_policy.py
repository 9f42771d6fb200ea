"""A policy pack of one's own: it changes what is proposed and nothing else, and its faults cost no work."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import headwater
from headwater.cli.app import run
from headwater.errors import ConfigurationError, UnreadableInput
from headwater.explain import load
from headwater.investigation import Investigation
from headwater.policy import default_pack, load_pack
from investigation.worlds import SETTINGS, accounts, exchanges, plain

pytestmark = pytest.mark.xdist_group("small")

MILD = """name: mild
rules:
  - id: tell
    rung: notice
    when: accounts >= 2
    reason: Tell them first.
"""


@pytest.fixture
def mild(tmp_path: Path) -> Path:
    """A pack that proposes nothing above `notice`."""
    path = tmp_path / "mild.yaml"
    path.write_text(MILD)
    return path


def without_proposals(found: Investigation) -> list[dict[str, object]]:
    """The campaigns, but for what is proposed."""
    told = json.loads(found.json())
    return [{**each, "proposal": None} for each in (*told["campaigns"], *told["considered"])]


@pytest.mark.parametrize("how", [str, Path, load_pack])
def test_another_pack_changes_what_is_proposed_and_nothing_else(mild: Path, how: type) -> None:
    (ring,) = plain().campaigns
    assert ring.proposal is not None
    assert (ring.proposal.pack, ring.proposal.pack_sha256) == ("default", default_pack().sha256)
    assert ring.proposal.rung != "notice"
    with headwater.investigate(exchanges(), accounts(), policy=how(mild), settings=SETTINGS) as found:
        assert without_proposals(found) == without_proposals(plain())
        for each in (*found.campaigns, *found.findings.considered):
            assert each.proposal is not None
            assert (each.proposal.rung, each.proposal.rule, each.proposal.pack) == ("notice", "tell", "mild")
            assert each.proposal.pack_sha256 == load_pack(mild).sha256
        shown = found.html().decode()
    assert f"policy pack “mild” ({load_pack(mild).sha256[:12]})" in shown
    assert "Tell them first." in shown


@pytest.mark.parametrize(
    ("text", "error"), [(None, UnreadableInput), (MILD.replace("notice", "notce"), ConfigurationError)]
)
def test_a_fault_is_found_before_any_work(text: str | None, error: type[Exception], tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    if text is not None:
        path.write_text(text)

    def working(stage: str, *_: object) -> None:
        raise AssertionError(stage)

    with pytest.raises(error, match=r"broken\.yaml"):
        headwater.investigate(exchanges(), policy=path, progress=working)


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small world as `log.parquet`, in the working folder."""
    monkeypatch.chdir(tmp_path)
    pq.write_table(exchanges(), "log.parquet")
    pq.write_table(accounts(), "accounts.parquet")
    Path("headwater.toml").write_text("[detect]\nthreshold = 0.5\n")
    return Path("log.parquet")


def test_the_command_line_takes_a_pack_and_says_which(
    log: Path, mild: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    command = ["investigate", str(log), "--accounts", "accounts.parquet", "-q"]
    assert run([*command, "--policy", "mild.yaml"]) == 0
    pack = f"“mild” ({load_pack(mild).sha256[:12]})"
    (ring,) = load(Path("report")).campaigns
    told = capsys.readouterr().out
    assert f"proposed by the policy pack {pack}: notice for {ring.id}; a person decides" in told
    assert ring.proposal is not None
    assert (ring.proposal.rung, ring.proposal.pack) == ("notice", "mild")
    assert run(["explain", ring.id]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert f"Proposed: notice. Tell them first. Rule “tell” of the policy pack {pack}." in told


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "error: pack.yaml: does not exist\nhint: "),
        (
            MILD.replace("accounts >= 2", "acounts >= 2"),
            "error: pack.yaml, field rules.tell.when: there is no",
        ),
        (
            MILD.replace("    reason: Tell them first.\n", ""),
            "error: pack.yaml, field rules.tell.reason: this",
        ),
        ("a: &a [*a]\n", "error: pack.yaml, row 1: anchors and aliases (& and *) are not read\nhint: "),
        ("[" * 60_000, "error: pack.yaml, row 1: there are too many lists"),
    ],
)
@pytest.mark.parametrize("command", [["investigate", "log.parquet"], ["demo"]])
def test_a_fault_leaves_no_output_folder(
    command: list[str], text: str | None, says: str, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if text is not None:
        Path("pack.yaml").write_text(text)
    assert run([*command, "--policy", "pack.yaml", "-o", "new/report"]) == 2
    told = capsys.readouterr()
    assert told.err.startswith(says)
    assert "\nhint: " in told.err
    assert "fault in Headwater" not in told.err
    assert told.out == ""
    assert not Path("new").exists()


def test_what_lay_in_the_output_folder_stays(log: Path) -> None:
    Path("new").mkdir()
    Path("new/notes.txt").write_text("mine")
    assert run(["investigate", str(log), "--policy", "nowhere.yaml", "-o", "new/report"]) == 2
    assert [path.name for path in Path("new").iterdir()] == ["notes.txt"]


def test_a_pack_is_input_and_never_written_over(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("report").mkdir()
    Path("report/campaigns.json").write_text(MILD)
    command = ["investigate", str(log), "--policy", "report/campaigns.json", "-o", "report", "-q"]
    assert run(command) == 2
    assert "is part of the input and would be overwritten\nhint: " in capsys.readouterr().err
    assert Path("report/campaigns.json").read_text() == MILD
