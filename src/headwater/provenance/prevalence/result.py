"""What an estimate of prevalence says: a share with its interval, or why there is none.

Both are about a corpus. Neither holds a score, and nothing here can be asked about a row.
"""

from __future__ import annotations

import msgspec


class Widths(msgspec.Struct, frozen=True):
    """Where an interval's width comes from, in shares of rows; the three add up to the whole width.

    `sampling`: this sample is finite. `reference`: so is what it is compared with. `domain`: the corpus and the model
    aren't those that were measured.
    """

    sampling: float
    reference: float
    domain: float


class Prevalence(msgspec.Struct, frozen=True):
    """A share of the corpus' readable rows (0 to 1) that chat models wrote, with an interval at `level`.

    `sampled`: rows that were read. `left_out`: rows of the sample that can't be (short, not English, mostly code);
    the share says nothing of them.
    """

    estimate: float
    low: float
    high: float
    level: float
    sampled: int
    left_out: int
    method: str
    caution: str
    width_from: Widths


class NotEstimated(msgspec.Struct, frozen=True):
    """No share is given, and why. `at_least`: the bound from exact artefacts alone (0 where none were counted)."""

    reason: str
    sampled: int
    left_out: int
    at_least: float = 0.0
