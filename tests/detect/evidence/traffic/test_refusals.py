"""Refusal, then a rewrite: what comes after a refusal within minutes, in other words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from detect.evidence.traffic.reading import ACCOUNT, EACH, PLACE, SHOWN, SIZE, made, read, shows
from detect.worlds import DAY, Made
from headwater.detect.evidence.traffic import refusals

N = len(ACCOUNT)
#: Pairs a minute apart, a quarter of a day between pairs; the first of each pair is refused.
AT = PLACE // 2 * DAY // 4 + PLACE % 2 * 60_000_000
FIRST = PLACE % 2 == 0


def pairs(alike: np.ndarray, at_us: np.ndarray = AT, **more: Any) -> Made:
    """Both of a pair are of one content where `alike` (n), in different words."""
    rng = np.random.default_rng(4)
    own = rng.normal(size=(N, 128))
    first = np.repeat(own[::2], 2, axis=0)
    vector = np.where(alike[:, None], first + 0.1 * own, own)
    more = more or {"finish_reason": pa.array(["Content_Filter" if f else "stop" for f in FIRST])}
    return made(at_us, vector=vector, **more)


def test_rewrites_of_what_was_refused() -> None:
    log = pairs(SHOWN)
    assert shows(refusals.trait, log) == [0, 1, 2, 3, 4]
    value = read(refusals.trait, log).value
    assert (value[:5] == EACH // 2).all()
    assert (value[5:] <= 1).all()


def test_a_status_says_as_much_as_a_word() -> None:
    log = pairs(SHOWN, status=np.where(FIRST, 403, 200).astype(np.int16))
    assert shows(refusals.trait, log) == [0, 1, 2, 3, 4]


def test_going_on_with_something_else_is_no_rewrite() -> None:
    assert shows(refusals.trait, pairs(np.zeros(N, bool))) == []


def test_the_same_words_again_are_a_retry() -> None:
    assert (
        shows(
            refusals.trait,
            pairs(
                SHOWN,
                form=np.ones(N, np.int64),
                filling=ACCOUNT * 100 + PLACE // 2,
                status=np.where(FIRST, 400, 200).astype(np.int16),
            ),
        )
        == []
    )


def test_rewording_what_was_answered_is_work_on_a_prompt() -> None:
    assert shows(refusals.trait, pairs(SHOWN, finish_reason=pa.array(["stop"] * N))) == []


def test_hours_later_it_is_another_request() -> None:
    assert shows(refusals.trait, pairs(SHOWN, AT + FIRST * -3_600_000_000)) == []


def test_another_accounts_request_is_no_rewrite() -> None:
    at_us = ACCOUNT * 30_000_000 + PLACE * DAY // 8
    vector = np.tile(np.random.default_rng(1).normal(size=(EACH, 128)), (SIZE, 1))
    log = made(at_us, vector=vector, status=np.full(N, 403, np.int16))
    assert shows(refusals.trait, log) == []
