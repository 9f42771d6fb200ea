"""Keys of tickets: written, read, several in a file, never shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import ConfigurationError, UsageError
from headwater.keys import TicketKey, load_ticket_keys, parse_ticket_keys, save_ticket_key


@given(st.binary(min_size=32, max_size=32), st.integers(1, 10**9 - 1))
def test_what_is_written_is_read(secret: bytes, version: int) -> None:
    key = TicketKey(secret, version)
    assert parse_ticket_keys(f"# said\n\n {key.line()} \n") == (key,)
    assert secret.hex() not in repr(key)


def test_the_newest_of_a_file_comes_first(tmp_path: Path) -> None:
    keys = [TicketKey(bytes([version]) * 32, version) for version in (1, 3, 2)]
    path = tmp_path / "tickets.key"
    save_ticket_key(keys[0], path)
    with path.open("a") as file:
        file.writelines(f"{key.line()}\n" for key in keys[1:])
    assert [key.version for key in load_ticket_keys(path)] == [3, 2, 1]


@pytest.mark.parametrize("at", [3, 22, 40, 70, 90, 100])
def test_a_typing_error_is_found_and_not_quoted(at: int) -> None:
    line = TicketKey(bytes(range(32))).line()
    wrong = line[:at] + ("0" if line[at] != "0" else "1") + line[at + 1 :]
    with pytest.raises(ConfigurationError) as error:
        parse_ticket_keys(wrong)
    assert bytes(range(32)).hex()[:8] not in f"{error.value} {error.value.hint}"


@pytest.mark.parametrize("text", ["", "# nothing\n", "secret", "a\n" * 100_000])
def test_what_holds_no_key_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="not a list of ticket keys") as error:
        parse_ticket_keys(text)
    assert "secret" not in str(error.value)


def test_two_of_one_version_are_refused() -> None:
    lines = "\n".join(TicketKey(bytes([at]) * 32).line() for at in range(2))
    with pytest.raises(ConfigurationError, match="same version"):
        parse_ticket_keys(lines)


def test_a_file_that_others_can_read_is_refused_and_none_is_written_over(tmp_path: Path) -> None:
    path = tmp_path / "tickets.key"
    save_ticket_key(TicketKey(bytes(32)), path)
    with pytest.raises(ConfigurationError, match="a file of this name exists"):
        save_ticket_key(TicketKey(bytes(32)), path)
    path.chmod(0o644)
    with pytest.raises(ConfigurationError, match="others than its owner"):
        load_ticket_keys(path)


@pytest.mark.parametrize(
    ("secret", "version"), [(b"", 1), (bytes(31), 1), (bytes(32), 0), (bytes(32), 10**9)]
)
def test_what_is_no_key_isnt_made(secret: bytes, version: int) -> None:
    with pytest.raises(UsageError):
        TicketKey(secret, version)
