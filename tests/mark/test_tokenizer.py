"""Tokenizers: the tokens of a text with their places, whatever the text, in pieces as in one go."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import ConfigurationError, HeadwaterError, UnreadableInput, UsageError
from headwater.mark import tokenizer as module
from headwater.mark.tokenizer import Bytes, Encoded, HuggingFace, Ids, load_tokenizer
from mark.tokenizers import KINDS, saved

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
SOME = ["the", "quick", "brown", "fox,", "Grüße", "мир", "你好", "🙂", "\n", "\t", "", "xyzzy", "1234"]
WORDS = st.lists(st.sampled_from(SOME), min_size=60, max_size=160)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tokenizers")


@pytest.fixture(scope="module", params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def tokenizer(kind: str, folder: Path) -> HuggingFace:
    return load_tokenizer(kind, saved(kind, folder))


def check_spans(encoded: Encoded, text: str) -> None:
    spans = encoded.spans
    assert encoded.ids.dtype == np.int64
    assert spans.shape == (len(encoded), 2)
    if not len(encoded):
        return
    assert (np.diff(spans, axis=0) >= 0).all()
    assert (spans[:, 0] <= spans[:, 1]).all()
    assert spans[0, 0] == 0
    assert spans[-1, 1] == len(text)
    assert (spans[1:, 0] <= spans[:-1, 1]).all(), "a character is left out"


@given(text=TEXTS)
def test_spans_ascend_and_leave_nothing_out(tokenizer: HuggingFace, text: str) -> None:
    encoded = tokenizer.encode(text)
    check_spans(encoded, text)
    assert tokenizer.vocab_size is not None
    assert (encoded.ids < tokenizer.vocab_size).all()


@given(text=TEXTS)
@pytest.mark.parametrize("kind", ["byte-level", "trimmed"])
def test_spans_cover_what_decoding_gives(kind: str, folder: Path, text: str) -> None:
    inner = KINDS[kind]()
    encoded = load_tokenizer(kind, saved(kind, folder)).encode(text)
    ends = [
        at
        for at in range(len(encoded))
        if at + 1 == len(encoded) or encoded.spans[at + 1, 0] == encoded.spans[at, 1]
    ]
    begin = 0
    for end in ends:
        shown = text[encoded.spans[begin, 0] : encoded.spans[end, 1]]
        assert inner.decode(encoded.ids[begin : end + 1].tolist()) == shown
        begin = end + 1


@given(words=WORDS)
def test_pieces_give_the_tokens_of_the_whole(tokenizer: HuggingFace, words: list[str]) -> None:
    text = " ".join(words)
    whole = tokenizer.encode(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PIECE", 160)
        patch.setattr(module, "OVERLAP", 60)
        cut = tokenizer.encode(text)
    np.testing.assert_array_equal(cut.ids, whole.ids)
    np.testing.assert_array_equal(cut.spans, whole.spans)


@pytest.mark.parametrize(
    "text", ["a" * 5000, " " * 5000, "\u0301" * 5000, "🙂" * 5000, "ab" * 2500 + " the fox"]
)
def test_text_without_a_place_to_cut_is_tokenised_whole(
    tokenizer: HuggingFace, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PIECE", 700)
    monkeypatch.setattr(module, "OVERLAP", 100)
    encoded = tokenizer.encode(text)
    check_spans(encoded, text)


def test_a_megabyte_and_more_is_read(folder: Path) -> None:
    tokenizer = load_tokenizer("b", saved("byte-level", folder))
    encoded = tokenizer.encode("the quick brown fox " * 60_000)
    once = tokenizer.encode("the quick brown fox ").ids[:-1]
    assert len(encoded) == 60_000 * len(tokenizer.encode(" the quick brown fox")) + 1
    np.testing.assert_array_equal(encoded.ids[: len(once)], once)
    check_spans(encoded, "the quick brown fox " * 60_000)


def test_what_the_file_says_of_cutting_padding_and_special_tokens_is_left_out(folder: Path) -> None:
    tokenizer = load_tokenizer("w", saved("word-piece", folder))
    assert len(tokenizer.encode("the fox " * 20)) == 40
    assert len(tokenizer.encode("the fox")) == 2


def test_the_characters_of_a_token_are_shown_with_the_space_before_it(folder: Path) -> None:
    text = "the fox 🙂"
    for kind in ("byte-level", "trimmed"):
        spans = load_tokenizer(kind, saved(kind, folder)).encode(text).spans
        shown = [text[begin:end] for begin, end in spans]
        assert shown[:2] == ["the", " fox"]
        assert set("".join(shown[2:])) == {" ", "🙂"}


@given(TEXTS)
def test_bytes_are_tokens_with_the_span_of_their_character(text: str) -> None:
    encoded = Bytes().encode(text)
    check_spans(encoded, text)
    assert bytes(encoded.ids.tolist()) == text.encode()
    shown = [text[begin:end] for begin, end in encoded.spans]
    assert len(shown) == len(text.encode())
    assert all(byte in char.encode() for byte, char in zip(text.encode(), shown, strict=True))


@given(st.lists(st.integers(0, 2**32 - 2), max_size=30), st.sampled_from([" ", "\n", "\t  "]))
def test_ids_are_read_in_both_notations(ids: list[int], between: str) -> None:
    for text in (between.join(map(str, ids)), json.dumps(ids), f"  {json.dumps(ids, indent=1)}\n"):
        encoded = Ids().encode(text)
        check_spans(encoded, text)
        assert encoded.ids.tolist() == ids


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1 2 three", "number 3 of"),
        ("1 -2", "number 2 of"),
        ("1 2.0", "number 2 of"),
        (f"{2**32}", "number 1 of"),
        ("9" * 10_000, "number 1 of"),
        ("1 ٢", "number 2 of"),
        ("[1, 2", "not a JSON list"),
        ("[1, true]", "not a JSON list"),
        ("[1, [2]]", "not a JSON list"),
        ("[1.0]", "not a JSON list"),
        ("[" * 100_000, "not a JSON list"),
        (f"[{'9' * 10_000}]", "not a JSON list"),
        ("[1, 4294967295]", "number 2 of"),
        ("The quick brown fox", "number 1 of"),
    ],
)
def test_what_is_no_list_of_ids_is_refused_by_its_place(text: str, said: str) -> None:
    with pytest.raises(UnreadableInput, match=said) as error:
        Ids().encode(text)
    assert error.value.hint


def test_ids_are_held_against_the_vocabulary_where_it_is_known() -> None:
    assert Ids("ids", 10).encode("9").ids.tolist() == [9]
    with pytest.raises(UnreadableInput, match="number 2 of"):
        Ids("ids", 10).encode("9 10")


@pytest.mark.parametrize("text", ["", " \n"])
def test_nothing_is_no_tokens(text: str) -> None:
    assert len(Ids().encode(text)) == 0
    assert len(Bytes().encode("")) == 0


def test_half_a_character_is_refused(folder: Path) -> None:
    for tokenizer in (Bytes(), load_tokenizer("b", saved("byte-level", folder))):
        with pytest.raises(UnreadableInput, match="character 3 of the text is half a character"):
            tokenizer.encode("ab\ud800")


def test_too_long_a_text_is_refused_with_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_TEXT", 5)
    for tokenizer in (Bytes(), Ids()):
        with pytest.raises(UnreadableInput, match="more than 5 characters"):
            tokenizer.encode("123456")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not JSON"),
        (b"\xff\xfe\x00", "is not JSON"),
        (b"HEADWATER-MARK-KEY-1:kgw:deadbeef:00000000", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"{}", "is JSON, but not a tokenizer"),
        (b'"deadbeef"', "is JSON, but not a tokenizer"),
        (
            b'{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [["a", "b"]]}}',
            "is JSON, but not a tokenizer",
        ),
    ],
)
def test_a_file_that_is_no_tokenizer_is_refused_unquoted(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=said) as error:
        load_tokenizer("t", path)
    assert "deadbeef" not in f"{error.value}{error.value.hint}{error.value.__cause__}"
    assert error.value.where.file == str(path)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large.json").write_bytes(b"{}" * 9)
    with pytest.raises(ConfigurationError, match="not a regular file"):
        load_tokenizer("t", tmp_path / "pipe")
    with pytest.raises(HeadwaterError, match="Is a directory"):
        load_tokenizer("t", tmp_path)
    with pytest.raises(UnreadableInput, match="does not exist"):
        load_tokenizer("t", tmp_path / "missing.json")
    monkeypatch.setattr(module, "LARGEST_FILE", 16)
    with pytest.raises(ConfigurationError, match="too large"):
        load_tokenizer("t", tmp_path / "large.json")


def test_without_the_library_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(UsageError) as error:
        load_tokenizer("t", tmp_path / "tokenizer.json")
    assert error.value.hint == "pip install 'headwater[mark]'"
