"""Requests as columns, before they have words: the one record that every generator produces.

A row says when which account sends which content in which form, in whose voice and from which client.
Writing the prompts and answering them come later, in `writing` and `answers`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from headwater.simulate.chance import Floats, Ints


@dataclass(frozen=True)
class Requests:
    """Equal-long columns; −1 means none.

    `at` is in seconds from the world's start, `latency_s` NaN where it is not decided yet. `account`,
    `content`, `form`, `voice`, `client` and `ring` are numbers into the world's tables. `conversation` is a
    number unique in the world; `turn` counts user turns before. `model` overrides the client's where ≥ 0;
    `status` is decided where ≥ 0. `refused`: the model declines to answer.
    """

    at: Floats
    account: Ints
    content: Ints
    form: Ints
    voice: Ints
    client: Ints
    conversation: Ints
    turn: Ints
    ring: Ints
    model: Ints
    harvest: NDArray[np.bool_]
    batch: NDArray[np.bool_]
    latency_s: Floats
    output_tokens: Ints
    status: Ints
    refused: NDArray[np.bool_]
    bits: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.at)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Requests:
        """The rows named by numbers or by a mask."""
        return Requests(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def with_columns(self, **columns: NDArray[np.generic]) -> Requests:
        """The same rows with some columns replaced."""
        return Requests(**{f.name: columns.get(f.name, getattr(self, f.name)) for f in fields(self)})


def blank(rng: np.random.Generator, count: int) -> Requests:
    """`count` rows with nothing decided but their random bits."""
    none = np.full(count, -1, dtype=np.int64)
    return Requests(
        at=np.zeros(count), account=none, content=none, form=none, voice=none, client=none, conversation=none,
        turn=np.zeros(count, dtype=np.int64), ring=none, model=none, harvest=np.zeros(count, dtype=bool),
        batch=np.zeros(count, dtype=bool), latency_s=np.full(count, np.nan), output_tokens=none,
        status=none, refused=np.zeros(count, dtype=bool),
        bits=rng.integers(0, 2**64, size=count, dtype=np.uint64),
    )  # fmt: skip


def join(parts: list[Requests]) -> Requests:
    """All rows of all parts, in their order."""
    return Requests(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Requests)})
