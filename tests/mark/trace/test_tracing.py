"""Who is in a dataset is found, who isn't stays unnamed, and too little evidence is called that."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from headwater.errors import UsageError
from headwater.mark.engines.unigram import Unigram
from headwater.mark.evidence import standard
from headwater.mark.scheme import MarkKey, Units, Values
from headwater.mark.score import Scorer
from headwater.mark.trace import gather, joined, statistic, trace, tracing
from mark.trace.worlds import SCHEME, Small, made, mixed, named_keys, sources


def _world(source, keys, seed=1, entropy=1.24):
    random = np.random.default_rng(seed)
    laws = made.laws(entropy, random)
    units, document = made.world(SCHEME, keys, source, laws, random).units(SCHEME.width)
    return units, document, made.learned(SCHEME.null, laws)


def test_an_account_with_one_document_among_twenty_is_found_with_that_document():
    keys = named_keys(2000, np.random.default_rng(7))
    units, document, scorer = _world(sources(20, 120, [3]), keys)
    found = trace(SCHEME, units, keys, scorer, document=document + 100)
    assert [one.name for one in found.named] == ["account-3"]
    assert found.named[0].by == "documents"
    assert found.named[0].documents == (100,)
    assert found.named[0].carried == pytest.approx(1 / 20)
    assert found.answer == "named"
    assert found.keys == 2000
    assert found.documents == 20
    assert found.named[0].log_adjusted <= math.log(0.05)


def test_accounts_mixed_token_by_token_are_found_by_their_units_and_their_shares_are_told():
    random = np.random.default_rng(8)
    keys = named_keys(500, random)
    source = mixed(60, 150, 4, 0.15, random)
    units, document, scorer = _world(source, keys)
    found = trace(SCHEME, units, keys, scorer, document=document)
    assert {one.name for one in found.named} == {f"account-{i}" for i in range(4)}
    assert {one.by for one in found.named} == {"units"}
    assert all(one.documents == () for one in found.named)
    for one in found.named:
        truth = float(np.mean(source == int(one.name.split("-")[1])))
        assert one.share.low <= truth <= one.share.high
        assert one.share.high - one.share.low < 0.15
    assert sum(one.share.relative for one in found.named) == pytest.approx(1)
    assert found.reach is not None
    assert 0.02 < found.reach < 0.15


def test_an_engines_own_sum_finds_them_too_and_learns_how_strong_the_marks_are():
    random = np.random.default_rng(9)
    keys = named_keys(300, random)
    source = mixed(60, 150, 2, 0.3, random)
    units, document, _ = _world(source, keys)
    found = trace(SCHEME, units, keys, made.engine_sum(SCHEME.null), document=document)
    assert {one.name for one in found.named} == {"account-0", "account-1"}
    assert found.shares is not None
    assert found.shares.effect_found
    # 1 - 1/mean of -ln(1-u) at this entropy, near 1/2.
    assert 0.35 < found.shares.effect < 0.65


def test_nobody_is_named_where_nobody_was():
    """60 datasets with copies and templates, at a level of 0.2: at most 12 name somebody, and what chance adds."""
    named = 0
    random = np.random.default_rng(10)
    laws = made.laws(0.72, random)
    scorer = made.learned(SCHEME.null, laws)
    for _ in range(60):
        keys = named_keys(40, random)
        drawn = made.world(SCHEME, [], sources(6, 40, []), laws, random)
        tokens = np.concatenate([drawn.tokens, drawn.tokens[:2], np.tile(drawn.tokens[:1, :6], (2, 7))])
        units, document = made.World(tokens, np.full((10, 40), -1)).units(SCHEME.width)
        named += bool(trace(SCHEME, units, keys, scorer, document=document, level=0.2).named)
    assert named <= 12 + 3 * math.sqrt(12)


def test_an_innocent_is_not_named_for_sitting_beside_the_guilty():
    random = np.random.default_rng(11)
    wrong = 0
    laws = made.laws(1.24, random)
    scorer = made.learned(SCHEME.null, laws)
    for _ in range(12):
        keys = named_keys(100, random)
        drawn = made.world(SCHEME, keys, sources(12, 60, [0, 0, 1, 1, 2, 2]), laws, random)
        units, document = drawn.units(SCHEME.width)
        found = trace(SCHEME, units, keys, scorer, document=document)
        wrong += any(int(one.name.split("-")[1]) > 2 for one in found.named)
        assert len(found.named) >= 3
    assert wrong <= 4


def test_a_copied_document_is_one_piece_of_evidence():
    keys = named_keys(50, np.random.default_rng(12))
    units, document, scorer = _world(sources(3, 60, [0]), keys)
    once = trace(SCHEME, units, keys, scorer, document=document)
    parts = [units] * 30
    many, _ = joined(parts)
    again = np.concatenate([document + 3 * copy for copy in range(30)])
    found = trace(SCHEME, many, keys, scorer, document=again)
    assert found.units == once.units
    assert found.documents == 90
    assert [one.log_p for one in found.named] == [one.log_p for one in once.named]


def test_the_order_of_keys_and_repeats_within_documents_change_nothing():
    keys = named_keys(60, np.random.default_rng(13))
    units, document, scorer = _world(sources(4, 80, [0, 1]), keys)
    once = trace(SCHEME, units, keys, scorer, document=document)
    louder = replace(units, times=units.times * 9)
    found = trace(SCHEME, louder, keys[::-1], scorer, document=document)
    assert found.named == once.named


def test_too_little_is_not_enough_evidence_and_unmarked_text_is_not_shown():
    keys = named_keys(1000, np.random.default_rng(14))
    units, document, scorer = _world(sources(1, 6, []), keys)
    few = trace(SCHEME, units, keys, scorer, document=document)
    assert few.answer == "not-enough-evidence"
    assert few.named == ()
    assert few.reach is None
    units, document, scorer = _world(sources(10, 100, []), keys)
    assert trace(SCHEME, units, keys, scorer, document=document).answer == "not-shown"


def test_no_units_or_no_keys_are_not_enough_evidence():
    keys = named_keys(3, np.random.default_rng(15))
    units, _, scorer = _world(sources(1, 5, []), keys)
    nothing = units.part(np.zeros(len(units), bool))
    assert trace(SCHEME, nothing, keys, scorer).answer == "not-enough-evidence"
    assert trace(SCHEME, units, [], scorer).answer == "not-enough-evidence"
    assert trace(SCHEME, units.part(np.arange(1)), keys, scorer).answer == "not-enough-evidence"


def test_screening_finds_what_reading_everything_finds(monkeypatch):
    monkeypatch.setattr(tracing, "_KEPT_LEAST", 100)
    keys = named_keys(600, np.random.default_rng(16))
    units, document, scorer = _world(sources(10, 100, [0, 599]), keys)
    whole = trace(SCHEME, units, keys, scorer, document=document)
    some = trace(SCHEME, units, keys, scorer, document=document, evaluations=0.6 * len(units) * len(keys))
    assert whole.screened == (len(keys), 1.0)
    assert some.screened[0] <= 100
    assert 0.3 < some.screened[1] < 0.6
    assert [(one.name, one.log_p) for one in some.named] == [(one.name, one.log_p) for one in whole.named]
    assert {one.name for one in some.named} == {"account-0", "account-599"}


def test_every_document_is_read_in_part_when_keys_are_screened():
    units, document, _ = _world(sources(7, 90, []), [])
    part = gather(units, document).strided(0.25)
    assert part.documents == 7
    assert np.all(np.abs(np.diff(part.starts) - 22.5) <= 1.5)


def test_documents_of_many_kinds_are_read_by_a_bound_that_finds_their_account(monkeypatch):
    keys = named_keys(500, np.random.default_rng(25))
    units, document, scorer = _world(sources(20, 120, [3]), keys)
    exact = trace(SCHEME, units, keys, scorer, document=document)
    monkeypatch.setattr(statistic, "_EXACT", 0)
    bound = trace(SCHEME, units, keys, scorer, document=document)
    assert [one.name for one in bound.named] == [one.name for one in exact.named] == ["account-3"]
    assert bound.named[0].documents == (0,)
    assert exact.named[0].log_p < bound.named[0].log_p < 0.7 * exact.named[0].log_p


def test_classes_have_tables_of_their_own():
    """A scorer that knows which units are worth something finds what one that weighs all alike doesn't."""
    random = np.random.default_rng(17)
    keys = named_keys(200, random)
    flat, steep = made.laws(1.24, random), made.laws(0.72, random) ** 8
    steep /= steep.sum(axis=1, keepdims=True)
    good = made.world(SCHEME, keys, sources(1, 60, [0]), flat, random).units(SCHEME.width)[0]
    poor = made.world(SCHEME, keys, sources(1, 3000, [0]), steep, random).units(SCHEME.width)[0]
    units, which = joined([good, poor])
    table = made.learned(SCHEME.null, flat).tables[0]
    both = Scorer("both", (table, made.learned(SCHEME.null, steep).tables[0]))
    found = trace(SCHEME, units, keys, both, classes=which.astype(np.intp))
    alike = trace(SCHEME, units, keys, Scorer("alike", (table,)))
    assert [one.name for one in found.named] == ["account-0"]
    assert not alike.named


