"""Real service traces: the load curve of one client of a served model, and the lengths of real answers.

They give products their arrivals and everything its latency. People's rhythm is in `rhythm`.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from headwater.simulate.catalogue import AZURE, SERVEGEN
from headwater.simulate.chance import Floats, Ints
from headwater.simulate.corpora import Corpora

#: Seconds of one window of a load trace, and the share of windows in which a usable client is active.
_WINDOW_S = 600.0
_ACTIVE = 0.3


def load_curve(rng: np.random.Generator, corpora: Corpora, count: int, span_s: float) -> Floats:
    """`count` sorted arrival times over `span_s` seconds with the rate and burstiness of a real client.

    The client's ten-minute windows (rate and coefficient of variation) are laid out again and again from a
    random window on; within a window the arrivals are a gamma renewal process.
    """
    clients = [_windows(path) for path in corpora.files(SERVEGEN[corpora.side])]
    usable = [windows for windows in clients if (windows[:, 0] > 0).mean() > _ACTIVE] or clients
    windows = usable[int(rng.integers(len(usable)))]
    turned = np.roll(windows, -int(rng.integers(len(windows))), axis=0)
    laid = np.resize(turned, (int(np.ceil(span_s / _WINDOW_S)), 2))
    # No window is quite silent: a product always has somebody.
    rate = np.maximum(laid[:, 0], 0.02 * laid[:, 0].mean() + 1e-9)
    shape = 1.0 / np.clip(laid[:, 1], 0.3, 4.0) ** 2
    clock = np.r_[0.0, np.cumsum(rate)]
    # A renewal process on the operational clock, whose gap law follows the window it falls into.
    where = np.minimum(np.arange(count) * len(rate) // max(count, 1), len(rate) - 1)
    ticks = np.cumsum(rng.gamma(shape[where], 1.0 / shape[where]))
    operational = ticks / ticks[-1] * clock[-1] * (1 - 1e-9) if count else ticks
    wall = np.interp(operational, clock, np.arange(len(clock)) * _WINDOW_S)
    return np.asarray(wall * span_s / (len(rate) * _WINDOW_S))


def _windows(path: Path) -> Floats:
    """(rate, coefficient of variation) of each window."""
    with path.open(encoding="utf-8", newline="") as handle:
        rows = [(float(row[1] or 0), float(row[2] or 1)) for row in csv.reader(handle) if row]
    return np.array(rows or [(1.0, 1.0)])


def answer_lengths(corpora: Corpora) -> Ints:
    """Tokens of real answers, in the trace's order."""
    (path,) = corpora.files(AZURE[corpora.side])
    with path.open(encoding="utf-8", newline="") as handle:
        return np.array([int(row["GeneratedTokens"]) for row in csv.DictReader(handle)], dtype=np.int64)
