"""Keys from a program of the operator's: what it prints, how it can fail, and that nothing of it is shown."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from headwater.errors import ConfigurationError, Where
from headwater.keys import MarkSecret, key_from_command
from headwater.mark import load_keyring

_SECRET = "c0ffee" * 10
_WHERE = Where("keys.toml", field="mark.m.key_command")


def _script(folder: Path, body: str) -> str:
    path = folder / "kms"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o700)
    return str(path)


def test_what_the_program_prints_is_the_key(tmp_path: Path) -> None:
    program = _script(tmp_path, 'echo "$1 $KMS_PROFILE"; pwd; test -z "$(cat)"')
    printed = key_from_command(
        [program, "a; b"], where=_WHERE, folder=tmp_path, environment={**os.environ, "KMS_PROFILE": "prod"}
    )
    assert printed == f"a; b prod\n{tmp_path}\n"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (f"echo {_SECRET}; echo {_SECRET} >&2; exit 3", "ended with code 3"),
        (f"echo {_SECRET}; kill -9 $$", "ended with code -9"),
        (f"while :; do echo {_SECRET}; done", "printed more than 65,536 bytes"),
    ],
)
def test_a_program_that_fails_is_told_without_its_output(tmp_path: Path, body: str, told: str) -> None:
    program = _script(tmp_path, body)
    with pytest.raises(ConfigurationError, match=told) as error:
        key_from_command([program], where=_WHERE, folder=tmp_path)
    assert _SECRET[:12] not in f"{error.value} {error.value.hint}"
    assert "mark.m.key_command" in str(error.value)


@pytest.mark.parametrize("body", ["sleep 60 & echo $! > child; wait", "echo $$ > child; exec 1>&-; sleep 60"])
def test_a_program_that_hangs_is_ended_with_what_it_started(tmp_path: Path, body: str) -> None:
    program = _script(tmp_path, body)
    with pytest.raises(ConfigurationError, match=r"took longer than 0\.5 s"):
        key_from_command([program], where=_WHERE, folder=tmp_path, timeout_s=0.5)
    child = int((tmp_path / "child").read_text())
    for _ in range(100):
        if not Path(f"/proc/{child}").exists() or "(zombie)" in Path(f"/proc/{child}/status").read_text():
            return
        time.sleep(0.05)
    raise AssertionError("it goes on")


@pytest.mark.parametrize(
    "words", [[], [""], ["kms", ""], ["kms", 7], ["/no/such/program"], ["kms\x00"], ["x"] * 101]
)
def test_what_is_no_program_is_refused(tmp_path: Path, words: list) -> None:
    with pytest.raises(ConfigurationError):
        key_from_command(words, where=_WHERE, folder=tmp_path)


def _keyring(folder: Path, command: str) -> Path:
    path = folder / "keys.toml"
    path.write_text(
        f'[[mark]]\nname = "m"\nscheme = "headwater-gumbel"\ntokenizer = "bytes"\nkey_command = {command}\n'
    )
    path.chmod(0o600)
    return path


def test_a_keyring_takes_a_key_from_a_program(tmp_path: Path) -> None:
    secret = MarkSecret((1 << 63 | 5, 7), "headwater-gumbel")
    _script(tmp_path, f"echo '# from the vault'; echo {secret.line()}")
    mark = load_keyring(_keyring(tmp_path, '["./kms"]')).marks[0]
    assert mark.key.numbers == secret.numbers


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ('"./kms"', "must be a list of words"),
        ("[]", "must be a list of words"),
        ('["./other"]', "can't be started"),
        ('["./kms"]\nkey = 5', "more than one key"),
        ('["./kms"]', "not a key"),
    ],
)
def test_a_keyring_says_what_is_wrong_with_a_program(tmp_path: Path, command: str, told: str) -> None:
    _script(tmp_path, f"echo an error of {_SECRET}")
    with pytest.raises(ConfigurationError, match=told) as error:
        load_keyring(_keyring(tmp_path, command))
    assert _SECRET[:12] not in f"{error.value} {error.value.hint}"
    assert "keys.toml" in str(error.value)