def test_a_scheme_with_tails_of_its_own_is_tested_by_the_whole():
    """One green list for all positions: documents hang together, so only the distinct tokens of all of them count."""
    random = np.random.default_rng(26)
    scheme = Unigram(2000)
    keys = [MarkKey(f"account-{i}", scheme.random_key(random).numbers) for i in range(60)]
    each = Units(
        np.zeros((2000, 0), np.int64), np.arange(2000), np.arange(2000), np.ones(2000, np.int64), 2000
    )
    green = scheme.values(keys[5], each)[:, 0] == 1
    kept = random.random(2000) < np.where(green, 0.5, 0.3)
    units, document = joined([each.part(kept), each.part(kept[::-1])])
    found = trace(scheme, units, keys, standard(scheme), document=document)
    once = joined([each.part(kept | kept[::-1])])[0]
    assert found.units == len(once)
    found = trace(scheme, each.part(kept), keys, standard(scheme), document=np.arange(int(kept.sum())) % 9)
    assert [one.name for one in found.named] == ["account-5"]
    assert (found.named[0].by, found.named[0].documents) == ("units", ())
    assert (found.named[0].share.low, found.named[0].share.high) == (0, 1)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"level": 0.0}, "level"),
        ({"level": 1.0}, "level"),
        ({"effect": -1.0}, "effect"),
        ({"effect": float("nan")}, "effect"),
        ({"classes": np.full(5, 1, np.intp)}, "no table"),
        ({"classes": np.full(5, -1, np.intp)}, "counted from 0"),
        ({"document": np.full(4, 0)}, "its document"),
        ({"document": np.full(5, -2)}, "counted from 0"),
    ],
)
def test_what_cannot_be_used_is_refused(change, what):
    keys = named_keys(3, np.random.default_rng(18))
    units, _, scorer = _world(sources(1, 5, []), keys)
    with pytest.raises(UsageError, match=what):
        trace(SCHEME, units, keys, scorer, **change)


