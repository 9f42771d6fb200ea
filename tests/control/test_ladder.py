"""What the ladder promises, whatever persons, packs and clocks do to a step."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.steps import BEGIN, FEWEST, PERSONS, attempts, proposed, terms, tried
from headwater.control import (
    ACTIVE,
    CLOCK,
    HOUR_US,
    POLICY,
    TRANSITIONS,
    Event,
    State,
    Step,
    Terms,
    What,
    apply,
    canonical,
    due,
    fold,
    standing,
)
from headwater.errors import ConflictError, UsageError
from headwater.policy import Rung

HOLD = Terms(Rung.QUARANTINE, "hold", "why", "linked-accounts", "4.2", 72, 1)


def after(step: Step, *events: tuple[What, str, int]) -> Step:
    for what, by, hours in events:
        step = apply(step, Event(what, by, BEGIN + hours * HOUR_US))
    return step


@given(terms(), attempts)
def test_whatever_stands_has_its_reason_its_end_and_its_undo(terms: Terms, attempts: list) -> None:
    for step in tried(proposed(terms), attempts):
        if step.state is not State.STANDING:
            continue
        assert step.terms.reason_class
        assert step.expires_us is not None
        assert step.began_us is not None
        assert step.expires_us > step.began_us
        undone = apply(step, Event(What.UNDONE, "dora", step.last_us))
        assert undone.revision == step.revision + 1
        assert apply(step, Event(What.REVERSED, "dora", step.last_us)).ended


@given(terms(), attempts, attempts)
def test_undo_restores_step_and_restrictions_bit_for_bit(terms: Terms, before: list, then: list) -> None:
    other = after(proposed(HOLD, step_id="step-2"), (What.CONFIRMED, "bob", 0))
    start = tried(proposed(terms), before)[-1]
    way = tried(start, [each for each in then if each[0] is not What.UNDONE])
    step = way[-1]
    for _ in way[1:]:
        step = apply(step, Event(What.UNDONE, "dora", BEGIN))
    assert canonical(step) == canonical(start)
    for hours in (0, 12, 30, 100):
        at_us = start.last_us + hours * HOUR_US
        assert standing([step, other], at_us) == standing([start, other], at_us)


@given(terms(), attempts)
def test_time_never_runs_back_within_a_step(terms: Terms, attempts: list) -> None:
    steps = tried(proposed(terms), attempts)
    seen = [step.last_us for step in steps]
    assert seen == sorted(seen)
    for step in steps:
        times = [event.at_us for event in step.counted]
        assert times == sorted(times)
        assert [step.revision for step in steps] == list(range(1, len(steps) + 1))


@given(terms(), attempts)
def test_nobody_is_stopped_by_fewer_persons_than_the_ladder_asks(terms: Terms, attempts: list) -> None:
    for step in tried(proposed(terms), attempts):
        if step.state is State.STANDING:
            assert len(set(step.deciders)) >= FEWEST.get(step.rung, 0)
            assert set(step.deciders) <= set(PERSONS)


@given(terms(), attempts)
def test_the_events_are_all_there_is(terms: Terms, attempts: list) -> None:
    step = tried(proposed(terms), attempts)[-1]
    assert canonical(fold(step.id, step.account, step.counted)) == canonical(step)


@given(terms(), attempts, st.integers(0, 10_000))
def test_what_is_due_can_happen(terms: Terms, attempts: list, hours: int) -> None:
    step = tried(proposed(terms), attempts)[-1]
    at_us = step.last_us + hours * HOUR_US
    rounds = 0
    while (what := due(step, at_us, lapses_after_h=168)) is not None:
        step = apply(step, Event(what, CLOCK, at_us))
        rounds += 1
    assert rounds <= 2
    if step.ended:
        assert due(step, at_us + 10**6 * HOUR_US, lapses_after_h=168) is None


@given(terms())
def test_every_active_step_ends_by_itself(terms: Terms) -> None:
    step, at_us = proposed(terms), BEGIN
    while not step.ended:
        at_us += 24 * HOUR_US
        assert at_us < BEGIN + 10_000 * HOUR_US
        if (what := due(step, at_us, lapses_after_h=168)) is not None:
            step = apply(step, Event(what, CLOCK, at_us))


def test_the_table_leads_from_every_active_state_to_an_end_and_from_no_end_anywhere() -> None:
    assert {before for before, _ in TRANSITIONS} == {None, *ACTIVE}
    for state in ACTIVE:
        ends = {to for (before, _), led in TRANSITIONS.items() if before is state for to in led} - set(ACTIVE)
        assert ends, state
    assert {to for led in TRANSITIONS.values() for to in led} == set(State)


def test_a_ban_takes_two_different_persons() -> None:
    ban = proposed(replace(HOLD, rung=Rung.BAN, persons=2))
    once = after(ban, (What.CONFIRMED, "bob", 1))
    assert once.state is State.PROPOSED
    with pytest.raises(ConflictError, match="bob has confirmed"):
        after(once, (What.CONFIRMED, "bob", 2))
    assert after(once, (What.CONFIRMED, "carol", 2)).state is State.STANDING


def test_automatic_quarantine_ends_after_a_day_unless_a_person_confirms_it() -> None:
    step = after(proposed(replace(HOLD, persons=0)), (What.BEGAN, POLICY, 0))
    assert step.state is State.STANDING
    assert step.expires_us == BEGIN + 24 * HOUR_US
    confirmed = after(step, (What.CONFIRMED, "bob", 5))
    assert confirmed.expires_us == BEGIN + 72 * HOUR_US
    with pytest.raises(ConflictError, match="the time of step-1 is over"):
        after(step, (What.CONFIRMED, "bob", 24))
    ended = after(step, (What.EXPIRED, CLOCK, 24))
    assert ended.state is State.EXPIRED
    # Slowing down stops nobody, and keeps its time.
    shaped = after(proposed(replace(HOLD, rung=Rung.SHAPE, persons=0)), (What.BEGAN, POLICY, 0))
    assert shaped.expires_us == BEGIN + 72 * HOUR_US


def test_a_step_with_a_period_of_notice_is_announced_and_begins_by_the_clock() -> None:
    step = proposed(replace(HOLD, rung=Rung.SUSPEND, notice_before_h=48))
    announced = after(step, (What.CONFIRMED, "bob", 1))
    assert announced.state is State.ANNOUNCED
    assert standing([announced], BEGIN + 2 * HOUR_US).rung is Rung.OBSERVE
    assert due(announced, BEGIN + 48 * HOUR_US, lapses_after_h=168) is None
    assert due(announced, BEGIN + 49 * HOUR_US, lapses_after_h=168) is What.BEGAN
    with pytest.raises(ConflictError, match="may not begin yet"):
        after(announced, (What.BEGAN, CLOCK, 48))
    begun = after(announced, (What.BEGAN, CLOCK, 49))
    assert begun.expires_us == BEGIN + (49 + 72) * HOUR_US
    undone = after(begun, (What.UNDONE, "carol", 50))
    assert canonical(undone) == canonical(announced)
    # What a person undid, the clock doesn't do again.
    assert due(undone, BEGIN + 60 * HOUR_US, lapses_after_h=168) is None
    assert after(undone, (What.CONFIRMED, "bob", 60)).state is State.STANDING


def test_the_second_reviewer_is_told_what_the_first_did() -> None:
    step = after(proposed(HOLD), (What.DECLINED, "bob", 1))
    with pytest.raises(ConflictError, match="step-1 is declined and can't be confirmed: bob declined it"):
        after(step, (What.CONFIRMED, "carol", 1))


def test_no_step_without_reason_class_or_end_and_none_for_watching() -> None:
    for wrong in (
        {"reason_class": ""},
        {"expires_after_h": 0},
        {"rung": Rung.OBSERVE},
        {"persons": 3},
        {"rung": Rung.REFER},
    ):
        with pytest.raises(UsageError):
            replace(HOLD, **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("what", [What.CONFIRMED, What.DECLINED, What.UNDONE])
def test_neither_pack_nor_clock_decides(what: What) -> None:
    for by in (POLICY, CLOCK):
        with pytest.raises(ConflictError, match="a person's to say"):
            after(proposed(HOLD), (what, by, 1))
