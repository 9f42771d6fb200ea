"""One step of writing marks: the compiled step does what the plain one says, and leaves the law as it is."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from headwater.errors import UsageError
from headwater.mark.embed import Row, Rule, mark, rule_of
from headwater.mark.embed.reference import marked
from headwater.mark.own import Gumbel, Layered, LayeredTilt, Tilt
from headwater.mark.scheme import MarkKey

KEY, OTHER, COIN = MarkKey("k", (7, 8)), MarkKey("m", (9, 10)), (11, 12)


class Given:
    """In the place of a generator: the uniform numbers that a test has drawn before."""

    def __init__(self, drawn: NDArray[np.float64]) -> None:
        self.drawn = drawn

    def random(self, shape: tuple[int, int]) -> NDArray[np.float64]:
        assert shape == self.drawn.shape
        return self.drawn


def rules(random: np.random.Generator) -> Rule:
    width = int(random.integers(1, 6))
    return [
        rule_of(Gumbel(width), KEY),
        rule_of(Tilt(width, gamma=0.3, delta=1.5), KEY),
        rule_of(Layered(width, coin=COIN), KEY, OTHER),
        rule_of(LayeredTilt(width, coin=COIN, share=0.3), KEY, OTHER),
        rule_of(Layered(width, coin=COIN, layer="master"), OTHER),
    ][int(random.integers(5))]


def scores_of(random: np.random.Generator, count: int, size: int) -> NDArray[np.float32]:
    scores = random.normal(0, random.choice([0.1, 1, 4]), (count, size)).astype(np.float32)
    shape = random.integers(5)
    if shape == 1:  # as after warpers: most are cut off
        scores[random.random((count, size)) < 0.9] = -np.inf
    elif shape == 2:  # many equals
        scores = np.round(scores)
    elif shape == 3:  # ascending: the likeliest stand together
        scores.sort(axis=1)
    elif shape == 4:
        scores[:, 0] += 60
    return scores


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32), top_k=st.sampled_from([0, 1, 2, 20, 64, 500]))
def test_the_compiled_step_does_what_the_plain_one_says(seed: int, top_k: int) -> None:
    random = np.random.default_rng(seed)
    size, count = int(random.choice([1, 2, 31, 64, 65, 700, 4096, 9001])), int(random.integers(1, 5))
    scores = scores_of(random, count, size)
    rows = [
        Row(rules(random), random.integers(0, size, random.integers(0, 12)))
        if random.random() < 0.9
        else None
        for _ in range(count)
    ]
    active = [at for at, row in enumerate(rows) if row is not None and row.context is not None]
    drawn = random.random((len(active), 2))
    changed = scores.copy()
    chosen = mark(rows, changed, top_k=top_k, random=Given(drawn))  # type: ignore[arg-type]
    for at, row in enumerate(rows):
        if row is None or row.context is None:
            assert chosen[at] == -1
            assert np.array_equal(changed[at], scores[at])
            continue
        noise = drawn[active.index(at)]
        said, token = marked(row, scores[at], top_k=top_k, drawn=(noise[0], noise[1]))
        assert chosen[at] == token
        assert np.array_equal(changed[at], said)


@pytest.mark.parametrize("scheme", [Gumbel(3), Tilt(2, delta=30.0)], ids=lambda scheme: scheme.name)
def test_a_step_over_the_whole_vocabulary_is_the_schemes_own_choice(scheme: Any) -> None:
    random = np.random.default_rng(3)
    for _ in range(30):
        tokens, scores = random.integers(0, 300, 8).tolist(), random.normal(0, 2, (1, 300)).astype(np.float32)
        expected = scheme.choose(KEY, tokens, scores[0].copy())
        mark([Row(rule_of(scheme, KEY), tokens)], scores, top_k=300, random=random)
        assert int(np.argmax(scores[0])) == expected


def test_layers_give_each_context_to_its_own_key() -> None:
    scheme, random = LayeredTilt(2, coin=COIN, delta=50.0), np.random.default_rng(4)
    counts = {True: 0, False: 0}
    for _ in range(100):
        tokens, scores = random.integers(0, 300, 5).tolist(), np.zeros((1, 300), np.float32)
        mark([Row(rule_of(scheme, KEY, OTHER), tokens)], scores, top_k=300, random=random)
        whose = KEY if scheme.of_account(tokens) else OTHER
        expected = Tilt(2, delta=50.0).choose(whose, tokens, np.zeros(300))
        assert int(np.argmax(scores[0])) == expected
        counts[scheme.of_account(tokens)] += 1
        alone = np.zeros((1, 300), np.float32)
        mark([Row(rule_of(scheme, KEY), tokens)], alone, random=random)
        assert alone.any() == scheme.of_account(tokens)
    assert min(counts.values()) > 25


LAWS = {
    "flat": np.zeros(40),
    "steep": -0.35 * np.arange(40.0),
    "one far ahead": np.r_[4.0, np.zeros(39)],
    "cut": np.r_[np.zeros(10), np.full(30, -np.inf)],
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("top_k", [1, 3, 10, 64])
def test_averaged_over_keys_the_law_is_the_models(law: str, top_k: int) -> None:
    """Although only the likeliest are keyed: the rest competes, in a race of its own, which makes it exact."""
    draws, logits = 20_000, LAWS[law]
    expected = np.exp(logits - np.logaddexp.reduce(logits))
    random = np.random.default_rng(5)
    pairs = random.integers(1, 2**63, (draws, 2)).tolist()
    rows = [Row(Rule("gumbel", 1, (first, second)), [9]) for first, second in pairs]
    scores = np.tile(logits.astype(np.float32), (draws, 1))
    chosen = mark(rows, scores, top_k=top_k, random=random)
    counts = np.bincount(chosen, minlength=40)
    assert counts[expected == 0].sum() == 0
    kept = expected > 0
    square = ((counts - draws * expected)[kept] ** 2 / (draws * expected[kept])).sum()
    free = kept.sum() - 1
    assert square < free + 5 * math.sqrt(2 * free)
    assert np.array_equal(scores.argmax(axis=1), chosen)
    assert (np.isfinite(scores).sum(axis=1) == 1).all()


def test_the_same_key_gives_the_same_token_wherever_the_rest_is() -> None:
    """What is keyed doesn't depend on chance: two steps differ only where the rest wins."""
    scores = np.zeros((1, 5000), np.float32)
    scores[0, :50] = 12 - 0.1 * np.arange(50)
    row = Row(rule_of(Gumbel(2), KEY), [1, 2])
    found = {int(mark([row], scores.copy(), random=np.random.default_rng(seed))[0]) for seed in range(30)}
    assert len(found) == 1


