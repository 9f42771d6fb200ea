"""Scenario files: what is wrong is said with file and field; the texts are kept in tests/messages."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.errors import ConfigurationError
from headwater.simulate import load, names
from simulate.builders import SCENARIO

MESSAGES = Path(__file__).parents[1] / "messages"

#: Name of the golden text → what is changed in a good scenario.
FAULTS = {
    "no-toml": ('name = "small"', "name = small"),
    "unknown-setting": ("outages =", "outage ="),
    "unknown-setting-inside": ("workers = 6", "worker = 6"),
    "wrong-type": ("accounts = 240", 'accounts = "many"'),
    "out-of-range": ("cover = 0.1\n", "cover = 1.5\n"),
    "unknown-kind": ('kind = "pool"', 'kind = "swarm"'),
    "missing": ('title = "A small world for tests"\n', ""),
    "unknown-corpus": ("gsm8k = 3,", "gsm9k = 3,"),
    "score-corpus": ("corpora = { banking77 = 1 }", "corpora = { mmlu = 1 }"),
    "no-corpus": ("corpora = { codegen = 2, halueval = 1 }", "corpora = {}"),
    "cover-without-corpora": ("cover_corpora = { banking77 = 1, multiwoz = 1 }\n", ""),
    "cover-of-two-kinds": (
        "cover = 0.1\n",
        "cover = 0.1\ncover_groups = [{ share = 1, corpora = { banking77 = 1 } }]\n",
    ),
    "ends-before-it-begins": ("end_day = 13.5", "end_day = 0.5"),
    "outlives-the-world": ("end_day = 13.5", "end_day = 20"),
    "sizes-in-the-wrong-order": ("organisations = 2\n", "organisations = 2\nsizes = [8, 2]\n"),
    "no-zone": ("00:00:00Z", "00:00:00"),
    "two-of-a-name": ('name = "labels"', 'name = "lab"'),
    "no-template": (
        'templates = ["Write down every thought, then the result.\\n\\n{task}"]',
        "templates = []",
    ),
}


def worded(fault: ConfigurationError) -> str:
    return f"error: {fault}\n" + (f"hint: {fault.hint}\n" if fault.hint else "")


@pytest.mark.parametrize("name", FAULTS)
def test_a_bad_scenario_is_explained(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = FAULTS[name]
    assert before in SCENARIO
    monkeypatch.chdir(tmp_path)
    Path("bad.toml").write_text(SCENARIO.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(ConfigurationError) as fault:
        load("bad.toml")
    assert worded(fault.value) == (MESSAGES / f"simulate-{name}.txt").read_text(encoding="utf-8")


def test_a_name_that_is_nearly_one_is_guessed() -> None:
    with pytest.raises(ConfigurationError) as fault:
        load("quite")
    assert worded(fault.value) == (MESSAGES / "simulate-unknown-name.txt").read_text(encoding="utf-8")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: No such file") as fault:
        load(tmp_path / "none.toml")
    assert fault.value.where.file == str(tmp_path / "none.toml")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        load(tmp_path / "x.toml")


@pytest.mark.parametrize("value", ["[" * 5000, "9" * 5000], ids=["deep", "long"])
def test_what_cannot_be_parsed_is_refused(tmp_path: Path, value: str) -> None:
    (tmp_path / "x.toml").write_text(f"seed = {value}")
    with pytest.raises(ConfigurationError, match="is not TOML"):
        load(tmp_path / "x.toml")


def test_packaged_scenarios_load() -> None:
    assert {"hydra", "quiet", "reasoning_harvest", "sample"} < set(names())
    for name in names():
        assert load(name).name == name
