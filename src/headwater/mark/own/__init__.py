"""Headwater's own marks: SipHash of the context under a key of 128 bits, then Philox by token.

Stateless and the same everywhere: a distortion-free mark (`headwater-gumbel`), a green list (`headwater-tilt`), and two
layers where a coin gives contexts to a master's key or to an account's (`headwater-layered`).
"""

from headwater.mark.own.keys import account_key, coin_of
from headwater.mark.own.schemes import Gumbel, Layered, Tilt, gumbel, layered, tilt

__all__ = ["Gumbel", "Layered", "Tilt", "account_key", "coin_of", "gumbel", "layered", "tilt"]