@pytest.mark.parametrize("scheme", [Gumbel(1), Tilt(1)], ids=lambda scheme: scheme.name)
@pytest.mark.parametrize(
    "odd",
    [
        np.full(100, -np.inf),
        np.r_[np.zeros(70), np.nan, np.zeros(29)],
        np.r_[np.full(99, -np.inf), np.nan],
        np.r_[np.zeros(99), np.inf],
        np.r_[np.full(99, -np.inf), np.inf],
    ],
)
def test_scores_that_are_no_law_are_left_as_they_are(scheme: Any, odd: NDArray[np.float64]) -> None:
    scores = np.stack([odd, np.zeros(100)]).astype(np.float32)
    rows = [Row(rule_of(scheme, KEY), [3]), Row(rule_of(scheme, KEY), [3])]
    chosen = mark(rows, scores, random=np.random.default_rng(0))
    assert chosen[0] == -1
    assert np.array_equal(scores[0], odd.astype(np.float32), equal_nan=True)
    assert (scores[1] != 0).any()  # its neighbour is marked all the same


def test_one_token_that_is_left_is_taken() -> None:
    scores = np.full((1, 100), -np.inf, np.float32)
    scores[0, 42] = -3.5
    assert mark([Row(rule_of(Gumbel(1), KEY), [3])], scores, random=np.random.default_rng(0)).tolist() == [42]
    assert scores[0, 42] == -3.5


def test_scores_of_any_size_are_no_trouble() -> None:
    random = np.random.default_rng(0)
    row = Row(rule_of(Gumbel(1), KEY), [3])
    largest = np.finfo(np.float32).max
    for scores in (
        np.array([[-largest, largest, 0, 3]]),
        np.full((1, 70), -largest),
        np.full((1, 300), 1e-45),
        np.zeros((1, 0)),
    ):
        chosen = mark([row], scores.astype(np.float32), top_k=2, random=random)
        assert -1 <= chosen[0] < max(scores.shape[1], 1)


