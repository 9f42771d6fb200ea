"""What a step does to one row of scores, in plain NumPy: the specification of `kernel`, and of GPUs' steps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from headwater.mark.embed.kernel import STRIDES
from headwater.mark.embed.row import Row
from headwater.mark.embed.rule import Pair, Rule
from headwater.mark.own.function import SIZE, seed_of, values_of


def marked(
    row: Row, scores: NDArray[np.float32], *, top_k: int, drawn: tuple[float, float]
) -> tuple[NDArray[np.float32], int]:
    """The scores (vocabulary,) after the step, and the chosen token or -1; `drawn`: uniform numbers for the lump."""
    context = row.context
    key = None if context is None else key_of(row.rule, context)
    finite = scores > -np.inf
    if context is None or key is None or np.isnan(scores).any() or not finite.any() or scores.max() == np.inf:
        return scores.copy(), -1
    candidates = likeliest(scores, top_k or len(scores))
    words = values_of(np.array(seed_of(context, key), np.uint64), candidates, row.rule.use)
    changed = scores.copy()
    if row.rule.kind == "tilt":
        changed[candidates[words < row.rule.green]] += np.float32(row.rule.delta)
        return changed, -1
    values = scores[candidates].astype(np.float64) - np.log(-np.log((words + 0.5) / SIZE))
    token, best = int(candidates[np.argmax(values)]), float(values.max())
    rest = finite.copy()
    rest[candidates] = False
    if rest.any():
        token = _against_the_lump(scores, rest, token, best, drawn)
    changed[:] = -np.inf
    changed[token] = scores[token]
    return changed, token


def key_of(rule: Rule, context: tuple[int, ...]) -> Pair | None:
    """Whose key marks a context: the account's (or the only one), the master's, or nobody's."""
    if rule.coin is None or seed_of(context, rule.coin) >> 32 < rule.share:
        return rule.key
    return rule.master


def likeliest(scores: NDArray[np.float32], top_k: int) -> NDArray[np.int64]:
    """The `top_k` largest scores above -inf, of equals the first, as ascending token ids."""
    order = np.argsort(-scores, kind="stable")[:top_k]
    return np.sort(order[scores[order] > -np.inf])


def _against_the_lump(
    scores: NDArray[np.float32], rest: NDArray[np.bool_], token: int, best: float, drawn: tuple[float, float]
) -> int:
    """`token`, or one of the rest where the largest of their scores plus unkeyed noise is more than `best`.

    That largest falls as ln(sum of e^score) plus one Gumbel variable, whatever the rest is made of.
    """
    top = scores.max().astype(np.float64)
    weights = np.where(rest, np.exp(scores - top), 0.0)
    total = weights.sum()
    if drawn[0] <= 0 or not np.log(total) + top - np.log(-np.log(drawn[0])) > best:
        return token
    width = -(-len(scores) // STRIDES)  # the compiled step goes through columns
    order = np.argsort(np.arange(len(scores)) % width, kind="stable")
    order = order[weights[order] > 0]
    at = np.searchsorted(np.cumsum(weights[order]), drawn[1] * total, side="right")
    return int(order[min(at, len(order) - 1)])
