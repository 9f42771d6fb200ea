"""Baselines beside the detector: small figures, and patience that ends."""

from __future__ import annotations

import json
import time

import numpy as np
from baselines import Log, Scored
from baselines.beside import beside
from scoring import Truth

from benchmarks.planted import log, people


def busiest(found: Log) -> Scored:
    return Scored.alone(found.volume)


def endless(found: Log) -> Scored:
    while True:
        time.sleep(0.01)


def truth(found: Log) -> Truth:
    role = {name: "ring" if name == found.names[0] else "innocent" for name in found.names}
    return Truth(role, {}, frozenset())


def test_a_method_that_takes_too_long_is_left_out_with_the_reason_and_the_others_go_on() -> None:
    found = log([*people(12, 4), *people(1, 9, seed=1)])
    methods = {"endless": endless, "busiest": busiest}
    began = time.monotonic()
    told = beside(found, truth(found), 0, methods, most_s=1.5)
    assert time.monotonic() - began < 5
    assert list(told["methods"]) == ["busiest"]
    assert told["methods"]["busiest"]["matched"]["recall"] == 1.0
    assert told["left_out"] == {"endless": "takes more than 1.5 s for 57 exchanges"}


def test_figures_are_of_methods_and_not_of_accounts() -> None:
    sizes = []
    for count in (12, 48):
        found = log(people(count, 3))
        told = beside(found, truth(found), 0, {"busiest": busiest})
        sizes.append(len(json.dumps(told)))
        assert told["allowed"] == 0
    assert np.ptp(sizes) < 20
    assert max(sizes) < 600
