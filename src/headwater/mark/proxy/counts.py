"""Counts of own traffic as a proxy: how often a token follows those before it, no model needed.

Witten and Bell's interpolation of contexts of 0 to `order`-1 tokens (IEEE Trans. Inf. Theory 37, 1991): each context
is trusted as its count is to the number of different tokens seen after it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headwater.errors import UsageError
from headwater.mark.proxy.features import Features
from headwater.mark.scheme import Tokens

_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)


@dataclass(frozen=True)
class Order:
    """Counts of one length of context: sorted hashes of windows and of contexts, with what was seen after each."""

    grams: NDArray[np.uint64]
    times: NDArray[np.float64]
    contexts: NDArray[np.uint64]
    total: NDArray[np.float64]
    kinds: NDArray[np.float64]
    entropy: NDArray[np.float64]


@dataclass(frozen=True)
class Counts:
    """See `counted`. `tokens`: how many token ids there are."""

    name: str
    tokens: int
    orders: tuple[Order, ...]

    def read(self, tokens: Tokens) -> Features:
        """See `Proxy`. `entropy` mixes the entropies of what was seen after the contexts."""
        chance = np.full(len(tokens), 1 / self.tokens)
        entropy = np.full(len(tokens), np.log(self.tokens))
        for before, order in enumerate(self.orders):
            if before >= len(tokens) or not len(order.contexts):
                break
            contexts, grams = _hashes(tokens, before)
            found, at = _found(order.contexts, contexts)
            total = np.where(found, order.total[at], 0.0)
            kinds = np.where(found, order.kinds[at], 1.0)
            seen, where = _found(order.grams, grams)
            times = np.where(seen, order.times[where], 0.0)
            trust = total / (total + kinds)
            chance[before:] = (times + kinds * chance[before:]) / (total + kinds)
            entropy[before:] = (
                trust * np.where(found, order.entropy[at], 0.0) + (1 - trust) * entropy[before:]
            )
        return Features(np.log(chance), entropy)

    def law(self, before: Tokens) -> NDArray[np.float64]:
        """The chances (tokens,) of what comes after `before`, of which the last `order`-1 tokens count."""
        every = np.arange(self.tokens, dtype=np.int64)
        chance = np.full(self.tokens, 1 / self.tokens)
        for back, order in enumerate(self.orders):
            if back > len(before) or not len(order.contexts):
                break
            window = np.append(before[len(before) - back :], 0)
            context, _ = _hashes(window, back)
            found, at = _found(order.contexts, context)
            if not found[0]:
                break
            seen, where = _found(
                order.grams, _mixed(np.full(self.tokens, context[0]), every.astype(np.uint64))
            )
            times = np.where(seen, order.times[where], 0.0)
            total, kinds = order.total[at[0]], order.kinds[at[0]]
            chance = (times + kinds * chance) / (total + kinds)
        return chance


def counted(texts: list[Tokens], tokens: int, *, order: int = 1) -> Counts:
    """Counts of `texts` for windows of up to `order` tokens: 1 counts tokens alone, 3 what follows two others.

    Contexts are told apart by hashes of 64 bits; two that meet would share their counts, which costs power, not truth.
    """
    if not 1 <= order <= 8 or tokens < 1:
        raise UsageError("counts are of windows of 1 to 8 tokens")
    orders = [_order(texts, before) for before in range(order)]
    return Counts("token counts" if order == 1 else f"counts of {order} tokens", tokens, tuple(orders))


def _order(texts: list[Tokens], before: int) -> Order:
    both = [_hashes(text, before) for text in texts if len(text) > before]
    none = np.zeros(0, np.uint64)
    contexts = np.concatenate([each[0] for each in both]) if both else none
    grams = np.concatenate([each[1] for each in both]) if both else none
    known, first, times = np.unique(grams, return_index=True, return_counts=True)
    of, kinds = np.unique(contexts[first], return_inverse=True)
    total = np.bincount(kinds, times, len(of))
    inside = np.bincount(kinds, times * np.log(times), len(of))
    with np.errstate(divide="ignore", invalid="ignore"):
        entropy = np.log(total) - inside / total
    after = np.bincount(kinds, minlength=len(of)).astype(np.float64)
    return Order(known, times.astype(np.float64), of, np.asarray(total, np.float64), after, entropy)


def _hashes(tokens: Tokens, before: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Hashes of the `before` tokens before each token, and of those with it: (n - before,) each."""
    size = len(tokens) - before
    context = np.full(size, before + 1, np.uint64)
    words = tokens.astype(np.uint64)
    for back in range(before):
        context = _mixed(context, words[back : back + size])
    return context, _mixed(context, words[before:])


def _mixed(state: NDArray[np.uint64], word: NDArray[np.uint64]) -> NDArray[np.uint64]:
    state = (state ^ word) * _SPREAD
    found: NDArray[np.uint64] = (state ^ (state >> _SHIFT)) * _SPREAD
    return found


def _found(
    known: NDArray[np.uint64], wanted: NDArray[np.uint64]
) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    if not len(known):
        return np.zeros(len(wanted), bool), np.zeros(len(wanted), np.intp)
    at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return known[at] == wanted, at
