"""What a batch was charged when it was taken, so that what it didn't use can come back when its results are known.

Plain data that a door keeps for hours or days. Only what was taken of an hour, a day or a month comes back, and only
while that still is the same one in a store that still remembers it; all else stays spent.
"""

from __future__ import annotations

import msgspec


class Charge(msgspec.Struct, frozen=True):
    """`tokens` and `spend` (millionths) as they were settled; `input` and `output`: prices, as of `Model`.

    `since`: cell of a budget → the epoch and the period that it was taken from.
    """

    tokens: int
    spend: int
    input: int
    output: int
    since: dict[str, tuple[int, int]]
