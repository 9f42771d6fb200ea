"""Choosing among drafts: each keeps its chance over keys, what was chosen is read, and nothing is read that isn't."""

from __future__ import annotations

import math
from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from headwater.errors import ConfigurationError, UsageError
from headwater.mark import (
    Keyring,
    Mark,
    MarkKey,
    SentenceMark,
    Verdict,
    detect,
    load_keyring,
    new_key,
    scheme,
    writer,
)
from headwater.mark.choosing import minilm
from headwater.mark.choosing.fair import by_chances, offsets
from headwater.mark.choosing.writing import SentenceWriter, WordWriter, joined
from headwater.mark.tokenizer import Words
from mark.choosing.essays import drafts

GUMBEL = scheme("headwater-gumbel", {"width": 3})


def on_words(seed: int) -> Mark:
    return Mark("words", GUMBEL, MarkKey("words", (seed, 17)), (Words(),))


def on_sentences(seed: int) -> SentenceMark:
    return SentenceMark("sentences", "hashed-words", MarkKey("sentences", (seed, 17)))


def share_of_each(choices: list[int], count: int) -> list[float]:
    seen = Counter(choices)
    return [seen[each] / len(choices) for each in range(count)]


ALIKE = [
    "The old library repairs a violin.",
    "The old library repairs a violin today.",
    "Every farmer sells an ancient map.",
]


def test_over_keys_every_draft_keeps_its_chance_though_two_are_alike() -> None:
    chosen = [WordWriter(on_words(seed)).choose(ALIKE) for seed in range(300)]
    assert share_of_each(chosen, 3) == pytest.approx([1 / 3] * 3, abs=0.1)


def test_a_draft_that_was_drawn_twice_is_chosen_twice_as_often() -> None:
    options = [ALIKE[0], ALIKE[0], ALIKE[2]]
    texts = [options[WordWriter(on_words(seed)).choose(options)] for seed in range(300)]
    assert texts.count(ALIKE[2]) / 300 == pytest.approx(1 / 3, abs=0.1)


@pytest.mark.parametrize("chance", [[1 / 3, 1 / 3, 1 / 3], [0.5, 0.25, 0.25]])
def test_without_offsets_two_that_are_alike_would_share_one_chance(chance: list[float]) -> None:
    gram = np.array([[1, 0.95, 0], [0.95, 1, 0], [0, 0, 1.0]])
    found = offsets(gram, np.array(chance), np.random.default_rng(1))
    drawn = np.random.default_rng(2).standard_normal((100_000, 3)) @ np.linalg.cholesky(gram).T
    plain = np.bincount(drawn.argmax(axis=1), minlength=3) / len(drawn)
    fair = np.bincount((drawn + found).argmax(axis=1), minlength=3) / len(drawn)
    assert plain[2] > 0.4
    assert fair == pytest.approx(chance, abs=0.03)


def test_the_smallest_p_value_wins_and_none_is_too_small_to_compare() -> None:
    assert by_chances([math.log(0.5), math.log(0.01), math.log(0.3)], [1, 1, 1]) == 1
    assert by_chances([-800.0, -900.0, -50.0], [1, 1, 1]) in (0, 1)
    assert by_chances([0.0, -1e-9], [1, 1]) == 1


@pytest.mark.parametrize("mark", [on_words(3), on_sentences(3)], ids=["words", "sentences"])
def test_chosen_texts_are_read_and_others_are_not(mark: Mark | SentenceMark) -> None:
    random = np.random.default_rng(11)
    writing = writer(mark)
    for _ in range(40):
        options = drafts(16, random)
        assert 0 <= writing.choose(options) < 16
    plain = " ".join(drafts(40, random))
    marks = [mark] if isinstance(mark, Mark) else []
    others = [mark] if isinstance(mark, SentenceMark) else []
    found = detect(writing.text, marks, sentences=others, alpha=1e-3)
    assert found.verdict is Verdict.MARKED
    assert [each.mark for each in found.found] == [mark.name]
    assert writing.log_p() < math.log(1e-4)
    assert detect(plain, marks, sentences=others).verdict is not Verdict.MARKED


def test_drafts_of_different_length_have_the_same_chance() -> None:
    random = np.random.default_rng(3)
    options = [" ".join(drafts(count, random)) for count in (1, 3, 12)]
    chosen = [WordWriter(on_words(seed)).choose(options) for seed in range(300)]
    assert share_of_each(chosen, 3) == pytest.approx([1 / 3] * 3, abs=0.1)


def test_whatever_drafts_hold_one_of_them_is_chosen() -> None:
    odd = ["", "   ", "🙂", "...", "字" * 3000, "word " * 20_000, "a\nb\n\nc", "ﬁ", "e\u0301"]
    for mark in (on_words(1), on_sentences(1)):
        writing = writer(mark, "What is this?")
        for _ in range(3):
            assert 0 <= writing.choose(odd) < len(odd)
        assert math.isfinite(writing.log_p())


