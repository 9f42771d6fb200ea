"""What a model may say because it stands in what it reads: that is left out where texts carry the mark.

Users paste marked answers with other line ends or a word changed, and ask for a clean copy. Then contexts are fresh,
yet what the key chose after them stands in the prompt, and a model that copies well would seem to know the key.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from headwater.mark.scheme import Tokens
from headwater.mark.student.differences import Differences, Rows

#: A place is left out where one of the models gives what may be copied more than this.
MOST_COPIED: Final = 0.5


def copied(
    tokens: Tokens, at: NDArray[np.int64], token: NDArray[np.int64], *, prompt: int
) -> NDArray[np.bool_]:
    """Whether each `token` (n,) at position `at` (n,) of a text may be copied from before it there.

    It may where it stands anywhere in the first `prompt` tokens, or stood before `at` after the token that is right
    before `at`. What stands at `at` itself isn't looked at, nor any key.
    """
    found: NDArray[np.bool_] = np.isin(token, tokens[:prompt])
    if len(tokens) < 2:
        return found
    pairs, first = np.unique(tokens[:-1] << 32 | tokens[1:], return_index=True)
    wanted = tokens[at - 1] << 32 | token
    there = np.minimum(np.searchsorted(pairs, wanted), len(pairs) - 1)
    # `first` is where a pair begins; its second token must stand before `at`.
    found |= (pairs[there] == wanted) & (first[there] + 1 < at) & (at > 0)
    return found


def without_copies(
    differences: Differences, row: NDArray[np.intp], text: NDArray[np.intp]
) -> tuple[Rows, NDArray[np.bool_]]:
    """Rows `row` (n,), of texts `text` (n,), as laws given that nothing is copied; and which of them are used.

    Both models' chances are divided by what they leave for tokens that can't be copied: a student that copies better
    than the reference doesn't avoid the others for that. Rows with too little left are empty.
    """
    rows = differences.rows
    counts = np.diff(rows.begin)[row]
    entry = np.repeat(rows.begin[row] - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
    of = np.repeat(np.arange(len(row)), counts)
    begin = differences.starts[text]
    at = (differences.position[row] - begin)[of]
    token, chance = rows.token[entry], rows.chance[entry].astype(np.float64)
    student = np.maximum(chance + rows.difference[entry], 0.0)
    mask = np.zeros(len(entry), np.bool_)
    order = np.argsort(text[of], kind="stable")
    ends = np.searchsorted(text[of][order], np.arange(len(differences) + 1))
    for number in np.unique(text):
        some = order[ends[number] : ends[number + 1]]
        start, end = differences.starts[number], differences.starts[number + 1]
        prompt = int(differences.prompts[number])
        mask[some] = copied(differences.tokens[start:end], at[some], token[some], prompt=prompt)
    left = [1 - np.bincount(of[mask], each[mask], len(row)) for each in (student, chance)]
    used = np.minimum(*left) >= 1 - MOST_COPIED
    stays = ~mask & used[of]
    student, chance = (
        each[stays] / part[of[stays]] for each, part in zip((student, chance), left, strict=True)
    )
    bounds = np.concatenate([[0], np.cumsum(np.bincount(of[stays], minlength=len(row)))])
    difference = (student - chance).astype(np.float32)
    return Rows(bounds.astype(np.int64), token[stays], difference, chance.astype(np.float32)), used
