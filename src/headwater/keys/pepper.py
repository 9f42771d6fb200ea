"""The pepper: 32 secret bytes under which the secrets of API keys are hashed, so that a stolen table opens no door.

It is written as one line, `HEADWATER-PEPPER-<version>:<64 hex digits>:<pepper id>`, in a file that only its owner can
read. A folder may hold several, of which the newest is used for new keys. What is hashed is decided above this room.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path

from headwater.errors import ConfigurationError, UsageError, Where
from headwater.keys.private_file import read_private, write_private

_SECRET_BYTES = 32
_MOST = 64
_LINE = re.compile(r"HEADWATER-PEPPER-([1-9][0-9]{0,8}):([0-9a-f]{64}):([0-9a-f]{16})")
_FORM = "HEADWATER-PEPPER-<version>:<64 hex digits>:<pepper id>"


@dataclass(frozen=True)
class Pepper:
    """A secret of 32 bytes; `version` counts its generations (1, 2, …). Printing it shows its id only."""

    secret: bytes = field(repr=False)
    version: int = 1

    def __post_init__(self) -> None:
        if not isinstance(self.secret, bytes) or len(self.secret) != _SECRET_BYTES:
            raise UsageError(f"a pepper has {_SECRET_BYTES} secret bytes")
        if not 1 <= self.version < 10**9:
            raise UsageError(f"the version of a pepper counts from 1, not {self.version}")

    @property
    def id(self) -> str:
        """Public name of the pepper: 16 hex digits that tell nothing about the secret."""
        return hashlib.sha256(b"headwater pepper id\x00" + self.secret).hexdigest()[:16]

    def line(self) -> str:
        """The pepper as it is written down. Secret: never log or print it."""
        return f"HEADWATER-PEPPER-{self.version}:{self.secret.hex()}:{self.id}"

    def __repr__(self) -> str:
        return f"Pepper(id={self.id}, version={self.version})"

    @classmethod
    def parse(cls, text: str, *, where: Where | None = None) -> Pepper:
        """Read the line that `line()` writes; lines that start with `#` are comments.

        Raises `ConfigurationError` (never with the text) if there is no such line or its id is wrong.
        """
        lines = [line.strip() for line in text.splitlines()]
        written = [line for line in lines if line and not line.startswith("#")]
        found = _LINE.fullmatch(written[0]) if len(written) == 1 else None
        if found is None:
            what = f"not a pepper: {len(written)} lines of key text, {len(text)} characters"
            raise ConfigurationError(what, where=where, hint=f"a pepper is one line: {_FORM}")
        pepper = cls(bytes.fromhex(found[2]), int(found[1]))
        if pepper.id != found[3]:
            what = "the pepper and the id at its end do not belong together"
            hint = "copy the whole line again from where it was made"
            raise ConfigurationError(what, where=where, hint=hint)
        return pepper


def load_peppers(folder: Path) -> tuple[Pepper, ...]:
    """All peppers in the files `pepper*.key` of a folder, the newest first.

    Raises `ConfigurationError` where there is none, two have one version, or a file is readable by others than its
    owner (POSIX).
    """
    paths = sorted(folder.glob("pepper*.key"))[:_MOST]
    if not paths:
        hint = "restore it from where keys are kept: without it no API key can be checked"
        raise ConfigurationError("there is no pepper*.key", where=Where(str(folder)), hint=hint)
    peppers = sorted((_read(path) for path in paths), key=lambda one: -one.version)
    if len({one.version for one in peppers}) < len(peppers):
        hint = "the newest is used for new keys: give each generation a version of its own"
        raise ConfigurationError("two peppers have the same version", where=Where(str(folder)), hint=hint)
    return tuple(peppers)


def save_pepper(pepper: Pepper, path: Path) -> None:
    """Write `pepper` to a new file that only its owner can read; never overwrites (`ConfigurationError`)."""
    said = f"# Headwater pepper {pepper.id}, version {pepper.version}. Keep it secret, and keep a copy.\n"
    write_private(path, f"{said}{pepper.line()}\n".encode("ascii"))


def _read(path: Path) -> Pepper:
    content = read_private(path)
    return Pepper.parse(content.decode("ascii", errors="replace"), where=Where(file=str(path)))
