"""`headwater keys ticket-new`: a key that the gateway signs with, and engines check by."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.cli.app import run
from headwater.keys import load_ticket_keys


def test_a_ticket_key_is_made_and_shown_by_its_id_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "tickets.key"
    assert run(["keys", "ticket-new", str(path), "--version", "3"]) == 0
    told = capsys.readouterr()
    (key,) = load_ticket_keys(path)
    assert (key.version, key.id) == (3, told.out.strip())
    assert path.stat().st_mode & 0o077 == 0
    assert key.secret.hex() not in told.out + told.err
    assert run(["keys", "ticket-new", str(path)]) == 2
    assert "never overwritten" in capsys.readouterr().err


def test_files_of_two_generations_are_joined_as_the_guide_says(tmp_path: Path) -> None:
    for version in (1, 2):
        assert run(["keys", "ticket-new", str(tmp_path / f"{version}.key"), "--version", str(version)]) == 0
    both = tmp_path / "both.key"
    both.touch(0o600)
    both.write_bytes((tmp_path / "2.key").read_bytes() + (tmp_path / "1.key").read_bytes())
    assert [key.version for key in load_ticket_keys(both)] == [2, 1]
