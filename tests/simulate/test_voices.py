"""Habits: persistent, shown in part of the prompts, and silent at strength nought."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from headwater.simulate.chance import stream
from headwater.simulate.voices import draw, speak

VOICES = draw(stream(1), 300, 0.4)
LOUD = draw(stream(1), 300, 50.0)


def test_voices_are_drawn_the_same_again() -> None:
    assert draw(stream(1), 300, 0.4) == VOICES


@given(st.integers(0, 299), st.text(), st.sampled_from(["en", "zh", "sw"]), st.integers(0, 2**64 - 1))
def test_any_text_can_be_spoken_and_the_same_bits_say_the_same(
    row: int, text: str, lang: str, bits: int
) -> None:
    assert speak(LOUD[row], text, lang, bits) == speak(LOUD[row], text, lang, bits)


@given(st.text(), st.integers(0, 2**64 - 1))
def test_without_strength_a_text_stays_as_it_is(text: str, bits: int) -> None:
    silent = draw(stream(2), 1, 0.0)[0]
    assert speak(silent, text, "en", bits) == text


def test_habits_show_as_often_as_their_strength_says() -> None:
    rng = stream(3)
    bits = rng.integers(0, 2**64, 400, dtype=np.uint64).tolist()
    text = "Could you tell me how a card is ordered? I need it soon."
    weak, strong = (
        np.mean([speak(v, text, "en", b) != text for v in draw(stream(4), 200, s) for b in bits[:50]])
        for s in (0.1, 0.6)
    )
    assert 0.05 < weak < 0.25
    assert strong > 2.5 * weak


def test_a_person_keeps_one_greeting_and_one_farewell() -> None:
    bits = stream(5).integers(0, 2**64, 200, dtype=np.uint64).tolist()
    for voice in LOUD[:50]:
        plain = voice._replace(form_rate=0.0, typo_rate=0.0)
        opened, closed = voice.opening + "Why?", f"Why? {voice.closing}"
        allowed = {"Why?", opened, closed, f"{opened} {voice.closing}"}
        assert {speak(plain, "Why?", "en", b) for b in bits} <= allowed
