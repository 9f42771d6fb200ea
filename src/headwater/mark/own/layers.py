"""Our schemes with two layers: a coin, made of the context under a key of its own, gives each context to the master's
key or to an account's.

Who reads one layer leaves the other's units out, whatever key is asked about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np

from headwater.errors import ConfigurationError, Where
from headwater.mark.engines import windows
from headwater.mark.engines.configured import WORD64, configured, within
from headwater.mark.own.function import SIZE, seed_of
from headwater.mark.own.schemes import KEYED, MADE, Gumbel, Tilt
from headwater.mark.scheme import Tokens, Units

_HALVES = (
    "Who has the coin's key knows which contexts are whose, and nothing of the other keys. A layer has about its share "
    "of the units, so it needs so much more text."
)


class _Coin:
    """How the coin falls, for a scheme with these settings."""

    width: int
    share: float
    coin: tuple[int, int]

    @property
    def threshold(self) -> int:
        """A context is the account's where the upper half of its seed under the coin is below this."""
        return int(self.share * SIZE)

    def of_account(self, context: Sequence[int]) -> bool:
        """Whether the coin gives a context (the last `width` tokens of `context`) to the account."""
        return seed_of(context[len(context) - self.width :], self.coin) >> 32 < self.threshold


@dataclass(frozen=True)
class Layered(_Coin, Gumbel):
    """Gumbel-max in two layers.

    `layer`: whose contexts are read; `share`: the chance that a context is the account's; `coin`: the coin's key
    (`coin_of` derives it from the master's).
    """

    width: int = 2
    layer: Literal["account", "master"] = "account"
    share: float = 0.5
    coin: tuple[int, int] = field(default=(0, 0), repr=False)
    name: ClassVar[str] = "headwater-layered"
    card: ClassVar[dict[str, str]] = {"checked against": MADE, "weaknesses": f"{KEYED} {_HALVES}"}

    def __post_init__(self) -> None:
        super().__post_init__()
        _check(self.share, self.coin)

    def units(self, tokens: Tokens, *, prompt: int = 0) -> Units:
        """The distinct units of this layer."""
        return _part(super().units(tokens, prompt=prompt), self)


@dataclass(frozen=True)
class LayeredTilt(_Coin, Tilt):
    """A green list in two layers, for accounts whose students are looked for: it survives in a student best for what it
    costs, works at temperature 0, and each account has its own.

    `layer`, `share`, `coin` as for `Layered`.
    """

    layer: Literal["account", "master"] = "account"
    share: float = 0.5
    coin: tuple[int, int] = field(default=(0, 0), repr=False)
    name: ClassVar[str] = "headwater-layered-tilt"
    card: ClassVar[dict[str, str]] = {
        "checked against": MADE,
        "weaknesses": f"{Tilt.card['weaknesses']} {_HALVES}",
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        _check(self.share, self.coin)

    def units(self, tokens: Tokens, *, prompt: int = 0) -> Units:
        """The distinct units of this layer."""
        return _part(super().units(tokens, prompt=prompt), self)


def _check(share: float, coin: tuple[int, ...]) -> None:
    within("share", share, 0.001, 0.999)
    given = len(coin) == 2 and coin != (0, 0)
    if not given or not all(type(number) is int and 0 <= number <= WORD64 for number in coin):
        raise ConfigurationError("must be two integers of 64 bits", where=Where(field="coin"))


def _part(found: Units, scheme: Layered | LayeredTilt) -> Units:
    """Those of `found` whose contexts the coin gives to the layer that is read."""
    from headwater.mark.own.kernel import seeds

    drawn = np.empty(len(found), np.uint64)
    if len(found):
        seeds(windows.columns(found, scheme.width), np.array(scheme.coin, np.uint64), drawn)
    account = (drawn >> np.uint64(32)) < scheme.threshold
    return found.part(account if scheme.layer == "account" else ~account)


def layered(config: Mapping[str, Any]) -> Layered:
    """The scheme `headwater-layered` with a keyring's settings; `coin` must be given: two integers of 64 bits."""
    return configured(Layered, _paired(config))


def layered_tilt(config: Mapping[str, Any]) -> LayeredTilt:
    """The scheme `headwater-layered-tilt` with a keyring's settings; `coin` must be given as for `layered`."""
    return configured(LayeredTilt, _paired(config))


def _paired(config: Mapping[str, Any]) -> dict[str, Any]:
    coin = config.get("coin", ())
    return {**config, "coin": tuple(coin) if isinstance(coin, list) else coin}
