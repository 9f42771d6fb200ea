"""Attacks do what they say: as much as they say, nothing else, and the same again with the same chance."""

from __future__ import annotations

import unicodedata
from collections import Counter
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headwater.errors import ConfigurationError, HeadwaterError, UnreadableInput, UsageError
from headwater.mark import normalised
from headwater.mark.bench import Marked, attack, attack_names, attacks
from headwater.mark.bench.attacks.synonyms import inflected, thesaurus

TEXT = (
    "The old captain walked slowly to the house. He had carried two heavy boxes, and his dogs were tired! "
    "Was nobody there? The Doors stood open, and a small lamp burned upstairs. They waited for an hour."
)
GIVEN = Marked(
    np.arange(1000, 1400),
    np.arange(5000, 7000),
    TEXT,
    "Quite another story, which begins elsewhere; it ends soon.",
)
EMPTY = Marked(np.zeros(0, np.int64), np.arange(5000, 5010), "", "words")


def made(name: str, seed: int = 1, given: Marked = GIVEN, **config: Any) -> Any:
    return attack(name, config)(given, np.random.default_rng(seed))


def wordnet(folder: Path) -> Path:
    """Princeton's format, with a handful of words."""
    lines = {
        "noun": [
            "00000001 03 n 02 dog 0 hound 0 000 | a pet",
            "00000002 03 n 02 box 0 carton 0 000 | holds things",
        ],
        "verb": [
            "00000003 03 v 02 walk 0 stroll 0 000 00 | go",
            "00000004 03 v 02 wait 0 take_time 0 000 00 | stay",
        ],
        "adj": ["00000005 03 a 03 old 0 ancient(p) 0 aged 0 000 | of age"],
        "adv": ["00000006 03 r 02 slowly 0 tardily 0 000 | not fast"],
    }
    for kind, rows in lines.items():
        licence = "  1 This software and database is being provided to you\n"
        (folder / f"data.{kind}").write_text(licence + "\n".join(rows) + "\n")
        (folder / f"{kind}.exc").write_text("oxen ox\n")
    return folder


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_deletion_takes_its_share_and_leaves_the_rest_in_order(share: float) -> None:
    left = made("deletion", share=share)
    assert len(left) == 400 - round(400 * share)
    assert (np.diff(left) > 0).all()
    assert set(left) < set(GIVEN.tokens)


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_substitution_replaces_its_share_by_unmarked_tokens(share: float) -> None:
    left = made("substitution", share=share)
    changed = left != GIVEN.tokens
    assert changed.sum() == round(400 * share)
    assert set(left[changed]) <= set(GIVEN.other)


def test_dilution_puts_three_unmarked_tokens_to_each_marked_one_in_pieces() -> None:
    left = made("dilution", times=3)
    marked = np.isin(left, GIVEN.tokens)
    assert len(left) == 1600
    assert np.array_equal(left[marked], GIVEN.tokens)
    assert 10 < (np.diff(marked.astype(int)) == 1).sum() + int(marked[0]) <= 16


def test_copy_paste_leaves_one_passage() -> None:
    left = made("copy-paste", times=3)
    at = int(np.flatnonzero(left == 1000)[0])
    assert len(left) == 1600
    assert np.array_equal(left[at : at + 400], GIVEN.tokens)
    assert not np.isin(np.delete(left, np.arange(at, at + 400)), GIVEN.tokens).any()
    assert len({int(np.flatnonzero(made("copy-paste", seed) == 1000)[0]) for seed in range(5)}) > 1


def test_homoglyphs_change_letters_that_a_reader_takes_for_the_same() -> None:
    left = made("homoglyphs", share=0.5)
    assert len(left) == len(TEXT)
    changed = [(before, after) for before, after in zip(TEXT, left, strict=True) if before != after]
    assert changed
    assert all(unicodedata.name(after).startswith("CYRILLIC") for _, after in changed)
    assert normalised(left).text == TEXT


def test_zero_width_characters_are_put_in_and_nothing_else() -> None:
    left = made("zero-width", share=0.1)
    assert len(left) == len(TEXT) + round(0.1 * len(TEXT))
    assert normalised(left).text == TEXT


def test_white_space_changes_spaces_alone() -> None:
    left = made("white-space", share=0.5)
    assert left != TEXT
    assert left.split() == TEXT.split()
    assert made("lower-case") == TEXT.lower()


def test_reordering_keeps_every_sentence_whole() -> None:
    left = made("reordering")
    assert Counter(left.split()) == Counter(TEXT.split())
    assert left != TEXT
    assert "He had carried two heavy boxes, and his dogs were tired!" in left


