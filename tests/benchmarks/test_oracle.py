"""The oracle knows how a small world is made: it finds the ring by that, and by nothing that a label says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from baselines.compare import auc
from suite import person
from suite.hand import Hand
from suite.jobs import Job
from suite.member import Member
from suite.oracle import KNOWS, oracle, scored
from suite.replay import Replay, Rows, check, replay

from headwater.simulate import Corpora, Scenario, load, simulate
from headwater.simulate.override import changed
from headwater.simulate.scenario import Cover
from simulate.builders import SCENARIO, corpora_folder

#: A ring that hides all that can be hidden: no template, half cover, four shards.
HIDDEN = {"campaigns.0.paraphrase": 1.0, "campaigns.0.personas": 4, "campaigns.0.cover": 0.5}


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Corpora:
    return Corpora.find(corpora_folder(tmp_path_factory.mktemp("corpora")))


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    path = tmp_path_factory.mktemp("scenario") / "small.toml"
    path.write_text(SCENARIO, encoding="utf-8")
    return load(path)


def job(**override: Any) -> Job:
    return Job("dial", "small", 7, override={name.replace("__", "."): v for name, v in override.items()})


@pytest.fixture(scope="module")
def hidden(scenario: Scenario, corpora: Corpora) -> Replay:
    return replay(scenario, job(**HIDDEN), corpora)


@pytest.fixture(scope="module")
def found(scenario: Scenario, corpora: Corpora) -> Callable[..., dict[str, Any]]:
    def run(**override: Any) -> dict[str, Any]:
        asked = job(**override)
        world = simulate(scenario, corpora, asked.seed, override=asked.override)
        told = oracle(world, scenario, asked, corpora)
        assert told is not None
        return told

    return run


def test_a_replay_is_the_world_and_another_seed_is_not(scenario: Scenario, corpora: Corpora) -> None:
    again = replay(scenario, job(), corpora)
    check(again, simulate(scenario, corpora, 7))
    with pytest.raises(ValueError, match="not made by the steps"):
        check(again, simulate(scenario, corpora, 8))


def test_an_open_ring_is_found_whole_and_its_work_told_from_its_cover(found: Callable[..., Any]) -> None:
    told = found()
    assert (told["recall"], told["innocent_flagged"]) == (1.0, 0)
    assert told["auc"] > 0.999
    assert told["exchange_f1"] > 0.95
    assert set(told["without"]) == set(KNOWS) == set(told["knows"])


def test_less_to_see_and_more_to_hide_leave_less_to_know(found: Callable[..., Any]) -> None:
    few = {"campaigns__0__exchanges": 60, "campaigns__0__dispatcher__runs_per_day": 0}
    seen = found(**few)["recall"]
    unseen = found(**few, **{name.replace(".", "__"): value for name, value in HIDDEN.items()})["recall"]
    assert unseen < seen < 1.0


def test_where_there_is_no_ring_there_is_no_oracle(scenario: Scenario, corpora: Corpora) -> None:
    quiet = changed(scenario, {"campaigns": []})
    assert oracle(simulate(quiet, corpora, 7), quiet, job(), corpora) is None


def test_roles_dealt_to_anybody_are_not_seen(hidden: Replay) -> None:
    """Exchanges change hands as wholes, roles stay behind: what is scored is what was sent."""
    free = np.flatnonzero(~hidden.declared)
    to = np.arange(len(hidden.declared))
    to[free] = np.random.default_rng(1).permutation(free)
    swapped = replace(hidden, sent=hidden.sent.with_columns(account=to[hidden.sent.account]))
    assert _auc(hidden) > 0.98
    assert 0.35 < _auc(swapped) < 0.65


def _auc(again: Replay) -> float:
    """AUC among accounts of no organisation."""
    rows = Rows.read(again)
    free = ~again.declared[rows.accounts]
    value = auc(scored(again, rows)[""].account[free], again.ring[rows.accounts][free])
    assert value is not None
    return value


def test_no_account_is_known_by_its_own_labels(hidden: Replay) -> None:
    """With the harvest of a few accounts unlabelled, they are scored nearly as before."""
    rows = Rows.read(hidden)
    before = scored(hidden, rows)[""].account
    some = np.flatnonzero(hidden.ring)[::10]
    mine = np.isin(hidden.sent.account, some)
    unlabelled = hidden.sent.with_columns(
        harvest=hidden.sent.harvest & ~mine, ring=np.where(mine, -1, hidden.sent.ring)
    )
    after = scored(replace(hidden, sent=unlabelled), rows)[""].account
    place = np.searchsorted(rows.accounts, some)
    assert np.abs(after - before)[place].max() < 0.1 * before[place].min()


def test_populations_that_send_the_same_are_one_source_of_cover(hidden: Replay) -> None:
    """Sources are summed over by their shares; an account of another source's topics is no member of this one."""

    def member(*groups: Cover) -> Any:
        ring = msgspec.structs.replace(hidden.setting.scenario.campaigns[0], cover_groups=groups)
        plan = msgspec.structs.replace(hidden.setting.scenario, campaigns=(ring,))
        again = replace(hidden, setting=replace(hidden.setting, scenario=plan))
        rows = Rows.read(again)
        one = Member.of(again, rows, 0, np.zeros(len(rows.accounts)))
        return one.explained({"topics"}).account[hidden.ring[rows.accounts]]

    own = hidden.setting.scenario.campaigns[0].cover_corpora
    other = {"codegen": 1.0}
    alike = member(Cover(share=1, corpora=own), Cover(share=3, corpora=own))
    assert alike == pytest.approx(member())
    mostly, hardly = (member(Cover(share=s, corpora=own), Cover(share=1, corpora=other)) for s in (9, 1 / 9))
    assert np.median(mostly - hardly) == pytest.approx(np.log(9), abs=0.2)


def test_a_persons_next_topic_has_a_chance_of_one_in_all(hidden: Replay) -> None:
    rows = Rows.read(hidden)
    one = np.flatnonzero(rows.owner == int(np.argmax(rows.count)))[:6]
    mine = replace(
        rows,
        **{name: getattr(rows, name)[one] for name in ("at", "topic", "form", "first", "gap_s")},
        owner=np.zeros(6, np.int64),
        accounts=rows.accounts[:1],
    )
    corpora = {"gsm8k": 2.0, "codegen": 1.0}
    possible = np.flatnonzero(person.base(hidden.setting, corpora))
    total: Any = 0.0
    for topic in possible.tolist():
        sent = np.r_[possible[[0, 3, 3, 0, 1]], topic]
        laws = person.topics(replace(mine, topic=sent), hidden.setting, corpora)
        total = total + np.exp([row[5] for _, row in laws])
    assert total == pytest.approx(np.ones_like(total), abs=1e-6)


def test_a_rings_work_and_each_of_its_shards_have_a_chance_of_one_in_all(hidden: Replay) -> None:
    laws = Hand.of(hidden, 0)
    assert laws.work.sum() == pytest.approx(1.0)
    assert laws.work[:, :-1].sum() == 0.0
    assert laws.harvest == pytest.approx(0.5)
    assert (laws.work.sum(axis=1) * laws.shards).sum(axis=1) == pytest.approx(np.ones(4))


def test_a_score_side_world_is_planned_on_its_stand_ins(tmp_path: Path) -> None:
    from suite.world import planned

    corpora = Corpora.find(corpora_folder(tmp_path))
    assert planned(Job("surface", "low_and_slow", 1), corpora).side == "tune"
