"""No conversation: whether answers come back as part of later requests."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from detect.evidence.traffic.reading import ACCOUNT, PLACE, SHOWN, made, read, shows
from headwater.detect.evidence.traffic import conversation

ANSWER = np.arange(len(ACCOUNT), dtype=np.uint64) + np.uint64(2**63)
#: Every third request of an account carries back the answer before it.
BACK = (PLACE % 3 == 1) & ~SHOWN


def carried(what: np.ndarray, where: np.ndarray) -> pa.Array:
    return pa.array(what.astype(np.uint64), mask=~where)


def test_turns_are_a_conversation() -> None:
    log = made(turn=np.where(BACK, 1, 0).astype(np.int32))
    assert shows(conversation.trait, log) == [0, 1, 2, 3, 4]
    assert np.allclose(read(conversation.trait, log).value[5:], 1 - 13 / 40)


def test_an_earlier_answer_carried_back_is_a_conversation_without_any_count_of_turns() -> None:
    log = made(response=ANSWER, previous=carried(np.roll(ANSWER, 1), BACK))
    assert shows(conversation.trait, log) == [0, 1, 2, 3, 4]


def test_answers_that_nobody_gave_are_no_conversation() -> None:
    invented = np.arange(len(ACCOUNT)) + 5
    assert len(shows(conversation.trait, made(response=ANSWER, previous=carried(invented, BACK)))) == 30


def test_an_answer_that_is_given_only_later_is_no_conversation() -> None:
    log = made(response=ANSWER, previous=carried(np.roll(ANSWER, -1), (PLACE % 3 == 1)))
    assert len(shows(conversation.trait, log)) == 30


def test_an_answer_to_a_stranger_does_not_count_and_one_to_a_colleague_does() -> None:
    other = np.roll(ANSWER, 40)
    theirs = carried(other, ACCOUNT == 1)
    at_us = np.where(ACCOUNT == 1, 20, 1) * 86_400_000_000 + PLACE * 60_000_000
    assert 1 in shows(conversation.trait, made(at_us, response=ANSWER, previous=theirs))
    known = {"organisation": ["one", "one", *[None] * 28]}
    assert 1 not in shows(conversation.trait, made(at_us, response=ANSWER, previous=theirs, known=known))


def test_where_no_answer_is_kept_any_that_comes_back_counts() -> None:
    reading = read(conversation.trait, made(previous=carried(ANSWER, ACCOUNT == 9)))
    assert reading.value[9] == 0
    assert np.isnan(np.delete(reading.value, 9)).all()


def test_what_the_log_does_not_say_counts_neither_way() -> None:
    turn = pa.array(np.zeros(len(ACCOUNT), np.int32), mask=PLACE >= 9)
    assert np.isnan(read(conversation.trait, made(turn=turn)).value).all()
