"""Keys of marks: written, read, derived for accounts, never shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import ConfigurationError, UsageError
from headwater.keys import (
    MarkSecret,
    account_numbers,
    checked_numbers,
    hkdf_sha256,
    load_mark_key,
    parse_numbers,
    save_mark_key,
)

NUMBERS = st.lists(st.integers(0, 2**256 - 1), min_size=1, max_size=40).map(tuple)
SECRET = 0x123456789ABCDEF0


@given(NUMBERS, st.integers(1, 10**9 - 1))
def test_what_is_written_is_read(numbers: tuple[int, ...], version: int) -> None:
    key = MarkSecret(numbers, "vllm-gumbel", version)
    assert MarkSecret.parse(f"# said\n{key.line()}\n") == key


def test_printing_a_key_shows_nothing_made_from_it() -> None:
    assert repr(MarkSecret((SECRET,), "kgw", 2)) == "MarkSecret(scheme='kgw', version=2)"


@pytest.mark.parametrize("at", [19, 22, 34, 40, 50])
def test_a_typing_error_is_found_and_not_quoted(at: int) -> None:
    line = MarkSecret((SECRET,), "vllm-gumbel").line()
    wrong = line[:at] + ("1" if line[at] != "1" else "2") + line[at + 1 :]
    with pytest.raises(ConfigurationError) as error:
        MarkSecret.parse(wrong)
    assert f"{SECRET:x}"[4:] not in str(error.value)


@given(NUMBERS)
def test_plain_integers_are_read_in_both_notations(numbers: tuple[int, ...]) -> None:
    assert parse_numbers(" ".join(map(str, numbers))) == numbers
    assert parse_numbers(",\n".join(map(hex, numbers))) == numbers


@pytest.mark.parametrize(
    "text",
    ["", "# 42", "2a", "-1", "1.5", "0x", "1" * 5000, f"{2**256}", "42 deadbeef", "1 " * 1025, "٤٢", "0x1_0"],
)
def test_what_could_be_read_in_two_ways_or_in_none_is_refused_unquoted(text: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        parse_numbers(text)
    assert "deadbeef" not in str(error.value)
    assert "11111" not in str(error.value)


@pytest.mark.parametrize(
    ("numbers", "said"),
    [([], "from 1 to"), ([True], "isn't an integer"), (["7"], "isn't an integer"), ([-7], "negative")],
)
def test_integers_that_no_key_has_are_refused(numbers: list[object], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        checked_numbers(numbers)


def test_a_file_holds_a_line_or_an_engines_integers(tmp_path: Path) -> None:
    path, plain = tmp_path / "mark.key", tmp_path / "plain.key"
    save_mark_key(MarkSecret((SECRET, 7), "synthid"), path)
    plain.write_text(f"# of the engine\n{SECRET:#x}, 7\n")
    plain.chmod(0o600)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_mark_key(path, "synthid") == load_mark_key(plain, "synthid") == (SECRET, 7)
    with pytest.raises(ConfigurationError, match="a key for synthid, not for kgw"):
        load_mark_key(path, "kgw")
    with pytest.raises(ConfigurationError, match="of this name exists"):
        save_mark_key(MarkSecret((1,), "kgw"), path)
    plain.chmod(0o644)
    with pytest.raises(ConfigurationError, match="others than its owner"):
        load_mark_key(plain, "synthid")


@pytest.mark.parametrize(
    ("numbers", "scheme", "version"),
    [((), "kgw", 1), ((1,), "K G W", 1), ((1,), "kgw", 0), ((-1,), "kgw", 1)],
)
def test_a_key_has_integers_a_scheme_and_a_version(
    numbers: tuple[int, ...], scheme: str, version: int
) -> None:
    with pytest.raises(UsageError):
        MarkSecret(numbers, scheme, version)


def test_an_accounts_key_is_hkdf_as_documented() -> None:
    master = bytes(range(32))
    info = b"headwater mark account key\x00headwater-tilt\x00acct-7\x002026-q4"
    expected = hkdf_sha256(master, info=info, length=25)
    derived = account_numbers(
        master, scheme="headwater-tilt", account="acct-7", epoch="2026-q4", bits=(128, 63, 1)
    )
    assert derived == (
        int.from_bytes(expected[:16], "big"),
        int.from_bytes(expected[16:24], "big") & (2**63 - 1),
        expected[24] & 1,
    )


def test_accounts_epochs_and_schemes_have_keys_of_their_own() -> None:
    named = [
        ("kgw", "a", "1"), ("kgw", "a", "2"), ("kgw", "b", "1"), ("unigram", "a", "1"), ("kgw", "a1", ""),
        ("kgw", "", "a1"),
    ]  # fmt: skip
    keys = {
        account_numbers(bytes(32), scheme=scheme, account=account, epoch=epoch, bits=(64,))
        for scheme, account, epoch in named
    }
    assert len(keys) == len(named)
    with pytest.raises(UsageError, match="zero byte"):
        account_numbers(bytes(32), scheme="kgw", account="a\x001", epoch="", bits=(64,))
