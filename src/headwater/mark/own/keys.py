"""Keys of our own marks: two words of 64 bits; those of accounts and the coin are derived from a master's.

Whoever has an account's key can't tell the master's from it, nor another account's.
"""

from __future__ import annotations

from headwater.keys import account_numbers, hkdf_sha256
from headwater.mark.engines.configured import numbers_of
from headwater.mark.scheme import MarkKey

_COIN = b"headwater mark coin"


def account_key(master: MarkKey | bytes, account: str, epoch: str, *, scheme: str) -> MarkKey:
    """The key of one account in one epoch for `scheme`: HKDF of the master's (see `keys.account_numbers`).

    Raises `UsageError` for a name with a zero byte.
    """
    numbers = account_numbers(_bytes(master), scheme=scheme, account=account, epoch=epoch, bits=(64, 64))
    return MarkKey(account, numbers)


def coin_of(master: MarkKey | bytes) -> tuple[int, int]:
    """The key of the coin that gives contexts to the master's key or to accounts' (`headwater-layered`)."""
    derived = hkdf_sha256(_bytes(master), info=_COIN, length=16)
    return int.from_bytes(derived[:8], "big"), int.from_bytes(derived[8:], "big")


def _bytes(master: MarkKey | bytes) -> bytes:
    if isinstance(master, bytes):
        return master
    return b"".join(number.to_bytes(8, "big") for number in numbers_of(master, 2))
