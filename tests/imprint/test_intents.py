"""What harvesters ask for is recognised in eighteen languages, and what customers ask for isn't."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.imprint import imprint, intent_names, intents
from headwater.imprint.automaton import automaton
from headwater.imprint.patterns import PARTS, phrases, read, skipped
from headwater.imprint.prepared import phrase_automaton
from headwater.imprint.reference import ends, reference
from headwater.keys import DEMO_KEY

HERE = Path(__file__).parent
ASKED, ANEW = (
    tomllib.loads((HERE / name).read_text(encoding="utf-8")) for name in ("asked.toml", "asked_anew.toml")
)
#: What training needs; the other intents are what everybody asks for.
ELICITING = [i.name for i in intents()][: [i.name for i in intents()].index("role_play")]


def found(texts: list[str]) -> list[set[str]]:
    """Names of the intents of each text."""
    return [set(intent_names(one["intents"])) for one in imprint(texts, DEMO_KEY).to_pylist()]


@pytest.mark.parametrize("language", ASKED)
def test_each_way_of_asking_is_found_in_each_language(language: str) -> None:
    missed = []
    for intent in ELICITING:
        texts = ASKED[language][intent]
        missed += [text for text, names in zip(texts, found(texts), strict=True) if intent not in names]
    assert len(missed) <= 1, missed


def test_other_words_than_those_that_the_table_was_made_from() -> None:
    asked = [(intent, text) for of in ANEW.values() for intent, texts in of.items() for text in texts]
    hits = [bool(names & set(ELICITING)) for names in found([text for _, text in asked])]
    assert len(ANEW) == len(ASKED) == 18
    assert sum(hits) / len(hits) >= 0.5


@pytest.mark.parametrize("language", ASKED)
def test_customers_pupils_and_cooks_ask_for_none_of_it(language: str) -> None:
    texts = ASKED[language]["innocent"]
    assert {t: n for t, n in zip(texts, found(texts), strict=True) if n & set(ELICITING)} == {}


def test_every_language_has_phrases_for_everything_that_training_needs() -> None:
    assert set(phrases()) == set(ASKED)
    for language, of in phrases().items():
        assert set(ELICITING) <= set(of), language
        assert set(of) <= {intent.name for intent in intents()}, language


def test_what_is_passed_over_leaves_no_phrase_of_one_word() -> None:
    """“In the image” must not become “image”, in whatever language the rest is passed over."""
    short = [
        (language, phrase)
        for language, of in phrases().items()
        for parts in of.values()
        for phrase, pattern in parts.get("alone", {}).items()
        if len(phrase.split()) > 1 and sum(min(map(len, p.runs)) for p in pattern if not p.again) < 2
    ]
    assert short == []


WORDS = {"skip": "the, your", "show": "show, write (down|out)", "thinking": "reasoning, thought process(es|)"}


def matched(phrase: str, text: str) -> bool:
    """Whether `phrase` is in `text`, by the reference and by the automaton."""
    table = {"words": WORDS, "alone": {"coding": phrase}}
    skip = frozenset({"the", "your"})
    (pattern,) = read(table, skip)["coding"]["alone"].values()
    words = [word for word in text.split() if word not in skip]
    slow = any(ends(pattern, words, at) for at in range(len(words)))
    made = automaton([[pattern]], skip)
    state, groups = 0, 0
    for word in text.split():
        number = made.words.get(word, 0)
        if word not in skip:
            step = int(made.steps[state + number])
            state = (step if step >> 32 == state else int(made.steps[number])) & 0xFFFFFFFF
            groups |= int(made.steps[state])
    assert slow == bool(groups)
    return slow


@pytest.mark.parametrize(
    ("phrase", "hit", "miss"),
    [
        ("{show} {thinking}", "please write down your reasoning", "write your reasoning"),
        ("{show} {thinking}", "show the thought processes", "show the thought"),
        ("{show} (full|) {thinking}", "show your full reasoning", "show your long reasoning"),
        ("{show} (very)* good {thinking}", "show very very good reasoning", "show very reasoning"),
        ("{show} {thinking}? now", "show the now", "show the reasoning later now"),
        ("grad(e|ing) it", "x grading it", "x graded it"),
        ("show (all|every) step", "show show every step", "show all every step"),
    ],
)
def test_how_phrases_are_written(phrase: str, hit: str, miss: str) -> None:
    assert matched(phrase, hit)
    assert not matched(phrase, miss)


@pytest.mark.parametrize(
    ("phrase", "fault"),
    [
        ("{tell} me", "names words that are not listed: tell"),
        ("(now|) show", "may begin with nothing"),
        ("{show}* it", "may begin with nothing"),
        ("show (it", "brackets that don't match"),
        ("show (the|your) it", "nothing but words that are passed over"),
    ],
)
def test_a_phrase_without_a_meaning_is_refused(phrase: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault.replace("(", r"\(")):
        read({"words": WORDS, "alone": {"coding": phrase}}, frozenset({"the", "your"}))


RUNS = sorted(
    {
        " ".join(run)
        for of in phrases().values()
        for parts in of.values()
        for part in PARTS
        for pattern in parts.get(part, {}).values()
        for piece in pattern
        for run in piece.runs
    }
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(st.sampled_from(RUNS), st.sampled_from(["so", "Мир", "?", *sorted(skipped())])), max_size=12
    )
)
def test_the_kernel_finds_what_the_reference_finds(runs: list[str]) -> None:
    text = " ".join(runs)
    assert imprint([text], DEMO_KEY)[0].as_py()["intents"] == reference(text, DEMO_KEY).intents


def test_the_automaton_is_kept_and_a_damaged_one_is_made_anew(tmp_path: Path) -> None:
    made = phrase_automaton.__wrapped__(tmp_path)
    (kept,) = tmp_path.iterdir()
    again = phrase_automaton.__wrapped__(tmp_path)
    assert again.words == made.words
    assert (again.steps == made.steps).all()
    whole = kept.read_bytes()
    kept.write_bytes(whole[: len(whole) // 2])
    assert phrase_automaton.__wrapped__(tmp_path).words == made.words
    assert kept.read_bytes() == whole
    assert [path.name for path in tmp_path.iterdir()] == [kept.name]


def test_a_folder_that_cannot_be_written_costs_time_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert phrase_automaton.__wrapped__(tmp_path / "file" / "below").words
