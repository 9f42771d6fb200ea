"""A keyring: the marks that are looked for, in one TOML file that only its owner may read.

It says which scheme, key and tokenizers each mark has, when it was used, and from which master key keys of accounts
are derived. Keys are never shown: not by printing what is made here, and not by an error.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from headwater.errors import ConfigurationError, HeadwaterError, UnreadableInput, UsageError, Where
from headwater.keys import MASTER, MASTER_BITS, MarkSecret, read_private
from headwater.mark import registry
from headwater.mark.choosing.embedder import NAMES as EMBEDDERS
from headwater.mark.choosing.mark import KEY_BITS, SENTENCES, SentenceMark
from headwater.mark.embed_table import EmbedTable, embed_table
from headwater.mark.entries import EMBED, LONGEST_NAME, Entry, entries, key_numbers, printable
from headwater.mark.marks import Accounts, Mark, key_bits
from headwater.mark.own import LAYERED, coin_of
from headwater.mark.scheme import MarkKey, Scheme
from headwater.mark.text import read_text
from headwater.mark.tokenizer import MOST_IDS, Bytes, Ids, Tokenizer, Words, load_tokenizer
from headwater.toml import parsed

#: The largest keyring, and the largest list of accounts, in bytes.
LARGEST_KEYRING, LARGEST_LIST = 1 << 20, 64 << 20
#: Dots in one line of it.
MOST_DOTS = 100
#: Integers of a key that is given to an account have at least this many bits, or two accounts might get the same.
LEAST_BITS = 63

_TOKENIZERS: dict[str, Callable[[], Tokenizer]] = {"bytes": Bytes, "ids": Ids, "words": Words}


@dataclass(frozen=True)
class Keyring:
    """What the file at `path` says. Marks, those on sentences and accounts are each in the order of the file."""

    path: Path
    marks: tuple[Mark, ...]
    accounts: tuple[Accounts, ...]
    tokenizers: Mapping[str, Tokenizer]
    sentences: tuple[SentenceMark, ...] = ()
    embed: EmbedTable | None = None

    def current(self, day: date | None = None) -> tuple[Mark, ...]:
        """The marks that aren't revoked; with `day`, of them those that were put into text on that day."""
        return tuple(mark for mark in self.marks if not mark.revoked and (day is None or mark.used_on(day)))

    def to_write(self, name: str) -> Mark | SentenceMark:
        """The mark called `name`, of tokens or of sentences; `UsageError` where there is none or it is revoked."""
        known: tuple[Mark | SentenceMark, ...] = (*self.marks, *self.sentences)
        found = next((each for each in known if each.name == name), None)
        if found is None:
            hint = f"marks: {', '.join(each.name for each in known) or 'none'}"
            raise UsageError("has no mark of that name", where=Where(str(self.path)), hint=hint)
        if found.revoked:
            raise UsageError("the mark is revoked", where=Where(str(self.path)), hint="write another one")
        return found

    def current_sentences(self, day: date | None = None) -> tuple[SentenceMark, ...]:
        """The same of marks on sentences."""
        return tuple(
            mark for mark in self.sentences if not mark.revoked and (day is None or mark.used_on(day))
        )


def load_keyring(
    path: Path, environment: Mapping[str, str] | None = None, *, writing: bool = False
) -> Keyring:
    """The keyring in the file at `path`; `environment` (default: the process's) holds keys of `key_env`.

    `writing`: to put marks into text and not to read them: tokenizers and lists of accounts are left unread, and
    needn't be there. Names of files are relative to the keyring's folder. Raises `ConfigurationError`, with file,
    entry and field and never with a key, for what can't be used as written; `UnreadableInput` for a file that can't be
    read; `UsageError` where a tokenizer.json needs the extra `mark`.
    """
    where = Where(str(path))
    content = read_private(path, largest=LARGEST_KEYRING)
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise ConfigurationError("is not valid UTF-8", where=where) from None
    if any(line.count(".") > MOST_DOTS for line in text.splitlines()):
        # Nested tables: reading them takes quadratic time.
        raise ConfigurationError(
            f"a line has more than {MOST_DOTS} dots", where=where, hint="write long lists one item a line"
        )
    tables = entries(parsed(text, str(path)), path, os.environ if environment is None else environment)
    tokenizers: dict[str, Tokenizer] = {name: kind() for name, kind in _TOKENIZERS.items()}
    for entry in tables["tokenizer"]:
        tokenizers[entry.name] = _tokenizer(entry, writing)
    schemes = _Schemes()
    on_sentences = [entry.fields.get("scheme") == SENTENCES for entry in tables["mark"]]
    both = list(zip(tables["mark"], on_sentences, strict=True))
    marks = tuple(_mark(entry, tokenizers, schemes) for entry, other in both if not other)
    sentences = tuple(_sentence_mark(entry) for entry, other in both if other)
    accounts = tuple(_accounts(entry, tokenizers, schemes, writing) for entry in tables["accounts"])
    embed = next((embed_table(entry, marks, accounts) for entry in tables[EMBED]), None)
    return Keyring(path, marks, accounts, tokenizers, sentences, embed)


