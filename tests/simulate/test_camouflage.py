"""The dial: each part hides its own trace, about as much as was asked, and nothing at all at nought."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from headwater.errors import UsageError
from headwater.simulate import Corpora, Scenario, World, simulate, write
from headwater.simulate.camouflage import PARTS, dialled, disguised
from simulate.sharing import shared
from simulate.test_world import SECOND, column, ratio


def harvest_of(world: World) -> np.ndarray:
    return column(world.truth.exchanges, "harvest").astype(bool)


def traces(world: World) -> dict[str, float]:
    mine = harvest_of(world)
    return shared(
        column(world.exchanges, "prompt")[mine].tolist(), column(world.exchanges, "account")[mine].tolist()
    )


def steadiness(world: World) -> float:
    mine = harvest_of(world)
    at = world.exchanges["at"].to_numpy().astype("int64")[mine] / SECOND
    return ratio(at, column(world.exchanges, "account")[mine], 100.0)


def test_one_number_turns_all_parts_and_names_turn_single_ones() -> None:
    assert dialled(0.5) == dialled("0.5") == {"cover": 0.3, "paraphrase": 0.5, "jitter": 0.5, "personas": 0.5}
    assert dialled("cover=0.5, paraphrase=1") == dialled({"cover": 0.5, "paraphrase": 1.0})
    assert dialled({"cover": 0.5})["jitter"] == 0.0


@pytest.mark.parametrize("asked", ["1.5", "-0.1", "much", "cover=0.7", "colour=1", "cover=", "nan"])
def test_a_dial_out_of_its_range_is_refused(asked: str) -> None:
    with pytest.raises(UsageError) as fault:
        dialled(asked)
    assert "cover=0.5" in str(fault.value.hint)


def test_nought_leaves_a_scenario_as_it_is(scenario: Scenario) -> None:
    assert disguised(scenario, dialled(0), 1.0) is scenario


def test_the_same_dial_gives_the_same_bytes(scenario: Scenario, corpora: Corpora, tmp_path: Path) -> None:
    first, second = (
        write(simulate(scenario, corpora, scale=0.3, camouflage=0.7), tmp_path / str(i)) for i in range(2)
    )
    for one, two in zip(first, second, strict=True):
        assert one.read_bytes() == two.read_bytes(), one.name


@pytest.mark.parametrize("share", [0.3, 0.6])
def test_cover_is_the_share_that_was_asked(scenario: Scenario, corpora: Corpora, share: float) -> None:
    world = simulate(scenario, corpora, camouflage={"cover": share})
    ring = set(
        column(world.truth.accounts, "account")[column(world.truth.accounts, "role") == "ring"].tolist()
    )
    mine = np.isin(column(world.exchanges, "account"), list(ring))
    assert abs(1 - np.mean(harvest_of(world)[mine]) - share) < 0.05


def test_a_part_takes_nothing_away(scenario: Scenario) -> None:
    assert disguised(scenario, dialled({"cover": 0.05}), 1.0).campaigns[0].cover == 0.1


def test_paraphrase_removes_the_template_from_its_share(
    world: World, scenario: Scenario, corpora: Corpora
) -> None:
    half, whole = (simulate(scenario, corpora, camouflage={"paraphrase": share}) for share in (0.5, 1.0))
    before, between, after = traces(world), traces(half), traces(whole)
    for part in ("skeleton", "minimiser"):
        assert before[part] > 0.3
        assert abs(between[part] / before[part] - 0.25) < 0.08
    assert after["minimiser"] < 0.02
    for part in ("opening", "closing", "skeleton"):
        assert after[part] < 0.002
    said = column(whole.exchanges, "prompt")[harvest_of(whole)]
    assert not [text for text in said if "Write down every thought" in text or "Rubric" in text]


def test_jitter_makes_a_ring_as_unsteady_as_separate_people(
    world: World, scenario: Scenario, corpora: Corpora
) -> None:
    loud, full = (simulate(scenario, corpora, camouflage={"jitter": share}) for share in (0.4, 1.0))
    assert steadiness(world) < steadiness(loud)
    assert steadiness(full) > 0.75


def test_personas_follow_the_accounts(scenario: Scenario, corpora: Corpora) -> None:
    ring = disguised(scenario, dialled({"personas": 1.0}), 1.0).campaigns[0]
    assert (ring.personas, ring.dispatcher.order) == (8, "shuffled")
    assert disguised(scenario, dialled({"personas": 1.0}), 0.5).campaigns[0].personas == 4
    world = simulate(scenario, corpora, camouflage={"personas": 1.0})
    assert world.card["author_effect"]["ring"]["z"] > 3


def test_the_card_says_what_was_set(scenario: Scenario, corpora: Corpora, world: World) -> None:
    assert world.card["camouflage"] == dict.fromkeys(PARTS, 0.0)
    assert simulate(scenario, corpora, scale=0.2, camouflage="jitter=0.5").card["camouflage"]["jitter"] == 0.5


def _segmented(scenario: Scenario) -> Scenario:
    """Two populations of people, three accounts of the one for each of the other, and a ring without cover."""
    first = scenario.innocents[0]
    others = [group for group in scenario.innocents if group.shape != "people"]
    groups = (
        msgspec.structs.replace(first, accounts=180, corpora={"gsm8k": 1.0, "halueval": 1.0}),
        msgspec.structs.replace(first, name="coders", accounts=60, corpora={"codegen": 2.0, "multiwoz": 1.0}),
    )
    bare = msgspec.structs.replace(scenario.campaigns[0], cover=0.0, cover_corpora={})
    return msgspec.structs.replace(scenario, innocents=(*groups, *others), campaigns=(bare,))


def test_each_account_covers_as_a_person_of_one_population(scenario: Scenario, corpora: Corpora) -> None:
    plan = _segmented(scenario)
    world = simulate(plan, corpora, camouflage={"cover": 0.5})
    truth = world.truth.exchanges
    names = column(world.truth.accounts, "account")[column(world.truth.accounts, "role") == "ring"]
    cover = np.isin(column(world.exchanges, "account"), names) & ~harvest_of(world)
    asked: dict[str, set[str]] = {}
    for account, corpus in zip(
        column(world.exchanges, "account")[cover], column(truth, "corpus")[cover], strict=True
    ):
        asked.setdefault(account, set()).add(corpus)
    coders = [found <= {"codegen", "multiwoz"} for found in asked.values()]
    assert all(c or found <= {"gsm8k", "halueval"} for c, found in zip(coders, asked.values(), strict=True))
    assert len(asked) == 40
    assert sum(coders) == 10
    places = [i for i, name in enumerate(names) if asked[name] <= {"codegen", "multiwoz"}]
    assert places != list(range(places[0], places[0] + 10))


def test_cover_of_its_own_stays(scenario: Scenario) -> None:
    ring = disguised(scenario, dialled(1.0), 1.0).campaigns[0]
    assert (ring.cover_corpora, ring.cover_groups) == (scenario.campaigns[0].cover_corpora, ())
    own = disguised(_segmented(scenario), dialled({"cover": 0.5}), 1.0)
    assert [(group.share, set(group.corpora)) for group in own.campaigns[0].cover_groups] == [
        (180, {"gsm8k", "halueval"}),
        (60, {"codegen", "multiwoz"}),
    ]
    assert disguised(_segmented(scenario), dialled({"jitter": 1.0}), 1.0).campaigns[0].cover_groups == ()


def test_in_a_world_without_people_cover_is_what_the_ring_asks_for(
    scenario: Scenario, corpora: Corpora
) -> None:
    alone = msgspec.structs.replace(_segmented(scenario), innocents=())
    (group,) = disguised(alone, dialled({"cover": 0.5}), 1.0).campaigns[0].cover_groups
    assert set(group.corpora) == {"gsm8k", "halueval", "banking77", "codegen"}
    assert 0.4 < 1 - harvest_of(simulate(alone, corpora, scale=0.3, camouflage={"cover": 0.5})).mean() < 0.6
