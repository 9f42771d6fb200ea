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


def innocent(scenario: Scenario) -> set[str]:
    """Corpora of requests that are no harvest."""
    found = {name for group in scenario.innocents for name in group.corpora}
    for ring in scenario.campaigns:
        found |= set(ring.cover_corpora) | (set(ring.reseller.corpora) if ring.reseller else set())
    return found


def harvested(scenario: Scenario) -> set[str]:
    return {name for ring in scenario.campaigns for task in ring.tasks for name in task.corpora}


@pytest.mark.parametrize("name", [name for name in names() if name != "quiet"])
def test_every_corpus_stands_on_both_sides(name: str) -> None:
    scenario = load(name)
    assert harvested(scenario) == innocent(scenario)


@pytest.mark.parametrize("name", names())
def test_only_tune_corpora_and_fitted_authors(name: str) -> None:
    scenario = load(name)
    assert scenario.side == "tune"
    assert {SOURCES[corpus].side for corpus in innocent(scenario) | harvested(scenario)} == {"tune"}
    assert scenario.author == type(scenario.author)()


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
