"""What standing steps do: the strictest counts, and what lies under it shows again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.steps import BEGIN, proposed, rungs
from headwater.control import HOUR_US, Effects, Event, Restrictions, Step, Terms, What, apply, standing
from headwater.errors import ConfigurationError
from headwater.policy import Rung


def stands(rung: Rung, *, name: str = "step-1", hours: int = 72) -> Step:
    terms = Terms(rung, "hold", "why", "linked-accounts", "4.2", hours, 2)
    step = proposed(terms, step_id=name)
    for person in ("bob", "carol"):
        step = apply(step, Event(What.CONFIRMED, person, BEGIN))
    return step


def test_a_milder_step_shows_again_when_the_one_above_it_ends() -> None:
    reduced, held = stands(Rung.REDUCE, name="step-a"), stands(Rung.QUARANTINE, name="step-b", hours=24)
    both = standing([reduced, held], BEGIN)
    assert (both.rung, both.held, both.max_tokens) == (Rung.QUARANTINE, True, 1024)
    assert both.step_ids == ("step-b", "step-a")
    assert both.until_us == BEGIN + 24 * HOUR_US
    reversed_ = apply(held, Event(What.REVERSED, "dora", BEGIN))
    assert standing([reduced, reversed_], BEGIN) == standing([reduced], BEGIN)
    assert standing([reduced, held], BEGIN + 24 * HOUR_US) == standing([reduced], BEGIN + 24 * HOUR_US)


@given(st.lists(rungs, max_size=5), st.randoms())
def test_the_order_of_steps_says_nothing_and_none_makes_it_milder(kinds: list[Rung], chance: object) -> None:
    steps = [stands(rung, name=f"step-{n}") for n, rung in enumerate(kinds)]
    whole = standing(steps, BEGIN)
    shuffled = list(steps)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert standing(shuffled, BEGIN) == whole
    assert whole.rung == max(kinds, default=Rung.OBSERVE)
    for step in steps:
        one = standing([step], BEGIN)
        assert whole.rate <= one.rate
        assert whole.delay_ms >= one.delay_ms
        assert (whole.logprobs, whole.reasoning, whole.served) <= (one.logprobs, one.reasoning, one.served)
        assert (whole.held, whole.proof) >= (one.held, one.proof)


def test_nothing_stands_where_no_step_does() -> None:
    assert standing([], BEGIN) == Restrictions()
    assert not standing([stands(Rung.SUSPEND)], BEGIN).served
    assert standing([stands(Rung.NOTICE)], BEGIN) == replace(
        Restrictions(), rung=Rung.NOTICE, step_ids=("step-1",), until_us=BEGIN + 72 * HOUR_US
    )


def test_the_operator_chooses_the_figures() -> None:
    effects = Effects(shape_rate=0.1, shape_delay_ms=250, reduce_max_tokens=64)
    shaped = standing([stands(Rung.SHAPE), stands(Rung.REDUCE, name="step-2")], BEGIN, effects)
    assert (shaped.rate, shaped.delay_ms, shaped.max_tokens) == (0.1, 250, 64)


@pytest.mark.parametrize("wrong", [{"shape_rate": 0.0}, {"reduce_rate": 1.5}, {"reduce_max_tokens": 0}])
def test_figures_that_mean_nothing_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError):
        Effects(**wrong)  # type: ignore[arg-type]