def test_two_accounts_cannot_have_one_key_and_no_error_shows_it():
    units, _, scorer = _world(sources(1, 5, []), [])
    keys = [MarkKey("a", (987654321,)), MarkKey("b", (987654321,))]
    with pytest.raises(UsageError, match="same key") as told:
        trace(SCHEME, units, keys, scorer)
    assert "987654321" not in str(told.value)


def test_a_million_equal_units_are_one():
    units = Units(
        np.full((1_000_000, 2), 5),
        np.full(1_000_000, 5),
        np.arange(1_000_000),
        np.ones(1_000_000, np.int64),
        1_000_000,
    )
    keys = named_keys(3, np.random.default_rng(19))
    scorer = made.engine_sum(SCHEME.null)
    found = trace(SCHEME, units, keys, scorer, document=np.arange(1_000_000))
    assert (found.units, found.documents, found.answer) == (1, 1_000_000, "not-enough-evidence")


class Weak(Small):
    """A function in which half of the key's bits never count: keys fall into four families."""

    def values(self, key: MarkKey, units: Units) -> Values:
        return super().values(replace(key, numbers=(key.numbers[0] % 4,)), units)


def test_nobody_is_named_under_a_function_that_takes_others_keys_for_theirs():
    random = np.random.default_rng(27)
    keys = named_keys(100, random)
    laws = made.laws(1.24, random)
    scheme = Weak()
    units, document = made.world(scheme, keys, sources(4, 100, [0, 0]), laws, random).units(scheme.width)
    found = trace(scheme, units, keys, made.learned(scheme.null, laws), document=document)
    assert found.answer == "not-enough-evidence"
    assert found.named == ()
    assert "of 200 keys that nobody uses" in found.refused
