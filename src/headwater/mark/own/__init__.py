"""Headwater's own marks: SipHash of the context under a key of 128 bits, then Philox by token.

Stateless and the same everywhere: a distortion-free mark (`headwater-gumbel`), a green list (`headwater-tilt`), and
both in two layers where a coin gives contexts to a master's key or to an account's (`headwater-layered`,
`headwater-layered-tilt`).
"""

from headwater.mark.own.keys import account_key, coin_of
from headwater.mark.own.layers import Layered, LayeredTilt, layered, layered_tilt
from headwater.mark.own.schemes import Gumbel, Tilt, gumbel, tilt

#: Schemes with a coin, whose key is derived from a master's where it isn't given.
LAYERED = (Layered.name, LayeredTilt.name)

__all__ = [
    "LAYERED",
    "Gumbel",
    "Layered",
    "LayeredTilt",
    "Tilt",
    "account_key",
    "coin_of",
    "gumbel",
    "layered",
    "layered_tilt",
    "tilt",
]
