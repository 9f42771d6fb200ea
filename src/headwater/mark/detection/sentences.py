"""Marks on sentences in one text: the whole of it, and windows inside, each with its exact law.

What is made of the text is made without a key, once for each embedder; a mark is then a product of vectors.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from headwater.mark.choosing.fingerprint import combined, log_p, looked_at, sentences_of
from headwater.mark.choosing.mark import SENTENCES, SentenceMark
from headwater.mark.detection.reading import Passage, Reading
from headwater.mark.detection.verdict import units_wanted
from headwater.mark.text import Normalised

#: Sentences of the shortest window; each length is twice the one before, windows half a length apart.
SHORTEST: Final = 8


@dataclass(frozen=True)
class Heard:
    """A text's sentences, looked at with one embedder.

    `spans`: (n, 2) characters of the normalised text; `vectors`: (1 + windows, 2048), the whole text's first;
    `windows`: (windows, 2) sentences, begin and end.
    """

    embedder: str
    spans: NDArray[np.int64]
    vectors: NDArray[np.float64]
    windows: NDArray[np.int64]


def heard(clean: Normalised, prompt: str, marks: Sequence[SentenceMark]) -> dict[str, Heard]:
    """By embedder, what `marks` are read from; an embedder that finds no sentence in the text is left out."""
    found: dict[str, Heard] = {}
    places = sentences_of(clean.text, prompt) if marks else []
    for mark in marks:
        if mark.embedder in found or not places:
            continue
        rows = looked_at([clean.text[begin:end] for begin, end in places], mark.by)
        whole = combined(rows)
        if whole is not None:
            windows = list(_windows(len(places)))
            inner = [combined(rows[begin:end]) for begin, end in windows]
            vectors = np.stack([whole, *(np.zeros(len(whole)) if each is None else each for each in inner)])
            spans = np.array(places, np.int64)
            found[mark.embedder] = Heard(
                mark.embedder, spans, vectors, np.array(windows, np.int64).reshape(-1, 2)
            )
    return found


def reading(
    mark: SentenceMark, heard: Heard, clean: Normalised, begin: int, level: float, counted: float
) -> Reading:
    """`mark` in one text, whose answer begins at character `begin`; `level` and `counted` as for other readings."""
    chances = log_p(heard.vectors @ mark.direction)
    whole, inner = float(chances[0]), chances[1:]
    count, both = len(inner), math.log(2) if len(inner) else 0.0
    best = float(inner.min()) + math.log(count) if count else 0.0
    told = min(0.0, min(whole, best) + both)
    passages = _passages(heard, inner + math.log(max(1, count)) + both, level) if told <= level else []
    places = [_place(heard, clean, begin, *heard.windows[each]) for each in passages]
    return Reading(
        mark=mark.name,
        scheme=SENTENCES,
        tokenizer=mark.embedder,
        normalised=bool(clean.changed),
        tokens=len(heard.spans),
        units=len(heard.spans),
        wanted=units_wanted(f"{SENTENCES} {mark.embedder}", level),
        log_p=told,
        whole=whole,
        passages=tuple(
            Passage(*place, min(0.0, float(inner[each]) + math.log(count) + both + counted))
            for each, place in zip(passages, places, strict=True)
        ),
    )


def _windows(sentences: int) -> Iterator[tuple[int, int]]:
    length = SHORTEST
    while length < sentences:
        for first in range(0, sentences - length // 2, length // 2):
            yield first, min(first + length, sentences)
        length *= 2


def _passages(heard: Heard, adjusted: NDArray[np.float64], level: float) -> list[int]:
    """Windows that stand by themselves, the surest first, none over another; in the order of the text."""
    taken: list[int] = []
    for each in np.argsort(adjusted, kind="stable"):
        if adjusted[each] > level:
            break
        begin, end = heard.windows[each]
        if all(end <= heard.windows[one][0] or begin >= heard.windows[one][1] for one in taken):
            taken.append(int(each))
    return sorted(taken, key=lambda each: int(heard.windows[each][0]))


def _place(heard: Heard, clean: Normalised, begin: int, first: int, last: int) -> tuple[int, int]:
    """Characters of the text as given."""
    within = np.array([[heard.spans[first, 0], heard.spans[last - 1, 1]]])
    found = clean.original(within)[0] + begin
    return int(found[0]), int(found[1])
