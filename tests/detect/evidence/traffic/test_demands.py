"""Parameter demands: how many unusual ones an account makes in most requests."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from detect.evidence.traffic.reading import ACCOUNT, PLACE, SHOWN, made, read, shows
from headwater.detect.evidence.traffic import demands

N = len(ACCOUNT)
ONE: dict[str, Any] = {
    "n": np.where(SHOWN, 4, 1).astype(np.int32),
    "logprobs": SHOWN,
    "logit_bias": SHOWN,
    "seed": pa.array(np.full(N, 7), mask=~SHOWN),
    "response_format": pa.array(["JSON_Schema" if s else "text" for s in SHOWN]),
    "max_tokens": np.where(SHOWN, 8192, 512),
    "temperature": np.where(SHOWN, np.array([0.2, 0.6, 1.0, 1.4])[PLACE % 4], 0.7).astype(np.float32),
}


@pytest.mark.parametrize("name", ONE)
def test_each_demand_counts_one_and_is_no_trait_alone(name: str) -> None:
    reading = read(demands.trait, made(**{name: ONE[name]}))
    assert reading.value[:5].tolist() == [1] * 5
    assert reading.value[5:].tolist() == [0] * 25
    assert reading.notable == 2


def test_all_at_once_count_seven() -> None:
    assert shows(demands.trait, made(**ONE)) == [0, 1, 2, 3, 4]
    assert read(demands.trait, made(**ONE)).value[:5].tolist() == [7] * 5


def test_what_is_asked_for_in_few_requests_does_not_count() -> None:
    rare = SHOWN & (PLACE % 3 == 0)
    assert (read(demands.trait, made(logprobs=rare, logit_bias=rare)).value == 0).all()


def test_a_limit_that_everybody_has_is_a_default_and_one_that_changes_is_not_pinned() -> None:
    assert (read(demands.trait, made(max_tokens=np.full(N, 8192))).value == 0).all()
    own = np.where(SHOWN, 4096 + PLACE, 512)
    assert (read(demands.trait, made(max_tokens=own)).value == 0).all()


def test_two_temperatures_are_no_sweep() -> None:
    two = np.where(PLACE % 2 == 0, 0.0, 1.0).astype(np.float32)
    assert (read(demands.trait, made(temperature=two)).value == 0).all()


def test_values_that_nobody_can_mean_are_no_demands() -> None:
    strange = np.array([np.nan, np.inf, -1.0, -np.inf], np.float32)[PLACE % 4]
    assert (read(demands.trait, made(temperature=strange, max_tokens=np.full(N, -(2**63)))).value == 0).all()


def test_few_exchanges_say_nothing() -> None:
    few = made(logprobs=SHOWN)
    world = few.world()
    from detect.worlds import folded

    reading = folded(demands.trait, world, [few.batch(world, np.flatnonzero(PLACE < 9))])
    assert np.isnan(reading.value).all()
