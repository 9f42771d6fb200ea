"""Hours: whether an account is busy when its ring is, by numbers that can be worked out."""

from __future__ import annotations

import numpy as np
import pytest

from headwater.detect import hours
from headwater.detect.hours import A_DAY, ANY, HOUR_US, MOST, OWN_HOURS, kept

DAYS = 14
FLAT = np.full(DAYS * A_DAY, 10.0)


def times(days: np.ndarray, hour: int) -> np.ndarray:
    return (days * A_DAY + hour) * HOUR_US


def at(*hours: int, each: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Accounts that send at one hour of the day, on ten days each."""
    place = np.repeat(np.arange(len(hours)), each)
    return place, np.concatenate([times(np.arange(each), h) for h in hours])


def test_the_rings_hours_speak_for_an_account_and_its_own_against() -> None:
    place, at_us = at(*[3] * 40, 15)
    found = kept(place, at_us, 41, FLAT, 0)
    assert (found[:40] > 1).all()
    assert found[40] < OWN_HOURS


def test_no_account_gains_more_than_a_night_owl_may() -> None:
    place, at_us = at(*[3] * 40)
    assert (kept(place, at_us, 40, FLAT, 0) == MOST).all()


def test_one_hour_can_say_so_much_against_and_no_more() -> None:
    place, at_us = at(*[3] * 400, 15)
    one = np.concatenate([place[:4000], [400]]), np.concatenate([at_us[:4000], at_us[4000:4001]])
    assert 2 * np.log(ANY) < kept(*one, 401, FLAT, 0)[400] < 0


def test_a_ring_without_hours_of_its_own_tells_nobody_apart() -> None:
    rng = np.random.default_rng(5)
    place = np.repeat(np.arange(60), 20)
    at_us = rng.integers(0, DAYS * A_DAY, len(place)) * HOUR_US
    assert np.percentile(np.abs(kept(place, at_us, 60, FLAT, 0)), 90) < 1.5


def test_everybody_elses_hours_are_no_sign() -> None:
    """All are busy at three o'clock."""
    usual = FLAT.copy()
    usual[np.arange(DAYS) * A_DAY + 3] = 1e6
    place, at_us = at(*[3] * 40, each=DAYS)
    assert kept(place, at_us, 40, usual, 0).max() < 0.5


def test_strangers_hours_are_not_the_rings() -> None:
    """Twice as many strangers fill its forms at noon: its hours stay what its members' are."""
    place, at_us = at(*[3] * 20, *[12] * 40)
    ours = np.arange(60) < 20
    found = kept(place, at_us, 60, FLAT, 0, ours)
    assert (found[:20] > 1).all()
    assert (found[20:] < OWN_HOURS).all()


def test_many_exchanges_of_one_hour_count_once() -> None:
    place, at_us = at(*[3] * 40, 15)
    again = np.concatenate([place, np.full(500, 40)]), np.concatenate([at_us, np.full(500, at_us[-1])])
    assert kept(*again, 41, FLAT, 0) == pytest.approx(kept(place, at_us, 41, FLAT, 0))


def test_few_fillings_make_no_profile() -> None:
    place, at_us = at(3, 3, 15, each=1)
    assert (np.abs(kept(place, at_us, 3, FLAT, 0)) < 1).all()


def test_few_accounts_or_many_hours_are_counted_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pairs of account and hour are marked where they lie, or sorted where that would take too much room."""
    rng = np.random.default_rng(3)
    place = rng.integers(0, 50, 900)
    at_us = rng.integers(0, DAYS * A_DAY * HOUR_US, len(place)) + 7 * A_DAY * HOUR_US
    ours = rng.random(50) < 0.5
    marked = kept(place, at_us, 50, FLAT, 7 * A_DAY, ours)
    monkeypatch.setattr(hours, "IN_PLACE", 0)
    assert np.array_equal(marked, kept(place, at_us, 50, FLAT, 7 * A_DAY, ours))


@pytest.mark.parametrize("accounts", [0, 3])
def test_without_a_filling_no_hour_says_anything(accounts: int) -> None:
    nothing = np.empty(0, np.int64)
    assert kept(nothing, nothing, accounts, FLAT, 0).tolist() == [0.0] * accounts
