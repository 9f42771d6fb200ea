"""Pivot to a new model: who moves nearly everything within a day of a release."""

from __future__ import annotations

import numpy as np

from detect.evidence.traffic.reading import ACCOUNT, SHOWN, made, people, read, shows
from detect.worlds import DAY, HOUR
from headwater.detect.evidence.traffic import pivot

AT = people()
RELEASE = 8 * DAY


def models(moved: np.ndarray, tried: float = 0.0, seed: int = 1) -> np.ndarray:
    """Model 1 for those who moved after the release; others try it now and then."""
    after = AT > RELEASE
    now_and_then = np.random.default_rng(seed).random(len(AT)) < tried
    return np.where(after & (moved | now_and_then), 1, 0)


def test_those_who_move_at_once_with_everything() -> None:
    found = shows(pivot.trait, made(AT, model=models(SHOWN, 0.2)))
    assert found
    assert set(found) <= {0, 1, 2, 3, 4}


def test_without_a_new_model_nothing_is_known() -> None:
    assert np.isnan(read(pivot.trait, made(AT, model=np.zeros(len(AT), np.int64))).value).all()


def test_a_model_that_was_always_there_is_no_release() -> None:
    always = np.where(np.arange(len(AT)) % 2 == 0, 1, 0)
    assert np.isnan(read(pivot.trait, made(AT, model=always)).value).all()


def test_trying_it_is_no_pivot() -> None:
    assert shows(pivot.trait, made(AT, model=models(np.zeros(len(AT), bool), 0.15))) == []


def test_moving_later_is_no_pivot() -> None:
    early = (ACCOUNT >= 25) & (AT > RELEASE)
    late = SHOWN & (AT > RELEASE + 30 * HOUR)
    found = shows(pivot.trait, made(AT, model=np.where(early | late, 1, 0)))
    assert not set(found) & {0, 1, 2, 3, 4}


def test_a_model_of_few_customers_is_their_own() -> None:
    assert np.isnan(read(pivot.trait, made(AT, model=models(ACCOUNT < 4))).value).all()


def test_a_log_without_models() -> None:
    assert np.isnan(read(pivot.trait, made(AT, model=np.full(len(AT), -1))).value).all()


def test_a_release_at_the_end_of_the_log_is_too_late_to_tell() -> None:
    last = np.where(AT > 13 * DAY, 1, 0)
    assert np.isnan(read(pivot.trait, made(AT, model=last)).value).all()
