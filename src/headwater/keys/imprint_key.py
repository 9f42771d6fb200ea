"""The key that imprints are made under: 32 secret bytes, a version, and a public id to name it by.

A key is written as one line, `HEADWATER-IMPRINT-KEY-<version>:<64 hex digits>:<key id>`; the id at its end
catches typing errors. It comes from a file that only its owner can read, or from the environment. What is
derived from a key, and what the derived secrets are used for, is decided above this room.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from headwater.errors import ConfigurationError, UsageError, Where
from headwater.keys.hkdf import hkdf_sha256
from headwater.keys.private_file import read_private, write_private

#: Environment variable that holds a key line.
ENVIRONMENT = "HEADWATER_IMPRINT_KEY"

_SECRET_BYTES = 32
_LINE = re.compile(r"HEADWATER-IMPRINT-KEY-([1-9][0-9]{0,8}):([0-9a-f]{64}):([0-9a-f]{16})")
_FORM = "HEADWATER-IMPRINT-KEY-<version>:<64 hex digits>:<key id>"


@dataclass(frozen=True)
class ImprintKey:
    """A secret of 32 bytes; `version` counts its generations (1, 2, …). Printing it shows its id only."""

    secret: bytes = field(repr=False)
    version: int = 1

    def __post_init__(self) -> None:
        if not isinstance(self.secret, bytes) or len(self.secret) != _SECRET_BYTES:
            raise UsageError(f"an imprint key has {_SECRET_BYTES} secret bytes")
        if not 1 <= self.version < 10**9:
            raise UsageError(f"the version of an imprint key counts from 1, not {self.version}")

    @property
    def id(self) -> str:
        """Public name of the key: 16 hex digits that tell nothing about the secret."""
        named = self.derive("key id")
        return hashlib.sha256(b"headwater imprint key id\x00" + named).hexdigest()[:16]

    @property
    def is_public(self) -> bool:
        """Whether this is the demo key, which everyone knows: its imprints protect nothing."""
        return self.secret == DEMO_KEY.secret

    def derive(self, purpose: str, length: int = 32) -> bytes:
        """`length` bytes for one `purpose`, independent of those for any other purpose or version."""
        info = f"headwater imprint key {self.version}: {purpose}".encode()
        return hkdf_sha256(self.secret, info=info, length=length)

    def line(self) -> str:
        """The key as it is written down. Secret: never log or print it."""
        return f"HEADWATER-IMPRINT-KEY-{self.version}:{self.secret.hex()}:{self.id}"

    def __repr__(self) -> str:
        public = ", public" if self.is_public else ""
        return f"ImprintKey(id={self.id}, version={self.version}{public})"

    @classmethod
    def parse(cls, text: str, *, where: Where | None = None) -> ImprintKey:
        """Read the line that `line()` writes; lines that start with `#` are comments.

        Raises `ConfigurationError` (never with the text) if there is no such line or its id is wrong.
        """
        lines = [line.strip() for line in text.splitlines()]
        written = [line for line in lines if line and not line.startswith("#")]
        found = _LINE.fullmatch(written[0]) if len(written) == 1 else None
        if found is None:
            what = f"not an imprint key: {len(written)} lines of key text, {len(text)} characters"
            raise ConfigurationError(what, where=where, hint=f"a key is one line: {_FORM}")
        key = cls(bytes.fromhex(found[2]), int(found[1]))
        if key.id != found[3]:
            what = "the imprint key and the id at its end do not belong together"
            raise ConfigurationError(
                what, where=where, hint="copy the whole line again from where it was made"
            )
        return key


#: A key that everyone knows, for the demo and for tests. `is_public` tells it from a real one.
DEMO_KEY = ImprintKey(hashlib.sha256(b"headwater demo imprint key: public, protects nothing").digest())


def load_imprint_key(
    path: Path | None = None, environment: Mapping[str, str] | None = None
) -> ImprintKey | None:
    """The key in the file `path`, else the one in `environment` (default: the process's), else None.

    Raises `ConfigurationError` if the file is missing, is readable by others than its owner (POSIX), or
    holds no key.
    """
    if path is not None:
        return _read(path)
    text = (os.environ if environment is None else environment).get(ENVIRONMENT)
    return ImprintKey.parse(text, where=Where(field=ENVIRONMENT)) if text else None


def save_imprint_key(key: ImprintKey, path: Path) -> None:
    """Write `key` to a new file that only its owner can read; never overwrites (`ConfigurationError`)."""
    said = f"# Headwater imprint key {key.id}, version {key.version}. Keep it secret.\n"
    write_private(path, f"{said}{key.line()}\n".encode("ascii"))


def _read(path: Path) -> ImprintKey:
    content = read_private(path, hint="`headwater keys new` makes a key")
    return ImprintKey.parse(content.decode("ascii", errors="replace"), where=Where(file=str(path)))
