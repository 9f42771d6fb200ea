"""Sentences that models of language might write on a few subjects, for tests: no two alike, and none from a model."""

from __future__ import annotations

import numpy as np

_WHO = [
    "The council",
    "A young engineer",
    "My neighbour",
    "The old library",
    "Every farmer",
    "Our team",
    "The harbour",
]
_DOES = [
    "repairs",
    "questions",
    "paints",
    "measures",
    "remembers",
    "sells",
    "protects",
    "designs",
    "borrows",
    "records",
]
_WHAT = ["the wooden bridge", "a strange machine", "fresh vegetables", "the mountain path", "an ancient map",
         "the city budget", "a violin", "the winter storm", "two telescopes", "the railway station"]  # fmt: skip
_WHEN = ["before sunrise", "with great patience", "despite the rain", "for the children", "after a long debate",
         "without any help", "during the festival", "in complete silence"]  # fmt: skip


def sentence(random: np.random.Generator) -> str:
    """One of 5,600."""
    return f"{' '.join(random.choice(part) for part in (_WHO, _DOES, _WHAT, _WHEN))}."


def drafts(count: int, random: np.random.Generator) -> list[str]:
    """`count` of them."""
    return [sentence(random) for _ in range(count)]
