"""What an API key looks like, and what is kept of it: a public id that may be logged, and an HMAC of its secret.

    hw_live_8fK2mQx0Zr4TnB_<33 letters and digits, 192 random bits>_1c291ca3
    prefix, environment, public id, secret, CRC-32 of all before the last underscore

Scanners of secrets find keys by their pattern and, by the checksum, tell them from what only looks so. A secret of 192
random bits can't be guessed, so a password hash would only cost time; the pepper sees to it that a stolen table is of
no use. Who may do what with a key is decided elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from zlib import crc32

from headwater.errors import UsageError
from headwater.keys import Pepper

PUBLIC_CHARS: Final = 14
SECRET_CHARS: Final = 33
CHECKSUM_CHARS: Final = 8
#: Where parts begin, counted from the end of a key.
AT_CHECKSUM: Final = -CHECKSUM_CHARS
AT_SECRET: Final = AT_CHECKSUM - 1 - SECRET_CHARS
AT_PUBLIC: Final = AT_SECRET - 1 - PUBLIC_CHARS
LONGEST: Final = 128
_PUBLIC_BYTES: Final = 10
_SECRET_BYTES: Final = 24
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_NAME: Final = re.compile(r"[a-z][a-z0-9]{1,15}")
_BLOCK: Final = 64


@dataclass(frozen=True)
class Parts:
    """A key taken apart; its secret is never shown."""

    prefix: str
    environment: str
    public: str
    secret: bytes = field(repr=False)


class Keyed:
    """HMAC-SHA256 (RFC 2104) under one pepper, with the state after the key kept: less than half the time a call."""

    __slots__ = ("_inner", "_outer", "id")

    def __init__(self, pepper: Pepper) -> None:
        key = pepper.secret.ljust(_BLOCK, b"\0")
        self.id = pepper.id
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in key))

    def digest(self, secret: bytes) -> bytes:
        """The HMAC of a secret, 32 bytes."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(secret)
        outer.update(inner.digest())
        return outer.digest()


def new_key(prefix: str, environment: str, draw: Callable[[int], bytes]) -> str:
    """A new key, out of 34 bytes that `draw` gives. Secret: show it once, keep its `secret_digest` only."""
    public, secret = draw(_PUBLIC_BYTES), draw(_SECRET_BYTES)
    body = "_".join(
        (
            checked_name(prefix, "the prefix of a key"),
            checked_name(environment, "an environment"),
            _base62(public, PUBLIC_CHARS),
            _base62(secret, SECRET_CHARS),
        )
    )
    return f"{body}_{checksum(body.encode())}"


def parse_key(text: str) -> Parts:
    """The parts of a key; raises `UsageError`, which never quotes it, and says what is wrong with its form."""
    parts = text.split("_") if len(text) <= LONGEST else []
    if len(parts) != 5 or not text.isascii():
        hint = "a key has five parts: prefix_environment_id_secret_checksum"
        raise UsageError(f"not an API key, a text of {len(text)} characters", hint=hint)
    prefix, environment, public, secret, check = parts
    if checksum(text[: AT_CHECKSUM - 1].encode()) != check:
        raise UsageError("an API key with a typing error: its checksum is another", hint="copy it again")
    sizes = len(public) == PUBLIC_CHARS and len(secret) == SECRET_CHARS
    if not (
        sizes and (public + secret).isalnum() and _NAME.fullmatch(prefix) and _NAME.fullmatch(environment)
    ):
        raise UsageError("not an API key: a part of it has another form")
    return Parts(prefix, environment, public, secret.encode())


def secret_digest(pepper: Pepper, secret: bytes) -> bytes:
    """What is kept of a secret: HMAC-SHA256 under the pepper, 32 bytes."""
    return hmac.digest(pepper.secret, secret, "sha256")


def checksum(body: bytes) -> str:
    """CRC-32 of what stands before it, as eight hex digits."""
    return crc32(body).to_bytes(4).hex()


def pattern(prefix: str, environments: tuple[str, ...]) -> str:
    """A regular expression that finds keys, to be published: for scanners of secrets."""
    either = "|".join(environments)
    return (
        rf"\b{prefix}_(?:{either})_[0-9A-Za-z]{{{PUBLIC_CHARS}}}_[0-9A-Za-z]{{{SECRET_CHARS}}}"
        rf"_[0-9a-f]{{{CHECKSUM_CHARS}}}\b"
    )


def checked_name(name: str, what: str) -> str:
    """A prefix or environment; `UsageError` where it can't be one."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"{what} is 2 to 16 small letters and digits, the first a letter", hint="such as hw")
    return name


def _base62(data: bytes, width: int) -> str:
    number, out = int.from_bytes(data), ""
    while number:
        number, digit = divmod(number, 62)
        out = _DIGITS[digit] + out
    return out.rjust(width, "0")
