"""Always read to the end: nothing cut off, nothing asked for again."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from detect.evidence.traffic.reading import ACCOUNT, PLACE, SHOWN, made, read, shows
from detect.worlds import DAY
from headwater.detect.evidence.traffic import finished

SOME = ~SHOWN & (PLACE % 10 == 0)
NEVER = np.zeros(len(ACCOUNT), bool)
#: Pairs of requests a minute apart.
PAIRS = ACCOUNT * 1000 + PLACE // 2 * DAY // 4 + PLACE % 2 * 60_000_000
SAME = ACCOUNT * 100 + np.where(SHOWN, PLACE + 1, PLACE // 2 + 1)


def test_accounts_that_never_leave_early() -> None:
    log = made(cancelled=SOME)
    assert shows(finished.trait, log) == [0, 1, 2, 3, 4]
    assert np.allclose(read(finished.trait, log).value[5:], 0.9)


def test_asking_again_within_minutes_is_as_much_a_person() -> None:
    assert shows(finished.trait, made(PAIRS, cancelled=NEVER, filling=SAME)) == [0, 1, 2, 3, 4]


def test_asking_again_after_days_or_after_an_error_is_not() -> None:
    log = made(PLACE * DAY // 4, cancelled=NEVER, filling=ACCOUNT * 100 + PLACE // 20)
    assert len(shows(finished.trait, log)) == 30
    status = np.where(PLACE % 2 == 0, 500, 200).astype(np.int16)
    assert len(shows(finished.trait, made(PAIRS, cancelled=NEVER, filling=SAME, status=status))) == 30


def test_the_same_prompt_of_two_accounts_is_nobodys_second_try() -> None:
    at_us = PLACE * DAY // 4 + ACCOUNT * 1_000_000
    assert len(shows(finished.trait, made(at_us, cancelled=NEVER, filling=PLACE))) == 30


def test_what_the_log_does_not_say_counts_neither_way() -> None:
    log = made(cancelled=pa.array(NEVER, mask=PLACE >= 19))
    assert np.isnan(read(finished.trait, log).value).all()
