"""Codes against colluders: someone is found whatever they do, innocents have exact p-values, the key decides all."""

from __future__ import annotations

import hashlib
from math import comb

import numpy as np
import pytest

from headwater.errors import UsageError
from headwater.mark.trace import Code, length
from headwater.mark.trace.tardos import biases, joint_score

KEY = b"a key of 16 bytes or more"


def _majority(words, random):
    ones, count = words.sum(axis=0), len(words)
    return np.where(2 * ones == count, random.integers(0, 2, words.shape[1]), 2 * ones > count)


def _minority(words, random):
    ones, count = words.sum(axis=0), len(words)
    settled = (ones == 0) | (ones == count)
    return np.where(settled, words[0], 1 - _majority(words, random))


def _interleaved(words, random):
    return words[random.integers(0, len(words), words.shape[1]), np.arange(words.shape[1])]


def _ones(words, random):
    return words.max(axis=0)


def _zeros(words, random):
    return words.min(axis=0)


ATTACKS = {
    "majority": _majority,
    "minority": _minority,
    "interleaving": _interleaved,
    "ones": _ones,
    "zeros": _zeros,
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_colluder_is_found_and_no_innocent_whatever_they_do(attack):
    random = np.random.default_rng(30)
    colluders = 3
    size = length(500, colluders)
    found = wrong = 0
    for run in range(20):
        code = Code(KEY + bytes([run]), size, colluders)
        names = [f"account-{i}" for i in range(500)]
        words = np.array([code.word(name) for name in names[:colluders]])
        accused = code.accuse(ATTACKS[attack](words, random).astype(np.int64), names)
        wrong += bool({one.name for one in accused} - set(names[:colluders]))
        found += bool({one.name for one in accused} & set(names[:colluders]))
    assert found >= 18
    # At a level of 0.05 five or more of 20 codes naming an innocent have a chance below 0.003.
    assert wrong <= 4


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_innocents_p_values_are_uniform(attack):
    code = Code(KEY, 300, 8)
    words = np.array([code.word(f"guilty-{i}") for i in range(8)])
    seen = ATTACKS[attack](words, np.random.default_rng(31)).astype(np.int64)
    log_p = code.log_p(seen, [f"account-{i}" for i in range(4000)])
    for level in (0.5, 0.1, 0.01):
        hits = float(np.mean(log_p <= np.log(level)))
        assert hits <= level + 4 * np.sqrt(level / 4000)
        assert hits >= level - 4 * np.sqrt(level / 4000) - 0.01


def test_more_colluders_than_it_was_made_for_endanger_no_innocent():
    code = Code(KEY, length(1000, 2), 2)
    words = np.array([code.word(f"guilty-{i}") for i in range(40)])
    seen = _minority(words, np.random.default_rng(32)).astype(np.int64)
    assert code.accuse(seen, [f"account-{i}" for i in range(1000)]) == ()


def test_positions_that_cannot_be_read_are_left_out():
    code = Code(KEY, 400, 2)
    seen = code.word("leaker").astype(np.int64)
    names = ["leaker", *(f"account-{i}" for i in range(50))]
    whole = code.accuse(seen, names)
    seen[100:] = -1
    part = code.accuse(seen, names)
    assert [one.name for one in whole] == [one.name for one in part] == ["leaker"]
    assert whole[0].log_p < part[0].log_p < whole[0].log_p / 5
    assert code.accuse(np.full(400, -1), names) == ()


def test_the_word_is_made_of_key_and_name_alone():
    """A recorded word: a change of it would orphan every code that was given out."""
    word = Code(KEY, 1000, 5).word("Zoë")
    assert hashlib.sha256(word.tobytes()).hexdigest()[:16] == "44d6b15ab06eb1ef"
    assert np.array_equal(word, Code(KEY, 1000, 5).word("Zoë"))
    assert not np.array_equal(word, Code(KEY, 1000, 5).word("Zoe"))
    assert not np.array_equal(word, Code(KEY + b"!", 1000, 5).word("Zoë"))
    assert "key" not in repr(Code(KEY, 10, 1))


@pytest.mark.parametrize("colluders", [1, 2, 3, 6, 16])
def test_the_joint_score_does_not_depend_on_the_strategy(colluders):
    """The property that the biases were chosen for, computed over all that colluders can hold at one position."""
    chances, often = biases(colluders)
    rng = np.random.default_rng(33)
    for _ in range(5):
        ones = np.arange(colluders + 1)
        says_one = rng.random(colluders + 1)
        says_one[0], says_one[-1] = 0, 1
        mean = 0.0
        for p, weight in zip(chances, often, strict=True):
            held = np.array([comb(colluders, int(x)) for x in ones]) * p**ones * (1 - p) ** (colluders - ones)
            joint = (ones - colluders * p) / np.sqrt(p * (1 - p))
            mean += weight * float(held @ (joint * (2 * says_one - 1)))
        assert mean == pytest.approx(joint_score(colluders))


def test_a_length_is_near_the_known_law_and_grows_with_the_square():
    assert 4.2 < length(100_000, 16) / (16**2 * np.log(100_000 / 0.05)) < 5.5
    assert 3.0 < length(100_000, 16) / length(100_000, 8) < 4.8


@pytest.mark.parametrize("seen", [[0, 1], [0] * 399, [2] * 400, [0.5] * 400, [[0] * 20] * 20, []])
def test_what_is_no_sequence_of_versions_is_refused(seen):
    with pytest.raises(UsageError, match="versions"):
        Code(KEY, 400, 2).accuse(seen, ["a"])


def test_what_is_no_code_is_refused():
    for make in (lambda: Code(b"short", 10, 2), lambda: Code(KEY, 0, 2), lambda: Code(KEY, 10, 0)):
        with pytest.raises(UsageError):
            make()
    with pytest.raises(UsageError, match="twice"):
        Code(KEY, 2, 1).accuse([0, 1], ["a", "a"])
    with pytest.raises(UsageError):
        length(10, 3, level=0)
    with pytest.raises(UsageError, match="long enough"):
        length(100_000, 900)
