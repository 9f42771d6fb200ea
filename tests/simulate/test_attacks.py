"""What each attack type is, seen in the log, on invented corpora."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from headwater.simulate import Corpora, Scenario, World, load, simulate
from simulate.sharing import shared
from simulate.swapping import on_invented
from simulate.test_scenarios import ATTACKS
from simulate.test_world import SECOND, column

Worlds = Callable[[str], World]
DAY = 86_400


@pytest.fixture(scope="module")
def worlds(corpora: Corpora) -> Worlds:
    @cache
    def made(name: str) -> World:
        return simulate(on_invented(name), corpora, scale=0.4)

    return made


def harvest(world: World) -> np.ndarray:
    return column(world.truth.exchanges, "harvest").astype(bool)


def days(world: World, scenario: Scenario) -> np.ndarray:
    return (world.exchanges["at"].to_numpy().astype("int64") - scenario.start_us) / SECOND / DAY


def of(world: World, name: str) -> np.ndarray:
    return column(world.exchanges, name)


@pytest.mark.parametrize("name", [n for n in (*ATTACKS["tune"], *ATTACKS["score"]) if n != "hydra"])
def test_every_attack_can_be_made_and_its_accounts_are_few(worlds: Worlds, name: str) -> None:
    world, plan = worlds(name), load(name)
    told = world.card["accounts_by_role"]
    rings = sum(max(min(2, ring.accounts), round(ring.accounts * 0.4)) for ring in plan.campaigns)
    assert 0.9 * rings <= told["ring"] <= rings
    asked = sum(ring.exchanges for ring in plan.campaigns) * 0.4
    assert abs(world.card["harvest_exchanges"] / asked - 1) < 0.1
    assert told["innocent"] > 1000


def test_half_of_a_pivot_turns_within_a_day_of_the_release(worlds: Worlds) -> None:
    world, plan = worlds("pivot"), load("pivot")
    day, mine, new = days(world, plan), harvest(world), of(world, "model") == "large-2"
    release = plan.campaigns[0].pivot_day
    assert not new[mine & (day < release)].any()
    assert 0.05 < new[mine & (day > release) & (day < release + 0.5)].mean() < 0.4
    assert abs(new[mine & (day > release + 1)].mean() - 0.5) < 0.04
    innocents = ~mine & np.isin(of(world, "model"), ["large-1", "large-2"])
    assert new[innocents & (day > release) & (day < release + 1)].mean() < 0.2


def test_low_and_slow_is_one_a_day_from_homes_without_a_template(worlds: Worlds) -> None:
    world, plan = worlds("low_and_slow"), load("low_and_slow")
    mine = harvest(world)
    account, day = of(world, "account")[mine], days(world, plan)[mine]
    rates = [
        len(d) / max(np.ptp(d), 1) for d in (day[account == name] for name in set(account)) if len(d) > 5
    ]
    assert 0.8 < np.median(rates) < 1.4
    assert np.ptp(day) > 20
    ips = of(world, "ip")[mine]
    assert all(ip.startswith("100.") for ip in ips)
    assert len(set(ips)) > 0.98 * len(set(account))
    assert len(set(of(world, "user_agent")[mine])) > 12
    ring = {row["account"] for row in world.truth.accounts.to_pylist() if row["role"] == "ring"}
    cards = [
        row["payment"] for row in world.accounts.to_pylist() if row["account"] in ring and row["payment"]
    ]
    assert len(set(cards)) > 0.95 * len(cards)
    found = shared(of(world, "prompt")[mine].tolist(), account.tolist())
    assert max(found[part] for part in ("opening", "closing", "skeleton")) < 0.002


def test_personas_keep_topics_apart(worlds: Worlds) -> None:
    world = worlds("personas")
    effect = world.card["author_effect"]
    assert effect["shards"]["z"] > 3
    assert effect["single"]["z"] > 3
    assert abs(worlds("pivot").card["author_effect"]["pivot"]["icc"]) < 0.01
    corpus, mine = column(world.truth.exchanges, "corpus"), column(world.truth.exchanges, "ring") == "single"
    account = of(world, "account")
    kinds = [len(set(corpus[mine & (account == name)].tolist())) for name in set(account[mine].tolist())]
    assert np.median(kinds) <= 2


def test_a_clever_account_is_a_ring_of_one_at_a_persons_hours(worlds: Worlds) -> None:
    world = worlds("clever_account")
    rows = [row for row in world.truth.accounts.to_pylist() if row["role"] == "ring"]
    assert len(rows) == len({row["ring"] for row in rows}) == 6
    account, mine = of(world, "account"), harvest(world)
    for row in rows:
        own = account == row["account"]
        assert 0.1 < 1 - mine[own].mean() < 0.65
        hours = (world.exchanges["at"].to_numpy().astype("int64")[own] / SECOND % DAY / 3600).astype(int)
        assert len(set(hours.tolist())) < 24


def test_agentic_work_is_conversations_with_tools_over_several_ways_in(worlds: Worlds) -> None:
    world = worlds("agentic_harvest")
    mine = harvest(world)
    assert set(of(world, "endpoint")[mine]) == {"chat", "responses", "messages"}
    assert set(of(world, "model")[mine]) == {"large-1", "large-2", "mini-1"}
    assert 0.8 < np.mean(of(world, "tools")[mine].astype(int) > 0) < 0.9
    talks = of(world, "conversation")[mine]
    assert 2.3 < len(talks) / len(set(talks)) < 3.7
    assert len({of(world, "account")[mine][talks == talk][0] for talk in set(talks[:200])}) > 20
    for talk in set(talks[:100].tolist()):
        rows = np.flatnonzero(of(world, "conversation") == talk)
        turns = of(world, "turn")[rows][of(world, "status")[rows] == 200].astype(int)
        assert len(set(of(world, "account")[rows])) == 1
        assert np.all(np.diff(turns) >= 0)


@pytest.mark.parametrize("name", ["code_harvest", "agentic_harvest"])
def test_some_accounts_are_held_and_new_ones_take_their_work_up(worlds: Worlds, name: str) -> None:
    world, plan = worlds(name), load(name)
    ring = {row["account"] for row in world.truth.accounts.to_pylist() if row["role"] == "ring"}
    rows = [row for row in world.accounts.to_pylist() if row["account"] in ring]
    held = [row for row in rows if row["held_at"]]
    assert abs(len(held) / len(rows) - plan.campaigns[0].held) < 0.05
    opened = {row["account"]: row["created_at"] for row in rows}
    first_hold = min(row["held_at"] for row in held)
    late = [account for account, at in opened.items() if at > first_hold]
    assert abs(len(late) - len(held)) <= 3
    last: dict[str, object] = {}
    for account, at in zip(
        world.exchanges["account"].to_pylist(), world.exchanges["at"].to_pylist(), strict=True
    ):
        last[account] = at
        assert account not in late or at >= opened[account]
    assert all(last[row["account"]] <= row["held_at"] for row in held)  # type: ignore[operator]
    innocent = [row for row in world.accounts.to_pylist() if row["account"] not in ring and row["held_at"]]
    assert innocent
    assert all(last[row["account"]] <= row["held_at"] for row in innocent)  # type: ignore[operator]


def test_a_batch_harvest_comes_through_batch_files(worlds: Worlds) -> None:
    world = worlds("batch_harvest")
    batch = of(world, "batch").astype(bool)
    assert batch[harvest(world)].all()
    assert batch[~harvest(world)].any()
