"""One step of a batch: the scores of the next tokens are changed where they stand, so that the mark is written."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from headwater.mark.embed.row import Row

#: How many of the likeliest tokens the key chooses among.
TOP_K = 64


def mark(
    rows: Sequence[Row | None],
    scores: NDArray[np.float32],
    *,
    top_k: int = TOP_K,
    random: np.random.Generator,
) -> NDArray[np.int64]:
    """Mark one step in place: `scores` (rows, vocabulary), what softmax makes the law of the next token.

    Gumbel: the chosen token keeps its score, all others get -inf, so greedy and sampling give it alike. Only the
    `top_k`
    likeliest are keyed; the others compete as one lump with noise from `random` and, if it wins, one of them is drawn:
    the law averaged over keys is exactly the model's. Tilt: `delta` is added to the green among the `top_k`.
    Rows that are None, whose context is None, that hold NaN or +inf or nothing but -inf are left as they are.
    `top_k`: 0 for the whole vocabulary. Returns the chosen tokens (rows,), -1 where the engine still has to choose;
    the caller appends what was taken to each row. Raises `UsageError` for scores of another shape or type.
    """
    raise NotImplementedError
