"""What a keyring holds: marks to look for, and accounts with a key for each of their periods."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import numpy as np

from headwater.keys import account_numbers
from headwater.mark.scheme import MarkKey, Scheme
from headwater.mark.tokenizer import Tokenizer


class Dated:
    """Something whose first and last day of use may be known."""

    begins: date | None
    ends: date | None

    def used_on(self, day: date) -> bool:
        """Whether it was put into text on `day`, as far as its dates say."""
        return (self.begins is None or self.begins <= day) and (self.ends is None or day <= self.ends)


@dataclass(frozen=True)
class Mark(Dated):
    """One mark to look for. `begins`, `ends`: first and last day on which it was put into text, where that is known.

    `revoked`: others may have its key, so text under it proves nothing. `account`: whose it is, an opaque id.
    """

    name: str
    scheme: Scheme
    key: MarkKey
    tokenizers: tuple[Tokenizer, ...]
    begins: date | None = None
    ends: date | None = None
    revoked: bool = False
    account: str = ""


@dataclass(frozen=True)
class Accounts:
    """Accounts whose keys are derived from a master key: one for each account and epoch.

    `epochs`: the names of its periods, as the keys were derived with; `ids`: the accounts, in the order of their list.
    """

    name: str
    scheme: Scheme
    tokenizers: tuple[Tokenizer, ...]
    epochs: tuple[str, ...]
    ids: tuple[str, ...]
    revoked: bool = False
    _master: bytes = field(default=b"", repr=False)

    def key(self, account: str, epoch: str) -> MarkKey:
        """The key of an account, of the list or not, under its id as name (HKDF: see `keys.account_numbers`)."""
        numbers = account_numbers(
            self._master, scheme=self.scheme.name, account=account, epoch=epoch, bits=self._bits
        )
        return MarkKey(account, numbers)

    def keys(self, epoch: str) -> list[MarkKey]:
        """The keys of all accounts in one epoch, in the order of `ids`."""
        return [self.key(account, epoch) for account in self.ids]

    @cached_property
    def _bits(self) -> tuple[int, ...]:
        return key_bits(self.scheme)


def key_bits(scheme: Scheme) -> tuple[int, ...]:
    """How many integers a key of `scheme` has, and how many bits each of them has at most.

    Told by 64 of its random keys, so it would be wrong once in 2^64 keys.
    """
    random = np.random.default_rng(0)
    drawn = [scheme.random_key(random).numbers for _ in range(64)]
    return tuple(max(number.bit_length() for number in each) for each in zip(*drawn, strict=True))
