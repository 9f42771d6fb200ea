"""Differences of two models over texts, in parts of bounded memory that are kept, so that a killed run goes on.

The laws are asked at every place of an answer, whatever mark is looked for later.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from headwater.errors import UnreadableInput, UsageError
from headwater.mark.scheme import Tokens
from headwater.mark.student.differences import KEPT, Differences, Rows, joined, sparse
from headwater.mark.student.models import WINDOW, Model
from headwater.mark.student.stored import About, load, parts_of, save
from headwater.mark.student.texts import Text, texts_digest, windows

#: Windows in one part that is kept, and chances that are held at once for each model.
_PART: Final = 64
_CELLS: Final = 1 << 26
Told = Callable[[str, int, int | None], None]


def compute(
    student: Model,
    reference: Model,
    texts: Sequence[Text],
    out: Path,
    *,
    served: bool,
    window: int = WINDOW,
    kept: int = KEPT,
    told: Told | None = None,
) -> tuple[Differences, About]:
    """Differences over `texts`, written to `out` (which mustn't be there).

    Parts are kept in a folder beside it until all are done. `served`: whether the texts may carry the mark; `window`:
    tokens that the models see at once at most; `kept`: tokens of each law that stay. Raises `UsageError` for texts
    with tokens that the models don't know.
    """
    size = min(window, student.window, reference.window)
    vocabulary = min(student.vocabulary, reference.vocabulary)
    about = About(
        student.name, student.digest, reference.name, reference.digest, texts_digest(texts), vocabulary, size,
        window, kept, served,
    )  # fmt: skip
    names = tuple(sorted({text.account for text in texts if text.account}))
    number = {name: at for at, name in enumerate(names)}
    laid = [
        (tokens, prompt, number.get(text.account, -1))
        for text in texts
        for tokens, prompt in windows(text, size)
    ]
    if not laid:
        raise UsageError("no text has an answer of a token or more")
    if max(int(tokens.max()) for tokens, _, _ in laid) >= vocabulary:
        hint = "read the texts with the models' own tokenizer"
        raise UsageError(
            f"a text has a token that the models don't know: they have {vocabulary:,}", hint=hint
        )
    folder = parts_of(out)
    folder.mkdir(exist_ok=True)
    print_ = hashlib.sha256(repr(about).encode()).hexdigest()[:16]
    parts: list[Differences] = []
    for first in range(0, len(laid), _PART):
        if told:
            told("compare models", first, len(laid))
        some = laid[first : first + _PART]
        place = folder / f"{print_}-{first:08}.npz"
        part = _kept(place)
        if part is None:
            part = _part(student, reference, some, kept, vocabulary, names)
            save(part, about, _fresh(place))
            _unfinished(place).rename(place)
        parts.append(part)
    whole = _together(parts, names)
    save(whole, about, out)
    shutil.rmtree(folder)
    return whole, about


def _unfinished(place: Path) -> Path:
    return place.with_suffix(".new")


def _fresh(place: Path) -> Path:
    """Where a part is written before it gets its name: what a killed run left there goes."""
    new = _unfinished(place)
    new.unlink(missing_ok=True)
    return new


def _kept(place: Path) -> Differences | None:
    if not place.exists():
        return None
    try:
        return load(place)[0]
    except UnreadableInput:
        place.unlink()
        return None


def _part(
    student: Model,
    reference: Model,
    laid: Sequence[tuple[Tokens, int, int]],
    kept: int,
    vocabulary: int,
    names: tuple[str, ...],
) -> Differences:
    found = [
        _rows(student, reference, tokens, prompt, kept, vocabulary)
        for tokens, prompt in _batched(laid, vocabulary)
    ]
    starts = np.concatenate([[0], np.cumsum([len(tokens) for tokens, _, _ in laid])]).astype(np.int64)
    position = [
        np.arange(start + prompt, end)
        for start, end, (_, prompt, _) in zip(starts[:-1], starts[1:], laid, strict=True)
    ]
    return Differences(
        np.concatenate([tokens for tokens, _, _ in laid]),
        starts,
        np.array([prompt for _, prompt, _ in laid], np.int64),
        np.concatenate(position).astype(np.int64),
        joined([rows for batch in found for rows in batch]),
        np.array([account for _, _, account in laid], np.int64),
        names,
    )


def _batched(
    laid: Sequence[tuple[Tokens, int, int]], vocabulary: int
) -> Iterator[tuple[list[Tokens], list[int]]]:
    """Windows that are asked at once, as many as memory has room for."""
    longest = max(len(tokens) for tokens, _, _ in laid)
    count = max(1, _CELLS // (longest * vocabulary))
    for first in range(0, len(laid), count):
        some = laid[first : first + count]
        yield [tokens for tokens, _, _ in some], [prompt for _, prompt, _ in some]


def _rows(
    student: Model, reference: Model, tokens: list[Tokens], prompts: list[int], kept: int, vocabulary: int
) -> list[Rows]:
    longest = max(map(len, tokens))
    rows = np.zeros((len(tokens), longest), np.int64)
    for row, one in zip(rows, tokens, strict=True):
        row[: len(one)] = one
    laws = [model.laws(rows[:, :-1])[..., :vocabulary] for model in (student, reference)]
    found = []
    for at, (one, prompt) in enumerate(zip(tokens, prompts, strict=True)):
        found.append(sparse(*(law[at, prompt - 1 : len(one) - 1] for law in laws), kept=kept))
    return found


def _together(parts: Sequence[Differences], names: tuple[str, ...]) -> Differences:
    offsets = np.concatenate([[0], np.cumsum([len(part.tokens) for part in parts])])[:-1]
    moved = list(zip(parts, offsets, strict=True))
    return Differences(
        np.concatenate([part.tokens for part in parts]),
        np.concatenate([[0], *(part.starts[1:] + offset for part, offset in moved)]).astype(np.int64),
        np.concatenate([part.prompts for part in parts]),
        np.concatenate([part.position + offset for part, offset in moved]).astype(np.int64),
        joined([part.rows for part in parts]),
        np.concatenate([part.account for part in parts]),
        names,
    )
