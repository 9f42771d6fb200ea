"""Our own marks: SipHash's known answers, our recorded values, the green list, layers, keys of accounts, samplers."""

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
from headwater.mark.own import (
    Gumbel,
    Layered,
    LayeredTilt,
    Tilt,
    account_key,
    coin_of,
    gumbel,
    layered,
    layered_tilt,
    tilt,
)
from headwater.mark.own.function import GUMBEL, SIZE, TILT, seed_of, values_of
from headwater.mark.own.kernel import seeds
from headwater.mark.scheme import MarkKey, Units
from headwater.siphash import siphash

VECTORS = Path(__file__).parents[2] / "vectors/marks"
KEY = MarkKey("k", (0x0706050403020100, 0x0F0E0D0C0B0A0908))
COIN = (11, 12)


def units(context: Any, token: Any) -> Units:
    count = np.arange(len(token))
    return Units(
        np.asarray(context, np.int64), np.asarray(token, np.int64), count, np.ones_like(count), len(token)
    )


def test_siphash_known_answers() -> None:
    known = json.loads((VECTORS / "siphash.json").read_text("utf-8"))["siphash-2-4"]
    for length, expected in enumerate(known):
        found = siphash(*KEY.numbers, bytes(range(length)), 2, 4)
        assert found.to_bytes(8, "little").hex() == expected
        if length % 4 == 0:
            context = np.frombuffer(bytes(range(length)), "<u4").astype(np.int64)[:, None]
            out = np.empty(1, np.uint64)
            seeds(context, np.array(KEY.numbers, np.uint64), out)
            assert out.tolist() == [found]


def test_values_never_change() -> None:
    for entry in json.loads((VECTORS / "own.json").read_text("utf-8"))["values"]:
        found = Gumbel(len(entry["context"])).words(
            MarkKey("k", tuple(entry["key"])), units([entry["context"]], [entry["token"]])
        )
        assert found.tolist() == [entry["gumbel"]]
        found = Tilt(len(entry["context"])).words(
            MarkKey("k", tuple(entry["key"])), units([entry["context"]], [entry["token"]])
        )
        assert found.tolist() == [entry["tilt"]]


@settings(max_examples=25, deadline=None)
@given(width=st.integers(1, 9), seed=st.integers(0, 1000), use=st.sampled_from([GUMBEL, TILT]))
def test_compiled_and_plain_agree(width: int, seed: int, use: int) -> None:
    random = np.random.default_rng(seed)
    count = int(random.integers(0, 20)) + int(random.choice([0, 500]))
    context, token = random.integers(0, 2**32, (count, width)), random.integers(0, 2**32, count)
    scheme = Gumbel(width) if use == GUMBEL else Tilt(width)
    secret = scheme.random_key(random)
    made = np.array([seed_of(row, secret.numbers) for row in context], np.uint64)  # type: ignore[arg-type]
    assert np.array_equal(scheme.words(secret, units(context, token)), values_of(made, token, use))


def test_long_contexts_differ_in_every_token() -> None:
    context = np.arange(64)
    whole = seed_of(context, KEY.numbers)  # type: ignore[arg-type]
    for place in range(64):
        other = context.copy()
        other[place] += 1
        assert seed_of(other, KEY.numbers) != whole  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "scheme", [Gumbel(), Tilt(), Layered(coin=COIN), LayeredTilt(coin=COIN)], ids=lambda scheme: scheme.name
)
def test_values_fall_as_the_null_says(scheme: Any) -> None:
    random = np.random.default_rng(4)
    found = scheme.units(random.integers(0, 128_000, 200_000))
    values = scheme.values(scheme.random_key(random), found)[:, 0]
    if scheme.null.ones is None:
        counts = np.bincount(values >> 24, minlength=256)
        expected = len(values) / 256
        assert ((counts - expected) ** 2 / expected).sum() < 255 + 5 * math.sqrt(510)
    else:
        share = scheme.null.ones / scheme.null.size
        assert abs(values.mean() - share) < 5 * math.sqrt(share * (1 - share) / len(values))


def sampled(scheme: Any, secret: MarkKey, count: int, size: int = 50) -> list[int]:
    """Tokens drawn by the scheme's sampler; a context that was seen is left unmarked."""
    random = np.random.default_rng(9)
    tokens, seen = list(random.integers(0, size, scheme.width)), set()
    for _ in range(count):
        logits = random.normal(0, 1.5, size)
        context = tuple(tokens[-scheme.width :])
        if isinstance(scheme, Tilt):
            tokens.append(scheme.choose(secret, tokens, logits, random))
        elif context in seen:
            tokens.append(int(np.argmax(logits + random.gumbel(size=size))))
        else:
            tokens.append(scheme.choose(secret, tokens, logits))
        seen.add(context)
    return tokens


def test_what_the_sampler_marks_the_reader_reads() -> None:
    scheme, other = Gumbel(2), MarkKey("other", (5, 6))
    found = scheme.units(np.array(sampled(scheme, KEY, 400)))
    for secret, marked in ((KEY, True), (other, False)):
        scores = -np.log1p(-(scheme.values(secret, found)[:, 0] + 0.5) / SIZE)
        far = (scores.sum() - len(found)) / math.sqrt(len(found))
        assert far > 12 if marked else abs(far) < 4


