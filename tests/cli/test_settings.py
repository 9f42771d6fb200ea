"""Settings from file and environment, and the place of each fault."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from headwater.cli.settings import load_settings, paths_of, variable
from headwater.errors import ConfigurationError, UnreadableInput, Where
from headwater.investigation import Settings


@dataclass(frozen=True)
class Engine:
    threads: int = 0
    memory_mb: int = 2048


@dataclass(frozen=True)
class Everything:
    engine: Engine = field(default_factory=Engine)
    prior: float = field(default=0.001, metadata={"range": "from 0 to 1"})
    mode: Literal["batch", "live"] = "batch"
    strict: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.prior <= 1:
            raise ConfigurationError("must be from 0 to 1", where=Where(field="prior"))


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text)
    return path


def test_defaults_file_environment_in_that_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_settings(Everything, None, {}) == Everything()
    path = written(tmp_path, "prior = 0.5\n[engine]\nthreads = 4\n")
    assert load_settings(Everything, path, {}) == Everything(engine=Engine(threads=4), prior=0.5)
    environment = {"HEADWATER_ENGINE_THREADS": "2", "HEADWATER_STRICT": "true", "HEADWATER_ELSE": "1"}
    made = load_settings(Everything, path, environment)
    assert made == Everything(engine=Engine(threads=2), prior=0.5, strict=True)


def test_the_file_in_the_working_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "headwater.toml").write_text("prior = 0.25")
    monkeypatch.chdir(tmp_path)
    assert load_settings(Everything, None, {}).prior == 0.25


FAULTS = [
    ("pior = 1", "pior", "there is no such setting", "did you mean prior?"),
    ("[engine]\nthread = 1", "engine.thread", "there is no such setting", "did you mean engine.threads?"),
    ("engine = 4", "engine", "a table [engine] is expected", ""),
    (
        "[engine]\nthreads = 'two'",
        "engine.threads",
        "expected int, got str",
        "a whole number; the default is 0",
    ),
    ("prior = 'low'", "prior", "expected float, got str", "a number, from 0 to 1; the default is 0.001"),
    ("prior = 7", "prior", "must be from 0 to 1", "the default is 0.001"),
    ("mode = 'stream'", "mode", "invalid enum value", 'one of batch, live; the default is "batch"'),
    ("strict = 1", "strict", "expected bool, got int", "true or false; the default is false"),
    ("prior = ", None, "is not TOML", ""),
    pytest.param(("prior = " + "[" * 5000, None, "is not TOML: nested too deep", ""), id="deep"),
    pytest.param(("prior = " + "9" * 5000, None, "is not TOML: a number has too many digits", ""), id="long"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault[0])
def test_a_fault_names_file_and_field(fault: tuple[str, str | None, str, str], tmp_path: Path) -> None:
    text, at, what, hint = fault
    with pytest.raises(ConfigurationError) as caught:
        load_settings(Everything, written(tmp_path, text), {})
    assert caught.value.where.file == str(tmp_path / "mine.toml")
    assert caught.value.where.field == at
    assert what in caught.value.what
    assert hint in (caught.value.hint or "")
    assert hint or not caught.value.hint


@pytest.mark.parametrize(
    ("value", "hint"), [("much", "a number, from 0 to 1"), ("7", "the default is 0.001")]
)
def test_a_fault_in_the_environment_names_the_variable(value: str, hint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(Everything, None, {"HEADWATER_PRIOR": value})
    assert caught.value.where.field == "HEADWATER_PRIOR"
    assert (caught.value.hint or "").startswith(hint)


def test_every_range_that_is_told_is_kept() -> None:
    """A setting that tells its range refuses what lies outside, in the same words."""
    for path, entry in paths_of(Settings):
        if "range" not in entry.metadata:
            continue
        with pytest.raises(ConfigurationError) as caught:
            load_settings(Settings, None, {variable(path): "-1"})
        assert caught.value.what == f"must be {entry.metadata['range']}"


def test_a_missing_file_is_unreadable(tmp_path: Path) -> None:
    written(tmp_path, "")
    with pytest.raises(UnreadableInput) as caught:
        load_settings(Everything, tmp_path / "min.toml", {})
    assert str(caught.value) == f"{tmp_path / 'min.toml'}: does not exist"
    assert caught.value.hint == f"did you mean {tmp_path / 'mine.toml'}?"


def test_every_setting_has_its_path_and_variable() -> None:
    paths = [path for path, _ in paths_of(Everything)]
    assert paths == [("engine", "threads"), ("engine", "memory_mb"), ("prior",), ("mode",), ("strict",)]
    assert variable(paths[1]) == "HEADWATER_ENGINE_MEMORY_MB"
