"""Identity stores for tests: made in a folder, with randomness that is the same in every run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from itertools import count
from pathlib import Path

from headwater.control.identity import (
    Authenticator,
    Credential,
    Identity,
    IdentitySettings,
    Source,
    Sources,
    new_identity,
    open_identity,
)

DAY_US = 86_400_000_000
HOME = Sources().of("203.0.113.9")


def drawn(seed: str = "") -> Callable[[int], bytes]:
    """Bytes that look random and are the same in every run."""
    numbers = count()
    return lambda size: hashlib.shake_128(f"{seed} {next(numbers)}".encode()).digest(size)


def made(folder: Path, settings: IdentitySettings | None = None) -> Identity:
    """A new store in `folder`."""
    settings = settings or IdentitySettings()
    new_identity(folder / "identity", settings, secret=drawn("pepper"))
    return open_identity(folder / "identity", settings, secret=drawn("keys"))


def credential(text: str) -> Credential:
    """A key as a request shows it."""
    return Credential(text.encode())


def at(identity: Identity, *, tokens: object = None) -> Authenticator:
    """Who authenticates against the store as it is now."""
    return Authenticator(identity.directory(), identity.settings, tokens)  # type: ignore[arg-type]


def seen_from(address: str, asn: int | None = None) -> Source:
    """A source."""
    return Sources(find_asn=lambda _: asn).of(address)
