"""Capability concentration: accounts that stay in one cell of content, or ask for one thing that training needs."""

from __future__ import annotations

import numpy as np

from detect.worlds import dealt_log, folded
from headwater.detect.evidence.content import concentration
from headwater.detect.fold import Reading
from headwater.imprint import intent_flags

N, ACCOUNT = 60 * 24, np.repeat(np.arange(60), 24)


def read(**more: object) -> Reading:
    log = dealt_log(1, **more)
    world = log.world()
    return folded(concentration.trait, world, [log.batch(world)])


def narrow(member: np.ndarray) -> np.ndarray:
    """Vectors: rows of `member` hardly differ, others do."""
    rng = np.random.default_rng(3)
    return np.where(
        member[:, None], rng.normal(size=128) + 0.02 * rng.normal(size=(N, 128)), rng.normal(size=(N, 128))
    )


def test_accounts_that_stay_in_one_cell() -> None:
    reading = read(vector=narrow(ACCOUNT < 12))
    assert (reading.value[:12] >= reading.notable).mean() > 0.7
    assert (reading.value[12:] < 0.6).all()


def test_accounts_that_ask_for_one_thing_only() -> None:
    reading = read(intents=np.where(ACCOUNT < 12, intent_flags(["rubric_grading"]), 0))
    assert (reading.value[:12] == 1).all()
    assert (reading.value[12:] < reading.notable).all()


def test_a_programmer_who_only_programs_is_not_one() -> None:
    reading = read(intents=np.where(ACCOUNT < 12, intent_flags(["coding", "role_play"]), 0))
    assert (reading.value < reading.notable).all()


def test_short_prompts_and_few_prompts_say_nothing() -> None:
    assert np.isnan(read(words=3).value).all()
    log = dealt_log(1, each=15)
    world = log.world()
    assert np.isnan(folded(concentration.trait, world, [log.batch(world)]).value).all()


def test_the_plain_intents_have_names() -> None:
    assert intent_flags(concentration.PLAIN) > 0
