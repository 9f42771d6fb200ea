"""A rare template shared: it ties those who use it again and again, and a form that everybody fills ties nobody."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detect.worlds import DAY, FORM, dealt_log, folded, judged, log
from headwater.detect.evidence.content import template


def forms(share: np.ndarray, seed: int = 2, each: int = 24, words: int = 20):
    """A log in which account i fills one form in `share[i]` of its exchanges."""
    rng = np.random.default_rng(seed)
    account = np.repeat(np.arange(len(share)), each)
    form = np.where(rng.random(len(account)) < share[account], 5, 0)
    return log(account, rng.integers(0, 14 * DAY, len(account)), form=form, words=words)


def tied(made) -> set[int]:
    world = made.world()
    links = folded(template.links, world, [made.batch(world)])
    return set(links.a.tolist()) | set(links.b.tolist())


def test_users_of_a_rare_form_are_tied_and_nobody_else() -> None:
    assert tied(dealt_log(1)) == set(range(12))


def test_a_form_that_everybody_fills_ties_nobody() -> None:
    assert tied(forms(np.full(60, 0.5))) == set()


def test_a_greeting_is_no_template() -> None:
    assert tied(forms(np.where(np.arange(60) < 12, 0.9, 0.0), words=3)) == set()


def test_one_use_is_no_commitment() -> None:
    made = dealt_log(1, form=np.where(np.arange(60 * 24) % 24 == 0, 5, 0))
    assert tied(made) == set()


def test_a_tie_weighs_as_much_as_its_object_is_rare() -> None:
    weights = []
    for users in (3, 12, 40):
        made = forms(np.where(np.arange(60) < users, 0.9, 0.0))
        world = made.world()
        weights.append(folded(template.links, world, [made.batch(world)]).weight)
    assert [w.max() for w in weights] == sorted((w.max() for w in weights), reverse=True)
    assert all(w.max() <= 6 for w in weights)


def test_fresh_sessions_confirm_a_ring_and_refuse_one_that_stopped() -> None:
    finding = judged(template.test, dealt_log(1), range(12))[0]
    assert finding.raw > 3
    assert finding.figures["share"] == 1.0
    assert finding.figures["elsewhere"] == 0.0
    index = dealt_log(1).index
    stopped = dealt_log(1, form=np.where((index.account < 12) & (index.half == 0), 5, 0))
    assert stopped.world(range(12)).context["ring_objects"].objects.size
    assert judged(template.test, stopped, range(12)) == {}


def test_what_the_ring_and_everybody_else_use_alike_is_no_evidence() -> None:
    made = forms(np.full(60, 0.4))
    world = made.world(range(12))
    common = np.array([5 * FORM], np.uint64)
    assert np.isin(common, made.batch(world).column("imprint.opening")).all()
    world.context["ring_objects"] = type(world.context["ring_objects"])(
        common, np.zeros(1, np.int32), np.ones(1)
    )
    finding = folded(template.test, world, [made.batch(world)])[0]
    assert finding.raw < 0.5
    assert finding.p_value > 0.01


@given(st.floats(1e-12, 1.0))
def test_the_calibrator_is_an_e_value(p: float) -> None:
    """∫ exp(calibrated(p)) dp = 1, so chance is paid no more than it costs."""
    assert math.exp(template.calibrated(p)) == pytest.approx(0.5 / math.sqrt(p))
