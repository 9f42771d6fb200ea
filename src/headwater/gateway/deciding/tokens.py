"""Tokens of the programs that may ask for decisions: lines of a file that only its owner can read.

Two lines are two tokens: a new one is added, programs change over, the old one is removed.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from hmac import compare_digest
from pathlib import Path
from typing import Final

from headwater.errors import ConfigurationError, Where
from headwater.keys import read_private, write_private

_PREFIX: Final = "hwd_"
_SECRET_BYTES: Final = 32
_SHORTEST: Final = 32
_MOST: Final = 16


class Tokens:
    """The tokens that are good. Printing them shows none."""

    def __init__(self, tokens: Iterable[bytes]) -> None:
        self._tokens = tuple(tokens)

    def good(self, shown: bytes) -> bool:
        """Whether `shown` is one of them; how long that takes says nothing about how much of it is right."""
        found = False
        for token in self._tokens:
            found |= compare_digest(token, shown)
        return found

    def __repr__(self) -> str:
        return f"Tokens({len(self._tokens)})"


def make_tokens(path: Path) -> bool:
    """Make a file with one new token where there is none; whether it was made."""
    if path.exists():
        return False
    told = "# Programs show this token to the decision service. Keep it secret.\n"
    write_private(path, f"{told}{_PREFIX}{secrets.token_urlsafe(_SECRET_BYTES)}\n".encode())
    return True


def load_tokens(path: Path) -> Tokens:
    """The tokens of a file; `ConfigurationError`, never with its content, where it holds none that can be used."""
    text = read_private(path, hint="headwater serve --decide makes it").decode("ascii", "replace")
    lines = [line.strip() for line in text.splitlines()]
    tokens = [line for line in lines if line and not line.startswith("#")]
    if not tokens or len(tokens) > _MOST:
        raise ConfigurationError(f"holds {len(tokens)} tokens", where=Where(str(path)), hint="one a line")
    if any(len(token) < _SHORTEST or not token.isascii() or " " in token for token in tokens):
        hint = f"a token has {_SHORTEST} characters or more, and no blanks"
        raise ConfigurationError("holds a token that can't be used", where=Where(str(path)), hint=hint)
    return Tokens(token.encode() for token in tokens)
