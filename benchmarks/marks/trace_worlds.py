"""Datasets with known accounts in them, for tracing: documents drawn token by token under a Gumbel scheme's own keyed
function, from next-token laws of a chosen entropy.

The laws are simulated, not a model's: ranks to a power that varies from token to token, over 64 candidates with random
ids. At 0.72 and 1.24 nats a token an engine's sum reaches the share of the entropy that it does with a real model's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headwater.mark.scheme import MarkKey, Null, Scheme, Units
from headwater.mark.score import Scorer, Table
from headwater.mark.trace import joined

CANDIDATES, VOCABULARY = 64, 50_000
#: ln of the power by the entropy wanted (mean over tokens), and how much it varies.
POWERS = {0.72: 1.1395, 1.24: 0.8691}
SPREAD = 0.3

Laws = NDArray[np.float64]


def laws(entropy: float, random: np.random.Generator, count: int = 4000) -> Laws:
    """Next-token laws (count, candidates), of `entropy` nats on average."""
    powers = np.exp(random.normal(POWERS[entropy], SPREAD, count))[:, None]
    found = np.arange(1, CANDIDATES + 1) ** -powers
    return found / found.sum(axis=1, keepdims=True)


@dataclass(frozen=True)
class World:
    """`tokens`: (documents, width + length); `source`: (documents, length) which key drew each, -1 for none."""

    tokens: NDArray[np.int64]
    source: NDArray[np.int64]

    def units(self, width: int) -> tuple[Units, NDArray[np.int64]]:
        """Every window of every document, and whose document it is."""
        length = self.source.shape[1]
        parts = []
        for tokens in self.tokens:
            context = np.lib.stride_tricks.sliding_window_view(tokens, width)[:length]
            parts.append(Units(context, tokens[width:], np.arange(length), np.ones(length, np.int64), length))
        return joined(parts)

    def shares(self, keys: int) -> NDArray[np.float64]:
        """The share of tokens that each key drew."""
        return np.array([np.mean(self.source == key) for key in range(keys)])


def world(
    scheme: Scheme, keys: list[MarkKey], source: NDArray[np.int64], laws: Laws, random: np.random.Generator
) -> World:
    """Draw every document, all of them a token at a time, under the key that `source` names for each token."""
    documents, length = source.shape
    tokens = np.empty((documents, scheme.width + length), np.int64)
    tokens[:, : scheme.width] = random.integers(VOCABULARY, size=(documents, scheme.width))
    for at in range(length):
        law = laws[random.integers(len(laws), size=documents)]
        # Distinct ids: a random place, and odd steps from there.
        begin = random.integers(VOCABULARY, size=(documents, 1))
        ids = (
            begin + np.arange(CANDIDATES) * (2 * random.integers(300, size=(documents, 1)) + 1)
        ) % VOCABULARY
        uniform = random.random((documents, CANDIDATES))
        context = tokens[:, at : at + scheme.width]
        for key in np.unique(source[:, at][source[:, at] >= 0]):
            rows = np.flatnonzero(source[:, at] == key)
            uniform[rows] = _uniform(scheme, keys[key], context[rows], ids[rows])
        chosen = np.argmax(np.log(uniform) / law, axis=1)
        tokens[:, scheme.width + at] = ids[np.arange(documents), chosen]
    return World(tokens, source)


def _uniform(
    scheme: Scheme, key: MarkKey, context: NDArray[np.int64], ids: NDArray[np.int64]
) -> NDArray[np.float64]:
    token = ids.ravel()
    every = np.repeat(context, ids.shape[1], axis=0)
    units = Units(every, token, np.arange(len(token)), np.ones(len(token), np.int64), len(token))
    return ((scheme.values(key, units)[:, 0] + 1.0) / (scheme.null.size + 1)).reshape(ids.shape)


def engine_sum(null: Null, grain: float = 1 / 64) -> Scorer:
    """-ln(1-u), as engines sum it."""
    edges = _edges(null)
    middle = 1 - (edges[:-1] + edges[1:]) / 2 / null.size
    return Scorer("sum", ((Table(edges, np.rint(-np.log(middle) / grain).astype(np.int64), grain),),))


def learned(null: Null, laws: Laws, grain: float = 1 / 64) -> Scorer:
    """ln of the likelihood ratio of a value, averaged over `laws`: what a table learned from much traffic is."""
    edges = _edges(null)
    uniform = edges / null.size
    whole = np.zeros(len(edges))
    for law in laws[:500]:
        law = law[law > 1e-12]
        whole += (law[:, None] * uniform[None, :] ** (1 / law[:, None])).sum(axis=0)
    ratio = np.diff(whole / whole[-1]) / np.diff(uniform)
    return Scorer("learned", ((Table(edges, np.rint(np.log(ratio) / grain).astype(np.int64), grain),),))


def _edges(null: Null) -> NDArray[np.int64]:
    """Bins that are equally wide in -ln(1-u), down to the last value."""
    edges = np.floor((1 - np.exp(-np.arange(0, np.log(null.size), 1 / 16))) * null.size).astype(np.int64)
    return np.unique(np.append(edges, null.size))
