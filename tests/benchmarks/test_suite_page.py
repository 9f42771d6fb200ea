"""The suite's section of the figures page: compact, whole, and honest about what wasn't measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from suite.analysis import analysed

import figures
import suite_page
import suite_short
from benchmarks.kept import judged, ring, world

FOUND = judged({"queue": 6.0, "runs": 6.0}, of=5)
OPENING = {"version": "0", "revision": "abc", "date": "2026-01-31", "side": "tune", "code": "0"}
METHOD = {
    "matched": {"ring_flagged": 1, "innocent_flagged": 0, "recall": 0.2},
    "at_rate": {"ring_flagged": 2, "innocent_flagged": 1, "recall": 0.4},
    "auc": 0.7,
}


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """A summary in which every part was measured a little."""
    both = ("everything", "headline")
    beside = {"methods": {"PRADA": METHOD}, "left_out": {"SEAT": "takes long"}}
    records = [
        world([FOUND], baselines=beside, oracle={"recall": 0.8, "exchange_f1": 0.9}),
        world([ring({"people": 5})], 0, scenario="quiet"),
        world([], 0, part="quiet", scenario="quiet_large", looks=both),
        world([FOUND], part="calibration", scenario="quiet", looks=("everything",)),
    ]
    for level in (0.0, 0.5, 1.0):
        rings = [FOUND] if level < 1 else []
        records.append(world(rings, part="dial", camouflage=level, looks=both, oracle={"recall": 0.9}))
    for accounts in (20, 200):
        sizes = {"campaigns.0.accounts": accounts, "campaigns.0.exchanges": 40 * accounts}
        records.append(world([FOUND], part="power", override=sizes, looks=both))
    for cover in (0.0, 0.5):
        for accounts in (100, 420):
            sizes = {"campaigns.0.accounts": accounts, "campaigns.0.exchanges": 10 * accounts}
            cell = {"camouflage": {"cover": cover}, "override": sizes | {"campaigns.0.personas": 5}}
            oracle = {"recall": 0.5}
            records.append(world([], part="surface", looks=("headline",), oracle=oracle, **cell))
    return json.loads(json.dumps(OPENING | analysed(records))) | {"side": "tune"}


def test_every_part_stands_on_the_page(found: dict[str, Any]) -> None:
    page = suite_page.section(found, figures.table)
    assert "Not measured yet" not in page
    for heading in ("Bars", "Low and slow", "False discoveries", "Calibration", "Scripts"):
        assert f"### {heading}" in page
    for bar in found["bars"]:
        assert bar["asked"] in page
    assert "2 of 4 ledgers add up" in page
    assert "Untested, with fewer than 1,000 innocents: Latin" in page
    assert "SEAT in `reasoning_harvest`" in page
    assert "| PRADA | 20% (40%) |" in page


def test_the_surface_is_a_matrix_with_the_oracle_beside(found: dict[str, Any]) -> None:
    page = suite_page.section(found, figures.table)
    assert "| accounts × exchanges of each | cover 0%, personas 5 | cover 50%, personas 5 |" in page
    assert "| 100 × 10 | 0% (50%) | 0% (50%) |" in page
    assert "| `reasoning_harvest` | 100% (90%) | 100% (90%) | 0% (90%) |" in page


def test_leaving_out_a_family_shows_what_it_carried(found: dict[str, Any]) -> None:
    page = suite_page.section(found, figures.table)
    assert "| everything in view | nothing | 100%, 1/1 | 1 |" in page
    assert "| everything in view | *all of between* | 0%, 0/1 | 1 |" in page
    assert "proposed again" in page


def test_a_summary_from_before_says_what_it_lacks() -> None:
    rows = [row | {"varied": {}} for row in analysed([world([FOUND])])["rows"]]
    page = suite_page.section(OPENING | {"rows": rows, "laws": {}}, figures.table)
    assert page.count("Not measured yet.") == 9


def test_pictures_are_drawn_of_what_was_measured(found: dict[str, Any], tmp_path: Path) -> None:
    summary = tmp_path / "suite.json"
    suite_page.draw(summary, tmp_path)
    assert list(tmp_path.iterdir()) == []
    summary.write_text(json.dumps(found), encoding="utf-8")
    suite_page.draw(summary, tmp_path)
    page = suite_page.section(found, figures.table)
    drawn = sorted(tmp_path.glob("*.svg"))
    assert len(drawn) == 3
    for path in drawn:
        ElementTree.parse(path)
        assert f"]({path.name})" in page


def test_the_readme_has_every_ring_and_every_bar_with_its_reason(found: dict[str, Any]) -> None:
    part = suite_short.section(found, None, None, figures.table)
    assert "| `reasoning_harvest` | 100% (1 worlds) | 100% (1 worlds) | 100% (1 worlds) |" in part
    for bar in found["bars"]:
        assert bar["asked"] in part
        assert bar["why"] in part
    assert "Real accounts" not in part
    people = {"logs": [{"accounts": 21_576, "projects": 12, "reported": 0, "flagged": 0}]}
    assert "21,576 people" in suite_short.section(found, None, people, figures.table)


def test_page_and_readme_say_so_where_worlds_of_the_plan_are_missing(found: dict[str, Any]) -> None:
    lacking = "**Not the whole run: 1,200 worlds of its plan are missing.**"
    for missing in (0, 1200):
        some = found | {"missing": missing}
        for text in (
            suite_page.section(some, figures.table),
            suite_short.section(some, None, None, figures.table),
        ):
            assert (lacking in text) == (missing > 0)
