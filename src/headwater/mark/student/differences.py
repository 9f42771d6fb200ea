"""How a student's next-token laws differ from a reference model's, at places of texts: what a test of weights reads.

Nothing in it depends on a key, as long as the reference model doesn't: it is made once, where the models are, and
tested later, where the keys are. Of each law only the tokens are kept in which the two differ most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from headwater.errors import UsageError
from headwater.mark.scheme import Tokens

#: Tokens of each law that are kept.
KEPT: Final = 64


@dataclass(frozen=True)
class Rows:
    """Laws at n places, sparse: place i has the entries `begin`[i] … `begin`[i+1]-1.

    `token`: (m,); `difference`: (m,) the student's chance of it less the reference's; `chance`: (m,) the reference's.
    """

    begin: NDArray[np.int64]
    token: NDArray[np.int64]
    difference: NDArray[np.float32]
    chance: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.begin) - 1


@dataclass(frozen=True)
class Differences:
    """Texts as the models saw them, and at their places both models' laws.

    Text i (a window that a model sees at once) has `tokens`[`starts`[i]:`starts`[i+1]]; of these the first `prompts`[i]
    are read only. `position`: (places,) ascending, into `tokens`: the law there is that of the token that stands there,
    given what is before it in its text. `account`: (texts,) whose each text is, an index into `accounts`; -1: nobody's.
    """

    tokens: Tokens
    starts: NDArray[np.int64]
    prompts: NDArray[np.int64]
    position: NDArray[np.int64]
    rows: Rows
    account: NDArray[np.int64]
    accounts: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def places(self) -> int:
        """How many laws there are."""
        return len(self.position)

    def texts_of(self, account: int) -> NDArray[np.intp]:
        """The texts of one account, by index."""
        return np.flatnonzero(self.account == account)


def sparse(student: NDArray[Any], reference: NDArray[Any], *, kept: int = KEPT) -> Rows:
    """Rows of two models' chances (places, vocabulary), of which the `kept` tokens that differ most stay in each.

    Raises `UsageError` where they don't have the same shape, or aren't chances.
    """
    if student.ndim != 2 or student.shape != reference.shape:
        raise UsageError("student and reference must have the same places and the same vocabulary")
    # A number that isn't finite makes its row's sum such.
    for law in (student, reference):
        total = law.sum(axis=1, dtype=np.float64)
        if len(law) and (not np.all(np.abs(total - 1) < 0.01) or float(law.min()) < 0):
            raise UsageError("a law isn't one: its chances must be 0 or more and add up to 1")
    apart = student.astype(np.float32) - reference.astype(np.float32)
    count = min(kept, apart.shape[1])
    if count < apart.shape[1]:
        chosen = np.sort(np.argpartition(-np.abs(apart), count - 1, axis=1)[:, :count], axis=1)
    else:
        chosen = np.broadcast_to(np.arange(count), apart.shape)
    begin = np.arange(len(apart) + 1, dtype=np.int64) * count
    return Rows(
        begin,
        chosen.reshape(-1).astype(np.int64),
        np.take_along_axis(apart, chosen, 1).reshape(-1),
        np.take_along_axis(reference, chosen, 1).reshape(-1).astype(np.float32),
    )


def joined(rows: Sequence[Rows]) -> Rows:
    """Rows one after another."""
    counts = np.concatenate([[0], *(np.diff(each.begin) for each in rows)])
    return Rows(
        np.cumsum(counts).astype(np.int64),
        np.concatenate([np.zeros(0, np.int64), *(each.token for each in rows)]),
        np.concatenate([np.zeros(0, np.float32), *(each.difference for each in rows)]),
        np.concatenate([np.zeros(0, np.float32), *(each.chance for each in rows)]),
    )