def test_rows_that_are_not_contiguous_and_batches_for_several_threads() -> None:
    random = np.random.default_rng(0)
    rules = [rule_of(Gumbel(1), KEY), rule_of(Tilt(1), KEY)]
    rows = [Row(rules[at % 2], [at]) for at in range(12)]
    wide = random.normal(0, 2, (12, 100_000)).astype(np.float32)
    plain = wide[:, :99_999].copy()
    strided = wide[:, :99_999]
    drawn = random.random((12, 2))
    first = mark(rows, plain, random=Given(drawn))  # type: ignore[arg-type]
    second = mark(rows, strided, random=Given(drawn))  # type: ignore[arg-type]
    assert np.array_equal(first, second)
    assert np.array_equal(plain, strided)
    single = [
        int(mark([row], strided[at : at + 1].copy(), random=Given(drawn[at : at + 1]))[0])  # type: ignore[arg-type]
        for at, row in enumerate(rows)
        if at % 2 == 0
    ]
    assert single == first[::2].tolist()


def test_several_threads_may_mark_at_once() -> None:
    random = np.random.default_rng(0)
    scores = random.normal(0, 2, (16, 80_000)).astype(np.float32)
    drawn = random.random((16, 2))

    def once(_: int) -> list[int]:
        rows = [Row(rule_of(Gumbel(1), KEY), [at]) for at in range(16)]
        return mark(rows, scores.copy(), random=Given(drawn)).tolist()  # type: ignore[arg-type]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(once, range(12)))
    assert all(each == found[0] for each in found)


@pytest.mark.parametrize(
    ("scores", "rows", "top_k"),
    [
        (np.zeros((1, 9)), 1, 5),
        (np.zeros(9, np.float32), 1, 5),
        (np.zeros((2, 9), np.float32), 1, 5),
        (np.zeros((1, 9), np.float32), 1, -1),
        ([[0.0]], 1, 5),
    ],
)
def test_what_are_no_scores_is_refused(scores: Any, rows: int, top_k: int) -> None:
    with pytest.raises(UsageError):
        mark([Row(rule_of(Gumbel(1), KEY), [3])] * rows, scores, top_k=top_k, random=np.random.default_rng(0))


def test_scores_that_cannot_be_written_are_refused() -> None:
    scores = np.zeros((1, 9), np.float32)
    scores.flags.writeable = False
    with pytest.raises(UsageError):
        mark([Row(rule_of(Gumbel(1), KEY), [3])], scores, random=np.random.default_rng(0))


@pytest.mark.parametrize(
    "scheme",
    [
        Gumbel(3),
        Gumbel(2, prompt_seen=True),
        Tilt(1, delta=2.0),
        Layered(2, coin=COIN),
        LayeredTilt(1, coin=COIN, delta=2.0),
    ],
    ids=lambda scheme: scheme.name,
)
def test_what_is_written_is_read_by_the_scheme(scheme: Any) -> None:
    random = np.random.default_rng(6)
    rows = [Row(rule_of(scheme, KEY), random.integers(0, 400, 6)) for _ in range(4)]
    for _ in range(250):
        scores = random.normal(0, 1.5, (4, 400)).astype(np.float32)
        mark(rows, scores, top_k=40, random=random)
        for row, taken in zip(
            rows, np.argmax(scores + random.gumbel(size=scores.shape), axis=1), strict=True
        ):
            row.append(int(taken))
    for key, written in ((KEY, True), (MarkKey("x", (1, 2)), False)):
        score, count = 0.0, 0
        for row in rows:
            units = scheme.units(np.array(row.tokens), prompt=6)
            values = scheme.values(key, units)[:, 0].astype(float)
            share = None if scheme.null.ones is None else scheme.null.ones / scheme.null.size
            each = -np.log1p(-(values + 0.5) / scheme.null.size) - 1 if share is None else values - share
            score, count = score + each.sum(), count + len(units)
        spread = 1.0 if scheme.null.ones is None else math.sqrt(share * (1 - share))  # type: ignore[operator]
        far = score / spread / math.sqrt(count)
        assert far > 8 if written else abs(far) < 4
