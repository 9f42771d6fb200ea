"""What one answer is marked by, as plain numbers: a compiled step or a GPU needs nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

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


def rule_of(scheme: Scheme, key: MarkKey, master: MarkKey | None = None) -> Rule:
    """The rule of one of our own schemes under `key`.

    For a scheme with layers, `key` is that of the scheme's own layer: an account's, and `master` then is the master's,
    or the master's, and accounts' contexts stay unmarked. Without `master`, the master's contexts stay unmarked.
    Raises `UsageError` for a scheme that isn't one of ours (engines write those themselves).
    """
    raise NotImplementedError
