"""What a mark or an attack does to a text, in three numbers that need no reader: perplexity under a second model,
distinct n-grams, and repeated sequences.

They tell schemes apart that damage text; they don't say whether a text is good.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headwater.mark.proxy import Proxy

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Quality:
    """Of several texts: `perplexity` under a second model (None without one), `distinct_2`: distinct pairs of tokens
    among all pairs of all texts (Li et al., 2016), `repeated_4`: share of a text's windows of four tokens that stood
    in it before, in the mean (seq-rep-4: Welleck et al., 2020)."""

    perplexity: float | None
    distinct_2: float
    repeated_4: float


def quality(texts: Sequence[Ints], judge: Proxy | None) -> Quality:
    """The three numbers of `texts`; empty ones are left out."""
    used = [text for text in texts if len(text) >= 4]
    perplexity = None
    if judge is not None and used:
        logs = np.concatenate([judge.read(text).log_chance[1:] for text in used])
        perplexity = round(float(np.exp(-logs.mean())), 2)
    return Quality(perplexity, round(distinct(used, 2), 4), round(repeated(used, 4), 4))


def distinct(texts: Sequence[Ints], n: int) -> float:
    """Distinct windows of `n` tokens of all texts, as a share of all of them; 0 where there are none."""
    grams = [windows(text, n) for text in texts if len(text) >= n]
    if not grams:
        return 0.0
    every = np.concatenate(grams)
    return len(np.unique(every, axis=0)) / len(every)


def repeated(texts: Sequence[Ints], n: int) -> float:
    """The share of windows of `n` tokens that stood in the same text before, in the mean over texts."""
    shares = []
    for text in texts:
        if len(text) >= n:
            grams = windows(text, n)
            shares.append(1 - len(np.unique(grams, axis=0)) / len(grams))
    return float(np.mean(shares)) if shares else 0.0


def windows(text: Ints, n: int) -> Ints:
    """All windows (len - n + 1, n) of a text."""
    found: Ints = np.lib.stride_tricks.sliding_window_view(text, n)
    return found
