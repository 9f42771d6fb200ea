"""Keys of tickets: 32 secret bytes under which a gateway seals whose answer an engine is about to write.

A key is written as one line, `HEADWATER-TICKET-KEY-<version>:<64 hex digits>:<key id>`. A file holds one or several,
each on its own line: the newest seals, all are accepted. What a ticket says is decided above this room.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from os import urandom
from pathlib import Path

from headwater.errors import ConfigurationError, UsageError, Where
from headwater.keys.hkdf import hkdf_sha256
from headwater.keys.private_file import read_private, write_private

_SECRET_BYTES, _NONCE_BYTES, _TAG_BYTES = 32, 12, 16
#: Generations in one file.
_MOST = 64
_LINE = re.compile(r"HEADWATER-TICKET-KEY-([1-9][0-9]{0,8}):([0-9a-f]{64}):([0-9a-f]{16})")
_FORM = "HEADWATER-TICKET-KEY-<version>:<64 hex digits>:<key id>"


@dataclass(frozen=True)
class TicketKey:
    """A secret of 32 bytes; `version` counts its generations (1, 2, …). Printing it shows its id only."""

    secret: bytes = field(repr=False)
    version: int = 1

    def __post_init__(self) -> None:
        if not isinstance(self.secret, bytes) or len(self.secret) != _SECRET_BYTES:
            raise UsageError(f"a ticket key has {_SECRET_BYTES} secret bytes")
        if not 1 <= self.version < 10**9:
            raise UsageError(f"the version of a ticket key counts from 1, not {self.version}")

    @property
    def id(self) -> str:
        """Public name of the key: 16 hex digits that tell nothing about the secret."""
        return hashlib.sha256(b"headwater ticket key id\x00" + self._derived("key id")).hexdigest()[:16]

    def seal(self) -> TicketSeal:
        """What tickets are sealed and opened with. Raises `ConfigurationError` as `TicketSeal` does."""
        return TicketSeal(self._derived("seal"))

    def line(self) -> str:
        """The key as it is written down. Secret: never log or print it."""
        return f"HEADWATER-TICKET-KEY-{self.version}:{self.secret.hex()}:{self.id}"

    def __repr__(self) -> str:
        return f"TicketKey(id={self.id}, version={self.version})"

    def _derived(self, purpose: str) -> bytes:
        return hkdf_sha256(self.secret, info=f"headwater mark ticket {self.version}: {purpose}".encode())


class TicketSeal:
    """AES-256-GCM-SIV (RFC 8452) under one derived key; each random nonce of 12 bytes stands before what it sealed."""

    def __init__(self, secret: bytes) -> None:
        """`secret`: 32 bytes.

        Raises `ConfigurationError` where the package `cryptography` isn't there, or is built without the cipher.
        """
        try:
            from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
            from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
        except ImportError:
            hint = "install it into this environment: pip install cryptography"
            raise ConfigurationError("tickets need the Python package cryptography", hint=hint) from None
        try:
            self._cipher, self._wrong = AESGCMSIV(secret), InvalidTag
        except UnsupportedAlgorithm:
            hint = "its wheels have the cipher; a build of your own needs OpenSSL 3.2 or newer"
            what = "the Python package cryptography is built without AES-GCM-SIV"
            raise ConfigurationError(what, hint=hint) from None

    def sealed(self, content: bytes, bound: bytes) -> bytes:
        """`content`, unreadable; `bound` stays outside and is covered, too."""
        nonce = urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, content, bound)

    def opened(self, sealed: bytes, bound: bytes) -> bytes | None:
        """What was sealed; None for anything else."""
        if len(sealed) < _NONCE_BYTES + _TAG_BYTES:
            return None
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound)
        except self._wrong:
            return None


def parse_ticket_keys(text: str, *, where: Where | None = None) -> tuple[TicketKey, ...]:
    """The keys in `text`, one a line, the newest first; lines that start with `#` are comments.

    Raises `ConfigurationError`, never with the text, where there is none, a line holds something else, or two have one
    version.
    """
    lines = [line.strip() for line in text.splitlines()]
    written = [line for line in lines if line and not line.startswith("#")]
    found = [_LINE.fullmatch(line) for line in written[: _MOST + 1]]
    if not 0 < len(found) <= _MOST or not all(found):
        what = f"not a list of ticket keys: {len(written)} lines of key text, {len(text)} characters"
        hint = f"1 to {_MOST} lines, each {_FORM}; `headwater keys ticket-new` makes one"
        raise ConfigurationError(what, where=where, hint=hint)
    keys = []
    for each in found:
        assert each is not None
        key = TicketKey(bytes.fromhex(each[2]), int(each[1]))
        if key.id != each[3]:
            what = "a ticket key and the id at its end do not belong together"
            hint = "copy the whole line again from where it was made"
            raise ConfigurationError(what, where=where, hint=hint)
        keys.append(key)
    if len({key.version for key in keys}) < len(keys):
        hint = "the newest seals: give each generation a version of its own"
        raise ConfigurationError("two ticket keys have the same version", where=where, hint=hint)
    return tuple(sorted(keys, key=lambda key: -key.version))


def load_ticket_keys(path: Path) -> tuple[TicketKey, ...]:
    """The keys in the file `path`, the newest first.

    Raises `ConfigurationError` if the file is missing, is readable by others than its owner (POSIX), or holds no such
    keys.
    """
    content = read_private(path, hint="`headwater keys ticket-new` makes a key")
    return parse_ticket_keys(content.decode("ascii", errors="replace"), where=Where(file=str(path)))


def save_ticket_key(key: TicketKey, path: Path) -> None:
    """Write `key` to a new file that only its owner can read; never overwrites (`ConfigurationError`)."""
    said = f"# Headwater ticket key {key.id}, version {key.version}. Keep it secret.\n"
    write_private(path, f"{said}{key.line()}\n".encode("ascii"))
