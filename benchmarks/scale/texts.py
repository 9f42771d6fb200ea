"""Texts that were written once become texts that never repeat: some words give way to others of the same corpus.

Templates keep their fixed words, since whatever most rows of a world share is left alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

WORD = re.compile(r"[^\W\d_]{3,}")
#: One word in this many is replaced, and at least one.
EVERY = 8
#: A word that occurs in more than this share of the texts belongs to templates or to grammar, and stays.
COMMON = 0.01
#: How often other words are tried before a text grows.
TRIES = 8


def vocabulary(texts: Iterable[str], most: int = 20_000) -> tuple[list[str], frozenset[str]]:
    """(words that may come in, words that stay), from how many of the texts hold each word."""
    held: Counter[str] = Counter()
    count = 0
    for text in texts:
        held.update(set(WORD.findall(text)))
        count += 1
    stay = frozenset(word for word, n in held.items() if n > COMMON * count)
    return [word for word, _ in held.most_common(most + len(stay)) if word not in stay], stay


def changed(text: str, words: Sequence[str], stay: frozenset[str], rng: np.random.Generator) -> str:
    """`text` with a few of its rarer words replaced; a text without any gets one more word at its end."""
    places = [m.span() for m in WORD.finditer(text) if m.group() not in stay]
    picks = rng.integers(0, len(words), max(1, len(places) // EVERY)).tolist()
    if not places:
        return f"{text} {words[picks[0]]}"
    at = sorted(rng.choice(len(places), len(picks), replace=False).tolist())
    parts, end = [], 0
    for place, pick in zip(at, picks, strict=True):
        parts += [text[end : places[place][0]], words[pick]]
        end = places[place][1]
    return "".join([*parts, text[end:]])


def unrepeated(
    texts: Sequence[str], words: Sequence[str], stay: frozenset[str], seen: set[int], rng: np.random.Generator
) -> list[str]:
    """The texts, each changed until its hash isn't in `seen`, which grows by them.

    Where a few tries find nothing new, the text grows by a word at a time: a text with one rare word runs out of
    others.
    """
    out = []
    for text in texts:
        new = changed(text, words, stay, rng)
        tries = 0
        while hash(new) in seen:
            tries += 1
            new = changed(new, words, stay, rng)
            if tries > TRIES:
                new = f"{new} {words[int(rng.integers(0, len(words)))]}"
        seen.add(hash(new))
        out.append(new)
    return out
