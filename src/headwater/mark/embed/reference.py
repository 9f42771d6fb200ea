"""What a step does to one row of scores, in plain NumPy: the specification of `kernel`, and of GPUs' steps."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import numpy as np
from numpy.typing import NDArray

from headwater.mark.embed.kernel import FAR, STRIDES
from headwater.mark.embed.row import Row
from headwater.mark.embed.rule import Pair, Rule
from headwater.mark.engines.philox import WORD, philox
from headwater.mark.own.function import SIZE, seed_of, values_of


def marked(
    row: Row, scores: NDArray[np.float32], *, top_k: int, drawn: tuple[float, float]
) -> tuple[NDArray[np.float32], int]:
    """The scores (vocabulary,) after the step, and the chosen token or -1; `drawn`: seeds of the rest's race."""
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
    if finite.sum() > len(candidates):
        raced = against_the_rest(scores, candidates, best, drawn)
        token = token if raced is None else raced
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


def against_the_rest(
    scores: NDArray[np.float32], candidates: NDArray[np.int64], best: float, drawn: tuple[float, float]
) -> int | None:
    """The token outside `candidates` whose score plus unkeyed noise is the largest, if that is more than `best`.

    A score s plus Gumbel noise is -ln of a time that falls as Exp(e^s), and who is largest comes first. So the rest
    is a race (a Poisson process) whose rate is all that it weighs. It is run without reading all scores, by thinning
    (Lewis and Shedler, 1979): times come at a rate that is no less, as if each place of a column held the column's
    largest score, and a token that is drawn so counts with the chance of its own weight over that. `drawn`: the seeds.
    """
    top, least = scores.max().astype(np.float64), scores[candidates].min()
    width = -(-len(scores) // STRIDES)
    columns = np.full((STRIDES, width), -np.inf, np.float32)
    columns.flat[: len(scores)] = scores
    weights = np.exp(np.maximum(np.minimum(columns.max(axis=0), least) - top, -FAR))
    bounds = np.cumsum(STRIDES * weights)
    limit, time = np.exp(top - best), 0.0
    for uniform in _uniforms(drawn):
        time -= np.log(uniform[0]) / bounds[-1]
        if time > limit:
            return None
        column = min(int(np.searchsorted(bounds, uniform[1] * bounds[-1], side="right")), width - 1)
        token = int(uniform[2] * STRIDES) * width + column
        if token >= len(scores) or token in candidates or not scores[token] - top > -FAR:
            continue
        if uniform[3] * weights[column] < np.exp(scores[token] - top):
            return token
    return None


def _uniforms(drawn: tuple[float, float]) -> Iterator[list[float]]:
    """Four numbers in (0, 1) at a time, of 53 bits, by Philox4x32-10 under two numbers in [0, 1)."""
    one, two = (int(each * 2.0**53) for each in drawn)
    key = (one & WORD, two & WORD)
    for turn in count():
        words = [int(word) for part in (0, 1) for word in philox((turn, part, one >> 32, two >> 32), key)]
        yield [((words[at] << 21 ^ words[at + 1] >> 11) + 0.5) / 2.0**53 for at in (0, 2, 4, 6)]
