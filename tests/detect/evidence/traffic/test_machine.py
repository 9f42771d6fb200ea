"""Machine-like arrival: nights, gaps and requests that overlap."""

from __future__ import annotations

import numpy as np
import pytest

from detect.evidence.traffic.reading import EACH, SHOWN, SIZE, made, read, shows
from detect.worlds import DAY, HOUR, timed
from headwater.detect.evidence.traffic import machine


def office(seed: int = 1) -> np.ndarray:
    """People's times: bursts within office hours."""
    rng = np.random.default_rng(seed)
    day = rng.integers(0, 14, (SIZE, EACH))
    return np.sort(day * DAY + 9 * HOUR + rng.integers(0, 8 * HOUR, (SIZE, EACH)), axis=1).reshape(-1)


def even(step_us: int, seed: int = 2) -> np.ndarray:
    """Even gaps with a tenth of jitter."""
    jitter = np.random.default_rng(seed).integers(0, step_us // 10, (SIZE, EACH))
    return (np.arange(EACH) * step_us + jitter).reshape(-1)


def test_people_in_an_office_show_none_of_it() -> None:
    assert (read(machine.trait, made(office())).value == 0).all()


def test_a_schedule_without_a_night_shows_two() -> None:
    at_us = np.where(SHOWN, even(5 * HOUR), office())
    assert shows(machine.trait, made(at_us)) == [0, 1, 2, 3, 4]


def test_a_schedule_within_office_hours_is_only_even() -> None:
    turn = np.arange(SIZE * EACH) % EACH
    at_us = turn // 8 * DAY + 9 * HOUR + turn % 8 * HOUR
    assert (read(machine.trait, made(at_us)).value == 1).all()


def test_the_next_request_before_the_last_answer() -> None:
    at_us = np.where(SHOWN, even(60_000_000), office())
    slow = np.where(SHOWN, 90_000.0, 1_000.0)
    assert shows(machine.trait, made(at_us, latency_ms=slow)) == [0, 1, 2, 3, 4]
    assert shows(machine.trait, made(at_us, latency_ms=np.where(SHOWN, np.nan, 1_000.0))) == []


@pytest.mark.parametrize("shift", range(0, 24, 5))
def test_a_night_is_a_night_wherever_midnight_is(shift: int) -> None:
    assert (read(machine.trait, made(office() + shift * HOUR)).value == 0).all()


def test_durations_that_nobody_can_mean_are_unknown() -> None:
    strange = np.array([np.inf, -np.inf, np.nan, -1.0, 1e300])[np.arange(SIZE * EACH) % 5]
    assert (read(machine.trait, made(office(), latency_ms=strange)).value == 0).all()


def test_requests_of_one_moment_are_neither_even_nor_an_error() -> None:
    assert (read(machine.trait, made(np.zeros(SIZE * EACH, np.int64))).value <= 1).all()


def test_few_exchanges_say_nothing() -> None:
    log = timed([np.arange(29) * HOUR, np.arange(30) * 5 * HOUR])
    value = read(machine.trait, log).value
    assert np.isnan(value[0])
    assert value[1] == 2