def new_key(name: str, config: Mapping[str, Any] | None = None, *, version: int = 1) -> MarkSecret:
    """A new key for the scheme `name` with the settings `config`, from the system's randomness; see `save_mark_key`.

    `accounts` as the name gives a master key of 256 bits, from which keys of accounts are derived.
    """
    if name == MASTER:
        return MarkSecret((1 << 255 | secrets.randbits(255),), MASTER, version)
    if name == SENTENCES:
        return MarkSecret(tuple(secrets.randbits(each) for each in KEY_BITS), name, version)
    scheme = registry.scheme(name, config)
    bits = key_bits(scheme)
    if min(bits) >= LEAST_BITS:
        return MarkSecret(tuple(secrets.randbits(each) for each in bits), name, version)
    random = np.random.default_rng(secrets.randbits(256))
    return MarkSecret(scheme.random_key(random).numbers, name, version)


def _tokenizer(entry: Entry, writing: bool) -> Tokenizer:
    if entry.name in _TOKENIZERS:
        raise entry.error("name", "is the name of a tokenizer that is built in")
    file, kind, size = entry.text("file"), entry.text("kind"), entry.whole("vocab_size")
    entry.nothing_else()
    if (file is None) == (kind is None):
        hint = f"`file` names a tokenizer.json; `kind` can be {' or '.join(_TOKENIZERS)}"
        raise entry.error("file", "a tokenizer has either a file or a kind", hint)
    if kind is not None and kind not in _TOKENIZERS:
        raise entry.error("kind", "no such kind of tokenizer", f"built in are {', '.join(_TOKENIZERS)}")
    if size is not None and kind != "ids":
        raise entry.error("vocab_size", "is only for the kind ids")
    if size is not None and not 0 < size <= MOST_IDS:
        raise entry.error("vocab_size", f"must be from 1 to {MOST_IDS}")
    if kind == "ids":
        return Ids(entry.name, size)
    if file is None or writing:
        return Words(entry.name) if kind == "words" else Bytes(entry.name)
    with _placed(entry, "file"):
        return load_tokenizer(entry.name, entry.path(file))


def _sentence_mark(entry: Entry) -> SentenceMark:
    entry.needed("scheme")
    by = entry.needed("embedder")
    if by not in EMBEDDERS:
        raise entry.error("embedder", "no such embedder", f"there are {', '.join(EMBEDDERS)}")
    begins, ends = _days(entry)
    revoked, account = entry.flag("revoked"), entry.text("account") or ""
    numbers, source = key_numbers(entry, SENTENCES)
    if len(numbers) == 1 and 64 < numbers[0].bit_length() <= 128:
        numbers = (numbers[0] >> 64, numbers[0] & (2**64 - 1))
    if len(numbers) != len(KEY_BITS) or max(numbers).bit_length() > 64:
        raise entry.error(source, "a key of this scheme has two integers of 64 bits")
    entry.nothing_else()
    return SentenceMark(entry.name, by, MarkKey(entry.name, numbers), begins, ends, revoked, account)


def _days(entry: Entry) -> tuple[date | None, date | None]:
    begins, ends = entry.day("from"), entry.day("until")
    if begins is not None and ends is not None and ends < begins:
        raise entry.error("until", "ends before it begins")
    return begins, ends


def _mark(entry: Entry, tokenizers: Mapping[str, Tokenizer], schemes: _Schemes) -> Mark:
    name = entry.needed("scheme")
    chosen = _chosen(entry, tokenizers)
    begins, ends = _days(entry)
    revoked, account = entry.flag("revoked"), entry.text("account") or ""
    numbers, source = key_numbers(entry, name)
    config = entry.rest()
    if name in LAYERED and config.get("layer") == "master" and "coin" not in config:
        config["coin"] = coin_of(_master(entry, source, numbers))
    scheme = schemes.of(entry, name, config)
    key = MarkKey(entry.name, _fitting(entry, source, numbers, scheme, schemes.integers(scheme)))
    return Mark(entry.name, scheme, key, chosen, begins, ends, revoked, account)


def _accounts(
    entry: Entry, tokenizers: Mapping[str, Tokenizer], schemes: _Schemes, writing: bool
) -> Accounts:
    name = entry.needed("scheme")
    chosen = _chosen(entry, tokenizers)
    epochs = entry.texts("epoch")
    if not epochs:
        raise entry.error("epoch", "is needed: the name of the period that keys are for, or several")
    ids = _ids(entry, writing)
    revoked = entry.flag("revoked")
    numbers, source = key_numbers(entry, MASTER)
    master = _master(entry, source, numbers)
    config = entry.rest()
    if name in LAYERED and "coin" not in config:
        config["coin"] = coin_of(master)
    scheme = schemes.of(entry, name, config)
    if min(key_bits(scheme)) < LEAST_BITS:
        hint = "use one of Headwater's own, such as headwater-gumbel"
        raise entry.error("scheme", "keys of this scheme are too short to give each account its own", hint)
    return Accounts(entry.name, scheme, chosen, epochs, ids, revoked, master)


