"""`headwater simulate`: the dial and changed settings reach the world and its card; what is wrong is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headwater.cli.app import run
from simulate.builders import SCENARIO, corpora_folder

MESSAGES = Path(__file__).parents[1] / "messages"

#: Name of the golden text → options that cannot be used.
FAULTS = {
    "dial-out-of-range": ["--camouflage", "1.2"],
    "dial-that-is-no-number": ["--camouflage", "high"],
    "dial-unknown-part": ["--camouflage", "colour=1"],
    "dial-part-out-of-range": ["--camouflage", "cover=0.9"],
    "set-without-a-value": ["--set", "campaigns.0.accounts"],
    "set-unknown-setting": ["--set", "campaigns.0.acounts=5"],
    "set-unknown-entry": ["--set", "campaigns.7.accounts=5"],
    "set-unknown-table": ["--set", "campains.0.accounts=5"],
    "set-wrong-type": ["--set", "campaigns.0.accounts=many"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("simulate")
    corpora_folder(root / "corpora")
    (root / "small.toml").write_text(SCENARIO, encoding="utf-8")
    return root


def simulate(folder: Path, *options: str) -> int:
    out, corpora = str(folder / "out"), str(folder / "corpora")
    return run(
        ["simulate", str(folder / "small.toml"), "-o", out, "--corpora", corpora, "--scale", "0.2", *options]
    )


def test_the_card_says_how_rings_hide_and_what_was_changed(folder: Path) -> None:
    dial = ["--camouflage", "cover=0.5,paraphrase=1"]
    assert simulate(folder, *dial, "--set", "campaigns.0.accounts=50", "--set", "days=14") == 0
    card = json.loads((folder / "out/_scenario.json").read_text(encoding="utf-8"))
    assert card["camouflage"] == {"cover": 0.5, "paraphrase": 1.0, "jitter": 0.0, "personas": 0.0}
    assert card["override"] == {"campaigns.0.accounts": 50, "days": 14}
    assert card["accounts_by_role"]["ring"] == 10


@pytest.mark.parametrize("name", FAULTS)
def test_what_cannot_be_used_is_explained(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert simulate(folder, *FAULTS[name]) == 2
    assert capsys.readouterr().err == (MESSAGES / f"simulate-{name}.txt").read_text(encoding="utf-8")
