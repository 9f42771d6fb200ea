"""Answers are written as their scheme's own rule has it, at the entropy that was asked for, and without torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from headwater.errors import UsageError
from headwater.mark import MarkKey, load_proxy
from headwater.mark.bench import entrant, rules
from headwater.mark.bench.cached_gpt import CachedGPT
from headwater.mark.bench.laws import CountedTexts, MadeLaws, Model
from headwater.mark.bench.pen import Plain, SchemePen, drawn, kind_of, next_context
from headwater.mark.bench.writing import Sharpening, fitted, write
from headwater.mark.own import Gumbel
from headwater.mark.proxy import GPT, counted
from mark.bench.small import MODEL

SIZE = 300
OWN = ("headwater-gumbel", "headwater-tilt", "vllm-gumbel", "sglang-gumbel")


def random_laws(rows: int, seed: int) -> np.ndarray:
    logits = np.random.default_rng(seed).gumbel(size=(rows, SIZE)) * 2
    return np.exp(logits) / np.exp(logits).sum(1, keepdims=True)


@pytest.fixture(scope="module")
def gpt() -> GPT:
    found = load_proxy(MODEL)
    assert isinstance(found, GPT)
    return found


@pytest.mark.parametrize("name", ["headwater-gumbel", "vllm-gumbel", "sglang-gumbel"])
def test_the_race_gives_what_the_schemes_own_choose_gives(name: str) -> None:
    scheme = entrant(name, {}, SIZE).scheme
    random = np.random.default_rng(0)
    keys = [scheme.random_key(random) for _ in range(40)]
    text = random.integers(1, SIZE, (40, 12))
    laws = random_laws(40, 1)
    chosen, marked = SchemePen(scheme, keys, random).choose(laws, text, 0)
    assert marked.all()
    for row, key in enumerate(keys):
        assert chosen[row] == scheme.choose(key, text[row].tolist(), np.log(laws[row]))  # type: ignore[attr-defined]


def test_a_tilt_makes_green_tokens_as_likely_as_it_says() -> None:
    made = entrant("headwater-tilt", {"gamma": 0.5, "delta": 1.0}, SIZE)
    random = np.random.default_rng(0)
    key = made.scheme.random_key(random)
    rows = 600
    text = np.tile(random.integers(1, SIZE, 5), (rows, 1))
    law = random_laws(1, 2)
    chosen, _ = SchemePen(made.scheme, [key] * rows, random).choose(np.repeat(law, rows, 0), text, 0)
    every = np.append(text[0], 0)[None].repeat(SIZE, 0)
    every[:, -1] = np.arange(SIZE)
    units = [made.scheme.units(line) for line in every]
    green = np.array([int(made.scheme.values(key, found)[-1, 0]) for found in units])
    wanted = rules.tilt(law[0], green, 1.0)
    share = (wanted * green).sum() / wanted.sum()
    assert abs(green[chosen].mean() - share) < 5 * np.sqrt(share * (1 - share) / rows)


def test_the_tournament_keeps_the_law_over_keys_and_prefers_ones() -> None:
    made = entrant("synthid", {}, SIZE)
    random = np.random.default_rng(0)
    rows = 500
    keys = [made.scheme.random_key(random) for _ in range(rows)]
    text = np.tile(random.integers(1, SIZE, 6), (rows, 1))
    law = random_laws(1, 3)
    chosen, _ = SchemePen(made.scheme, keys, random).choose(np.repeat(law, rows, 0), text, 0)
    top = int(law.argmax())
    share = float(law[0, top])
    assert abs((chosen == top).mean() - share) < 5 * np.sqrt(share * (1 - share) / rows)
    whole = np.concatenate([text, chosen[:, None]], 1)
    bits = [
        made.scheme.values(key, made.scheme.units(line))[-1].mean()
        for key, line in zip(keys, whole, strict=True)
    ]
    assert np.mean(bits) > 0.53


def test_a_race_keeps_the_law_over_keys() -> None:
    scheme = Gumbel(width=2)
    random = np.random.default_rng(0)
    rows = 600
    keys = [scheme.random_key(random) for _ in range(rows)]
    law = random_laws(1, 4)
    text = np.tile(random.integers(1, SIZE, 6), (rows, 1))
    chosen, _ = SchemePen(scheme, keys, random).choose(np.repeat(law, rows, 0), text, 0)
    top = int(law.argmax())
    share = float(law[0, top])
    assert abs((chosen == top).mean() - share) < 5 * np.sqrt(share * (1 - share) / rows)


def test_repeated_contexts_and_the_first_tokens_are_as_the_scheme_has_them() -> None:
    text = np.array([5, 6, 7, 5, 6])
    assert next_context(Gumbel(width=2), text, 0, SIZE) is None, "5 6 was seen before"
    assert np.array_equal(next_context(Gumbel(width=2), text[:4], 0, SIZE), [7, 5])
    assert next_context(Gumbel(width=4), text[:3], 3, SIZE) is None, "too few tokens"
    vllm = entrant("vllm-gumbel", {}, SIZE).scheme
    assert np.array_equal(next_context(vllm, text[:3], 3, SIZE), [-1] * 4), "an answer begins with nothing"
    kgw = entrant("kgw", {}, SIZE).scheme
    assert np.array_equal(next_context(kgw, text, 0, SIZE), [6]), "a tilt marks repetitions, too"
    assert next_context(kgw, np.array([5, 0]), 0, SIZE) is None


def test_both_layers_are_written_and_each_is_read_under_its_own_key() -> None:
    made = entrant("headwater-layered", {}, 8192)
    random = np.random.default_rng(0)
    keys = [made.scheme.random_key(random) for _ in range(2)]
    pen = made.pen(keys, random)
    source = MadeLaws(2.0)
    found = write(source, pen, np.ones((2, 4), np.int64), 300, Sharpening())
    assert found.marked.mean() > 0.95
    for answer, key, other in zip(found.answers, keys, pen.others, strict=True):  # type: ignore[attr-defined]
        (log_p,) = made.log_ps([(answer, [key, other])])
        assert log_p[0] < -20
        assert log_p[1] > -7
        assert len(made.scheme.units(answer)) < 200


def test_dual_keys_race_under_both() -> None:
    made = entrant("vllm-dual-key", {"alpha": 0.5}, 8192)
    random = np.random.default_rng(0)
    key = made.scheme.random_key(random)
    found = write(MadeLaws(2.0), made.pen([key], random), np.ones((1, 4), np.int64), 300, Sharpening())
    values = made.scheme.values(key, made.scheme.units(found.answers[0]))
    assert (values.mean(0) > 0.6 * made.scheme.null.size).all()


class Own:
    """Another package's scheme: a Gumbel race that takes the law's second token, so that its `choose` is seen."""

    name, width, streams, card = "own", 1, 1, {"checked against": "nothing"}
    inner = Gumbel(width=1)
    null = inner.null

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def choose(self, key: MarkKey, tokens: list[int], logits: np.ndarray) -> int:
        assert isinstance(tokens[0], int)
        return int(np.argsort(logits)[-2])


def test_another_packages_scheme_is_written_by_its_own_choose() -> None:
    own: Any = Own()
    assert kind_of(own) == "own"
    random = np.random.default_rng(0)
    laws = random_laws(3, 5)
    chosen, _ = SchemePen(own, [own.random_key(random)] * 3, random).choose(
        laws, np.full((3, 4), 9) + np.arange(4), 0
    )
    assert np.array_equal(chosen, np.argsort(laws, 1)[:, -2])


def test_a_scheme_that_nobody_can_write_is_told() -> None:
    from dataclasses import dataclass

    from headwater.mark import Null

    @dataclass
    class Odd:
        name: str = "odd"
        streams: int = 1
        null: Null = Null(7)  # noqa: RUF009

    odd: Any = Odd()
    with pytest.raises(UsageError, match="how odd is written"):
        kind_of(odd)


def test_plain_answers_follow_their_law() -> None:
    law = np.array([0.0, 0.5, 0.3, 0.0, 0.2])
    found = Counter(drawn(np.tile(law, (20_000, 1)), np.random.default_rng(0)).tolist())
    assert set(found) == {1, 2, 4}
    assert abs(found[1] / 20_000 - 0.5) < 0.02


def test_the_cache_says_what_the_proxy_says(gpt: GPT) -> None:
    tokens = np.random.default_rng(0).integers(1, gpt.tokens, 60)
    read = gpt.at(0.7).read(tokens)
    stream = CachedGPT(gpt.at(0.7), tokens[None, :1])
    for place in range(1, len(tokens)):
        logits = stream.logits()[0].astype(float)
        logs = logits - logits.max() - np.log(np.exp(logits - logits.max()).sum())
        assert abs(logs[tokens[place]] - read.log_chance[place]) < 2e-3
        stream.append(tokens[place : place + 1])


def test_the_cache_goes_on_beyond_its_window(gpt: GPT) -> None:
    prompts = np.random.default_rng(0).integers(1, gpt.tokens, (2, gpt.window - 3))
    found = write(Model(gpt), Plain(np.random.default_rng(0)), prompts, 30, Sharpening(0.6))
    assert np.isfinite(found.entropy).all()
    assert 0.3 < found.entropy.mean() < 6


def test_counts_give_the_law_that_they_read(gpt: GPT) -> None:
    texts = [np.random.default_rng(seed).zipf(1.5, 400) % 50 for seed in range(3)]
    counts = counted([text.astype(np.int64) for text in texts], 50, order=3)
    text = texts[0][:40].astype(np.int64)
    read = counts.read(text)
    for place in (0, 1, 2, 17, 39):
        law = counts.law(text[:place])
        assert abs(law.sum() - 1) < 1e-9
        assert abs(np.log(law[text[place]]) - read.log_chance[place]) < 1e-9
    stream = CountedTexts(counts).begin(text[None, :5])
    stream.append(text[5:6])
    assert np.allclose(np.exp(stream.logits()[0]), counts.law(text[:6]))


@pytest.mark.parametrize("entropy", [0.3, 1.0, 2.5])
def test_made_laws_have_the_entropy_that_was_asked_for(entropy: float) -> None:
    found = write(
        MadeLaws(entropy), Plain(np.random.default_rng(0)), np.ones((20, 2), np.int64), 60, Sharpening()
    )
    assert abs(found.entropy.mean() - entropy) < 0.12 * entropy


def test_the_temperature_is_found_for_an_entropy(gpt: GPT) -> None:
    prompts = np.random.default_rng(0).integers(1, gpt.tokens, (6, 8))
    cold, warm = (fitted(Model(gpt), prompts, entropy) for entropy in (0.7, 2.4))
    assert cold.temperature < warm.temperature
    found = write(Model(gpt), Plain(np.random.default_rng(1)), prompts, 60, warm)
    assert abs(found.entropy.mean() - 2.4) < 0.5


def test_top_p_leaves_the_smallest_set_that_holds_it() -> None:
    law = np.log(np.array([[0.5, 0.3, 0.15, 0.05]]))
    assert np.allclose(Sharpening(1.0, 0.7)(law), [[0.625, 0.375, 0, 0]])
    assert np.allclose(Sharpening(0.5)(law)[0, 0], 0.25 / 0.365)


def test_settings_are_filled_in_where_a_scheme_needs_them() -> None:
    config: Mapping[str, Any] = {"delta": 1.5, "gamma": 0.25}
    made = entrant("kgw", config, 500)
    assert made.delta == 1.5
    assert made.scheme.null.size == 500
    assert made.label == "kgw delta=1.5 gamma=0.25"
    assert entrant("unigram", {}, 500).label == "unigram delta=2"
    for name, wrong in (
        ("vllm-gumbel", {"delta": 1.0}),
        ("kgw", {"delta": "much"}),
        ("kgw", {"deltas": 1.0}),
    ):
        with pytest.raises(UsageError):
            entrant(name, wrong, 500)
