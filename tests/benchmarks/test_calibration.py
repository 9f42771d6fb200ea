"""Whether probabilities come true: the prior of the other parity, the bins, and what can't be said."""

from __future__ import annotations

import math
from typing import Any

import pytest
from suite import varied
from suite.calibration import calibration, posterior
from suite.jobs import NOT_FITTED, fitting
from suite.jobs import calibration as jobs

from benchmarks.kept import ring, world
from headwater.detect import DetectSettings
from headwater.detect.combine import logit
from headwater.simulate import load
from headwater.simulate.override import changed


def small(seed: int, rings: list[dict[str, Any]], judged: int) -> dict[str, Any]:
    return world(
        rings, 5, part="calibration", scenario="quiet", seed=seed, looks=("everything",), judged=judged
    )


def test_the_prior_takes_the_place_of_the_products() -> None:
    assert posterior(logit(DetectSettings().prior), 0.2) == pytest.approx(0.2)
    assert posterior(3.0, DetectSettings().prior) == pytest.approx(1 / (1 + math.exp(-3.0)))
    assert (posterior(3.0, 0.0), posterior(3.0, 1.0), posterior(3.0, None)) == (0.0, 1.0, 0.0)


#: Log odds in the product's prior that are 0 in one of 1%.
ZERO = logit(DetectSettings().prior) - logit(0.01)


def test_each_half_is_judged_with_the_rate_of_the_other() -> None:
    yes, no, nobody = {"ring r": 5}, {"people": 5}, dict[str, int]()
    records = [
        small(2, [ring(yes, log_odds=ZERO), ring(no, "unlikely", ZERO)], 10),
        small(3, [ring(yes, log_odds=ZERO), ring(nobody, "possible", 9.0), ring(no, log_odds=9.0)], 5),
    ]
    found = calibration(records)
    assert found["rates"] == {"even": 0.1, "odd": 0.25}
    assert (found["groups"], found["rings"], found["nobody_named"], found["far_below"]) == (14, 2, 1, 10)
    assert found["likely"] == [2, 3]
    said = {
        (one["from"], one["to"]): (one["verdicts"], one["right"]) for one in found["bins"] if one["verdicts"]
    }
    # 0 log odds at a prior of 1% are 97% at 25% (the even world, twice) and 92% at 10% (the odd one).
    assert posterior(ZERO, 0.25) == pytest.approx(0.97, abs=0.005)
    assert said == {(0.95, 0.99): (2, 1), (0.85, 0.95): (1, 1), (0.99, 1.0): (1, 0)}


def test_verdicts_of_one_world_count_as_one_where_they_hang_together() -> None:
    """Forty verdicts of 97%: half of them wrong, alternately or all in the same worlds."""

    def records(wrong: int) -> list[dict[str, Any]]:
        yes, no = ring({"ring r": 5}, log_odds=ZERO), ring({"people": 5}, log_odds=ZERO)
        return [
            small(
                seed,
                [no] * 4 if wrong == 4 and seed % 4 < 2 else [yes, no, yes, no] if wrong == 2 else [yes] * 4,
                9,
            )
            for seed in range(20)
        ]

    widths = []
    for wrong in (2, 4):
        (one,) = [b for b in calibration(records(wrong))["bins"] if b["verdicts"] == 80]
        assert one["share"] == 0.5
        widths.append(one["share_95"][1] - one["share_95"][0])
    assert widths[1] > 1.4 * widths[0]


def test_a_run_without_calibration_worlds_has_empty_bins() -> None:
    found = calibration([world([ring({"ring r": 5})])])
    assert (found["worlds"], sum(one["verdicts"] for one in found["bins"])) == (0, 0)


def test_small_worlds_hold_rings_of_every_strength_or_none() -> None:
    plans = [job.override["campaigns"] for job in jobs(60)]
    assert plans == [varied.rings(seed) for seed in range(NOT_FITTED + 1, NOT_FITTED + 61)]
    assert not {job.seed for job in fitting(600)} & {job.seed for job in jobs(600)}
    assert sum(not rings for rings in plans) == 12
    rings = [one for world in plans for one in world]
    accounts = [one["accounts"] * varied.SCALE for one in rings]
    assert min(accounts) < 10
    assert max(accounts) > 60
    assert {bool(one["infrastructure"].get("per_payment")) for one in rings} == {True, False}
    for job in jobs(6):
        scenario = changed(load(job.scenario), job.override)
        assert len(scenario.campaigns) == len(varied.rings(job.seed))
        forms = [form for one in scenario.campaigns for form in one.tasks[0].templates if form != "{task}"]
        assert len(set(forms)) == len(forms)
