"""Conversations of their own: answers that come back to the customer they were given to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detect.worlds import Made, dealt_log, judged
from headwater.detect.evidence.customer import conversations

SIZE, EACH = 60, 24
N, ACCOUNT = SIZE * EACH, np.repeat(np.arange(SIZE), EACH)
TURN = np.arange(N) % EACH
ANSWER = np.random.default_rng(1).integers(1, 2**63, N).astype(np.uint64)


def made(talks: np.ndarray, *, form: np.ndarray | None = None, answers: bool = True, **more: Any) -> Made:
    """A log in which these rows go on from the customer's answer before them; the ring fills form 5."""
    columns: dict[str, Any] = {"turn": pa.array(talks.astype(np.int32))}
    if answers:
        columns |= {"previous": pa.array(np.roll(ANSWER, 1), mask=~talks), "response": pa.array(ANSWER)}
    form = np.where((ACCOUNT < 12) & ~talks, 5, 0) if form is None else form
    return dealt_log(1, form=form, more=columns | more)


def test_members_who_mostly_talk() -> None:
    finding = judged(conversations.test, made(TURN % 6 != 0), range(12))[0]
    assert finding.raw == -3
    assert finding.figures["share"] == pytest.approx(20 / 24)


def test_a_harvest_with_a_few_talks_is_not_excused() -> None:
    assert judged(conversations.test, made(TURN % 4 == 1), range(12)) == {}
    assert judged(conversations.test, made(TURN < 0), range(12)) == {}


def test_half_of_the_traffic_as_talks_buys_little() -> None:
    assert -1 < judged(conversations.test, made(TURN % 2 == 1), range(12))[0].raw < 0


def test_the_rings_own_prompts_are_no_talk_whatever_they_carry() -> None:
    chained = made(TURN > 0, form=np.where(ACCOUNT < 12, 5, 0))
    assert judged(conversations.test, chained, range(12)) == {}


def test_one_answer_carried_again_and_again_counts_once() -> None:
    log = made(TURN > 0, previous=pa.array(np.repeat(ANSWER[::EACH], EACH), mask=TURN == 0))
    assert judged(conversations.test, log, range(12)) == {}


def test_answers_of_another_customer_are_no_talk_of_ones_own() -> None:
    assert (
        judged(conversations.test, made(TURN > 0, previous=pa.array(np.roll(ANSWER, EACH))), range(12)) == {}
    )


def test_claims_weigh_less_and_only_where_no_answer_is_kept() -> None:
    assert judged(conversations.test, made(TURN % 6 != 0, answers=False), range(12))[0].raw == -1
    claimed = made(TURN % 6 != 0, previous=pa.nulls(N, pa.uint64()))
    assert judged(conversations.test, claimed, range(12)) == {}


def test_where_nothing_can_be_told_apart_it_weighs_half() -> None:
    queue = made(TURN % 6 != 0, form=np.zeros(N, np.int64))
    assert judged(conversations.test, queue, range(12))[0].raw == -1.5


def test_a_few_talkative_members_excuse_nobody() -> None:
    assert judged(conversations.test, made((TURN % 6 != 0) & (ACCOUNT % 4 < 2)), range(12)) == {}


def test_few_members_few_rows_and_nulls_say_nothing() -> None:
    assert judged(conversations.test, made(TURN % 6 != 0), range(4)) == {}
    assert judged(conversations.test, dealt_log(1), range(12)) == {}
    nothing = dealt_log(1, more={"turn": pa.nulls(N, pa.int32()), "previous": pa.nulls(N, pa.uint64())})
    assert judged(conversations.test, nothing, range(12)) == {}


@given(st.floats(0, 1), st.floats(0, 1))
def test_more_talk_never_excuses_less(a: float, b: float) -> None:
    def ratio(share: float) -> float:
        law = conversations._density
        return law(share, *conversations.RING) - law(share, *conversations.PEOPLE)

    low, high = sorted((a, b))
    assert ratio(low) >= ratio(high)
