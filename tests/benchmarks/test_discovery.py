"""How often reports are false where rings are rare: the definition, its bound, and what is counted."""

from __future__ import annotations

import pytest
from intervals import clopper_pearson
from suite.discovery import MOST, discovery, false_discoveries, needed

from benchmarks.kept import ring, world

RIGHT, WRONG = ring({"ring r": 5}), ring({"people": 5})


def test_the_share_of_reports_in_logs_without_a_ring() -> None:
    assert false_discoveries(0.05, 0.01, 0.5) == pytest.approx(0.95 * 0.01 / (0.95 * 0.01 + 0.05 * 0.5))
    assert false_discoveries(0.05, 0.0, 0.5) == 0.0
    assert false_discoveries(0.05, 0.1, 0.0) == 1.0
    assert false_discoveries(0.05, 0.0, 0.0) is None


def test_so_many_quiet_worlds_put_the_bound_at_the_bar_and_one_fewer_does_not() -> None:
    worlds = needed(0.05, 0.8)
    assert worlds is not None
    bounds = [false_discoveries(0.05, clopper_pearson(0, n)[1], 0.8) for n in (worlds, worlds - 1)]
    assert bounds[0] is not None
    assert bounds[1] is not None
    assert bounds[0] <= MOST < bounds[1]
    assert needed(0.05, 0.0) is None


def test_worlds_without_a_ring_alarm_and_worlds_with_one_report() -> None:
    sizes = {"campaigns.0.accounts": 20, "campaigns.0.exchanges": 800}
    records = [
        *(world([], 0, part="quiet", scenario="quiet_large", seed=seed) for seed in range(8)),
        world([WRONG, WRONG], 0, scenario="quiet", judged=7),
        world([], 0, part="calibration", scenario="quiet"),
        world([RIGHT], part="power", override=sizes),
        world([WRONG], part="power", override=sizes, seed=2),
        world([RIGHT, WRONG], 300, scenario="code_harvest"),
    ]
    found = discovery(records)
    quiet = found["quiet"]
    assert (quiet["worlds"], quiet["with_a_false_ring"], quiet["false_rings"]) == (9, 1, 2)
    assert quiet["groups"] == 8 * 3 + 7
    assert quiet["share_95"] == list(clopper_pearson(1, 9))
    beside = {"worlds": 3, "with_a_false_ring": 2, "reported": 4, "false": 2}
    assert found["beside_a_ring"] == beside
    by = {(one["part"], one["accounts"]): one for one in found["rings"]}
    assert set(by) == {("alarms", 300), ("power", 20)}
    one = by["power", 20]
    assert (one["found"], one["worlds"], one["power"]) == (1, 2, 0.5)
    report = one["reports"][0]
    assert report["fdr"] == pytest.approx(false_discoveries(0.05, 1 / 9, 0.5))
    most, least = clopper_pearson(1, 9)[1], clopper_pearson(1, 2)[0]
    assert report["at_most"] == pytest.approx(false_discoveries(0.05, most, least))
