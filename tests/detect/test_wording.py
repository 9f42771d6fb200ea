"""A template for people's eyes: its fixed words and its slots, whatever texts stand in them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.detect.wording import EXAMPLE_CHARS, EXAMPLES, MOST_TEXTS, align

FORM = "Translate the following sentence into {} and explain each step of your choice: {}"
PAIRS = [
    ("French", "the cat sleeps"),
    ("Dutch", "rain fell all night"),
    ("Welsh", "nobody knows why"),
    ("Thai", "two plus two"),
]


def test_slots_and_fixed_words() -> None:
    fixed, slots, fillings = align([FORM.format(*pair) for pair in PAIRS])
    assert [f.strip() for f in fixed[:2]] == [
        "Translate the following sentence into",
        "and explain each step of your choice:",
    ]
    assert len(fixed) == len(slots) + 1
    assert [tuple(part.strip() for part in row[:2]) for row in fillings] == PAIRS
    assert [slot.distinct for slot in slots[:2]] == [4, 4]


def test_texts_with_nothing_in_common_are_one_slot() -> None:
    fixed, slots, fillings = align(["alpha beta", "gamma delta", "epsilon zeta"])
    assert fixed == ("", "")
    assert slots[0].distinct == 3
    assert fillings == [("alpha beta",), ("gamma delta",), ("epsilon zeta",)]


def test_equal_texts_have_no_slot() -> None:
    fixed, slots, _ = align(["the same words again"] * 3)
    assert fixed == ("the same words again",)
    assert slots == ()


def test_no_texts() -> None:
    assert align([]) == (("",), (), [])


def test_long_and_many_texts_are_cut() -> None:
    _, slots, fillings = align([f"please answer this question now: {'x' * 5000} {i}" for i in range(99)])
    assert len(fillings) <= MOST_TEXTS
    assert all(len(slot.examples) <= EXAMPLES for slot in slots)
    assert all(len(example) <= EXAMPLE_CHARS for slot in slots for example in slot.examples)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=6))
def test_any_texts_whatever_they_hold(texts: list[str]) -> None:
    """Markup, escapes and formulas are characters like others: fixed words and fillings are cut from the texts."""
    fixed, slots, fillings = align(texts)
    assert len(fixed) == len(slots) + 1
    for text, row in zip(texts, fillings, strict=False):
        assert len(row) == len(slots)
        if len(fillings) == len(texts):
            assert all(part in text for part in row)


def test_little_words_that_every_prompt_has_are_no_part_of_a_template() -> None:
    one = "Summarise the report below. I went to the shop in a hurry and then to the bank."
    other = "Summarise the report below. She ran to the river in a storm, back to the house."
    fixed, slots, _ = align([one, other])
    assert fixed[0].startswith("Summarise the report below.")
    assert len(slots) == 1


def test_what_is_cut_says_so() -> None:
    _, (slot,), fillings = align([f"Please translate this text: {word * 400}" for word in "ab"])
    assert all(text.endswith("…") and len(text) <= EXAMPLE_CHARS for text in slot.examples)
    assert all(filling[0].endswith("…") for filling in fillings)
    assert slot.distinct == 2
