"""Marked passages inside a longer text: windows of all lengths, with one error rate for all of them together.

Windows are 32 tokens and each power of two more, a quarter of their length apart. A window's p-value is bounded from
above by Chernoff's bound on its exact law, so a bound that is reached by many windows costs no tail of each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from headwater.mark.detection.scored import Scored
from headwater.mark.law import Law

SHORTEST: Final = 32
_STEP: Final = 4
#: Windows whose tail is computed, because their bound is near to what counts.
_EXACT: Final = 64
#: What Chernoff's bound may give away, in nats.
_SLACK: Final = 8.0


@dataclass(frozen=True)
class Region:
    """Tokens `begin` … `end`-1: the likeliest edges of a marked passage around a window whose ln p is `log_p`.

    `log_p` is of that window alone; `windows` were looked at.
    """

    begin: int
    end: int
    log_p: float
    windows: int

    @property
    def adjusted(self) -> float:
        """ln p with all windows counted (Bonferroni)."""
        return min(0.0, self.log_p + math.log(self.windows))


@dataclass(frozen=True)
class _Windows:
    begin: NDArray[np.int64]
    end: NDArray[np.int64]
    bound: NDArray[np.float64]


def regions(scored: Scored, level: float) -> list[Region]:
    """Passages with a window whose p-value is at most `level` over the number of windows; best first, none overlap.

    `level`: ln of the family-wise error rate: so often a text without the mark has any passage.
    """
    windows = _windows(scored)
    count = len(windows.begin)
    if count == 0:
        return []
    wanted = level - math.log(count)
    near = np.flatnonzero(windows.bound <= wanted + _SLACK)
    near = near[np.argsort(windows.bound[near], kind="stable")]
    found: list[Region] = []
    exact = 0
    for at in near:
        begin, end = int(windows.begin[at]), int(windows.end[at])
        if any(begin < each.end and each.begin < end for each in found):
            continue
        sure = bool(windows.bound[at] <= wanted)
        if not sure and exact >= _EXACT:
            break
        exact += 1
        log_p = scored.within(begin, end).log_p
        if log_p <= wanted:
            begin, end = _edges(scored, begin, end, found)
            found.append(Region(begin, end, log_p, count))
    return found


def best(scored: Scored) -> tuple[float, int]:
    """ln p of the window with the least bound, and how many windows there are; (0, 1) where there are none."""
    windows = _windows(scored)
    if len(windows.begin) == 0:
        return 0.0, 1
    at = int(np.argmin(windows.bound))
    return scored.within(int(windows.begin[at]), int(windows.end[at])).log_p, len(windows.begin)


def _windows(scored: Scored) -> _Windows:
    size = scored.units.tokens
    first = int(scored.units.position[0]) if len(scored.units) else 0
    size = max(size, int(scored.units.position[-1]) + 1 - first) if len(scored.units) else 0
    begins, ends = [], []
    length = SHORTEST
    while length < size:
        here = first + np.arange(0, size - length + length // _STEP, length // _STEP)
        begins.append(here)
        ends.append(np.minimum(here + length, first + size))
        length *= 2
    if not begins:
        empty = np.zeros(0, np.int64)
        return _Windows(empty, empty, np.zeros(0))
    begin, end = np.concatenate(begins), np.concatenate(ends)
    return _Windows(begin, end, _bounds(scored, begin, end))


def _bounds(scored: Scored, begin: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.float64]:
    """Chernoff: ln P(total >= t) <= min over s of sum of K(s) - s t, for each window."""
    low = np.searchsorted(scored.units.position, begin)
    high = np.searchsorted(scored.units.position, end)
    sums = np.concatenate([[0], np.cumsum(scored.scores)])
    total = (sums[high] - sums[low]).astype(np.float64)
    kinds = np.zeros(len(scored.units), np.intp) if scored.classes is None else scored.classes
    counts = []
    for kind in range(len(scored.laws)):
        seen = np.concatenate([[0], np.cumsum(kinds == kind)])
        counts.append(seen[high] - seen[low])
    bound = np.zeros(len(begin))
    for tilt in _tilts(scored):
        exponent = -tilt * total
        for laws, count in zip(scored.laws, counts, strict=True):
            exponent += count * sum(_cgf(law, tilt) for law in laws)
        np.minimum(bound, exponent, out=bound)
    return bound


def _tilts(scored: Scored) -> NDArray[np.float64]:
    """Values of s, by grain: from a faint mark to one in every token."""
    grain = scored.scorer.tables[0][0].grain
    return grain * np.concatenate([np.geomspace(0.02, 1.0, 24), np.linspace(1.1, 6.0, 12)])


def _cgf(law: Law, tilt: float) -> float:
    values = law.first + np.arange(len(law.chance))
    exponent = tilt * values
    top = float(exponent.max())
    return top + math.log(float(law.chance @ np.exp(exponent - top)))


def _edges(scored: Scored, begin: int, end: int, taken: list[Region]) -> tuple[int, int]:
    """The run of tokens around a window whose scores are most above half of what they are inside it."""
    length = end - begin
    low, high = begin - length, end + length
    for each in taken:
        if each.end <= begin:
            low = max(low, each.end)
        if each.begin >= end:
            high = min(high, each.begin)
    position = scored.units.position
    first, last = np.searchsorted(position, [low, high])
    inside = scored.within(begin, end)
    fair = sum(_mean(law) for law in scored.laws[0])
    half = fair + (float(inside.scores.mean()) - fair) / 2
    gain = np.concatenate([[0.0], np.cumsum(scored.scores[first:last] - half)])
    least = np.minimum.accumulate(gain)
    stop = int(np.argmax(gain - least))
    start = int(np.argmin(gain[: stop + 1]))
    if stop <= start:
        return begin, end
    return int(position[first + start]), int(position[first + stop - 1]) + 1


def _mean(law: Law) -> float:
    return float(law.chance @ (law.first + np.arange(len(law.chance))))
