"""Departure from everybody's prompts: distance between distributions, against that of accounts in general."""

from __future__ import annotations

import numpy as np

from detect.evidence.traffic.reading import read
from detect.worlds import DAY, Made, log
from headwater.detect.evidence.traffic import departure


def world(shift: float, each: int = 60, size: int = 80, topic: float = 0.3, seed: int = 1) -> Made:
    """Accounts with topics of their own; the first four lie `shift` further off."""
    rng = np.random.default_rng(seed)
    account = np.repeat(np.arange(size), each)
    centre = rng.normal(size=(size, 128)) * topic
    centre[:4] += shift * rng.normal(size=(4, 128))
    vector = centre[account] + rng.normal(size=(len(account), 128))
    return log(account, rng.integers(0, 14 * DAY, len(account)), vector=vector)


def test_accounts_far_off() -> None:
    value = read(departure.trait, world(1.0)).value
    assert (value[:4] > departure.NOTABLE).all()
    assert (value[4:] > departure.NOTABLE).mean() < 0.05


def test_the_same_log_without_them() -> None:
    value = read(departure.trait, world(0.0)).value
    assert (value > departure.NOTABLE).mean() < 0.05


def test_accounts_of_one_law_differ_by_noise_alone_at_any_volume() -> None:
    """The distance is unbiased: few exchanges seem no further from everybody than many."""
    rng = np.random.default_rng(5)
    each = np.tile([20, 40, 160], 100)
    account = np.repeat(np.arange(300), each)
    made = log(account, rng.integers(0, DAY, len(account)), vector=rng.normal(size=(len(account), 128)))
    value = read(departure.trait, made).value
    assert (value > departure.NOTABLE).mean() < 0.03
    for few in (20, 40, 160):
        assert abs(value[each == few].mean()) < 0.35


def test_a_mixture_departs_less_than_what_it_is_mixed_from() -> None:
    rng = np.random.default_rng(6)
    account = np.repeat(np.arange(60), 100)
    far = rng.normal(size=128) * 1.2
    odd = (account == 0) | ((account == 1) & (np.arange(6000) % 2 == 0))
    made = log(
        account,
        rng.integers(0, DAY, 6000),
        vector=rng.normal(size=(6000, 128)) + np.where(odd[:, None], far, 0),
    )
    value = read(departure.trait, made).value
    assert value[0] > 2 * value[1] > 2 * departure.NOTABLE


def test_an_organisation_of_many_keys_does_not_say_what_is_usual() -> None:
    rng = np.random.default_rng(7)
    account = np.repeat(np.arange(90), 40)
    vector = rng.normal(size=(3600, 128)) + np.where((account < 60)[:, None], rng.normal(size=128), 0)
    known = {"organisation": ["one"] * 60 + [None] * 30}
    value = read(departure.trait, log(account, rng.integers(0, DAY, 3600), vector=vector, known=known)).value
    assert np.median(value[:60]) > departure.NOTABLE
    assert np.median(value[60:]) < 1


def test_too_few_exchanges_or_accounts_say_nothing() -> None:
    assert np.isnan(read(departure.trait, world(1.0, each=19)).value).all()
    assert np.isnan(read(departure.trait, world(1.0, size=9)).value).all()
