"""Hold and replace: the day after a hold against the day before, everybody else, and holds at random times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detect.worlds import DAY, HOUR, Made, judged, log
from headwater.detect.evidence.between import replaced

SIZE, RING, DAYS = 60, 12, 20
HELD = {0: 5.3, 1: 8.6, 2: 11.2, 3: 14.9}


def known(held: dict[int, float]) -> dict[str, list[Any]]:
    base = datetime(1970, 1, 1, tzinfo=UTC)
    return {"held_at": [base + timedelta(days=held[a]) if a in held else None for a in range(SIZE)]}


def made(seed: int, held: dict[int, float] = HELD, *, growth: float = 0.0, begin: bool = False) -> Made:
    """Accounts that send ten exchanges a day until they are held; `growth`: how much more the ring's others send in
    the day after a hold; `begin`: whether a waiting member begins a few hours after each hold."""
    rng = np.random.default_rng(seed)
    accounts, times = [], []
    for account in range(SIZE):
        at = np.sort(rng.integers(0, DAYS * DAY, DAYS * 10))
        if account < RING and growth:
            more = [h * DAY + rng.integers(0, DAY, rng.poisson(10 * growth)) for h in held.values()]
            at = np.concatenate([at, *more]).astype(np.int64)
        if account in held:
            at = at[at < held[account] * DAY]
        place = account - (RING - len(held))
        if begin and 0 <= place < len(held):
            at = at[at > sorted(held.values())[place] * DAY + 3 * HOUR]
        accounts.append(np.full(len(at), account))
        times.append(at)
    account = np.concatenate(accounts)
    return log(account, np.concatenate(times), form=np.where(account < RING, 5, 0), known=known(held))


def test_others_of_the_ring_take_up_the_work() -> None:
    finding = judged(replaced.test, made(1, growth=0.5), range(RING))[0]
    assert finding.raw > 2
    assert finding.figures["holds"] == 4
    assert finding.figures["after"] > 1.3 * finding.figures["before"]
    assert "holds at random times" in finding.sentence


def test_accounts_that_begin_after_each_hold() -> None:
    finding = judged(replaced.test, made(1, begin=True), range(RING))[0]
    assert finding.raw > 1
    assert finding.figures["begun"] == 4
    assert "opened or first seen" in finding.sentence


def test_where_accounts_were_opened_is_known_it_counts() -> None:
    plain = made(1, begin=True)
    base = datetime(1970, 1, 1, tzinfo=UTC)
    early = {"created_at": [base - timedelta(days=30)] * SIZE, **known(HELD)}
    opened_before = log(plain.index.account, plain.index.at_us, known=early)
    assert judged(replaced.test, opened_before, range(RING))[0].figures["begun"] == 0


def test_strangers_go_on_as_before() -> None:
    assert judged(replaced.test, made(1), range(RING))[0].raw < 0.5
    assert judged(replaced.test, made(1, {20: 5.3, 21: 9.1}, growth=0.5), range(20, 32))[0].raw < 0.5


def test_what_everybody_does_on_these_days_is_taken_off() -> None:
    made_by_all = made(1, growth=0.5)
    rng = np.random.default_rng(2)
    account, at_us = [made_by_all.index.account], [made_by_all.index.at_us]
    for day in HELD.values():
        n = 10 * SIZE // 2
        account.append(rng.integers(RING, SIZE, n))
        at_us.append((day * DAY + rng.integers(0, DAY, n)).astype(np.int64))
    who = np.concatenate(account)
    all_grow = log(who, np.concatenate(at_us), form=np.where(who < RING, 5, 0), known=known(HELD))
    assert (
        judged(replaced.test, all_grow, range(RING))[0].raw
        < judged(replaced.test, made_by_all, range(RING))[0].raw - 1
    )


@pytest.mark.parametrize(
    "held",
    [{}, {0: 5.3}, {0: 5.3, 1: 5.4}, {0: 0.2, 1: 19.9}, {30: 5.0, 31: 9.0}, {0: -4000.0, 1: 90_000.0}],
    ids=["nobody", "one", "one wave", "at the ends", "others", "out of the log"],
)
def test_too_few_holds_say_nothing(held: dict[int, float]) -> None:
    assert judged(replaced.test, made(1, held), range(RING)) == {}


def test_short_logs_and_small_rings_say_nothing() -> None:
    account = np.repeat(np.arange(SIZE), 10)
    brief = log(account, np.arange(len(account)) * 1_000_000, known=known({0: 0.0, 1: 0.0}))
    assert judged(replaced.test, brief, range(RING)) == {}
    assert judged(replaced.test, made(1), range(4)) == {}


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_its_p_value_is_one_under_holds_at_random_times(seed: int) -> None:
    rng = np.random.default_rng(seed)
    held = {a: float(d) for a, d in enumerate(rng.uniform(1.5, DAYS - 1.5, 4))}
    finding = judged(replaced.test, made(seed, held), range(RING))
    # Of 25 draws one below 0.001 has a chance of one in forty.
    assert not finding or finding[0].p_value > 0.001
