"""The packaged scenarios: corpora on both sides, permitted texts in the sample, every setting explained."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.simulate import Scenario, load, names
from headwater.simulate.catalogue import SOURCES
from headwater.simulate.scenario import Part

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/reference/scenarios.md"
#: Texts whose licence lets them be passed on in the sample.
PERMISSIVE = {"MIT", "Apache-2.0", "CC-BY-4.0"}
#: The division of innocent shapes and of attack types, as it was fixed.
SHAPES = {
    "tune": ("harness", "seats", "product", "labelling", "retries"),
    "score": ("popular_template", "class_of_400", "honest_reseller", "hackathon", "viral_prompt", "red_team"),
}
ATTACKS = {
    "tune": ("reasoning_harvest", "hydra", "code_harvest", "batch_harvest"),
    "score": ("agentic_harvest", "pivot", "low_and_slow", "personas", "clever_account"),
}
SCORE = {*SHAPES["score"], *ATTACKS["score"]}


def innocent(scenario: Scenario) -> set[str]:
    """Corpora of requests that are no harvest."""
    found = {name for group in scenario.innocents for name in group.corpora}
    for ring in scenario.campaigns:
        found |= set(ring.cover_corpora) | (set(ring.reseller.corpora) if ring.reseller else set())
    return found


def harvested(scenario: Scenario) -> set[str]:
    return {name for ring in scenario.campaigns for task in ring.tasks for name in task.corpora}


@pytest.mark.parametrize("name", [name for name in names() if load(name).campaigns])
def test_every_corpus_stands_on_both_sides(name: str) -> None:
    scenario = load(name)
    assert harvested(scenario) == innocent(scenario)


@pytest.mark.parametrize("name", names())
def test_only_corpora_of_its_side_and_fitted_authors(name: str) -> None:
    scenario = load(name)
    assert scenario.side == ("score" if name in SCORE else "tune")
    assert {SOURCES[corpus].side for corpus in innocent(scenario) | harvested(scenario)} == {scenario.side}
    assert scenario.author == type(scenario.author)()


@pytest.mark.parametrize("name", [*SHAPES["tune"], *SHAPES["score"]])
def test_a_shape_has_a_scenario_with_ten_of_its_kind_among_many_people(name: str) -> None:
    scenario = load(name)
    (group,) = [group for group in scenario.innocents if group.shape != "people"]
    assert group.shape == name
    assert max(group.organisations, group.events) >= 10
    assert sum(one.accounts for one in scenario.innocents) >= 3_500
    assert 25_000 <= sum(one.exchanges for one in scenario.innocents) <= 50_000
    assert not scenario.campaigns


@pytest.mark.parametrize("name", [*ATTACKS["tune"], *ATTACKS["score"]])
def test_an_attack_has_three_thousand_innocents_around(name: str) -> None:
    scenario = load(name)
    assert scenario.campaigns
    assert sum(one.accounts for one in scenario.innocents) >= 3_000


def test_the_large_quiet_world_has_every_shape_of_its_side() -> None:
    scenario = load("quiet_large")
    assert {group.shape for group in scenario.innocents} == {"people", "template", *SHAPES["tune"]}
    assert sum(group.accounts for group in scenario.innocents) >= 10_000
    assert sum(group.exchanges for group in scenario.innocents) <= 100_000
    assert not scenario.campaigns


def test_a_quiet_world_has_no_campaign_but_all_that_looks_like_one() -> None:
    quiet = load("quiet")
    assert not quiet.campaigns
    assert {group.shape for group in quiet.innocents} == {
        *("people", "seats", "product", "harness", "labelling", "template")
    }


def test_the_three_have_the_sizes_that_are_promised() -> None:
    harvest, hydra = load("reasoning_harvest"), load("hydra")
    requests = sum(group.exchanges for group in harvest.innocents)
    ring = harvest.campaigns[0]
    assert abs(requests + ring.exchanges / (1 - ring.cover) - 150_000) < 3_000
    assert hydra.campaigns[0].accounts == 20_000
    assert hydra.campaigns[0].reseller is not None
    assert sum(group.accounts for group in hydra.innocents) > 3_000


def test_the_sample_passes_on_permitted_texts_only() -> None:
    sample = load("sample")
    assert {SOURCES[name].licence for name in innocent(sample) | harvested(sample)} <= PERMISSIVE
    told = (ROOT / "examples/sample/LICENSES.md").read_text(encoding="utf-8")
    for name in innocent(sample) | harvested(sample):
        assert f"| `{name}` |" in told, f"LICENSES.md does not name {name}"


def test_every_setting_is_explained() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for part in Part.__subclasses__():
        for name in part.__struct_fields__:
            assert f"`{name}`" in page, f"{part.__name__}.{name} is not in {PAGE.name}"
    for name in names():
        assert f"`{name}`" in page
