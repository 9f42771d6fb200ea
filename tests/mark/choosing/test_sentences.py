"""Sentences are cut alike for everybody: where they end, where they don't, and in bounded time whatever the text."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.mark.choosing.sentences import LONGEST, spans, split


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("One is here. Two is there! Is three? Yes.", ["One is here.", "Two is there!", "Is three?", "Yes."]),
        ("Dr. Ito of the U.S. paid 3.5 in Jan. 20. He left.", ["Dr. Ito of the U.S. paid 3.5 in Jan. 20.", "He left."]),
        ("J. R. Hall wrote, e.g. for fun. So do I. Yes.", ["J. R. Hall wrote, e.g. for fun.", "So do I.", "Yes."]),
        ('He said "Go!" Then he left.', ['He said "Go!"', "Then he left."]),
        ("It goes on... and on. Then it ends.", ["It goes on... and on.", "Then it ends."]),
        ("A line was\nwrapped here.\nAnother begins.", ["A line was\nwrapped here.", "Another begins."]),
        ("- first point\n- second point", ["- first point", "- second point"]),
        ("这是第一句。“这是第二句！”好吗？", ["这是第一句。", "“这是第二句！”", "好吗？"]),
        ("यह पहला वाक्य है। यह दूसरा है।", ["यह पहला वाक्य है।", "यह दूसरा है।"]),
        ("🙂🙂. ... !!! \n\n***", []),
        ("", []),
    ],
)  # fmt: skip
def test_where_sentences_end(text: str, wanted: list[str]) -> None:
    assert split(text) == wanted


@given(st.text(alphabet=st.sampled_from("aB .!?。\n\"'1é你🙂"), max_size=300))
def test_sentences_ascend_and_lose_no_letter(text: str) -> None:
    found = spans(text)
    assert all(begin < end for begin, end in found)
    assert all(one[1] <= other[0] for one, other in pairwise(found))
    letters = [each for each in text if each.isalnum()]
    assert [each for begin, end in found for each in text[begin:end] if each.isalnum()] == letters


@pytest.mark.parametrize("piece", ["a", "a. ", ". ", "\n", "\n x", "word ", "。", "A. ", '"', "!" + ")" * 50])
def test_a_megabyte_is_cut_into_bounded_parts(piece: str) -> None:
    text = (piece * 1_000_000)[:1_000_000]
    found = spans(text)
    assert all(end - begin <= LONGEST for begin, end in found)
