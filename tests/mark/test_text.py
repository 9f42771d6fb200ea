"""Text as a detector reads it: files that hold none are refused, and what hides a mark is taken out, place by place."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import UnreadableInput
from headwater.mark import text as module
from headwater.mark.letters import Form
from headwater.mark.text import normalised, read_text

#: What normalisation looks at: marks that compose, jamo, wide letters, look-alikes, invisible ones, spaces, ends.
ODD = "ab Z09é\u0301\u0308\u0323\u3099かｶﾞﾡ각\u1100\u1161\u11a8２Ｗ𝐰ﬁ½\u0958аеоіжйΑλοάɑɡışəⅼօդ，＝\u0338!"
ODD += "\u200b\u202e\ufeff\u00ad\ufe0f\U000e0041" + "\u00a0\u3000\t \t " + "\r\n\v\x85\u2028"
TEXTS = st.text(st.one_of(st.sampled_from(ODD), st.characters(exclude_categories=["Cs"])), max_size=60)


@given(TEXTS, st.sampled_from(["NFC", "NFKC"]))
def test_a_second_time_changes_nothing(text: str, form: Form) -> None:
    once = normalised(text, form=form)
    again = normalised(once.text, form=form)
    assert again.text == once.text
    assert not again.changed


@given(TEXTS, st.sampled_from(["NFC", "NFKC"]))
def test_it_is_in_the_form_that_it_says(text: str, form: Form) -> None:
    assert unicodedata.is_normalized(form, normalised(text, form=form).text)


@given(TEXTS, st.sampled_from(["NFC", "NFKC"]))
def test_places_ascend_and_cover_the_original(text: str, form: Form) -> None:
    clean = normalised(text, form=form)
    assert len(clean.offsets) == len(clean.text) + 1
    assert (np.diff(clean.offsets) >= 0).all()
    assert clean.offsets[-1] == len(text)
    assert bool(clean.changed) == (clean.text != text)


@given(TEXTS, st.integers(1, 7))
def test_pieces_change_nothing(text: str, size: int) -> None:
    text = " ".join(text[at : at + size] for at in range(0, len(text), size))
    whole = normalised(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PIECE", size + 2)
        cut = normalised(text)
    assert (cut.text, cut.changed) == (whole.text, whole.changed)
    np.testing.assert_array_equal(cut.offsets, whole.offsets)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_plain_text_comes_back_as_it_is(text: str) -> None:
    clean = normalised(text)
    assert clean.text == text
    assert not clean.changed
    np.testing.assert_array_equal(clean.offsets, np.arange(len(text) + 1))


@pytest.mark.parametrize(
    ("text", "clean", "changed"),
    [
        ("wa\u200bter\ufeff", "water", {"invisible": 2}),
        ("\u202ewater\u202c", "water", {"invisible": 2}),
        ("wa\U000e0041ter\ufe0f", "water", {"invisible": 2}),
        ("a\u00a0b\u2003c\u3000d", "a b c d", {"spaces": 3}),
        ("a\r\nb\rc\u2028d\x85e", "a\nb\nc\nd\ne", {"line ends": 4}),
        ("a\r\u200b\nb", "a\nb", {"invisible": 1, "line ends": 1}),
        ("cafe\u0301", "café", {"composed": 1}),
        ("\u1112\u1161\u11ab", "한", {"composed": 1}),
        ("ｗａｔｅｒ ２", "water 2", {"wide letters": 6}),
        ("𝐰𝒶𝚝𝖊𝓻 𝟚ℎ", "water 2h", {"wide letters": 7}),
        ("wаtеr", "water", {"look-alikes": 2}),
        ("wατer", "wατer", {}),
        ("cαt ρen", "cat pen", {"look-alikes": 2}),
        ("wɑter ɑ ɡift ıs ıll", "water a gift is ill", {"look-alikes": 5}),
        ("littⅼe cⅰtⅰes օf Սtah", "little cities of Utah", {"look-alikes": 5}),
        ("one， two＝three", "one, two=three", {"wide signs": 2}),
        ("a \u200b b  c \t d\te", "a b c d e", {"invisible": 1, "spaces": 5}),
        ("a\u00a0\u00a0b \n  c\n\n\td  e ", "a b \n  c\n\n\td e ", {"spaces": 4}),
        ("nаїve а\u0301b", "naïve áb", {"composed": 1, "look-alikes": 3}),
    ],
)
def test_what_hides_a_mark_is_taken_out_and_counted(text: str, clean: str, changed: dict[str, int]) -> None:
    found = normalised(text)
    assert found.text == clean
    assert found.changed == changed


@pytest.mark.parametrize(
    "text",
    [
        "Она пела в церковном хоре, а мы ехали.",
        "Η ομάδα και ο ουρανός.",
        "中文，标点。（全角）日本語「かな」",
        "تمام",
        "It's “quoted” – with … and ½ ﬁne",
        "kısa bir yağmur, ılık",
        "Louis Ⅰ and Ⅹ, [ɡəʊ ɑə]",
        "Python，使用 Python，然后",
        "def f():\n    return  \n",
        "English, и слово по-русски, а также о чём.",
    ],
)
def test_languages_keep_their_letters(text: str) -> None:
    assert normalised(text).text == text


def test_a_word_of_look_alikes_alone_is_latin_where_its_alphabet_has_no_other_word() -> None:
    assert normalised("it is а test").text == "it is a test"
    assert normalised("это а и a test").text == "это а и a test"
    assert normalised("о а").text == "о а", "a text without any Latin letter isn't Latin"
    # The decision is for the whole text, wherever in it the other words stand.
    far = "it is а test" + " word" * 400_000
    assert normalised(far).text.startswith("it is a test")
    assert normalised(far + " щи").text.startswith("it is а test")


def test_nfkc_is_a_choice() -> None:
    assert normalised("ﬁne½").text == "ﬁne½"
    clean = normalised("ﬁne，½", form="NFKC")
    assert clean.text == "fine,1⁄2"
    assert clean.offsets.tolist() == [0, 0, 1, 2, 3, 4, 4, 4, 5]


def test_spans_lead_back_to_what_was_written() -> None:
    text = "the wа\u200btеr of caf\u0065\u0301 noir"
    clean = normalised(text)
    words = ["the", "water", "of", "café", "noir"]
    begins = [clean.text.index(word) for word in words]
    spans = np.array([(begin, begin + len(word)) for begin, word in zip(begins, words, strict=True)])
    shown = [text[begin:end] for begin, end in clean.original(spans)]
    assert shown == ["the", "wа\u200btеr", "of", "cafe\u0301", "noir"]
    ligature = normalised("ﬁ", form="NFKC")
    assert ligature.original(np.array([[0, 1], [1, 2], [1, 1]])).tolist() == [[0, 1], [0, 1], [0, 0]]


def test_a_run_of_spaces_leads_back_to_all_of_it() -> None:
    clean = normalised("so \t  it  goes")
    assert clean.text == "so it goes"
    assert clean.original(np.array([[2, 3], [3, 5], [2, 10]])).tolist() == [[2, 6], [6, 8], [2, 14]]


def test_long_runs_of_spaces_take_no_time() -> None:
    assert normalised("a" + " " * 3_000_000 + "b" + "\t\n" * 500_000).text == "a b" + "\t\n" * 500_000


def test_long_runs_of_marks_are_left_alone_and_take_no_time() -> None:
    marks = "\u0301\u0323" * 500_000
    assert normalised(f"e{marks} cafe\u0301").text == f"e{marks} café"


def test_half_a_character_does_not_stop_it() -> None:
    assert normalised("a\ud800\u200bb").text == "a\ud800b"


def test_a_file_with_text_is_read(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes("\ufeffgrün\r\n".encode())
    assert read_text(path) == "grün\r\n"
    path.write_bytes(b"")
    assert read_text(path) == ""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"good \xff bad", "not valid UTF-8 at byte 5"),
        (b"text\x00text", "binary: a zero byte at byte 4"),
        ("text".encode("utf-16"), "UTF-16"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"x" * 33, "larger than 32 bytes"),
    ],
)
def test_what_is_no_text_is_refused_in_words(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(UnreadableInput, match=said) as error:
        read_text(path, largest=32)
    assert error.value.where.file == str(path)
    assert error.value.hint


def test_what_is_no_file_is_refused_in_words(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnreadableInput, match="does not exist"):
        read_text(tmp_path / "missing")
    with pytest.raises(UnreadableInput, match="not a regular file"):
        read_text(tmp_path / "pipe")
    with pytest.raises(UnreadableInput, match="Is a directory"):
        read_text(tmp_path)
