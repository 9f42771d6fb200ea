"""Bars: met or not by the figures alone, with the figures that say so."""

from __future__ import annotations

from typing import Any

from suite.analysis import analysed
from suite.bars import INNOCENTS, QUIET, SEEDS, bars, open_rings

from benchmarks.kept import ring, world

FOUND = ring({"ring r": 5})


def told(found: dict[str, Any], words: str) -> dict[str, Any]:
    """The bar that asks for something with these words."""
    (bar,) = [bar for bar in bars(found) if words in bar["asked"]]
    return bar


def test_open_rings_share_something_and_hide_nothing() -> None:
    chosen = open_rings()
    assert {"reasoning_harvest", "hydra", "batch_harvest"} <= set(chosen)
    assert not {"low_and_slow", "personas", "clever_account", "quiet"} & set(chosen)
    assert set(open_rings("score")) == {"agentic_harvest", "pivot"}


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    assert {(bar["measured"], bar["met"]) for bar in analysed([])["bars"]} == {("not measured", None)}


def test_the_worst_scenario_decides_and_missing_ones_are_named() -> None:
    found = analysed([world([FOUND], scenario=name) for name in open_rings()])
    assert told(found, "shared traces")["met"] is True
    worse = analysed([world([FOUND]), world([], scenario="hydra")])
    bar = told(worse, "shared traces")
    assert (bar["met"], bar["measured"]) == (False, "least 0% of 2 scenarios")
    assert "missed by `hydra` 0%" in bar["why"]
    assert "not measured: `agentic_harvest`" in bar["why"]


def test_the_oracle_is_the_measure_of_the_surface() -> None:
    cells = [
        world(
            [FOUND],
            10,
            part="surface",
            scenario="low_and_slow",
            looks=("headline",),
            seed=seed,
            oracle=oracle,
        )
        for seed, oracle in enumerate(({"recall": 0.6}, {"recall": 0.7}, None))
    ]
    assert told(analysed(cells[:2]), "surface")["measured"] == "50% against 65%: 76.9%"
    assert told(analysed(cells[:2]), "surface")["met"] is False
    assert told(analysed([cells[0], cells[2]]), "surface")["met"] is True
    assert told(analysed(cells[2:]), "surface")["met"] is None


def test_false_alarms_need_enough_innocents_and_few_flagged() -> None:
    found = analysed([world([], 0, scenario="quiet")])
    row = next(row for row in found["rows"] if row["look"] == "headline")
    assert "smaller yet (`quiet`: 10 in 1 worlds)" in told(found, "innocents flagged")["why"]
    row |= {"innocent_accounts": INNOCENTS, "worlds": SEEDS, "innocent_flagged": 5}
    assert told(found, "innocents flagged")["why"].startswith("more in `quiet` (5); not measured: ")
    row |= {"by_shape": {"seats": [0, 9, 0, 300], "people": [3, 9, 3, 9], "harness": [1, 9, 1, 299]}}
    bar = told(found, "innocent shape")
    assert bar["why"] == "flagged: `harness` 1 of 299; fewer yet: `harness` 299"


def test_quiet_worlds_may_alarm_once() -> None:
    def quiet(worlds: int, alarmed: int) -> dict[str, Any]:
        wrong = ring({"people": 5})
        found = [
            world([wrong] if seed < alarmed else [], 0, part="quiet", scenario="quiet_large", seed=seed)
            for seed in range(worlds)
        ]
        return told(analysed(found), "quiet worlds")

    assert quiet(QUIET, 1)["met"] is True
    assert quiet(QUIET, 2)["met"] is False
    assert quiet(3, 0)["why"] == "only 3 worlds yet"


def test_discoveries_are_bounded_where_rings_are_common_and_estimated_where_they_are_rare() -> None:
    sizes = {"campaigns.0.accounts": 20, "campaigns.0.exchanges": 800}
    records = [world([FOUND], part="power", override=sizes, seed=seed) for seed in range(20)]
    records += [world([], 0, part="quiet", scenario="quiet_large", seed=seed) for seed in range(200)]
    found = analysed(records)
    common = told(found, "where 5% of logs")
    assert common["met"] is False
    assert "worlds without a ring and without an alarm are needed" in common["why"]
    assert told(found, "where 0.1% of logs")["met"] is True
    assert "20 accounts 0% (at most " in told(found, "where 0.01% of logs")["measured"]


def test_calibration_needs_verdicts_and_the_right_share() -> None:
    found = analysed([])
    (cell,) = [one for one in found["calibration"]["bins"] if one["from"] == 0.85]
    for right, met in ((270, True), (200, False), (299, False)):
        cell |= {"verdicts": 300, "right": right, "share": right / 300, "share_95": [0.0, 1.0]}
        assert told(found, "verdicts between")["met"] is met
    cell |= {"verdicts": 10, "share": 0.9}
    assert told(found, "verdicts between")["why"] == "only 10 verdicts yet"