def test_the_same_drafts_give_the_same_text_in_any_order() -> None:
    options = drafts(8, np.random.default_rng(2))
    for mark in (on_words(5), on_sentences(5)):
        one, other = writer(mark), writer(mark)
        one.choose(options)
        other.choose(options[::-1])
        assert one.text == other.text


def test_parts_are_joined_as_their_script_joins_them() -> None:
    assert joined("One.", "Two.") == "One. Two."
    assert joined("One.\n", "Two.") == "One.\nTwo."
    assert joined("第一句。", "第二句。") == "第一句。第二句。"
    assert joined("", "Two.") == "Two."


def test_a_marked_passage_is_found_inside_a_longer_text() -> None:
    random = np.random.default_rng(21)
    writing = SentenceWriter(on_sentences(3))
    for _ in range(40):
        writing.choose(drafts(32, random))
    before, after = " ".join(drafts(60, random)), " ".join(drafts(60, random))
    text = f"{before} {writing.text} {after}"
    found = detect(text, [], sentences=[on_sentences(3)], alpha=0.05)
    assert found.verdict is Verdict.MARKED
    passages = found.found[0].passages
    assert passages
    inside = sum(
        max(0, min(each.end, len(before) + len(writing.text)) - max(each.begin, len(before)))
        for each in passages
    )
    assert inside > 0.6 * sum(each.end - each.begin for each in passages)


def test_hidden_characters_and_line_ends_change_nothing() -> None:
    random = np.random.default_rng(4)
    writing = SentenceWriter(on_sentences(2))
    for _ in range(25):
        writing.choose(drafts(16, random))
    hidden = writing.text.replace("o", "o\u200b").replace(" the ", "  the ")
    one, other = (detect(text, [], sentences=[on_sentences(2)]) for text in (writing.text, hidden))
    assert one.log_p == pytest.approx(other.log_p)
    assert other.changed["invisible"] > 20


def test_all_marks_that_are_looked_for_count() -> None:
    text = " ".join(drafts(30, np.random.default_rng(6)))
    alone = detect(text, [], sentences=[on_sentences(1)])
    more = detect(text, [on_words(1)], sentences=[on_sentences(1), on_sentences(2)])
    assert (alone.tests, more.tests) == (1, 3)
    assert {each.mark for each in more.readings} == {"words", "sentences"}


RING = """
[[mark]]
name = "s"
scheme = "headwater-sentences"
embedder = "hashed-words"
keys = [1, 2]
from = 2026-01-01
until = 2026-06-30
account = "acme"

[[mark]]
name = "w"
scheme = "headwater-gumbel"
tokenizer = "words"
keys = [3, 4]
"""


def ring(folder: Path, text: str) -> Keyring:
    path = folder / "keys.toml"
    path.write_text(text)
    path.chmod(0o600)
    return load_keyring(path)


def test_a_keyring_says_which_embedder_a_mark_was_made_with(tmp_path: Path) -> None:
    found = ring(tmp_path, RING)
    assert [each.name for each in found.marks] == ["w"]
    (mark,) = found.sentences
    assert (mark.embedder, mark.account, mark.key.numbers) == ("hashed-words", "acme", (1, 2))
    assert found.current_sentences(date(2026, 3, 1)) == (mark,)
    assert found.current_sentences(date(2026, 7, 1)) == ()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('embedder = "hashed-words"\n', ""), "embedder"),
        (("hashed-words", "word2vec"), "no such embedder"),
        (("[1, 2]", "[1, 2, 3]"), "two integers of 64 bits"),
        (("[1, 2]", "[5]"), "two integers of 64 bits"),
        (('embedder = "hashed-words"', 'embedder = "hashed-words"\ntokenizer = "words"'), "no such field"),
        (("2026-06-30", "2025-06-30"), "ends before it begins"),
    ],
)
def test_what_is_wrong_with_a_mark_on_sentences(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told) as caught:
        ring(tmp_path, RING.replace(*change))
    assert "mark.s." in str(caught.value)


def test_new_keys_of_marks_on_sentences() -> None:
    one, other = new_key("headwater-sentences"), new_key("headwater-sentences")
    assert len(one.numbers) == 2
    assert one.numbers != other.numbers
    assert all(number.bit_length() <= 64 for number in one.numbers)


def test_an_embedder_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    minilm.load.cache_clear()
    monkeypatch.setattr(minilm, "PACKAGE", "no_such_package_of_weights")
    with pytest.raises(UsageError, match="all-minilm-l6-v2 is not installed") as caught:
        minilm.load()
    assert "headwater[embedder]" in str(caught.value.hint)
    minilm.load.cache_clear()
