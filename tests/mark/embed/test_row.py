"""Answers that are being written, and the rules they are written under."""

from __future__ import annotations

import pickle
import tracemalloc
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import ConfigurationError, UsageError
from headwater.mark.embed import Memory, Row, Rule, rule_of
from headwater.mark.engines import vllm
from headwater.mark.own import Gumbel, Layered, LayeredTilt, Tilt
from headwater.mark.scheme import MarkKey

KEY, OTHER, COIN = MarkKey("k", (1234567890123, 9876543210987)), MarkKey("m", (3, 4)), (11, 12)


@given(
    tokens=st.lists(st.integers(0, 3), max_size=40),
    prompt=st.integers(0, 40),
    width=st.integers(1, 4),
    seen=st.booleans(),
)
def test_contexts_are_marked_where_readers_read_them(
    tokens: list[int], prompt: int, width: int, seen: bool
) -> None:
    prompt = min(prompt, len(tokens))
    scheme = Gumbel(width, prompt_seen=seen)
    row = Row(rule_of(scheme, KEY), tokens[:prompt])
    written = []
    for at in range(prompt, len(tokens)):
        if row.context is not None:
            assert row.context == tuple(tokens[at - width : at])
            written.append(at)
        row.append(tokens[at])
    assert list(row.tokens) == tokens
    assert scheme.units(np.array(tokens, np.int64), prompt=prompt).position.tolist() == written


def test_a_green_list_marks_every_repetition() -> None:
    row = Row(rule_of(Tilt(1), KEY), [5, 5])
    for _ in range(3):
        assert row.context == (5,)
        row.append(5)


def test_a_copy_goes_its_own_way() -> None:
    row = Row(rule_of(Gumbel(1), KEY), [1])
    other = row.copy()
    row.append(1)
    assert row.context is None
    assert other.context == (1,)
    other.append(2)
    assert (list(row.tokens), list(other.tokens)) == ([1, 1], [1, 2])


@pytest.mark.parametrize("token", [-1, 2**32 - 1, 2**70])
def test_what_is_no_token_is_refused(token: int) -> None:
    with pytest.raises(UsageError):
        Row(rule_of(Gumbel(1), KEY), [token])
    with pytest.raises(UsageError):
        Row(rule_of(Gumbel(1), KEY)).append(token)


def test_rules_of_our_schemes() -> None:
    pair = (1234567890123, 9876543210987)
    assert rule_of(Gumbel(3, prompt_seen=True), KEY) == Rule("gumbel", 3, pair, prompt_seen=True)
    assert rule_of(Tilt(2, gamma=0.5, delta=2), KEY) == Rule(
        "tilt", 2, pair, green=2**31, delta=2.0, once=False
    )
    layered = rule_of(Layered(2, coin=COIN, share=0.25), KEY, OTHER)
    assert (layered.key, layered.master, layered.coin, layered.share) == (pair, (3, 4), COIN, 2**30)
    master = rule_of(LayeredTilt(2, coin=COIN, layer="master"), OTHER)
    assert (master.key, master.master, master.kind) == (None, (3, 4), "tilt")


@pytest.mark.parametrize(
    ("scheme", "key", "master"),
    [
        (vllm.gumbel({}), MarkKey("k", (1,)), None),
        (Gumbel(), KEY, OTHER),
        (Layered(coin=COIN, layer="master"), KEY, OTHER),
        (Gumbel(), MarkKey("k", (77777777777,)), None),
    ],
)
def test_what_cannot_be_written_is_refused(scheme: Any, key: MarkKey, master: MarkKey | None) -> None:
    with pytest.raises(UsageError) as refused:
        rule_of(scheme, key, master)
    assert not isinstance(refused.value, ConfigurationError) or "77777777777" not in str(refused.value)


def test_a_rule_shows_no_key_and_goes_to_other_processes() -> None:
    rule = rule_of(Layered(coin=(555555555, 666666666), share=0.5), KEY, MarkKey("m", (777777777, 888888888)))
    assert rule.numbers.tolist()[9:11] == [1234567890123, 9876543210987]
    shown = repr(rule) + str(rule)
    assert not any(
        str(number) in shown for number in (*KEY.numbers, 555555555, 666666666, 777777777, 888888888)
    )
    assert pickle.loads(pickle.dumps(rule)) == rule


def test_a_memory_marks_each_context_in_one_answer_only() -> None:
    memory, rule = Memory(), rule_of(Gumbel(2), KEY)
    first, second = (Row(rule, [1, 2], memory) for _ in range(2))
    assert first.context == (1, 2)
    assert first.context == (1, 2)  # its own, however often it is asked for
    assert second.context is None  # side by side in one batch, and later
    second.append(7)
    assert second.context == (2, 7)
    assert Row(rule_of(Gumbel(2), OTHER), [1, 2], memory).context == (1, 2)  # another key, another mark
    assert Row(rule, [1, 2]).context == (1, 2)
    assert Row(rule_of(Tilt(2), KEY), [1, 2], memory).context == (1, 2)
    assert first.copy().context is None


def test_an_answer_that_is_built_anew_keeps_its_contexts() -> None:
    memory, rule, owner = Memory(), rule_of(Gumbel(2), KEY), object()
    assert Row(rule, [1, 2], memory, owner).context == (1, 2)
    assert Row(rule, [1, 2], memory, owner).context == (1, 2)
    assert Row(rule, [1, 2], memory, object()).context is None


class _NoWalk(OrderedDict):
    """A dict that was emptied from its front walks over what is gone: forgetting mustn't begin a walk."""

    def __iter__(self) -> Any:
        raise AssertionError


def test_a_full_memory_goes_on_and_stays_as_large_as_it_says() -> None:
    most, rule = 1 << 12, rule_of(Gumbel(4), KEY)
    tracemalloc.start()
    try:
        memory = Memory(most)
        memory._owners = _NoWalk()
        for at in range(3 * most):
            assert memory.belongs(rule, (1 << 20, 1 << 21, 1 << 22, (1 << 23) + at), object())
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(memory._owners) == most
    assert held < 256 * most
    newest = (1 << 20, 1 << 21, 1 << 22, (1 << 23) + 2 * most)
    assert not memory.belongs(rule, newest, object())
    assert memory.belongs(rule, (*newest[:3], newest[3] - 1), object())


def test_a_memory_forgets_the_oldest() -> None:
    memory, rule = Memory(2), rule_of(Gumbel(1), KEY)
    rows = [Row(rule, [token], memory) for token in (1, 2, 3, 1, 3)]
    assert [row.context for row in rows] == [(1,), (2,), (3,), (1,), None]
    with pytest.raises(UsageError):
        Memory(0)
