"""Peppers: written, read, several in a folder, never shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import ConfigurationError, UsageError
from headwater.keys import Pepper, load_peppers, save_pepper


@given(st.binary(min_size=32, max_size=32), st.integers(1, 10**9 - 1))
def test_what_is_written_is_read(secret: bytes, version: int) -> None:
    pepper = Pepper(secret, version)
    assert Pepper.parse(f"# said\n{pepper.line()}\n") == pepper
    assert secret.hex() not in repr(pepper)


@pytest.mark.parametrize("at", [20, 40, 70, 90, 98])
def test_a_typing_error_is_found_and_not_quoted(at: int) -> None:
    line = Pepper(bytes(range(32))).line()
    wrong = line[:at] + ("0" if line[at] != "0" else "1") + line[at + 1 :]
    with pytest.raises(ConfigurationError) as error:
        Pepper.parse(wrong)
    assert bytes(range(32)).hex()[:8] not in str(error.value)


def test_the_newest_comes_first(tmp_path: Path) -> None:
    for version, name in ((1, "pepper.key"), (3, "pepper-3.key"), (2, "pepper-2.key")):
        save_pepper(Pepper(bytes([version]) * 32, version), tmp_path / name)
    assert [pepper.version for pepper in load_peppers(tmp_path)] == [3, 2, 1]


def test_two_of_one_version_and_none_at_all_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no pepper"):
        load_peppers(tmp_path)
    for at in range(2):
        save_pepper(Pepper(bytes([at]) * 32), tmp_path / f"pepper{at}.key")
    with pytest.raises(ConfigurationError, match="same version"):
        load_peppers(tmp_path)


def test_a_pepper_that_others_can_read_is_refused(tmp_path: Path) -> None:
    save_pepper(Pepper(bytes(32)), tmp_path / "pepper.key")
    (tmp_path / "pepper.key").chmod(0o640)
    with pytest.raises(ConfigurationError, match="others than its owner"):
        load_peppers(tmp_path)


@pytest.mark.parametrize(("secret", "version"), [(b"", 1), (bytes(31), 1), (bytes(32), 0)])
def test_a_pepper_has_32_bytes_and_a_version(secret: bytes, version: int) -> None:
    with pytest.raises(UsageError):
        Pepper(secret, version)
