"""The suite: a plan whose jobs are told apart, figures that add up, a run that resumes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from suite import rates
from suite.jobs import LARGE, PARTS, plan
from suite.summary import laws, scripts, summary, table
from suite.swapping import TUNE, on_tune

import figures
import suite_page
from benchmarks.kept import judged, world
from headwater.detect.evidence.between import queue
from headwater.detect.rates import read
from headwater.simulate import load
from headwater.simulate.catalogue import SOURCES
from headwater.simulate.scenario import corpora_of


@pytest.mark.parametrize("size", ["short", "full"])
def test_no_two_jobs_share_a_file(size: Any) -> None:
    names = [job.name for job in plan(size, list(PARTS))]
    assert len(set(names)) == len(names) > 20


def test_every_scenario_of_the_score_side_has_stand_ins_on_the_tune_side() -> None:
    for job in plan("short", list(PARTS)):
        scenario = on_tune(job.scenario)
        named = {name for _, weights in corpora_of(scenario) for name in weights}
        assert {SOURCES[name].side for name in named} == {"tune"}
        assert scenario.campaigns == () or len(scenario.campaigns) == len(load(job.scenario).campaigns)
    assert {SOURCES[name].side for name in TUNE if name in SOURCES} == {"score"}


def record(flagged: int, found: int, ring: dict[str, int]) -> dict[str, Any]:
    """A world of ten innocents behind five customers and five ring accounts, with one reported ring."""
    look = {
        "rings": [{"word": "likely", "kind": "extraction ring", "of": ring}],
        "ring_accounts": 5,
        "ring_flagged": found,
        "by_harvest": {"1": [found, 5], "10": [found, 4]},
        "innocent_accounts": 10,
        "innocent_flagged": flagged,
        "flagged_of": {"people": flagged},
        "customers_flagged": {"people": min(flagged, 1)},
        "scripts_flagged": {"Latin": flagged},
        "harvest": 20,
        "attributed": 10,
        "both": 10,
        "others_of_ring": 4,
        "others_attributed": 0,
        "proposed": 1,
        "possible_ring": 0,
        "possible_innocent": 0,
    }
    job = {"part": "alarms", "scenario": "x", "seed": 1, "camouflage": {"cover": 0.5}, "override": {}}
    return {
        "job": job,
        "of": {"people": 10, "ring r": 5},
        "customers": {"people": 5, "ring r": 5},
        "scripts": {"Latin": 10},
        "looks": {"headline": look},
    }


def test_sums_over_worlds() -> None:
    (row,) = summary([record(0, 5, {"ring r": 5}), record(3, 0, {"people": 3})])
    assert (row["worlds"], row["recall"], row["recall_by_world"]) == (2, 0.5, [1.0, 0.0])
    assert row["innocent_flagged"] == 3
    assert row["by_shape"] == {"people": [3, 20, 1, 10]}
    assert row["by_script"] == {"Latin": [3, 20]}
    assert (row["worlds_with_a_false_ring"], row["false_rings"]) == (1, 1)
    assert row["exchange_f1"] == pytest.approx(2 / 3)
    assert row["customers_flagged"] == [1, 10]
    assert row["customers_flagged_95"] == pytest.approx([0.0025, 0.4450], abs=1e-4)
    assert "cover 0.5" in table([row])


def test_the_page_shows_sums_with_the_least_and_the_greatest_world() -> None:
    rows = summary([record(0, 5, {"ring r": 5}), record(6, 0, {"people": 6})])
    found = {
        "version": "0",
        "revision": "abc",
        "date": "2026-01-31",
        "side": "tune",
        "rows": rows,
        "laws": {},
    }
    told = suite_page.section(found, figures.table)
    assert "6 of 20" in told
    assert "1 of 10 (44.5%)" in told
    assert "no score file was opened" in told
    assert "50.0% (0%–100%)" in told


def test_recall_is_as_sure_as_worlds_are_alike() -> None:
    def interval(*found: int) -> Any:
        (row,) = summary([record(0, accounts, {"ring r": 5}) for accounts in found])
        return row["recall_95"]

    assert interval(4) is None
    assert interval(4, 4, 4, 4) == [0.8, 0.8]
    assert interval(0, 5, 0, 5) == [0.0, 1.0]
    low, high = interval(*([5] * 15 + [0] * 5))
    assert 0.5 < low < 0.75 < high < 1.0
    assert interval(*([5] * 15 + [0] * 5)) == [low, high]


def test_scripts_are_pooled_over_scenarios() -> None:
    rows = summary([record(2, 5, {"ring r": 5}), record(1, 5, {"ring r": 5})])
    assert scripts(rows + rows) == {"Latin": [6, 40]}
    assert scripts(rows, "everything") == {}


def test_a_run_cut_short_has_some_of_every_scenario_before_many_large_ones() -> None:
    jobs = [job for job in plan("full", ["alarms"]) if job.seed <= 4]
    late = [(job.scenario, job.seed) for job in plan("full", ["alarms"]) if job.scenario == LARGE]
    assert len(late) >= 30
    assert [job.seed for job in jobs if job.scenario == LARGE] == [1, 2, 3, 4]
    assert plan("full", ["alarms"])[-1].scenario == LARGE
    assert {job.scenario for job in jobs[:21]} == {job.scenario for job in jobs}


def test_laws_count_groups_without_a_ring_account_alone_and_cap_what_is_said() -> None:
    groups = [({"people": 5}, 99.0), ({"people": 5}, -99.0), ({"ring r": 5, "people": 1}, 99.0)]
    rings = [{"of": of, "pieces": [["queue", raw, 0.0]]} for of, raw in groups]
    silent = {"of": {"seats": 5}, "pieces": []}
    record = {"job": {"scenario": "seats"}, "looks": {"everything": {"rings": [*rings, silent]}}}
    law = laws([record], "everything")["queue"]
    assert {key: law[key] for key in ("groups", "at_1", "at_3")} == {"groups": 3, "at_1": 1, "at_3": 1}
    expected = (math.exp(queue.CAP) + math.exp(-queue.CAP_AGAINST) + 1) / 3
    assert law["mean_ratio"] == pytest.approx(expected)


def test_rates_are_written_as_the_product_reads_them(tmp_path: Path) -> None:
    groups = [judged({"queue": 2.5, "pool": -1.0}), judged({"queue": 0.5})]
    innocent = [one | {"of": {"people": 9}} for one in groups]
    found = laws(
        [world(innocent * 30, 0, scenario="seats"), world(innocent, 0, scenario="quiet")], "everything"
    )
    rates.write({"laws": found, "revision": "abc", "date": "2026-01-31"}, tmp_path / "rates.toml")
    known = read((tmp_path / "rates.toml").read_text(encoding="utf-8"))
    assert (known["queue"].groups, known["queue"].reached) == (62, (31, 31, 0))
    assert known["queue"].worst == ("seats", 30, 60)
    assert known["pool"].worst is None
