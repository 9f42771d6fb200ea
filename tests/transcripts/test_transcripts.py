"""Every transcript does what it says, and every console block of the documentation is in one."""

from __future__ import annotations

import gzip
import io
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from headwater.cli.app import run
from house.source import ROOT
from transcripts.script import parse, pattern, transcripts

SAMPLE = ROOT / "examples" / "sample"


def lay_out(files: dict[str, str], folder: Path) -> None:
    """Write a transcript's files into `folder`."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = text.encode()
        path.write_bytes(gzip.compress(data, mtime=0) if name.endswith(".gz") else data)


@pytest.mark.parametrize("path", transcripts(), ids=lambda path: path.stem)
def test_a_transcript(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    transcript = parse(path)
    assert transcript.steps
    lay_out(transcript.files, tmp_path)
    if SAMPLE.is_dir():
        (tmp_path / "examples").mkdir(exist_ok=True)
        (tmp_path / "examples" / "sample").symlink_to(SAMPLE)
        # A clone's files may be read by others; its reader has said chmod 600.
        shutil.copytree(ROOT / "examples" / "marks", tmp_path / "examples" / "marks")
        (tmp_path / "examples" / "marks" / "keys.toml").chmod(0o600)
        (tmp_path / "tests").symlink_to(ROOT / "tests")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    for step in transcript.steps:
        out, err = io.StringIO(), io.StringIO()
        with monkeypatch.context() as streams:
            streams.setattr(sys, "stdout", out)
            streams.setattr(sys, "stderr", err)
            code = run(list(step.arguments))
        shown = out.getvalue() + err.getvalue()
        place = f"{path.name}, line {step.line}: headwater {' '.join(step.arguments)}"
        assert pattern(step.output).fullmatch(shown.strip("\n") + "\n"), f"{place}\n{shown}"
        assert code == step.exit_code, f"{place}\n{shown}"


def blocks() -> list[tuple[str, str]]:
    """Every console block of README and docs: where it stands, and its text."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [
        (str(page.relative_to(ROOT)), block)
        for page in pages
        for block in re.findall(r"^```console\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S)
    ]


def test_what_the_documentation_shows_is_what_happens() -> None:
    """A block may show figures where the transcript has `…`; commands without output are not looked at."""
    steps = [step for path in transcripts() for step in parse(path).steps]
    strange = []
    for page, block in blocks():
        for part in re.split(r"^(?=\$ )", block, flags=re.M):
            line, _, output = part.partition("\n")
            if not line.startswith("$ headwater") or not output.strip():
                continue
            same = [step for step in steps if list(step.arguments) == shlex.split(line[2:])[1:]]
            shown = output.strip("\n") + "\n"
            if not any(pattern(step.output).fullmatch(shown) for step in same):
                strange.append((page, part))
    assert strange == []
