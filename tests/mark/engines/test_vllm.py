"""vLLM's marks: its golden vectors bit for bit, and what is scored of an answer and what isn't."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.errors import ConfigurationError, UsageError
from headwater.mark.engines.vllm import DualKey, Gumbel, dual_key, gumbel
from headwater.mark.engines.vllm_function import SIZE, derived_key, mantissas, uniforms
from headwater.mark.scheme import MarkKey, Units

RECORDED = json.loads((Path(__file__).parents[2] / "vectors/marks/vllm.json").read_text("utf-8"))
GOLDENS = {entry["name"]: entry for entry in RECORDED["goldens"]}


def key(*numbers: int) -> MarkKey:
    return MarkKey("k", numbers)


def units(context: list[list[int]], token: list[int]) -> Units:
    count = np.arange(len(token))
    return Units(np.array(context), np.array(token), count, np.ones_like(count), len(token))


def scheme_of(golden: dict[str, Any], **changed: Any) -> Gumbel:
    width = golden["width"]
    if golden["scheme"] == "gumbel":
        return Gumbel(width, **changed)
    return DualKey(width, **changed, alpha=golden["detection"]["alpha"])


def score(scheme: Gumbel, secret: MarkKey, tokens: list[int], prompt: int = 0) -> tuple[int, float]:
    """What vLLM's detector adds up: how many tokens it scores, and their sum."""
    found = scheme.units(np.array(tokens), prompt=prompt)
    scores = -np.log1p(-uniforms(scheme.values(secret, found)).astype(np.float64))
    weights = [1 - scheme.alpha, scheme.alpha] if isinstance(scheme, DualKey) else [1.0]
    return int(found.times.sum()), float(found.times @ (scores @ weights))


def test_the_published_values() -> None:
    known = RECORDED["prf"]
    for context, expected in zip(known["contexts"], known["mantissas"], strict=True):
        found = Gumbel(4).values(key(known["key"]), units([context] * 2, known["tokens"]))
        assert found[:, 0].tolist() == expected


@pytest.mark.parametrize("name", GOLDENS)
def test_the_detectors_score(name: str) -> None:
    golden = GOLDENS[name]
    scheme = scheme_of(golden, dedup="single_turn" if golden["detection"]["dedup"] else "none")
    count, total = score(scheme, key(golden["detection_key"]), golden["tokens"])
    assert count == golden["detection"]["scored"]
    assert total == pytest.approx(golden["detection"]["score"], rel=1e-9)


@pytest.mark.parametrize("name", [name for name in GOLDENS if "dual" in name])
def test_the_two_keys(name: str) -> None:
    golden = GOLDENS[name]
    assert derived_key(golden["key"], b"key_a") == golden["derived_keys"]["key_a"]
    assert derived_key(golden["key"], b"key_b") == golden["derived_keys"]["key_b"]


def fixture_logits(fixture: dict[str, Any], position: int) -> np.ndarray[Any, Any]:
    values = (np.arange(fixture["vocabulary_size"]) * 37 + position * 17) % fixture["logit_modulus"] - 56
    if fixture["dominant_token"] is not None:
        values[fixture["dominant_token"]] += fixture["dominant_bias"]
    return values.astype(np.float32) / np.float32(fixture["logit_denominator"])


def repeated(golden: dict[str, Any], answer: list[int]) -> bool:
    """Whether the engine leaves the next token unmarked, told naively."""
    scope, width, most = golden["generation"]["dedup"], golden["width"], golden["generation"]["max_history"]
    if scope == "none":
        return False
    before = golden["fixture"]["prompt"] if scope == "all" else []
    if scope == "all" and len(answer) < width:
        return True
    history = [-1] * width + before + answer
    now = ([-1] * width + answer)[-width:]
    places = list(range(len(before) + len(answer)))[-(most or len(history)) :]
    return any(history[place : place + width] == now for place in places)


@pytest.mark.parametrize("name", GOLDENS)
def test_the_tokens_that_its_sampler_took(name: str) -> None:
    golden = GOLDENS[name]
    fixture, scheme = golden["fixture"], scheme_of(golden)
    alpha = golden["generation"]["alpha"]
    odds = (
        np.exp(np.log(np.array([1 - alpha, alpha], np.float32)))
        if 0 < alpha < 1
        else np.array([1 - alpha, alpha])
    )
    answer: list[int] = []
    for position in range(fixture["num_tokens"]):
        logits = fixture_logits(fixture, position)
        if isinstance(scheme, DualKey):
            drawn = RECORDED["routing_uniforms"][position % len(RECORDED["routing_uniforms"])]
            second = bool(odds[0] / odds.sum() <= drawn)
            token = scheme.choose(key(golden["key"]), answer, logits, second=second)
        else:
            token = scheme.choose(key(golden["key"]), answer, logits)
        answer.append(int(logits.argmax()) if repeated(golden, answer) else token)
    assert answer == golden["tokens"]


