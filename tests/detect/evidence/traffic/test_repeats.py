"""One prompt, many samples: how much of an account's traffic samples the same prompts."""

from __future__ import annotations

import numpy as np

from detect.evidence.traffic.reading import ACCOUNT, PLACE, SHOWN, made, read, shows
from headwater.detect.evidence.traffic import repeats

N = len(ACCOUNT)
#: The first accounts ask everything four times; others never.
FOUR = ACCOUNT * 100 + np.where(SHOWN, PLACE // 4, PLACE)


def test_prompts_asked_again_and_again() -> None:
    log = made(filling=FOUR)
    assert shows(repeats.trait, log) == [0, 1, 2, 3, 4]
    assert (read(repeats.trait, log).value[5:] == 0).all()


def test_asking_twice_is_no_sampling() -> None:
    assert shows(repeats.trait, made(filling=ACCOUNT * 100 + PLACE // 2)) == []


def test_several_answers_to_one_request_are_samples() -> None:
    assert shows(repeats.trait, made(n=np.where(SHOWN, 4, 1).astype(np.int32))) == [0, 1, 2, 3, 4]


def test_at_temperature_zero_nothing_is_sampled() -> None:
    assert shows(repeats.trait, made(filling=FOUR, temperature=np.zeros(N, np.float32))) == []


def test_retries_after_failures_are_not_samples() -> None:
    status = np.where(PLACE % 4 < 3, 503, 200).astype(np.int16)
    reading = read(repeats.trait, made(filling=FOUR, status=status))
    assert (reading.value == 0).all()


def test_short_words_and_turns_of_a_conversation_are_not_samples() -> None:
    assert shows(repeats.trait, made(filling=FOUR, words=2)) == []
    assert shows(repeats.trait, made(filling=FOUR, turn=np.full(N, 3, np.int32))) == []


def test_a_prompt_that_many_accounts_send_once_is_sampled_by_none() -> None:
    assert shows(repeats.trait, made(filling=PLACE)) == []


def test_absurd_numbers_of_answers_stay_shares() -> None:
    value = read(repeats.trait, made(n=np.full(N, 2**31 - 1, np.int32))).value
    assert (value == 1).all()
    assert (read(repeats.trait, made(n=np.full(N, -5, np.int32))).value == 0).all()
