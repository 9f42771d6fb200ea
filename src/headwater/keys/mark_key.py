"""Keys of marks in text: the integers that a serving engine is configured with, and keys derived for accounts.

A key is written as one line, `HEADWATER-MARK-KEY-<version>:<scheme>:<hex>[,<hex>…]:<check>`, or, as engines write
theirs, as plain integers. Which scheme takes which integers is decided above this room.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from headwater.errors import ConfigurationError, UsageError, Where
from headwater.keys.hkdf import hkdf_sha256
from headwater.keys.private_file import read_private, write_private

#: Numbers of one key, and bits of each: more than any engine has.
MOST_NUMBERS, MOST_BITS = 1024, 256
#: What stands for a scheme in the line of a master key, from which keys of accounts are derived.
MASTER = "accounts"
#: A master key has at least this many bits.
MASTER_BITS = 128

_LINE = re.compile(
    r"HEADWATER-MARK-KEY-([1-9][0-9]{0,8}):([a-z][a-z0-9-]{0,63}):([0-9a-f]{1,64}(?:,[0-9a-f]{1,64})*):([0-9a-f]{8})"
)
_SCHEME = re.compile(r"[a-z][a-z0-9-]{0,63}")
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]{1,64}|[0-9]{1,78}")
_FORM = "HEADWATER-MARK-KEY-<version>:<scheme>:<hex digits>:<check>"


@dataclass(frozen=True)
class MarkSecret:
    """The integers of one mark's key, and the scheme that they are for; `version` counts its generations (1, 2, …).

    Printing it shows none of the integers, and nothing made from them: many engines' keys are short enough to guess.
    """

    numbers: tuple[int, ...] = field(repr=False)
    scheme: str
    version: int = 1

    def __post_init__(self) -> None:
        checked_numbers(self.numbers)
        if not _SCHEME.fullmatch(self.scheme):
            raise UsageError("a mark key is for a scheme: small letters, digits and dashes")
        if not 1 <= self.version < 10**9:
            raise UsageError(f"the version of a mark key counts from 1, not {self.version}")

    def line(self) -> str:
        """The key as it is written down. Secret, its last part too: never log or print it."""
        written = ",".join(f"{number:x}" for number in self.numbers)
        return f"HEADWATER-MARK-KEY-{self.version}:{self.scheme}:{written}:{self._check()}"

    def _check(self) -> str:
        """Eight hex digits that catch typing errors."""
        written = f"{self.version}:{self.scheme}:{','.join(f'{number:x}' for number in self.numbers)}"
        return hashlib.sha256(b"headwater mark key check\x00" + written.encode("ascii")).hexdigest()[:8]

    @classmethod
    def parse(cls, text: str, *, where: Where | None = None) -> MarkSecret:
        """Read the line that `line()` writes; lines that start with `#` are comments.

        Raises `ConfigurationError` (never with the text) if there is no such line or its check is wrong.
        """
        written = _written(text)
        found = _LINE.fullmatch(written[0]) if len(written) == 1 else None
        if found is None:
            raise ConfigurationError(
                f"not a mark key: {len(written)} lines of key text, {len(text)} characters",
                where=where,
                hint=f"a key is one line: {_FORM}",
            )
        numbers = tuple(int(each, 16) for each in found[3].split(","))
        checked_numbers(numbers, where=where)
        key = cls(numbers, found[2], int(found[1]))
        if key._check() != found[4]:
            raise ConfigurationError(
                "the mark key and the check at its end do not belong together",
                where=where,
                hint="copy the whole line again from where it was made",
            )
        return key


def checked_numbers(numbers: Sequence[object], *, where: Where | None = None) -> tuple[int, ...]:
    """`numbers` as the integers of a key: one or more, from 0, of at most 256 bits; `ConfigurationError` otherwise."""
    if not 0 < len(numbers) <= MOST_NUMBERS:
        raise ConfigurationError(
            f"a key has from 1 to {MOST_NUMBERS} integers, not {len(numbers)}", where=where
        )
    found: list[int] = []
    for number in numbers:
        if not isinstance(number, int) or isinstance(number, bool):
            raise ConfigurationError("an integer of a key isn't an integer", where=where)
        if number < 0:
            hint = "an engine that shows its key as a negative number takes it modulo 2^64: write that"
            raise ConfigurationError("an integer of a key is negative", where=where, hint=hint)
        if number.bit_length() > MOST_BITS:
            raise ConfigurationError(f"an integer of a key has more than {MOST_BITS} bits", where=where)
        found.append(number)
    return tuple(found)


def parse_numbers(text: str, *, where: Where | None = None) -> tuple[int, ...]:
    """The integers in `text`, split by spaces, commas or line ends: decimal, or hexadecimal after `0x`.

    Raises `ConfigurationError`, never with the text. `2a` is refused and not taken for either: so no key is read
    as another.
    """
    words = " ".join(_written(text)).replace(",", " ").split()
    if not words or len(words) > MOST_NUMBERS or not all(map(_NUMBER.fullmatch, words)):
        what = f"not a key: {len(words)} words, {len(text)} characters"
        raise ConfigurationError(
            what, where=where, hint="write integers, hexadecimal ones with 0x before them"
        )
    return checked_numbers([int(word, 16 if word[:2] in ("0x", "0X") else 10) for word in words], where=where)


def load_mark_key(path: Path, scheme: str) -> tuple[int, ...]:
    """The integers of the key in the file `path`: the line of a key for `scheme`, or plain integers.

    Raises `ConfigurationError` if the file is missing, is readable by others than its owner (POSIX), holds no key, or
    one for another scheme.
    """
    where = Where(file=str(path))
    return read_key(read_private(path).decode("ascii", errors="replace"), scheme, where=where)


def read_key(text: str, scheme: str, *, where: Where | None = None) -> tuple[int, ...]:
    """The integers of the key that is written in `text`, as `load_mark_key` reads a file."""
    if not any(line.startswith("HEADWATER-") for line in _written(text)):
        return parse_numbers(text, where=where)
    key = MarkSecret.parse(text, where=where)
    if key.scheme != scheme:
        raise ConfigurationError(f"a key for {key.scheme}, not for {scheme}", where=where)
    return key.numbers


def save_mark_key(key: MarkSecret, path: Path) -> None:
    """Write `key` to a new file that only its owner can read; never overwrites (`ConfigurationError`)."""
    said = f"# Headwater mark key for {key.scheme}, version {key.version}. Keep it secret, and keep a copy.\n"
    write_private(path, f"{said}{key.line()}\n".encode("ascii"))


def account_numbers(
    master: bytes, *, scheme: str, account: str, epoch: str, bits: Sequence[int]
) -> tuple[int, ...]:
    """The key of one account in one epoch: an integer of each of `bits`, uniform on 0 … 2^bits-1.

    HKDF with SHA-256 (RFC 5869) of `master`, without salt, with the info `headwater mark account key`, scheme, account
    and epoch, a zero byte between them (so none of them may have one); each integer is the next bytes, big-endian, cut
    to its lowest bits. Raises `UsageError` for a zero byte.
    """
    named = ("headwater mark account key", scheme, account, epoch)
    if any("\x00" in part for part in named):
        raise UsageError("an account, scheme or epoch has no zero byte")
    sizes = [-(-each // 8) for each in bits]
    derived = hkdf_sha256(master, info="\x00".join(named).encode(), length=sum(sizes))
    numbers, at = [], 0
    for size, width in zip(sizes, bits, strict=True):
        numbers.append(int.from_bytes(derived[at : at + size], "big") & ((1 << width) - 1))
        at += size
    return tuple(numbers)


def _written(text: str) -> list[str]:
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]
