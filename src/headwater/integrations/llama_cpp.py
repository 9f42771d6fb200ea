"""Marks in llama-cpp-python: `llm(prompt, logits_processor=LogitsProcessorList([MarkProcessor(keyring)]))`.

llama.cpp calls it before its own top-k, top-p, min-p and temperature, so it is told what those are and takes them into
account: a key then chooses by the same law. NumPy only.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.errors import UsageError
from headwater.integrations.engine_marks import For, rules_for
from headwater.mark.embed import TOP_K, Embedding, Row, load_embedding, mark

#: How llama-cpp-python samples where it isn't told otherwise.
TEMPERATURE, KEPT, TOP_P, MIN_P = 0.8, 40, 0.95, 0.05


class MarkProcessor:
    """Writes the mark of one answer after another; for answers at the same time take one each.

    `keyring`: a path, or the embedding of one that was loaded. `ticket`: whom the answers are for (a signed ticket, or
    what a program that is trusted asks for); None for the keyring's default. `temperature`, `top_k`, `top_p`, `min_p`:
    those of the call, with the same defaults. At temperature 0 nothing is drawn, so a Gumbel mark isn't written.
    Raises `ConfigurationError` and `UsageError` as `load_embedding` and `Embedding.rule` do.
    """

    def __init__(
        self,
        keyring: str | os.PathLike[str] | Embedding,
        ticket: For = None,
        *,
        temperature: float = TEMPERATURE,
        top_k: int = KEPT,
        top_p: float = TOP_P,
        min_p: float = MIN_P,
        seed: int | None = None,
    ) -> None:
        """`seed`: of the noise for tokens that aren't keyed; None for one from the system."""
        if not temperature >= 0:
            raise UsageError("temperature must be 0 or more")
        embedding = keyring if isinstance(keyring, Embedding) else load_embedding(Path(keyring))
        (self._rule,) = rules_for(embedding, [ticket])
        self._temperature, self._kept, self._top_p, self._min_p = temperature, top_k, top_p, min_p
        self._random = np.random.default_rng(seed)
        self._ids = np.empty(0, np.intc)
        self._row: Row | None = None

    def __call__(self, input_ids: NDArray[np.intc], scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """`input_ids` (length,), `scores` (vocabulary,): scores with the mark in them."""
        rule = self._rule
        if rule is None:
            return scores
        if len(input_ids) == len(self._ids) + 1 and self._row and np.array_equal(input_ids[:-1], self._ids):
            self._row.append(int(input_ids[-1]))
        else:
            self._row = Row(rule, input_ids.tolist())
        self._ids = input_ids.copy()
        changed = np.array(scores, np.float32, ndmin=2)
        if rule.kind == "gumbel":
            if not self._temperature:
                return scores
            changed = law(changed, self._temperature, self._kept, self._top_p, self._min_p)
            if mark([self._row], changed, top_k=TOP_K, random=self._random)[0] < 0:
                return scores
        else:
            # A green list is added before the temperature divides: at temperature t, t times as much.
            changed /= self._temperature or 1.0
            mark([self._row], changed, top_k=TOP_K, random=self._random)
            changed *= self._temperature or 1.0
        marked: NDArray[np.float32] = changed[0]
        return marked


def law(
    scores: NDArray[np.float32], temperature: float, top_k: int, top_p: float, min_p: float
) -> NDArray[np.float32]:
    """What llama.cpp samples one row (1, vocabulary) by: the likeliest `top_k`, of them those that make up `top_p`, of
    them those at least `min_p` times as likely as the first, divided by `temperature`; -inf for the rest."""
    row = scores[0].astype(np.float64)
    order = np.argsort(-row, kind="stable")
    if top_k > 0:
        order = order[:top_k]
    weight = np.exp(row[order] - row[order[0]])
    if top_p < 1:
        before = np.cumsum(weight) - weight
        order = order[before < top_p * weight.sum()]
    if min_p > 0:
        order = order[row[order] >= row[order[0]] + np.log(min_p)]
    out = np.full_like(scores, -np.inf)
    out[0, order] = row[order] / temperature
    return out


def processors(*args: Any, **settings: Any) -> list[MarkProcessor]:
    """What `logits_processor=` takes: one `MarkProcessor` in llama-cpp-python's own list."""
    from llama_cpp import LogitsProcessorList

    listed: list[MarkProcessor] = LogitsProcessorList([MarkProcessor(*args, **settings)])
    return listed
