"""Text from a log stays text: what would act on a screen goes, what a reader needs stays."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.report import clean, inert_json
from headwater.report.escape import key


@given(st.text())
def test_nothing_that_acts_is_left(text: str) -> None:
    left = clean(text)
    assert all(unicodedata.category(c) not in ("Cc", "Cs") for c in left)
    assert all(
        unicodedata.bidirectional(c) not in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
        for c in left
    )
    assert clean(left) == left


@given(st.text(alphabet=st.characters(categories=("L", "M", "N", "P", "S", "Zs"))))
def test_letters_marks_and_signs_of_every_script_stay(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("\x1b[31mred\x1b[0m", "�[31mred�[0m"),
        ("\x9b31mred", "�31mred"),
        ("\x1b]0;title\x07x", "�]0;title�x"),
        ("a\u202egpj.exe", "a�gpj.exe"),
        ("a\r\nb\tc\u2028d", "a b c d"),
        ("\ufefftext\x00", "�text�"),
        ("👩\u200d💻 नमस्\u200dते", "👩\u200d💻 नमस्\u200dते"),
        ("a\ud800b", "a�b"),
        ("a\u200bb\u2060\u2063c\xad", "a�b�c�"),
    ],
)
def test_known_tricks(text: str, left: str) -> None:
    assert clean(text) == left


@given(st.text())
def test_json_keeps_its_value_and_nothing_in_it_acts(text: str) -> None:
    told = inert_json(json.dumps({"a": text}, ensure_ascii=False))
    assert json.loads(told) == {"a": text}
    assert clean(told) == told


def test_what_acts_is_escaped_in_json_and_the_rest_stays() -> None:
    told = inert_json('"\x7f\x9b\u202e\u2066\ufeff\u2028\U000e0041é👩\u200d💻"')
    assert told == '"\\u007f\\u009b\\u202e\\u2066\\ufeff\\u2028\\udb40\\udc41é👩\u200d💻"'


def test_lines_can_be_kept() -> None:
    assert clean("a\r\nb\rc\n\x1bd", lines=True) == "a\nb\nc\n�d"


@pytest.mark.parametrize("text", ["", "1a", "a b", 'a"b', "a\n", "A", "a<b", "ä"])
def test_only_plain_keys_are_keys(text: str) -> None:
    with pytest.raises(ValueError, match="not a key: a string of"):
        key(text)


def test_a_key_is_itself() -> None:
    assert key("c1-why") == "c1-why"
