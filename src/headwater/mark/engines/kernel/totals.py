"""Scores of values, looked up in compiled tables: what sums under many keys are made of.

A table is cut into buckets by the uppermost bits of a value. A bucket that no edge divides has its score at hand; in
the others the edges are searched. `engines.totals` lays the tables out.
"""

# mypy: disable-error-code="untyped-decorator, call-overload, assignment, no-any-return, return-value"
from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from headwater.mark.engines.kernel.philox import INNER
from headwater.mark.engines.totals import DIVIDED


@njit(**INNER)
def add_scores(found: Any, count: int, first: int, of: Any, stream: int, tables: Any, out: Any) -> None:
    """Add the scores of `count` values `found`, of the units from `first` on, to their documents' sums `out`.

    `of` (3, n): how often each unit counts, its class and its document (ascending).
    """
    shift, quick, begins, edges, scores = tables
    document = of[2, first]
    total = np.int64(0)
    for i in range(count):
        at = first + i
        if of[2, at] != document:
            out[document] += total
            total = np.int64(0)
            document = of[2, at]
        kind = of[1, at]
        value = np.int64(found[i])
        score = np.int64(quick[kind, stream, value >> shift])
        if score == DIVIDED:
            low, high = begins[kind, stream], begins[kind, stream + 1]
            while high - low > 1:  # edges[low] <= value < edges[high], or the end
                middle = (low + high) >> 1
                if edges[middle] <= value:
                    low = middle
                else:
                    high = middle
            score = scores[low]
        total += score * of[0, at]
    out[document] += total
