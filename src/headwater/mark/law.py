"""Exact laws of sums of integer scores: what a detector's total is worth when the key had no part in the text.

Every score in this room is an integer on a grid whose law without the key is known exactly, so a tail is computed,
never approximated by a normal or Gamma law.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Law:
    """The law of an integer: P(it is `first` + i) = `chance`[i]. `chance` sums to 1."""

    first: int
    chance: NDArray[np.float64]


@dataclass(frozen=True)
class Part:
    """`count` independent integers of one law, each taken `times` times (a unit that was read that often)."""

    law: Law
    times: int = 1
    count: int = 1


def log_tail(parts: Sequence[Part], total: int) -> float:
    """ln of P(sum >= `total`), rounded up: never below the true value, and at most 1e-6 above it (relative)."""
    raise NotImplementedError


def log_tails(parts: Sequence[Part], totals: NDArray[np.int64]) -> NDArray[np.float64]:
    """`log_tail` for many totals of the same law, as a test of many keys needs it."""
    raise NotImplementedError
