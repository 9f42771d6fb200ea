"""Keys that sign: an Ed25519 key for one purpose, and a certificate chain with its key for C2PA.

A signing key is written as one line, `HEADWATER-SIGNING-KEY-<version>:<purpose>:<64 hex digits>:<key id>`, in a file
that only its owner can read; the public key lies beside it as PEM. What is signed is decided above this room.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from headwater.errors import ConfigurationError, UsageError, Where
from headwater.keys.private_file import read_private, write_private

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

#: Key purposes: a key signs what its purpose names, and nothing else: manifests, checkpoints of the transparency log,
#: or, as a witness, that another's log only ever grew.
PURPOSES = ("manifest", "log", "witness")

_SEED_BYTES = 32
_LINE = re.compile(r"HEADWATER-SIGNING-KEY-([1-9][0-9]{0,8}):([a-z]{1,20}):([0-9a-f]{64}):([0-9a-f]{16})")
_FORM = "HEADWATER-SIGNING-KEY-<version>:<purpose>:<64 hex digits>:<key id>"


@dataclass(frozen=True)
class SigningKey:
    """An Ed25519 key (RFC 8032): a secret seed of 32 bytes, the purpose it signs for, and its generation (1, 2, …)."""

    seed: bytes = field(repr=False)
    purpose: str = "manifest"
    version: int = 1

    def __post_init__(self) -> None:
        if not isinstance(self.seed, bytes) or len(self.seed) != _SEED_BYTES:
            raise UsageError(f"a signing key has a seed of {_SEED_BYTES} bytes")
        if self.purpose not in PURPOSES:
            raise UsageError("a signing key of an unknown purpose", hint=f"purposes: {', '.join(PURPOSES)}")
        if not 1 <= self.version < 10**9:
            raise UsageError(f"the version of a signing key counts from 1, not {self.version}")

    @property
    def public(self) -> bytes:
        """The public key, 32 bytes."""
        return self._private().public_key().public_bytes_raw()

    @property
    def id(self) -> str:
        """Public name of the key: see `key_id`."""
        return key_id(self.public)

    def sign(self, message: bytes) -> bytes:
        """The signature over `message`, 64 bytes; the same message gives the same signature."""
        return self._private().sign(message)

    def line(self) -> str:
        """The key as it is written down. Secret: never log or print it."""
        return f"HEADWATER-SIGNING-KEY-{self.version}:{self.purpose}:{self.seed.hex()}:{self.id}"

    def __repr__(self) -> str:
        return f"SigningKey(id={self.id}, purpose={self.purpose}, version={self.version})"

    def _private(self) -> Ed25519PrivateKey:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self.seed)

    @classmethod
    def parse(cls, text: str, *, where: Where | None = None) -> SigningKey:
        """Read the line that `line()` writes; lines that start with `#` are comments.

        Raises `ConfigurationError` (never with the text) if there is no such line or its id is wrong.
        """
        lines = [line.strip() for line in text.splitlines()]
        written = [line for line in lines if line and not line.startswith("#")]
        found = _LINE.fullmatch(written[0]) if len(written) == 1 else None
        if found is None or found[2] not in PURPOSES:
            what = f"not a signing key: {len(written)} lines of key text, {len(text)} characters"
            raise ConfigurationError(what, where=where, hint=f"a key is one line: {_FORM}")
        key = cls(bytes.fromhex(found[3]), found[2], int(found[1]))
        if key.id != found[4]:
            what = "the signing key and the id at its end do not belong together"
            hint = "copy the whole line again from where it was made"
            raise ConfigurationError(what, where=where, hint=hint)
        return key


def key_id(public: bytes) -> str:
    """Public name of an Ed25519 key: 16 hex digits of the SHA-256 of its 32 bytes, with a label of our own."""
    return hashlib.sha256(b"headwater signing key id\x00" + public).hexdigest()[:16]


def load_signing_key(path: Path, purpose: str = "manifest") -> SigningKey:
    """The signing key in the file `path`, which must be for `purpose`.

    Raises `ConfigurationError` if the file is missing, is readable by others than its owner (POSIX), or holds no
    such key.
    """
    where = Where(file=str(path))
    content = read_private(path, hint="`headwater keys signing-new` makes a key")
    key = SigningKey.parse(content.decode("ascii", errors="replace"), where=where)
    if key.purpose != purpose:
        raise ConfigurationError(f"a key for the purpose {key.purpose}, not {purpose}", where=where)
    return key


def save_signing_key(key: SigningKey, path: Path) -> None:
    """Write `key` to a new file that only its owner can read; never overwrites (`ConfigurationError`)."""
    said = f"# Headwater signing key {key.id} ({key.purpose}), version {key.version}. Keep it secret.\n"
    write_private(path, f"{said}{key.line()}\n".encode("ascii"))
