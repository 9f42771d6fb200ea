"""The name under which an account is shown: one that only this casebook can make, and that says nothing."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from typing import Final

from headwater.store import Transaction

PSEUDONYM: Final = re.compile(r"acct-[0-9a-f]{16}")
_REGISTER: Final = "casework/pseudonym-key"
_KEY_BYTES: Final = 32


class Pseudonyms:
    """Pseudonyms under one secret key (32 bytes), which lies in the casebook's store."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, account: str) -> str:
        """`acct-` and 16 hex digits of HMAC-SHA256(key, account); the same account, the same pseudonym."""
        return f"acct-{self._digest(b'account', account)[:16]}"

    def name(self, prefix: str, *parts: str) -> str:
        """`prefix-` and 12 hex digits that the same parts always get, and nobody else can compute."""
        return f"{prefix}-{self._digest(prefix.encode(), *parts)[:12]}"

    def _digest(self, purpose: bytes, *parts: str) -> str:
        # Lengths go in, so that two lists of parts are never one text.
        told = [purpose, *(part.encode("utf-8", "surrogatepass") for part in parts)]
        message = b"".join(len(part).to_bytes(8, "big") + part for part in told)
        return hmac.digest(self._key, message, "sha256").hex()


def pseudonyms(tx: Transaction, secret: Callable[[int], bytes]) -> Pseudonyms:
    """The casebook's own; its key is drawn the first time."""
    key = tx.fetch(_REGISTER)
    if key is None:
        key = secret(_KEY_BYTES)
        tx.create(_REGISTER, key)
    return Pseudonyms(key)