def test_a_green_list_is_read() -> None:
    scheme = Tilt(1, gamma=0.3, delta=2.0)
    found = scheme.units(np.array(sampled(scheme, KEY, 400)))
    for secret, marked in ((KEY, True), (MarkKey("other", (5, 6)), False)):
        green = scheme.values(secret, found)[:, 0]
        far = (green.sum() - 0.3 * len(found)) / math.sqrt(0.21 * len(found))
        assert far > 8 if marked else abs(far) < 4


def test_a_green_list_works_where_the_likeliest_is_taken() -> None:
    logits = np.zeros(200)
    token = Tilt(2, delta=1.0).choose(KEY, [3, 4], logits)
    assert Tilt(2).values(KEY, units([[3, 4]], [token])).tolist() == [[1]]


def test_the_distortion_free_mark_leaves_the_law_as_it_is() -> None:
    random = np.random.default_rng(2)
    logits = np.log(np.array([0.5, 0.3, 0.15, 0.05]))
    scheme = Gumbel(1)
    taken = [scheme.choose(scheme.random_key(random), [7], logits) for _ in range(1500)]
    share = np.bincount(taken, minlength=4) / 1500
    assert np.abs(share - [0.5, 0.3, 0.15, 0.05]).max() < 0.05


@pytest.mark.parametrize(("kind", "whole"), [(Layered, Gumbel), (LayeredTilt, Tilt)])
def test_layers_divide_the_units_between_them(kind: Any, whole: Any) -> None:
    tokens = np.random.default_rng(1).integers(0, 1000, 20_000)
    account, master = (kind(coin=COIN, share=0.3, layer=layer) for layer in ("account", "master"))
    places = [set(scheme.units(tokens).position.tolist()) for scheme in (account, master)]
    assert not places[0] & places[1]
    assert places[0] | places[1] == set(whole(2).units(tokens).position.tolist())
    assert abs(len(places[0]) / 19_998 - 0.3) < 0.02
    for position in list(places[0])[:50]:
        assert account.of_account(tokens[:position].tolist())
    for position in list(places[1])[:50]:
        assert not account.of_account(tokens[:position].tolist())


def test_keys_of_accounts_differ_by_account_epoch_and_scheme() -> None:
    made = {
        account_key(KEY, account, epoch, scheme=scheme).numbers
        for account in ("a", "b")
        for epoch in ("2026-01", "2026-02")
        for scheme in ("headwater-gumbel", "headwater-layered", "headwater-layered-tilt")
    }
    assert len(made) == 12
    assert all(0 <= number < 2**64 for numbers in made for number in numbers)
    assert account_key(KEY, "a", "2026-01", scheme="s").name == "a"
    assert coin_of(KEY) == coin_of(b"".join(number.to_bytes(8, "big") for number in KEY.numbers))
    assert coin_of(KEY) not in made | {KEY.numbers}


def test_the_prompt_is_context_and_not_scored() -> None:
    assert Gumbel(2).units(np.arange(6), prompt=3).position.tolist() == [3, 4, 5]
    assert Gumbel(2).units(np.arange(6)).position.tolist() == [2, 3, 4, 5]
    twice = np.array([1, 2, 3, 1, 2, 4])
    assert Gumbel(2).units(twice, prompt=3).position.tolist() == [3, 4, 5]
    assert Gumbel(2, prompt_seen=True).units(twice, prompt=3).position.tolist() == [3, 4]


def test_settings_of_a_keyring() -> None:
    assert gumbel({"width": 3}) == Gumbel(3)
    assert tilt({"gamma": 0.5, "width": 1}).null.ones == SIZE // 2
    assert layered({"coin": [11, 12], "layer": "master"}) == Layered(coin=COIN, layer="master")
    made = layered_tilt({"coin": [11, 12], "layer": "master", "gamma": 0.5, "delta": 2})
    assert made == LayeredTilt(coin=COIN, layer="master", gamma=0.5, delta=2)
    assert made.null.ones == SIZE // 2


@pytest.mark.parametrize(
    ("make", "config", "named"),
    [
        (gumbel, {"width": 0}, "width"),
        (gumbel, {"gamma": 0.5}, "gamma"),
        (tilt, {"gamma": 1.0}, "gamma"),
        (tilt, {"delta": -1}, "delta"),
        (layered, {}, "coin"),
        (layered, {"coin": [1]}, "coin"),
        (layered, {"coin": "98765432101"}, "coin"),
        (layered, {"coin": [98765432101, -1]}, "coin"),
        (layered, {"coin": [1, 2], "share": 0}, "share"),
        (layered, {"coin": [1, 2], "layer": "both"}, "layer"),
        (layered_tilt, {}, "coin"),
        (layered_tilt, {"coin": [1, 2], "delta": -1}, "delta"),
    ],
)
def test_a_setting_that_isnt_one_is_refused(make: Any, config: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        make(config)
    assert named in str(refused.value)
    assert "98765432101" not in str(refused.value)


def test_secrets_are_never_shown() -> None:
    assert "98765432101" not in repr(Layered(coin=(98765432101, 12)))


def test_hostile_tokens_and_keys() -> None:
    with pytest.raises(UsageError):
        Gumbel().units(np.array([2**33]))
    with pytest.raises(ConfigurationError):
        Gumbel().values(MarkKey("k", (1,)), Gumbel().units(np.arange(9)))
    for scheme in (Gumbel(), Tilt(), Layered(coin=COIN)):
        assert scheme.values(KEY, scheme.units(np.array([], np.int64))).shape == (0, 1)
    with pytest.raises(UsageError):
        Gumbel(2).values(KEY, Gumbel(3).units(np.arange(9)))
