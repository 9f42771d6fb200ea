"""The keyring: what it says is looked for, what is wrong with it is said by its place, and no key is ever shown."""

from __future__ import annotations

import logging
import random
import traceback
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from headwater.errors import ConfigurationError, HeadwaterError, UnreadableInput
from headwater.keys import MarkSecret, account_numbers, save_mark_key
from headwater.mark import registry
from headwater.mark.keyring import Keyring, load_keyring, new_key
from headwater.mark.marks import key_bits
from headwater.mark.own import account_key, coin_of
from mark.tokenizers import saved

#: Keys that no other number in these tests looks like.
SECRET, MASTER = 0x1D5C_AB1E_0DDB_A115, random.Random(7).getrandbits(256) | 1 << 255
MARK = '[[mark]]\nname = "chat"\nscheme = "vllm-gumbel"\ntokenizer = "bytes"\n'
ACCOUNTS = '[[accounts]]\nname = "all"\nscheme = "headwater-gumbel"\ntokenizer = "ids"\n'
ACCOUNTS += 'epoch = "2026-q4"\nfile = "ids.txt"\n'
SHORT = ACCOUNTS.replace("headwater-gumbel", "kgw") + "vocab_size = 9\n"


class Folder:
    """A folder with a keyring and what it names."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "ids.txt").write_text("acct-1\nacct-2\n\n  acct-3\r\n")

    def load(self, text: str | bytes, mode: int = 0o600, **environment: str) -> Keyring:
        """The keyring that `text` is."""
        file = self.path / "keys.toml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        file.chmod(mode)
        return load_keyring(file, environment)

    def refused(self, text: str | bytes, **environment: str) -> HeadwaterError:
        """The error that `text` gives, which shows no key wherever it is printed."""
        with pytest.raises(HeadwaterError) as raised:
            self.load(text, **environment)
        error = raised.value
        shown = "".join(traceback.format_exception(error)) + repr(error) + str(error.hint)
        assert not any(form in shown.lower() for form in forms(SECRET) + forms(MASTER))
        assert error.where.file is not None
        return error


def forms(number: int) -> list[str]:
    """A number as it might be shown, and the halves of it."""
    hexadecimal = f"{number:x}"
    return [
        str(number),
        hexadecimal,
        hexadecimal[: len(hexadecimal) // 2],
        hexadecimal[len(hexadecimal) // 2 :],
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_everything_that_a_keyring_says(folder: Folder) -> None:
    saved("byte-level", folder.path)
    save_mark_key(MarkSecret((5, 6), "headwater-tilt"), folder.path / "tilt.key")
    ring = folder.load(
        """
        [[tokenizer]]
        name = "small"
        file = "byte-level.json"

        [[tokenizer]]
        name = "numbers"
        kind = "ids"
        vocab_size = 1000

        [[mark]]
        name = "chat"
        scheme = "vllm-gumbel"
        tokenizer = ["small", "bytes"]
        key = 42
        width = 3
        from = 2026-08-01
        until = 2026-10-31

        [[mark]]
        name = "old"
        scheme = "synthid"
        tokenizer = "numbers"
        keys = [1, "0x2", 3]
        layers = 3
        revoked = true

        [[mark]]
        name = "bulk"
        scheme = "headwater-tilt"
        tokenizer = "ids"
        key_file = "tilt.key"
        account = "acct-9"

        [[mark]]
        name = "other"
        scheme = "sglang-gumbel"
        tokenizer = "ids"
        key_env = "OTHER_KEY"
        """,
        OTHER_KEY="0x2a",
    )  # fmt: skip
    chat, old, bulk, other = ring.marks
    assert [tokenizer.name for tokenizer in chat.tokenizers] == ["small", "bytes"]
    assert (chat.scheme.name, chat.scheme.width, chat.key.numbers) == ("vllm-gumbel", 3, (42,))
    assert (old.scheme.streams, old.key.numbers, old.revoked) == (3, (1, 2, 3), True)
    assert (bulk.key.numbers, bulk.account) == ((5, 6), "acct-9")
    assert other.key.numbers == (42,)
    assert ring.tokenizers["numbers"].vocab_size == 1000
    assert (
        chat.tokenizers[0].encode("the fox").ids.tolist() != chat.tokenizers[1].encode("the fox").ids.tolist()
    )
    assert [mark.name for mark in ring.current()] == ["chat", "bulk", "other"]
    assert [mark.name for mark in ring.current(date(2026, 10, 31))] == ["chat", "bulk", "other"]
    assert [mark.name for mark in ring.current(date(2026, 11, 1))] == ["bulk", "other"]
    assert [mark.name for mark in ring.current(date(2026, 7, 31))] == ["bulk", "other"]


def test_no_key_is_shown(
    folder: Folder, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    layered = ACCOUNTS.replace("headwater-gumbel", "headwater-layered")
    ring = folder.load(f"{MARK}key = {SECRET}\n{layered}key_env = 'MASTER'\n", MASTER=f"{MASTER:#x}")
    coin = coin_of(MASTER.to_bytes(32, "big"))
    derived = ring.accounts[0].keys("2026-q4")
    logging.getLogger().warning("%s %r %r", ring, ring.marks[0], derived)
    print(ring, ring.accounts, derived, new_key("vllm-gumbel"))
    out, err = capsys.readouterr()
    shown = out + err + caplog.text + repr(ring) + f"{ring.accounts[0]}"
    secret = [SECRET, MASTER, *coin, *(number for key in derived for number in key.numbers)]
    assert "acct-1" in shown
    assert not any(form in shown.lower() for number in secret for form in forms(number))


def test_keys_of_accounts_are_derived_as_those_who_mark_derive_them(folder: Folder) -> None:
    both = ACCOUNTS.replace('"2026-q4"', '["2026-q4", "2027-q1"]')
    ring = folder.load(f'{both}key = "{MASTER:#x}"\n')
    (accounts,) = ring.accounts
    master = MASTER.to_bytes(32, "big")
    assert accounts.ids == ("acct-1", "acct-2", "acct-3")
    assert accounts.epochs == ("2026-q4", "2027-q1")
    keys = [key for epoch in accounts.epochs for key in accounts.keys(epoch)]
    assert [key.name for key in keys] == list(accounts.ids) * 2
    assert len({key.numbers for key in keys}) == 6
    assert keys[4] == account_key(master, "acct-2", "2027-q1", scheme="headwater-gumbel")
    assert keys[4].numbers == account_numbers(
        master, scheme="headwater-gumbel", account="acct-2", epoch="2027-q1", bits=(64, 64)
    )


def test_the_coin_of_two_layers_comes_from_the_master(folder: Folder) -> None:
    layered = ACCOUNTS.replace("headwater-gumbel", "headwater-layered")
    mark = MARK.replace("vllm-gumbel", "headwater-layered")
    ring = folder.load(f'{mark}keys = [7, 8]\nlayer = "master"\n{layered}keys = [7, 8]\n')
    coin = coin_of((7).to_bytes(8, "big") + (8).to_bytes(8, "big"))
    assert [getattr(one.scheme, "coin", None) for one in (*ring.marks, *ring.accounts)] == [coin, coin]
    assert [getattr(one.scheme, "layer", None) for one in (*ring.marks, *ring.accounts)] == [
        "master",
        "account",
    ]
    error = folder.refused(f"{mark}keys = [7, 8]\n")
    assert error.where.field == "mark.chat.coin"


def test_one_integer_of_128_bits_is_two_of_64(folder: Folder) -> None:
    one, two = (
        folder.load(f"{ACCOUNTS}{key}\n").accounts[0].keys("2026-q4")
        for key in (f'key = "{5 << 124 | 6:#x}"', f'keys = ["{5 << 60:#x}", 6]')
    )
    assert one == two
    mark = MARK.replace("vllm-gumbel", "headwater-gumbel")
    assert folder.load(f'{mark}key = "{5 << 64 | 6:#x}"\n').marks[0].key.numbers == (5, 6)
    assert "has 2 integers, not 1" in folder.refused(f"{mark}key = 42\n").what


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ('scheme = "unigram"\nvocab_size = 9\nkey = 0x8000000000000000\n', "below 2^63"),
        ('scheme = "kgw"\nvocab_size = 9\nkey = 0x8000000000000000\n', "don't depend on the key"),
    ],
)
def test_a_key_that_its_scheme_refuses_is_refused_where_it_stands(
    folder: Folder, settings: str, what: str
) -> None:
    error = folder.refused(f'[[mark]]\nname = "chat"\ntokenizer = "bytes"\n{settings}')
    assert what in error.what
    assert error.where.field == "mark.chat.key"


def test_a_key_with_fewer_layers_says_which_setting_that_is(folder: Folder) -> None:
    error = folder.refused(f"{MARK.replace('vllm-gumbel', 'synthid')}keys = [1, 2, 3]\n")
    assert "has 30 integers, not 3" in error.what
    assert "layers = 3" in (error.hint or "")


def test_entries_with_the_same_settings_have_one_scheme(folder: Folder) -> None:
    entries = [f"{MARK.replace('chat', f'm{number}')}key = {number}\n" for number in range(3)]
    first, second, third = folder.load("".join(entries) + "width = 5\n").marks
    assert first.scheme is second.scheme
    assert (first.scheme.width, third.scheme.width) == (4, 5)
    assert "a value" in folder.refused(f"{MARK}key = 1\nwhole = 0x{'f' * 9000}\n").what


def test_a_hundred_thousand_accounts_are_read(folder: Folder) -> None:
    (folder.path / "ids.txt").write_text("".join(f"acct-{number}\n" for number in range(100_000)))
    (accounts,) = folder.load(f'{ACCOUNTS}key = "{MASTER:#x}"\n').accounts
    assert len(accounts.ids) == 100_000
    some = replace(accounts, ids=accounts.ids[::50])
    assert len({key.numbers for key in some.keys("2026-q4")}) == 2_000


@pytest.mark.parametrize(
    ("text", "field", "said"),
    [
        ("[[marks]]\n", "marks", "no such table"),
        ("mark = 3\n", "mark", "must be a list of tables"),
        ("[mark]\nname = 'chat'\n", "mark", "must be a list of tables"),
        ("[[mark]]\nscheme = 'kgw'\n", "mark[1].name", "needs a name"),
        ('[[mark]]\nname = "a\\u0007"\n', "mark[1].name", "needs a name"),
        (f"{MARK}key = 1\n{MARK}key = 2\n", "mark[2].name", "another entry"),
        (MARK, "mark.chat.key", "has no key"),
        (f"{MARK}key = {SECRET}\nkeys = [{SECRET}]\n", "mark.chat.key", "more than one key: key, keys"),
        (f"{MARK}key = -{SECRET}\n", "mark.chat.key", "negative"),
        (f"{MARK}key = '-{SECRET}'\n", "mark.chat.key", "not a key"),
        (f"{MARK}key = '{SECRET:x}'\n", "mark.chat.key", "not a key"),
        (f"{MARK}key = {SECRET}.5\n", "mark.chat.key", "isn't an integer"),
        (f"{MARK}key = true\n", "mark.chat.key", "isn't an integer"),
        (f"{MARK}key = [{SECRET}]\n", "mark.chat.key", "must be an integer"),
        (f"{MARK}keys = {SECRET}\n", "mark.chat.keys", "must be an integer"),
        (f"{MARK}keys = []\n", "mark.chat.keys", "from 1 to"),
        (f"{MARK}keys = [{SECRET}, {SECRET}]\n", "mark.chat.keys", "has 1 integers, not 2"),
        (f"{MARK}key = {SECRET}{SECRET}\n", "mark.chat.key", "at most 64 bits"),
        (f"{MARK}key = '{MarkSecret((SECRET,), 'kgw').line()}'\n", "mark.chat.key", "a key for kgw"),
        (f"{MARK}key_env = 'MISSING'\n", "mark.chat.key_env", "isn't set"),
        (f"{MARK}key_env = 'WRONG'\n", "mark.chat.key_env", "not a key"),
        (f"{MARK}key_file = 'missing.key'\n", "mark.chat.key_file", "cannot be read"),
        (f"{MARK}key_file = 'open.key'\n", "mark.chat.key_file", "others than its owner"),
        (f"{MARK}key = {SECRET}\nkye = {SECRET}\n", "mark.chat.kye", "no such setting"),
        (f"{MARK}key = 1\nwidth = 'four'\n", "mark.chat.width", "not a value"),
        (f"{MARK}key = 1\nfrom = '2026-08-01'\n", "mark.chat.from", "must be a date"),
        (f"{MARK}key = 1\nfrom = 2026-08-01T10:00:00Z\n", "mark.chat.from", "must be a date"),
        (f"{MARK}key = 1\nfrom = 2026-08-02\nuntil = 2026-08-01\n", "mark.chat.until", "before it begins"),
        (f"{MARK}key = 1\nrevoked = 'yes'\n", "mark.chat.revoked", "true or false"),
        (f"{MARK}key = 1\naccount = 7\n", "mark.chat.account", "must be a string"),
        (MARK.replace("vllm-gumbel", "vllm") + "key = 1\n", "mark.chat.scheme", "no such scheme"),
        (MARK.replace('"vllm-gumbel"', "7") + "key = 1\n", "mark.chat.scheme", "must be a string"),
        (MARK.replace('"bytes"', '"llama"') + "key = 1\n", "mark.chat.tokenizer", "no such tokenizer"),
        (MARK.replace('"bytes"', '["ids", "ids"]') + "key = 1\n", "mark.chat.tokenizer", "twice"),
        (MARK.replace('"bytes"', "[]") + "key = 1\n", "mark.chat.tokenizer", "is needed"),
        ("[[tokenizer]]\nname = 'bytes'\nkind = 'bytes'\n", "tokenizer.bytes.name", "built in"),
        ("[[tokenizer]]\nname = 't'\n", "tokenizer.t.file", "either a file or a kind"),
        ("[[tokenizer]]\nname = 't'\nkind = 'syllables'\n", "tokenizer.t.kind", "no such kind"),
        ("[[tokenizer]]\nname = 't'\nkind = 'bytes'\nvocab_size = 9\n", "tokenizer.t.vocab_size", "only for"),
        ("[[tokenizer]]\nname = 't'\nkind = 'ids'\nvocab_size = 0\n", "tokenizer.t.vocab_size", "from 1 to"),
        ("[[tokenizer]]\nname = 't'\nkind = 'ids'\nsize = 9\n", "tokenizer.t.size", "no such field"),
        ("[[tokenizer]]\nname = 't'\nfile = 'open.key'\n", "tokenizer.t.file", "is not JSON"),
        ("[[tokenizer]]\nname = 't'\nfile = 'missing.json'\n", "tokenizer.t.file", "does not exist"),
        (f"{ACCOUNTS}key = {SECRET}\n", "accounts.all.key", "at least 128 bits"),
        (f"{ACCOUNTS}keys = [0, {SECRET}]\n", "accounts.all.keys", "at least 128 bits"),
        (f"{SHORT}keys = [1, {SECRET}]\n", "accounts.all.scheme", "too short"),
        (ACCOUNTS.replace("epoch", "epochs") + f"keys = [1, {SECRET}]\n", "accounts.all.epoch", "is needed"),
        (ACCOUNTS.replace('file = "ids.txt"', "") + f"keys = [1, {SECRET}]\n", "accounts.all.file", "is needed"),
        (ACCOUNTS.replace("ids.txt", "none.txt") + f"keys = [1, {SECRET}]\n", "accounts.all.file", "does not exist"),
        (ACCOUNTS.replace("ids.txt", "empty.txt") + f"keys = [1, {SECRET}]\n", "accounts.all.file", "no account"),
        (f"{MARK}key = {SECRET}\nkey = {SECRET}\n", None, "is not TOML"),
        (f"{MARK}key = {'9' * 5000}\n", None, "too many digits"),
        ("mark = " + "[" * 5000, None, "nested too deep"),
        (f"{'a.' * 500_000}b = 1", None, "more than 100 dots"),
        (b"\xff\xfe", None, "not valid UTF-8"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_by_its_place_and_shows_no_key(
    folder: Folder, text: str | bytes, field: str | None, said: str
) -> None:
    (folder.path / "open.key").write_text(f"{SECRET:#x}")
    (folder.path / "open.key").chmod(0o644)
    (folder.path / "empty.txt").write_text("\n")
    error = folder.refused(text, WRONG=f"{SECRET:x}")
    assert said in str(error)
    assert error.where.field == field


@pytest.mark.parametrize(
    ("ids", "said"), [("a\nb\na\n", "stands in the list twice"), ("x" * 201, "at most 200 characters")]
)
def test_a_list_of_accounts_is_refused_by_its_row(folder: Folder, ids: str, said: str) -> None:
    (folder.path / "ids.txt").write_text(ids)
    error = folder.refused(f"{ACCOUNTS}keys = [1, {SECRET}]\n")
    assert said in error.what
    assert error.where.row == ids.count("\n") or 1


def test_a_keyring_that_others_can_read_or_that_is_too_large_is_refused(folder: Folder) -> None:
    with pytest.raises(ConfigurationError, match="others than its owner"):
        folder.load(f"{MARK}key = {SECRET}\n", mode=0o640)
    assert "too large" in folder.refused("[[mark]]\n" * 1_000_000).what
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_keyring(folder.path / "missing.toml")


def test_many_entries_are_read_and_an_empty_keyring_has_none(folder: Folder) -> None:
    text = "".join(f"{MARK.replace('chat', f'm{number}')}key = {number}\n" for number in range(300))
    assert len(folder.load(text).marks) == 300
    assert folder.load("# nothing yet\n").marks == ()


def test_a_text_that_cannot_be_read_is_told_apart(folder: Folder) -> None:
    (folder.path / "ids.txt").write_bytes(b"\x00\x01")
    error = folder.refused(f"{ACCOUNTS}keys = [1, {SECRET}]\n")
    assert isinstance(error, UnreadableInput)


SETTINGS: dict[str, dict[str, Any]] = {
    "kgw": {"vocab_size": 500},
    "unigram": {"vocab_size": 500},
    "headwater-layered": {"coin": [1, 2]},
    "headwater-layered-tilt": {"coin": [1, 2]},
}


@pytest.mark.parametrize("name", registry.names())
def test_a_new_key_is_one_that_its_scheme_takes(folder: Folder, name: str) -> None:
    config = SETTINGS.get(name, {})
    key = new_key(name, config, version=3)
    save_mark_key(key, folder.path / "new.key")
    extra = "".join(f"{field} = {value}\n" for field, value in config.items())
    (mark,) = folder.load(f"{MARK.replace('vllm-gumbel', name)}key_file = 'new.key'\n{extra}").marks
    assert mark.key.numbers == key.numbers
    assert len(mark.key.numbers) == len(key_bits(mark.scheme))
    assert new_key(name, config).numbers != key.numbers
    if name == "kgw":
        assert key.numbers[0] % 2 == 1, "an even key makes fewer lists"


def test_a_new_master_key_gives_accounts_their_keys(folder: Folder) -> None:
    save_mark_key(new_key("accounts"), folder.path / "new.key")
    (accounts,) = folder.load(f"{ACCOUNTS}key_file = 'new.key'\n").accounts
    assert len({key.numbers for key in accounts.keys("2026-q4")}) == 3
    assert replace(accounts, ids=()).keys("2026-q4") == []
