"""One step of a batch: the scores of the next tokens are changed where they stand, so that the mark is written."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from headwater.errors import UsageError
from headwater.mark.embed.row import Row

#: How many of the likeliest tokens the key chooses among.
TOP_K = 64
#: Scores of a batch from which on threads share it, and how many threads at most.
_MANY, _MOST_THREADS = 1 << 20, 4


def mark(
    rows: Sequence[Row | None],
    scores: NDArray[np.float32],
    *,
    top_k: int = TOP_K,
    random: np.random.Generator,
) -> NDArray[np.int64]:
    """Mark one step in place: `scores` (rows, vocabulary), what softmax makes the law of the next token.

    Gumbel: the chosen token keeps its score, all others get -inf, so greedy and sampling give it alike. Only the
    `top_k` likeliest are keyed; the others compete as one lump with noise from `random`, and where it wins one of them
    is drawn: the law averaged over keys is exactly the model's. Tilt: `delta` is added to the green among the `top_k`.
    Rows that are None, whose context is None, that hold NaN or +inf or nothing but -inf are left as they are.
    `top_k`: 0 for the whole vocabulary. Returns the chosen tokens (rows,), -1 where the engine still has to choose;
    the caller appends what was taken to each row. Raises `UsageError` for scores of another shape or type.
    """
    _check(rows, scores, top_k)
    chosen = np.full(len(rows), -1, np.int64)
    writing = [
        (at, row, context) for at, row in enumerate(rows) if row is not None and (context := row.context)
    ]
    if not writing or not scores.shape[1]:
        return chosen
    from headwater.mark.embed.kernel import step

    widest = max(len(context) for _, _, context in writing)
    contexts = np.array([(0,) * (widest - len(context)) + context for _, _, context in writing], np.int64)
    index = np.array([at for at, _, _ in writing])
    numbers = np.array([row.rule.numbers for _, row, _ in writing])
    drawn = random.random((len(writing), 2))
    whole = scores if scores.flags.c_contiguous else np.ascontiguousarray(scores)
    most = min(top_k or scores.shape[1], scores.shape[1])
    threads = min(_threads(), len(writing)) if len(writing) * whole.shape[1] >= _MANY else 1
    ends = [len(writing) * part // threads for part in range(threads + 1)]
    others = [
        _pool(os.getpid()).submit(step, whole, first, last, index, contexts, numbers, drawn, most, chosen)
        for first, last in pairwise(ends[1:])
    ]
    step(whole, 0, ends[1], index, contexts, numbers, drawn, most, chosen)
    for other in others:
        other.result()
    if whole is not scores:
        scores[...] = whole
    return chosen


def _check(rows: Sequence[Row | None], scores: NDArray[np.float32], top_k: int) -> None:
    if not isinstance(scores, np.ndarray) or scores.dtype != np.float32 or scores.ndim != 2:
        raise UsageError("scores must be an array of float32 with one row for each answer")
    if len(rows) != len(scores):
        raise UsageError(f"{len(rows)} answers and {len(scores)} rows of scores")
    if not scores.flags.writeable:
        raise UsageError("scores are changed in place, and these can't be written", hint="hand over a copy")
    if top_k < 0:
        raise UsageError("top_k must be 0 (the whole vocabulary) or more")


@cache
def _threads() -> int:
    """Cores that this process may use, up to four."""
    affinity = getattr(os, "sched_getaffinity", None)
    return min(len(affinity(0)) if affinity else os.cpu_count() or 1, _MOST_THREADS)


@cache
def _pool(process: int) -> ThreadPoolExecutor:  # noqa: ARG001 (what it is kept by)
    """The threads of one process: a fork has none of its parent's."""
    return ThreadPoolExecutor(_MOST_THREADS - 1, thread_name_prefix="headwater-mark")