class _Schemes:
    """The schemes of one keyring: entries with the same settings have the same one, which is made once."""

    def __init__(self) -> None:
        self._made: dict[str, Scheme] = {}
        self._integers: dict[int, int] = {}

    def of(self, entry: Entry, name: str, config: Mapping[str, Any]) -> Scheme:
        """The scheme `name` with the settings of `entry`."""
        try:
            settings = repr((name, sorted(config.items())))
        except ValueError:  # a setting too long to be written is none that a scheme takes
            return _scheme(entry, name, config)
        if settings not in self._made:
            self._made[settings] = _scheme(entry, name, config)
        return self._made[settings]

    def integers(self, scheme: Scheme) -> int:
        """How many integers a key of `scheme`, one of these, has."""
        if id(scheme) not in self._integers:
            self._integers[id(scheme)] = len(scheme.random_key(np.random.default_rng(0)).numbers)
        return self._integers[id(scheme)]


def _scheme(entry: Entry, name: str, config: Mapping[str, Any]) -> Scheme:
    try:
        return registry.scheme(name, config)
    except ConfigurationError as error:
        raise entry.error(error.where.field or "scheme", error.what, error.hint) from None
    except UsageError as error:
        raise entry.error("scheme", error.what, error.hint) from None


def _chosen(entry: Entry, tokenizers: Mapping[str, Tokenizer]) -> tuple[Tokenizer, ...]:
    names = entry.texts("tokenizer")
    if not names:
        raise entry.error("tokenizer", "is needed: the name of a tokenizer, or several")
    for name in names:
        if name not in tokenizers:
            raise entry.error("tokenizer", "no such tokenizer", f"there are {', '.join(tokenizers)}")
    return tuple(tokenizers[name] for name in names)


def _fitting(
    entry: Entry, source: str, numbers: tuple[int, ...], scheme: Scheme, count: int
) -> tuple[int, ...]:
    """The key as the scheme takes it, of `count` integers. One integer of 128 bits stands for two of 64."""
    if len(numbers) == 1 and count == 2 and 64 < numbers[0].bit_length() <= 128:
        numbers = (numbers[0] >> 64, numbers[0] & (2**64 - 1))
    if len(numbers) != count:
        hint = (
            f"layers = {len(numbers)}, if the engine has as many keys" if hasattr(scheme, "layers") else None
        )
        raise entry.error(source, f"a key of this scheme has {count} integers, not {len(numbers)}", hint)
    if max(numbers).bit_length() > 64 and max(numbers).bit_length() > max(key_bits(scheme)):
        raise entry.error(
            source, f"an integer of this scheme's keys has at most {max(64, *key_bits(scheme))} bits"
        )
    check = getattr(scheme, "check_key", None)
    if check is not None:
        try:
            check(MarkKey(entry.name, numbers))
        except ConfigurationError as error:
            raise entry.error(source, error.what, error.hint) from None
    return numbers


def _master(entry: Entry, source: str, numbers: tuple[int, ...]) -> bytes:
    """A master key as bytes, big-endian: two integers of 64 bits or one of 128 are 16, a longer one is 32."""
    if len(numbers) == 2 and all(0 < number.bit_length() <= 64 for number in numbers):
        return b"".join(number.to_bytes(8, "big") for number in numbers)
    bits = numbers[0].bit_length()
    if len(numbers) == 1 and bits > MASTER_BITS - 16:  # a random one may begin with zeros
        return numbers[0].to_bytes(16 if bits <= 128 else 32, "big")
    hint = "0x and 64 random hexadecimal digits, or two integers of 64 bits"
    raise entry.error(source, f"a master key has at least {MASTER_BITS} bits", hint)


def _ids(entry: Entry, writing: bool) -> tuple[str, ...]:
    file = entry.text("file")
    if writing:
        return ()
    if file is None:
        raise entry.error("file", "is needed: a list of accounts, one a line")
    with _placed(entry, "file"):
        lines = read_text(entry.path(file), largest=LARGEST_LIST).splitlines()
    ids: dict[str, None] = {}
    for row, line in enumerate(lines, 1):
        account = line.strip()
        if not account:
            continue
        where = Where(str(entry.path(file)), row)
        if not printable(account):
            what = f"an account's id has at most {LONGEST_NAME} characters, all of them printable"
            raise ConfigurationError(what, where=where)
        if account in ids:
            raise ConfigurationError("this account stands in the list twice", where=where)
        ids[account] = None
    if not ids:
        raise entry.error("file", "lists no account", "write one id a line")
    return tuple(ids)


@contextmanager
def _placed(entry: Entry, field: str) -> Iterator[None]:
    """Errors of a file that an entry names say which entry that is."""
    try:
        yield
    except (ConfigurationError, UnreadableInput) as error:
        raise type(error)(str(error), where=entry.where(field), hint=error.hint) from None
    except HeadwaterError as error:
        raise type(error)(error.what, where=entry.where(field), hint=error.hint) from None
