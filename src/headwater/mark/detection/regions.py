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

SHORTEST: Final = 32
_STEP: Final = 4
#: Windows of one length whose tail is computed, because their bound is near to what counts.
_EXACT: Final = 8
#: What Chernoff's bound may give away, in nats.
_SLACK: Final = 8.0
#: Units' worth of all classes that a class's scores inside a passage lean on.
_LEAN: Final = 8.0
#: Passages that are told at most.
MOST: Final = 1000


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
class Windows:
    """Windows over one text's tokens, `begin` … `end`-1 (n,), and bounds of their ln p (n,)."""

    begin: NDArray[np.int64]
    end: NDArray[np.int64]
    bound: NDArray[np.float64]

    def part(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Windows:
        return Windows(self.begin[chosen], self.end[chosen], self.bound[chosen])


def regions(scored: Scored, level: float, windows: Windows | None = None) -> list[Region]:
    """Passages with a window whose p-value is at most `level` over the number of windows; best first, none overlap.

    `level`: ln of the family-wise error rate: so often a text without the mark has any passage. The shortest windows
    that show the mark say where it is; a long one says so only where it holds no shorter one. `windows`: those of
    `windows_of`, where they are there already.
    """
    windows = windows or windows_of(scored)
    count = len(windows.begin)
    if count == 0:
        return []
    wanted = level - math.log(count)
    found: list[Region] = []
    for begin, end, at in _joined(_shortest(scored, windows, wanted))[:MOST]:
        log_p = scored.within(int(windows.begin[at]), int(windows.end[at])).log_p
        if log_p <= wanted:
            found.append(Region(*_edges(scored, begin, end), log_p, count))
    return sorted((_best(scored, windows, each) for each in _merged(found)), key=lambda each: each.log_p)


def _shortest(scored: Scored, windows: Windows, wanted: float) -> tuple[Windows, NDArray[np.intp]]:
    """Windows that show the mark and hold no shorter one that does, and their numbers; ordered by where they begin."""
    kept = np.zeros(0, np.intp)
    lengths = windows.end - windows.begin
    for length in np.unique(1 << np.ceil(np.log2(lengths)).astype(np.int64)):
        here = np.flatnonzero(
            (lengths <= length) & (lengths > length // 2) & (windows.bound <= wanted + _SLACK)
        )
        if len(kept):
            ends = np.minimum.accumulate(windows.end[kept][::-1])[::-1]
            after = np.searchsorted(windows.begin[kept], windows.begin[here])
            holds = np.append(ends, np.iinfo(np.int64).max)[after] <= windows.end[here]
            here = here[~holds]
        sure = windows.bound[here] <= wanted
        near = here[~sure][np.argsort(windows.bound[here[~sure]], kind="stable")][:_EXACT]
        exact = [
            at for at in near if scored.within(int(windows.begin[at]), int(windows.end[at])).log_p <= wanted
        ]
        kept = np.concatenate([kept, here[sure], np.array(exact, np.intp)])
        kept = kept[np.argsort(windows.begin[kept], kind="stable")]
    return windows.part(kept), kept


def _joined(shortest: tuple[Windows, NDArray[np.intp]]) -> list[tuple[int, int, int]]:
    """(begin, end, number of the best window) of runs of windows that overlap, best first."""
    windows, numbers = shortest
    runs: list[tuple[int, int, int, float]] = []
    for begin, end, number, bound in zip(windows.begin, windows.end, numbers, windows.bound, strict=True):
        if runs and begin < runs[-1][1]:
            first, last, best_one, least = runs[-1]
            better = bound < least
            runs[-1] = (first, max(last, int(end)), int(number) if better else best_one, min(bound, least))
        else:
            runs.append((int(begin), int(end), int(number), float(bound)))
    return [each[:3] for each in sorted(runs, key=lambda each: each[3])]


def best(scored: Scored, windows: Windows | None = None) -> tuple[float, int]:
    """ln p of the window with the least bound, and how many windows there are; (0, 1) where there are none."""
    windows = windows or windows_of(scored)
    if len(windows.begin) == 0:
        return 0.0, 1
    at = int(np.argmin(windows.bound))
    return scored.within(int(windows.begin[at]), int(windows.end[at])).log_p, len(windows.begin)


def windows_of(scored: Scored) -> Windows:
    """All windows of a text, with bounds: one pass over it for each length and tilt."""
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
        return Windows(empty, empty, np.zeros(0))
    begin, end = np.concatenate(begins), np.concatenate(ends)
    return Windows(begin, end, _bounds(scored, begin, end))


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
            exponent += count * sum(law.log_mgf(tilt) for law in laws)
        np.minimum(bound, exponent, out=bound)
    return bound


def _tilts(scored: Scored) -> NDArray[np.float64]:
    """Values of s, by what a score spreads: from a faint mark to one in every token."""
    spread = math.sqrt(max(sum(law.variance for law in laws) for laws in scored.laws))
    steps: NDArray[np.float64] = np.concatenate([np.geomspace(0.02, 1.0, 24), np.linspace(1.1, 6.0, 12)])
    return steps / max(spread, 1e-9)


def _merged(found: list[Region]) -> list[Region]:
    """Passages whose edges met are one, with the better p-value."""
    whole: list[Region] = []
    for each in sorted(found, key=lambda each: each.begin):
        if whole and each.begin < whole[-1].end:
            last = whole.pop()
            each = Region(last.begin, max(last.end, each.end), min(last.log_p, each.log_p), each.windows)
        whole.append(each)
    return whole


def _best(scored: Scored, windows: Windows, region: Region) -> Region:
    """The passage with the least p-value of all windows in it: short ones said where it is, long ones say more."""
    inside = np.flatnonzero((windows.begin >= region.begin) & (windows.end <= region.end))
    if not len(inside):
        return region
    at = inside[np.argmin(windows.bound[inside])]
    log_p = scored.within(int(windows.begin[at]), int(windows.end[at])).log_p
    return Region(region.begin, region.end, min(region.log_p, log_p), region.windows)


def _edges(scored: Scored, begin: int, end: int) -> tuple[int, int]:
    """The run of tokens around a passage whose scores are most above half of what they are inside it, by class."""
    margin = min(end - begin, 4 * SHORTEST)
    position = scored.units.position
    first, last = np.searchsorted(position, [begin - margin, end + margin])
    rise = _rise(scored, begin, end)[first:last]
    gain = np.concatenate([[0.0], np.cumsum(rise)])
    least = np.minimum.accumulate(gain)
    stop = int(np.argmax(gain - least))
    start = int(np.argmin(gain[: stop + 1]))
    if stop <= start:
        return begin, end
    return int(position[first + start]), int(position[first + stop - 1]) + 1


def _rise(scored: Scored, begin: int, end: int) -> NDArray[np.float64]:
    """By how much each unit's score is above half of what its class has between `begin` and `end`, and none without.

    A class with few units there leans on all of them, as far as its scores spread.
    """
    kinds = np.zeros(len(scored.units), np.intp) if scored.classes is None else scored.classes
    fair = np.array([sum(law.mean for law in laws) for laws in scored.laws])
    spread = np.sqrt([sum(law.variance for law in laws) for laws in scored.laws])
    above = scored.scores - fair[kinds]
    here = (scored.units.position >= begin) & (scored.units.position < end)
    seen = np.bincount(kinds[here], minlength=len(fair))
    gained = np.bincount(kinds[here], above[here], minlength=len(fair))
    common = gained.sum() / max(1e-9, float(seen @ spread)) * spread
    usual = (gained + _LEAN * common) / (seen + _LEAN)
    rise: NDArray[np.float64] = above - np.maximum(usual, 0.0)[kinds] / 2
    return rise