@settings(max_examples=60, deadline=None)
@given(width=st.integers(1, 10), secret=st.integers(0, 2**64 - 1), seed=st.integers(0, 1000))
def test_compiled_and_plain_agree(width: int, secret: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    count = int(random.integers(0, 1100))
    context = random.integers(-1, 2**32, (count, width))
    found = units(
        context.reshape(count, width).tolist() or np.zeros((0, width), np.int64),
        list(random.integers(0, 2**32, count)),
    )
    assert np.array_equal(
        Gumbel(width).values(key(secret), found)[:, 0], mantissas(found.context, found.token, secret)
    )


def test_no_number_is_zero_or_one() -> None:
    assert 0 < float(uniforms(np.uint32(0))) < float(uniforms(np.uint32(SIZE - 1))) < 1


def test_the_prompt_is_neither_scored_nor_context() -> None:
    answer = RECORDED["marked"]["tokens"]
    alone = Gumbel().units(np.array(answer))
    after = Gumbel().units(np.array([9, 9, 9, *answer]), prompt=3)
    assert np.array_equal(alone.context, after.context)
    assert np.array_equal(alone.position + 3, after.position)


def test_an_excerpt_has_no_first_context() -> None:
    answer = RECORDED["marked"]["tokens"]
    assert Gumbel(whole=False).units(np.array(answer)).position[0] == 4
    assert Gumbel(dedup="all").units(np.array(answer)).position[0] == 4


def test_contexts_that_the_prompt_shows_are_left_out_where_the_engine_left_them_unmarked() -> None:
    tokens = np.array([1, 2, 3, 4, 1, 2, 3])
    assert Gumbel(1, dedup="all").units(tokens, prompt=4).position.tolist() == []
    assert Gumbel(1).units(tokens, prompt=4).position.tolist() == [4, 5, 6]


def test_marked_text_stands_out_and_other_text_does_not() -> None:
    marked = RECORDED["marked"]
    count, total = score(Gumbel(), key(marked["key"]), marked["tokens"])
    assert total > count + 6 * math.sqrt(count)
    count, total = score(Gumbel(), key(marked["key"]), list(range(64)))
    assert abs(total - count) < 3 * math.sqrt(count)


def test_values_fall_evenly() -> None:
    random = np.random.default_rng(1)
    found = Gumbel().values(key(77), Gumbel().units(random.integers(0, 128_000, 200_000)))[:, 0]
    counts = np.bincount(found >> 16, minlength=256)
    expected = len(found) / 256
    assert ((counts - expected) ** 2 / expected).sum() < 255 + 5 * math.sqrt(510)


@pytest.mark.parametrize("numbers", [(), (1, 2), (-1,), (2**64,)])
def test_a_key_that_isnt_one_is_refused(numbers: tuple[int, ...]) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Gumbel().values(MarkKey("customer", numbers), units([[1, 2, 3, 4]], [5]))
    assert all(str(number) not in str(refused.value) for number in numbers if abs(number) > 9)


@pytest.mark.parametrize(
    "config", [{"width": 0}, {"width": 65}, {"width": "4"}, {"width": True}, {"dedup": "some"}, {"seed": 1}]
)
def test_a_setting_that_isnt_one_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as refused:
        gumbel(config)
    assert next(iter(config)) in str(refused.value)


def test_settings_of_a_keyring() -> None:
    assert gumbel({"width": 2, "dedup": "none", "whole": False}) == Gumbel(2, "none", False)
    assert dual_key({"alpha": 1}).alpha == 1
    with pytest.raises(ConfigurationError):
        dual_key({"alpha": 1.5})


def test_hostile_tokens() -> None:
    for tokens in ([-5], [2**40]):
        with pytest.raises(UsageError):
            Gumbel().units(np.array(tokens))
    assert Gumbel().values(key(1), Gumbel().units(np.array([], np.int64))).shape == (0, 1)
    with pytest.raises(UsageError):
        Gumbel(2).values(key(1), Gumbel(3).units(np.arange(9)))
    assert DualKey().values(key(1), DualKey().units(np.array([3]))).shape == (1, 2)
