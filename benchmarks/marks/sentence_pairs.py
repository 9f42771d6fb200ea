"""Sentences beside what a paraphraser made of them: the 1,500 essays of three models and their DIPPER paraphrases in
OUTFOX, divided once and for all, split, embedded and aligned.

By the hexadecimal digits of the SHA-256 of an essay's question: where the first is below 8 its essays are for tuning;
else, where the second is below 8, they are held out and opened by the final run alone; the rest was never opened.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headwater.mark.choosing.embedder import Embedder
from headwater.mark.choosing.sentences import split

WRITERS = ("chatgpt", "text_davinci_003", "flan_t5_xxl")
#: What a place in the text counts against likeness, where sentences are aligned.
PLACE = 0.3


@dataclass(frozen=True)
class Pairs:
    """`of`: (n, size) raw embeddings of sentences, `after`: of what they became; `essay`, `question`: (n,) whose.

    `sentences` and `became`: the same as text.
    """

    of: NDArray[np.float32]
    after: NDArray[np.float32]
    essay: NDArray[np.int64]
    question: NDArray[np.int64]
    sentences: list[str]
    became: list[str]

    def part(self, chosen: NDArray[np.bool_]) -> Pairs:
        """Some of them."""
        return Pairs(
            self.of[chosen],
            self.after[chosen],
            self.essay[chosen],
            self.question[chosen],
            [each for each, here in zip(self.sentences, chosen, strict=True) if here],
            [each for each, here in zip(self.became, chosen, strict=True) if here],
        )


def corpora() -> Path:
    """Where the corpora were unpacked."""
    return Path(os.environ["HEADWATER_CORPORA"])


def half_of(question: str) -> str:
    """Where an essay question belongs: `tune`, `score` or `reserve`."""
    first, second = (int(each, 16) for each in hashlib.sha256(question.encode()).hexdigest()[:2])
    return "tune" if first < 8 else "score" if second < 8 else "reserve"


def essays(half: str) -> list[tuple[int, list[str], list[str]]]:
    """(number of the question, sentences, sentences of the paraphrase) of each essay of one part, `tune` or `score`."""
    folder = corpora() / "paraphrase" / "outfox"
    asked = _list(folder / "common/test/test_problem_statements.json")
    found = []
    for writer in WRITERS:
        texts = _list(folder / writer / "test/test_lms.json")
        again = _list(folder / "dipper" / writer / "test_attacks.json")
        for number, (question, text, other) in enumerate(zip(asked, texts, again, strict=True)):
            if half_of(question) == half:
                found.append((number, split(text), split(other)))
    return found


def embedded(sentences: list[str], by: Embedder, cache: Path | None) -> NDArray[np.float32]:
    """Their embeddings; kept in the folder `cache`, if there is one, under the digest of all of them."""
    digest = hashlib.sha256(json.dumps([by.name, sentences]).encode()).hexdigest()[:24]
    kept = None if cache is None else cache / f"{digest}.npy"
    if kept is not None and kept.exists():
        return np.asarray(np.load(kept), np.float32)
    found = by.raw(sentences)
    if kept is not None:
        np.save(kept, found)
    return found


def pairs(half: str, by: Embedder, aligned_by: list[Embedder], cache: Path | None) -> Pairs:
    """The pairs of one part for the embedder `by`.

    A sentence is beside the one that is most like it, by all of `aligned_by` together, and near to its place.
    """
    found = essays(half)
    every = [sentence for _, text, other in found for sentence in (*text, *other)]
    raw = embedded(every, by, cache)
    likeness = [embedded(every, each, cache) for each in aligned_by]
    parts, became, at = [], [], 0
    for number, (question, text, other) in enumerate(found):
        here, there = slice(at, at + len(text)), slice(at + len(text), at + len(text) + len(other))
        at = there.stop
        if not text or not other:
            continue
        place = np.abs(_places(len(text))[:, None] - _places(len(other))[None, :])
        partner = (sum(each[here] @ each[there].T for each in likeness) - PLACE * place).argmax(axis=1)
        whose = np.full(len(text), number), np.full(len(text), question)
        parts.append((raw[here], raw[there][partner], *whose))
        became += [other[each] for each in partner]
    of, after, essay, question_of = (np.concatenate(each) for each in zip(*parts, strict=True))
    texts = [sentence for _, text, other in found if text and other for sentence in text]
    return Pairs(of, after, essay, question_of, texts, became)


def _places(count: int) -> NDArray[np.float64]:
    return (np.arange(count) + 0.5) / count


def _list(path: Path) -> list[str]:
    found: list[str] = json.loads(path.read_text("utf-8"))
    return found
