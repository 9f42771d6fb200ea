"""Texts of the million: none twice, templates kept."""

from __future__ import annotations

import numpy as np
from texts import changed, unrepeated, vocabulary


def test_no_text_is_written_twice_and_fixed_words_stay() -> None:
    said = [
        f"Think about the following request {'abcdefgh'[i % 8] * 4} {'xyzw'[i % 4] * 5}" for i in range(100)
    ]
    words, stay = vocabulary(said + [f"rare{'q' * (i + 3)}" for i in range(9)])
    seen: set[int] = set()
    out = unrepeated(said, words, stay | {"Think", "about", "request"}, seen, np.random.default_rng(0))
    assert len(set(out)) == len(seen) == 100
    assert all(text.startswith("Think about the following request") for text in out)


def test_a_text_without_a_word_to_replace_grows() -> None:
    assert changed("12 + 7 = ?", ["word"], frozenset(), np.random.default_rng(0)) == "12 + 7 = ? word"
