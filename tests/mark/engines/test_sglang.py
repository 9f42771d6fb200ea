"""SGLang's mark: its detector's hashes, coins and scores bit for bit, and the tokens of its PyTorch selector."""

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
from headwater.mark.engines.sglang import Gumbel, gumbel, selected
from headwater.mark.engines.sglang_function import (
    ADDED,
    C1,
    C2,
    F1,
    F2,
    SIZE,
    WORD,
    coins,
    context_hashes,
    hashes,
    mixed,
    spread,
)
from headwater.mark.scheme import MarkKey, Units

RECORDED = json.loads((Path(__file__).parents[2] / "vectors/marks/sglang.json").read_text("utf-8"))
CASES = RECORDED["cases"]


def named(case: dict[str, Any]) -> str:
    return f"width {case['width']}, {'two keys' if case['key_b'] else 'one key'}, {case['mixing']}"


def key(*numbers: str) -> MarkKey:
    return MarkKey("k", tuple(int(number, 16) for number in numbers if number))


def scheme_of(case: dict[str, Any]) -> Gumbel:
    return Gumbel(case["width"], case["mixing"] if case["key_b"] else None)


def score(scheme: Gumbel, secret: MarkKey, tokens: Any, prompt: int = 0) -> tuple[int, float]:
    """What SGLang's detector adds up: over how many contexts, and the sum."""
    found = scheme.units(np.array(tokens), prompt=prompt)
    uniform = (scheme.values(secret, found)[:, 0] + 0.5) / SIZE
    return len(found), float(-np.log1p(-uniform).sum())


def test_hashes_and_coins() -> None:
    second = int("fedcba9876543210", 16)
    for entry in RECORDED["hashes"]:
        context = np.array([entry["context"]], np.int64).reshape(1, -1)
        place = context_hashes(context)
        number = int(entry["key"].removeprefix("0x"), 16)
        assert place.tolist() == [entry["hash"]]
        assert hashes(place, np.array([entry["token"]]), number).tolist() == [entry["value"]]
        assert coins(place, number, second).tolist() == [entry["coin"]]
        if context.size:
            unit = Units(context, np.array([entry["token"]]), np.array([0]), np.array([1]), 1)
            assert Gumbel(context.size).values(MarkKey("k", (number,)), unit).tolist() == [[entry["value"]]]


@pytest.mark.parametrize("case", CASES, ids=named)
def test_the_detectors_score(case: dict[str, Any]) -> None:
    secret = key(case["key"], case["key_b"])
    tokens, prompt = case["tokens"], case["prompt"]
    for text, given_, expected in (
        (prompt + tokens, len(prompt), case["with_prompt"]),
        (tokens, 0, case["without_prompt"]),
    ):
        count, total = score(scheme_of(case), secret, text, given_)
        assert count == expected["contexts"]
        assert total == pytest.approx(expected["score"], rel=1e-12)


def test_no_more_contexts_than_the_engine_marks() -> None:
    tokens = [i * i % 5003 for i in range(9000)]
    expected = RECORDED["long"]["found"]
    assert score(Gumbel(), key(RECORDED["long"]["key"]), [1, *tokens], 1) == (
        expected["contexts"],
        pytest.approx(expected["score"], rel=1e-12),
    )
    assert expected["contexts"] == 4096
    assert len(Gumbel(contexts=0).units(np.arange(9000))) == 8996


@pytest.mark.parametrize("case", CASES, ids=named)
def test_the_tokens_that_its_selector_took(case: dict[str, Any]) -> None:
    scheme, secret = scheme_of(case), key(case["key"], case["key_b"])
    tokens, seen = list(case["prompt"]), set()
    for position in range(len(case["tokens"])):
        context = tuple(tokens[-case["width"] :])
        logits = (((np.arange(case["size"]) * 37 + position * 17) % 131 - 56) / 16).astype(np.float32)
        tokens.append(int(logits.argmax()) if context in seen else scheme.choose(secret, context, logits))
        seen.add(context)
    assert tokens[len(case["prompt"]) :] == case["tokens"]


def test_the_largest_hashes_are_no_certainties() -> None:
    values, expected = (np.array(column) for column in zip(*RECORDED["logs"], strict=True))
    found = selected(values.astype(np.uint32), np.ones(len(values), np.float32))
    assert np.allclose(found, expected, rtol=3e-7, atol=0)
    assert (found < 0).all()


