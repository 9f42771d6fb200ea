"""`headwater diff`: what it says beyond the comparison itself."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from explain.builders import findings
from headwater.cli.app import run
from headwater.explain import dumps


@pytest.mark.parametrize(("other", "warned"), [("hwk_other", True), (None, False)])
def test_different_keys_are_warned_about(
    other: str | None, warned: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = findings()
    (tmp_path / "old.json").write_bytes(dumps(made))
    (tmp_path / "new.json").write_bytes(
        dumps(dataclasses.replace(made, imprint_key_id=other) if other else made)
    )
    assert run(["diff", str(tmp_path / "old.json"), str(tmp_path / "new.json")]) == 0
    shown = capsys.readouterr()
    assert ("different imprint keys" in shown.err) is warned
    assert "same" in shown.out
