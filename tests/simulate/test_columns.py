"""Columns that a log would have: true to one another, and on both sides of every ring."""

from __future__ import annotations

import re

import numpy as np
import pytest

from headwater.simulate import Corpora, Scenario, World, simulate
from headwater.simulate.software import AGENTS, FAMILY
from headwater.simulate.wire import FAMILIES
from simulate.swapping import on_invented
from simulate.test_world import column


@pytest.fixture(scope="module")
def mixed(corpora: Corpora) -> World:
    """A world with products, harnesses, seats and people around a ring."""
    return simulate(on_invented("reasoning_harvest"), corpora, scale=0.4)


def contradicts(world: World) -> np.ndarray:
    """Whether the HTTP fingerprint is that of other software than the user agent names."""
    agents = {agent: FAMILIES[family].ja4h for agent, family in zip(AGENTS, FAMILY.tolist(), strict=True)}
    pairs = zip(column(world.exchanges, "user_agent"), column(world.exchanges, "ja4h"), strict=True)
    return np.array([agents[agent] != ja4h for agent, ja4h in pairs])


def test_a_later_turn_carries_the_answer_before_it(mixed: World) -> None:
    rows = mixed.exchanges.select(["conversation", "turn", "status", "response", "previous"]).to_pylist()
    said: dict[tuple[str, int], set[str]] = {}
    for row in rows:
        assert (row["response"] is not None) == (row["conversation"] is not None and row["status"] == 200)
        if row["response"]:
            said.setdefault((row["conversation"], row["turn"]), set()).add(row["response"])
    later = [row for row in rows if row["turn"] > 0]
    assert len(later) > 500
    for row in later:
        before = said.get((row["conversation"], row["turn"] - 1))
        assert (row["previous"] is None) == (before is None)
        assert before is None or row["previous"] in before
    assert np.mean([row["previous"] is not None for row in later]) > 0.97
    assert not [row for row in rows if row["turn"] == 0 and row["previous"]]
    texts = [row["response"] for row in rows if row["response"]]
    assert len(set(texts)) > 0.98 * len(texts)
    assert max(map(len, texts)) < 1000


def test_an_end_has_the_word_of_its_endpoint(mixed: World) -> None:
    rows = mixed.exchanges.select(
        ["endpoint", "status", "finish_reason", "max_tokens", "output_tokens", "cancelled", "stream"]
    ).to_pylist()
    words = {"chat": set(), "responses": set(), "messages": set()}  # type: dict[str, set[str]]
    for row in rows:
        assert (row["finish_reason"] is None) == (row["status"] != 200 or row["cancelled"])
        assert not row["cancelled"] or row["stream"]
        if row["finish_reason"]:
            words[row["endpoint"]].add(row["finish_reason"])
            if row["finish_reason"] in ("length", "max_tokens", "max_output_tokens"):
                assert row["output_tokens"] == row["max_tokens"]
    assert words["chat"] == {"stop", "length", "tool_calls", "content_filter"}
    assert words["messages"] == {"end_turn", "max_tokens", "tool_use", "refusal"}
    assert {"completed", "max_output_tokens"} <= words["responses"]
    assert 0.001 < np.mean([row["cancelled"] for row in rows]) < 0.05


@pytest.mark.parametrize(
    "name", ["ja4h", "http2", "header_order", "finish_reason", "response_format", "tools", "n"]
)
def test_no_value_is_a_rings_alone(mixed: World, name: str) -> None:
    harvest = column(mixed.truth.exchanges, "harvest").astype(bool)
    values = column(mixed.exchanges, name)
    assert set(values[harvest]) <= set(values[~harvest])
    assert len(set(values[~harvest])) > 2


def test_fingerprints_contradict_now_and_then_and_more_in_a_ring_that_does_not_hide(
    mixed: World, scenario: Scenario, corpora: Corpora
) -> None:
    ring = {row["account"] for row in mixed.truth.accounts.to_pylist() if row["role"] == "ring"}
    mine = np.isin(column(mixed.exchanges, "account"), list(ring))
    strange = contradicts(mixed)
    assert 0.001 < strange[~mine].mean() < 0.06
    assert 0.1 < strange[mine].mean() < 0.3
    hidden = simulate(scenario, corpora, scale=0.5, camouflage=1.0)
    harvest = column(hidden.truth.exchanges, "harvest").astype(bool)
    assert contradicts(hidden)[harvest].mean() == 0


def test_name_patterns_are_shapes_and_tell_no_name(mixed: World) -> None:
    patterns = [name for name in mixed.accounts["name_pattern"].to_pylist() if name]
    assert 0.9 < len(patterns) / mixed.accounts.num_rows < 1
    assert all(re.fullmatch(r"[a0._-]+", name) for name in patterns)
    assert len(set(patterns)) > 60


def test_testers_meet_refusals(corpora: Corpora) -> None:
    world = simulate(on_invented("red_team"), corpora, scale=0.3)
    team = {row["account"] for row in world.truth.accounts.to_pylist() if row["shape"] == "red_team"}
    mine = np.isin(column(world.exchanges, "account"), list(team))
    refused = np.isin(column(world.exchanges, "finish_reason"), ["content_filter", "refusal"])
    assert 0.2 < refused[mine].mean() < 0.8
    assert refused[~mine].mean() < 0.02