def test_synonyms_keep_form_and_capitals(tmp_path: Path) -> None:
    left = made("synonyms", wordnet=str(wordnet(tmp_path)), share=1.0)
    assert "strolled tardily" in left
    assert "cartons" in left
    assert "hounds" in left
    assert "waited" in left, "a synonym of several words is none"
    assert left.startswith(("The ancient captain", "The aged captain"))
    assert made("synonyms", wordnet=str(tmp_path), share=1e-9) == TEXT


def test_endings_follow_the_rules_of_regular_words() -> None:
    assert [
        inflected(*each)
        for each in [("box", "s"), ("city", "s"), ("day", "s"), ("try", "ed"), ("stroll", "ed")]
    ]
    assert inflected("box", "s") == "boxes"
    assert inflected("city", "s") == "cities"
    assert inflected("day", "s") == "days"
    assert inflected("try", "ed") == "tried"
    assert inflected("hope", "ing") == "hoping"
    assert inflected("hope", "ed") == "hoped"


def test_a_real_wordnet_is_read() -> None:
    if not attacks.WORDNET.is_dir():
        pytest.skip("no WordNet database: apt-get install wordnet-base")
    synonyms, irregular = thesaurus(attacks.WORDNET)
    assert "hound" in synonyms["dog"] or "domestic_dog" not in synonyms["dog"]
    assert irregular["mice"] == "mouse"
    assert len(synonyms) > 20_000


def test_a_missing_or_wrong_wordnet_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnreadableInput, match="does not exist"):
        attack("synonyms", {"wordnet": str(tmp_path)})
    wordnet(tmp_path)
    (tmp_path / "data.adv").write_text("not a database\n")
    with pytest.raises(UnreadableInput, match="not a WordNet database"):
        attack("synonyms", {"wordnet": str(tmp_path), "share": 0.5})


def test_a_paraphrase_keeps_about_what_the_paraphraser_kept() -> None:
    left = made("paraphrase")
    kept = Counter(left.split()) & Counter(TEXT.split())
    assert 0.2 < kept.total() / len(left.split()) < 0.95
    assert left != TEXT


@pytest.mark.parametrize("name", attack_names())
def test_the_same_chance_gives_the_same_text(name: str, tmp_path: Path) -> None:
    config = {"wordnet": str(wordnet(tmp_path))} if name == "synonyms" else {}
    first, again = made(name, 3, **config), made(name, 3, **config)
    assert np.array_equal(first, again) if isinstance(first, np.ndarray) else first == again
    before = (GIVEN.tokens.copy(), GIVEN.other.copy())
    made(name, 4, **config)
    assert np.array_equal(GIVEN.tokens, before[0])
    assert np.array_equal(GIVEN.other, before[1])


@pytest.mark.parametrize("name", attack_names())
def test_an_empty_text_stays_empty(name: str, tmp_path: Path) -> None:
    config = {"wordnet": str(wordnet(tmp_path))} if name == "synonyms" else {}
    assert len(made(name, given=EMPTY, **config)) == 0


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("deletion", {"share": 0}),
        ("deletion", {"share": 1.5}),
        ("deletion", {"share": True}),
        ("deletion", {"share": "much"}),
        ("deletion", {"part": 0.5}),
        ("dilution", {"times": 0}),
        ("dilution", {"times": 1.5}),
        ("lower-case", {"share": 0.5}),
        ("paraphrase", {"by": "nobody"}),
        ("paraphrase", {"masks": "/nowhere.json"}),
        ("delete", {}),
    ],
)
def test_settings_that_cannot_be_are_told(name: str, config: dict[str, Any]) -> None:
    with pytest.raises(HeadwaterError):
        attack(name, config)


class Reversed:
    name = "reversed"
    needs_text = False

    def __call__(self, marked: Marked, random: np.random.Generator) -> Any:
        return marked.tokens[::-1]


def reverse(config: Any) -> Any:
    if config:
        raise ValueError("secret")
    return Reversed()


def nothing(config: Any) -> Any:
    return object()


def test_other_packages_attacks_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    points = tuple(
        EntryPoint(name, f"{__name__}:{function}", attacks.GROUP)
        for name, function in (("reverse", "reverse"), ("nothing", "nothing"), ("none", "nothing"))
    )
    monkeypatch.setattr(attacks, "_points", lambda: points)
    monkeypatch.setattr(EntryPoint, "load", lambda point: globals()[point.value.partition(":")[2]])
    assert "reverse" in attack_names()
    assert np.array_equal(made("reverse"), GIVEN.tokens[::-1])
    assert np.array_equal(made("none"), GIVEN.tokens), "ours aren't replaced"
    with pytest.raises(UsageError, match="makes no attack"):
        attack("nothing")
    with pytest.raises(UsageError) as told:
        attack("reverse", {"a": 1})
    assert "secret" not in str(told.value)
    with pytest.raises(ConfigurationError) as missed:
        attack("revers")
    assert "reverse" in str(missed.value.hint)
