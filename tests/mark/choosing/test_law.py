"""What a text is worth under keys without a part in it is exactly normal: whatever the text, and whoever wrote it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from headwater.mark import MarkKey, SentenceMark
from headwater.mark.choosing.embedder import embedder
from headwater.mark.choosing.features import PAIRS, features, key_vector, normals
from headwater.mark.choosing.fingerprint import combined, fingerprint, log_p, looked_at, sentences_of
from mark.choosing.essays import drafts

HASHED = embedder("hashed-words")
RANDOM = np.random.default_rng(5)
KEY = [-0.3795616232, -0.515289138, 0.7808202921]
PHI = [0.0302045486, 0.0069546934, 0.0080154689]
TEXTS = {
    "one sentence": "The council repairs the wooden bridge before sunrise.",
    "varied": " ".join(drafts(30, RANDOM)),
    "nearly one sentence": " ".join(f"Day {each}: the council repairs the bridge." for each in range(40)),
    "Chinese": "我们今天去学校。天气很好！你想一起来吗？老师在等我们。",
    "emoji": "Good 🙂! Bad 🙁! Ugly 👹! 3 🙂 of 4 🙂.",
}


@pytest.mark.parametrize("name", TEXTS)
def test_p_values_under_unrelated_keys_are_uniform(name: str) -> None:
    vector = fingerprint(TEXTS[name], HASHED)
    assert vector is not None
    keys = np.stack([key_vector((number, 99), "test") for number in range(2000)])
    p = np.exp(log_p(keys @ vector))
    assert stats.kstest(p, "uniform").pvalue > 1e-4
    assert abs(float((p < 0.01).mean()) - 0.01) < 0.01


def test_normals_are_those_of_the_definition() -> None:
    found = normals(200_000, (7, 9), 3)
    assert stats.kstest(found, "norm").pvalue > 1e-4
    assert (normals(10, (7, 9), 3) == found[:10]).all()
    assert abs(np.corrcoef(found, normals(200_000, (8, 9), 3))[0, 1]) < 0.02


def test_known_values_of_keys_and_features() -> None:
    """Recorded once; whoever changes them makes every mark unreadable."""
    assert key_vector((1, 2), "headwater-sentences hashed-words")[:3] == pytest.approx(KEY, abs=1e-9)
    rows = looked_at(["The council repairs the wooden bridge."], HASHED)
    assert rows[0, [0, 1, PAIRS]] == pytest.approx(PHI, abs=1e-9)


def test_the_same_meaning_is_near_and_another_is_not() -> None:
    points = np.zeros((3, 16))
    points[1, 0], points[2, 0] = 0.2, 2.5
    gram = features(points) @ features(points).T
    assert np.diag(gram) == pytest.approx(1.0)
    assert gram[0, 1] > 0.95
    assert abs(gram[0, 2]) < 0.15


def test_order_of_sentences_does_not_matter() -> None:
    said = drafts(25, np.random.default_rng(1))
    one, other = fingerprint(" ".join(said), HASHED), fingerprint(" ".join(reversed(said)), HASHED)
    assert one is not None
    assert other is not None
    assert one @ other == pytest.approx(1.0, abs=1e-9)


def test_repetitions_and_the_prompts_sentences_count_once_or_not_at_all() -> None:
    text = "First is here. Second is there. FIRST  is here. Third is gone."
    assert [text[begin:end] for begin, end in sentences_of(text, "I ask. Second is there.")] == [
        "First is here.",
        "Third is gone.",
    ]


def test_nothing_to_read_is_no_vector() -> None:
    assert fingerprint("", HASHED) is None
    assert fingerprint("... !!! 🙂", HASHED) is None
    assert combined(np.zeros((3, 2 * PAIRS))) is None


def test_the_key_is_another_one_for_another_embedder_and_is_not_shown() -> None:
    one = SentenceMark("m", "hashed-words", MarkKey("m", (123456789, 987654321)))
    other = SentenceMark("m", "all-minilm-l6-v2", MarkKey("m", (123456789, 987654321)))
    assert abs(np.corrcoef(one.direction, other.direction)[0, 1]) < 0.1
    assert "123456789" not in repr(one)