@settings(max_examples=60, deadline=None)
@given(
    width=st.integers(1, 9),
    numbers=st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=2),
    mixing=st.floats(0.001, 0.999),
    seed=st.integers(0, 1000),
)
def test_compiled_and_plain_agree(width: int, numbers: list[int], mixing: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    count = int(random.integers(0, 1100))
    context = random.integers(0, 2**32, (count, width))
    context[np.arange(width) < random.integers(0, width + 1, count)[:, None]] = -1
    token = random.integers(0, 2**32, count)
    places = context_hashes(context)
    expected = hashes(places, token, numbers[0])
    if len(numbers) == 2:
        first = coins(places, *numbers) < int(mixing * SIZE)
        expected = np.where(first, expected, hashes(places, token, numbers[1]))
    scheme = Gumbel(width, mixing if len(numbers) == 2 else None)
    found = scheme.values(MarkKey("k", tuple(numbers)), Units(context, token, token, token, count))
    assert np.array_equal(found[:, 0], expected)


def test_the_prompt_is_context_and_not_scored() -> None:
    tokens = np.arange(10)
    assert Gumbel().units(tokens).position.tolist() == [4, 5, 6, 7, 8, 9]
    assert Gumbel().units(tokens, prompt=6).position.tolist() == [6, 7, 8, 9]
    short = Gumbel().units(tokens, prompt=2)
    assert short.position.tolist() == [2, 3, 4, 5, 6, 7, 8, 9]
    assert short.context[0].tolist() == [-1, -1, 0, 1]


def turned(word: int, bits: int) -> int:
    return (word << bits | word >> (32 - bits)) & WORD


def unspread(value: int) -> int:
    """The word that is spread to `value`."""
    return turned(value * pow(C2, -1, SIZE) & WORD, 17) * pow(C1, -1, SIZE) & WORD


def meeting(count: int, vocabulary: int = 2**32 - 1) -> list[list[int]]:
    """Contexts of four tokens that have one hash."""
    random, found = np.random.default_rng(5), []
    before = turned((12345 - ADDED) * pow(5, -1, SIZE) & WORD, 19)
    while len(found) < count:
        three = random.integers(0, vocabulary, 3).tolist()
        state = np.uint64(0)
        for token in three:
            state = mixed(state, token)
        last = unspread(int(state) ^ before)
        if last < vocabulary:
            found.append([*three, last])
    return found


def test_contexts_that_meet_in_one_hash_are_one() -> None:
    contexts = meeting(60)
    assert len(set(context_hashes(np.array(contexts)).tolist())) == 1
    tokens = [token for context in contexts for token in (*context, 777)]
    found = Gumbel().units(np.array(tokens))
    assert found.context.tolist().count(contexts[0]) == 1
    assert not any(context in found.context.tolist() for context in contexts[1:])
    values = Gumbel().values(key("4d"), found)[:, 0]
    assert len(set(values.tolist())) == len(found)
    assert len(Gumbel(contexts=8).units(np.array(tokens))) == 8


@pytest.mark.parametrize("numbers", [(5,), (2**64 - 1,), (0x1234_5678_9ABC_DEF0,)])
def test_pairs_with_one_value_under_every_key_are_one_unit(numbers: tuple[int, ...]) -> None:
    tokens = []
    random = np.random.default_rng(6)
    token = int(random.integers(2**32 - 1))
    for last in (token, unspread(int(spread(token)) ^ 1 << 31)):
        hash_ = 99 if last == token else unspread(int(spread(99)) ^ 1 << 18)
        tokens += [context_with(hash_), last]
    units = Units(np.array([[tokens[0]], [tokens[2]]]), np.array(tokens[1::2]), *(np.array([0, 1]),) * 2, 4)
    first, second = Gumbel(1).values(MarkKey("k", numbers), units)[:, 0].tolist()
    assert first == second
    found = Gumbel(1).units(np.array(tokens))
    assert found.token.tolist() == [tokens[1], tokens[2]]


def context_with(hash_: int) -> int:
    """The token that alone is a context with this hash."""
    state = hash_ ^ hash_ >> 16
    for multiplier, bits in ((F2, 13), (F1, 16)):
        state = mixed_up = state * pow(multiplier, -1, SIZE) & WORD
        for _ in range(3):
            state = mixed_up ^ state >> bits
    return unspread(turned(((state ^ 4) - ADDED) * pow(5, -1, SIZE) & WORD, 19))


def test_values_fall_evenly() -> None:
    random = np.random.default_rng(1)
    scheme = Gumbel(contexts=0)
    found = scheme.values(key("4d"), scheme.units(random.integers(0, 128_000, 200_000)))[:, 0]
    counts = np.bincount(found >> 24, minlength=256)
    expected = len(found) / 256
    assert ((counts - expected) ** 2 / expected).sum() < 255 + 5 * math.sqrt(510)


@pytest.mark.parametrize(("mixing", "numbers"), [(None, (1, 2)), (0.5, (1,)), (None, ()), (None, (2**64,))])
def test_a_key_that_isnt_one_is_refused(mixing: float | None, numbers: tuple[int, ...]) -> None:
    scheme = Gumbel(2, mixing)
    with pytest.raises(ConfigurationError):
        scheme.values(MarkKey("k", numbers), scheme.units(np.arange(5)))


@pytest.mark.parametrize(
    "config", [{"width": 0}, {"mixing": 0.0}, {"mixing": "half"}, {"contexts": -1}, {"keys": 2}]
)
def test_a_setting_that_isnt_one_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as refused:
        gumbel(config)
    assert next(iter(config)) in str(refused.value)


def test_settings_of_a_keyring() -> None:
    assert gumbel({"width": 2, "mixing": 0.5}) == Gumbel(2, 0.5)
    assert gumbel({}) == Gumbel()


def test_hostile_tokens() -> None:
    with pytest.raises(UsageError):
        Gumbel().units(np.array([-5]))
    assert Gumbel().values(key("1"), Gumbel().units(np.array([], np.int64))).shape == (0, 1)
    with pytest.raises(UsageError):
        Gumbel(2).values(key("1"), Gumbel(3).units(np.arange(9)))


def test_what_has_one_value_under_every_key_has_one_number() -> None:
    """By the specification: contexts of one hash, and units that have one value under every key."""
    from headwater.mark.engines.kernel.sglang import alike
    from headwater.mark.engines.sglang_function import spread

    random = np.random.default_rng(3)
    context = random.integers(-1, 300, (5000, 4))
    context[2500:] = context[:2500]
    out = np.empty(5000, np.int64)
    alike(np.ascontiguousarray(context.T), np.zeros(5000, np.int64), out)
    places = spread(context_hashes(context)).astype(np.int64) & ~(1 << 18)
    assert np.array_equal(out, places)
