"""What one answer is marked by, as plain numbers: a compiled step or a GPU needs nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from headwater.errors import UsageError
from headwater.mark.engines.configured import numbers_of
from headwater.mark.own import Gumbel, Layered, LayeredTilt, Tilt
from headwater.mark.own.function import GUMBEL, TILT
from headwater.mark.scheme import MarkKey, Scheme

Pair = tuple[int, int]


@dataclass(frozen=True)
class Rule:
    """One mark of our own schemes. Plain numbers; keys aren't shown.

    `kind`: Gumbel-max or a green list. `width`: tokens of context. `key`: two integers of 64 bits, the account's or
    the only one; `master`: those of contexts that the coin gives to the master. Where a context's key is None, it is
    left unmarked. `coin`: key of the coin, None without layers; a context is the account's where the upper 32 bits of
    SipHash-2-4(context, coin) are below `share`. `green`: a token is green where its word is below it (0 for Gumbel);
    `delta`: what green tokens' scores rise by. `once`: a context that was seen before in the answer is left unmarked;
    `prompt_seen`: those of the prompt count as seen, too.
    """

    kind: Literal["gumbel", "tilt"]
    width: int
    key: Pair | None = field(repr=False)
    master: Pair | None = field(default=None, repr=False)
    coin: Pair | None = field(default=None, repr=False)
    share: int = 0
    green: int = 0
    delta: float = 0.0
    once: bool = True
    prompt_seen: bool = False

    @property
    def use(self) -> int:
        """What its words are used for (`own.function`): the third number that Philox counts with."""
        return GUMBEL if self.kind == "gumbel" else TILT

    @cached_property
    def numbers(self) -> NDArray[np.uint64]:
        """As compiled steps take it, (14,): width, use, `green`, the bits of `delta`, coin, `share`, key, master.

        A 1 stands before each of coin, key and master that is there, three zeros where it isn't.
        """
        delta = int(np.float64(self.delta).view(np.uint64))
        coin, key, master = (
            (0, 0, 0) if pair is None else (1, *pair) for pair in (self.coin, self.key, self.master)
        )
        return np.array(
            [self.width, self.use, self.green, delta, *coin, self.share, *key, *master], np.uint64
        )


def rule_of(scheme: Scheme, key: MarkKey, master: MarkKey | None = None) -> Rule:
    """The rule of one of our own schemes under `key`.

    For a scheme with layers, `key` is that of the scheme's own layer: an account's, and `master` then is the master's,
    or the master's, and accounts' contexts stay unmarked. Without `master`, the master's contexts stay unmarked.
    Raises `UsageError` for a scheme that isn't one of ours (engines write those themselves).
    """
    if not isinstance(scheme, Gumbel | Tilt):
        raise UsageError(
            f"the mark of {scheme.name} is written by its own engine, not here",
            hint="write headwater-gumbel, headwater-tilt, headwater-layered or headwater-layered-tilt",
        )
    ours, others = _pair(key), _pair(master) if master is not None else None
    coin, share = None, 0
    if isinstance(scheme, Layered | LayeredTilt):
        coin, share = scheme.coin, scheme.threshold
        if scheme.layer == "master":
            if master is not None:
                raise UsageError("the master's own layer takes one key, the master's")
            return _rule(scheme, None, ours, coin, share)
    elif master is not None:
        raise UsageError(f"{scheme.name} has one layer, so it takes no master's key")
    return _rule(scheme, ours, others, coin, share)


def _rule(
    scheme: Gumbel | Tilt, key: Pair | None, master: Pair | None, coin: Pair | None, share: int
) -> Rule:
    if isinstance(scheme, Tilt):
        green, delta = scheme.green, float(scheme.delta)
        return Rule("tilt", scheme.width, key, master, coin, share, green, delta, once=False)
    return Rule("gumbel", scheme.width, key, master, coin, share, prompt_seen=scheme.prompt_seen)


def _pair(key: MarkKey) -> Pair:
    first, second = numbers_of(key, 2)
    return first, second
