"""Dormant accounts that wake: old, silent for most of what the log shows, then heavy."""

from __future__ import annotations

import numpy as np

from detect.evidence.account.people import EACH, SIZE, after, people, read, shown
from detect.worlds import DAY, Made
from headwater.detect.evidence.account import woken

OLD = [after(-100)] * SIZE
STEADY = np.tile(np.linspace(0, 28 * DAY, EACH, endpoint=False).astype(np.int64), SIZE)


def made(first: np.ndarray, created: list[object] | None = None) -> Made:
    """The first account's times, everybody else steady."""
    at = STEADY.copy()
    at[:EACH] = np.sort(first)
    return people(at_us=at, known={"created_at": OLD if created is None else created})


def spread(start: float, end: float, count: int = EACH) -> np.ndarray:
    return np.linspace(start * DAY, end * DAY, count, endpoint=False).astype(np.int64)


def test_silent_for_three_weeks_and_then_heavy() -> None:
    reading = read(woken.trait, made(spread(21, 27)))
    assert shown(reading) == [0]
    assert reading.value[0] == 21 / 28
    assert (reading.value[1:] == 0).all()


def test_a_few_trials_before_do_not_count_as_use() -> None:
    assert shown(read(woken.trait, made(np.concatenate([spread(0, 1, 3), spread(20, 25, 37)])))) == [0]


def test_no_waking() -> None:
    lives = {
        "new": (spread(21, 27), [after(20)]),
        "not yet old": (spread(21, 27), [after(-5)]),
        "used before": (np.concatenate([spread(0, 3, 15), spread(20, 25, 25)]), OLD[:1]),
        "a pause in the first half": (spread(8, 14), OLD[:1]),
        "not heavy": (np.concatenate([spread(16, 17, 15), spread(25, 28, 25)]), OLD[:1]),
    }
    for name, (times, created) in lives.items():
        assert shown(read(woken.trait, made(times, [*created, *OLD[1:]]))) == [], name


def test_unknown_ages_few_exchanges_and_short_logs_are_unknown() -> None:
    assert np.isnan(read(woken.trait, made(spread(21, 27), [None] * SIZE)).value).all()
    assert np.isnan(read(woken.trait, people(each=19, known={"created_at": OLD})).value).all()
    short = people(known={"created_at": OLD}, at_us=STEADY // 10)
    assert np.isnan(read(woken.trait, short).value).all()


def test_a_date_in_the_future_or_long_ago_is_no_error() -> None:
    strange = [after(9000), after(-(10**5)), *OLD[2:]]
    assert shown(read(woken.trait, made(spread(21, 27), strange))) == []
