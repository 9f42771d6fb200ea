"""Sessions and halves of rows in any order, against a few lines of plain Python."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.engine.census import MINUTE_US, Tally
from headwater.engine.sessions import sessions

GAP, LENGTH = 30, 60
ROWS = st.lists(st.tuples(st.integers(-1, 5), st.integers(0, 400)), max_size=60)


def plainly(rows: list[tuple[int, int]], side: list[int]) -> list[tuple[int, int]]:
    """Session and half of each row: as the docstring says it."""
    out, before = [(-1, 0)] * len(rows), 0
    for account in range(len(side)):
        times = sorted({at for code, at in rows if code == account})
        number, begun, of = -1, 0, {}
        for at, time in enumerate(times):
            if at == 0 or time - times[at - 1] > GAP:
                number, begun = number + 1, time
            elif (time - begun) // LENGTH != (times[at - 1] - begun) // LENGTH:
                number += 1
            of[time] = number
        for row, (code, time) in enumerate(rows):
            if code == account:
                late = time > (times[0] + times[-1]) // 2 if number == 0 else of[time] % 2
                out[row] = before + of[time], int(late) ^ side[account]
        before += number + 1
    return out


@settings(max_examples=200, deadline=None)
@given(ROWS, st.lists(st.integers(0, 1), min_size=6, max_size=6), st.integers(1, 3))
def test_sessions_are_those_of_plain_python(
    rows: list[tuple[int, int]], side: list[int], workers: int
) -> None:
    account = np.array([code for code, _ in rows], np.int32)
    at_us = np.array([at for _, at in rows], np.int64)
    session, half = sessions(
        account, at_us, np.array(side, np.uint8), gap_us=GAP, length_us=LENGTH, workers=workers
    )
    assert list(zip(session.tolist(), half.tolist(), strict=True)) == plainly(rows, side)


def test_an_account_with_most_rows_costs_no_more_than_sorting_them() -> None:
    """One that outgrows a thread's share, and comes in the worst order."""
    size = 200_000
    order = list(range(size))
    random.Random(2).shuffle(order)
    at_us = np.array(order, np.int64) * 7
    account = np.zeros(size, np.int32)
    account[::1000] = 3
    session, half = sessions(account, at_us, np.zeros(4, np.uint8), gap_us=100, length_us=1000, workers=4)
    alone = np.flatnonzero(account == 0)
    alone = alone[np.argsort(at_us[alone])]
    assert (np.diff(session[alone]) >= 0).all()
    assert session[alone[-1]] == at_us[alone[-1]] // 1000 - at_us[alone[0]] // 1000
    assert set(half.tolist()) == {0, 1}


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(-1, 3), st.integers(0, 3 * MINUTE_US), st.integers(0, 1), st.integers(-1, 2)),
        max_size=40,
    ),
    st.booleans(),
)
def test_counts_of_a_log_are_those_of_its_rows(rows: list[tuple[int, int, int, int]], far: bool) -> None:
    """Also where a few rows are of another century, so that minutes can't be counted in place."""
    later = 5_000_000 * MINUTE_US
    rows = [(a, at + later * (far and n % 3 == 0), h, m) for n, (a, at, h, m) in enumerate(rows)]
    columns = [np.array(column, np.int64) for column in zip(*rows, strict=True)] or [
        np.empty(0, np.int64)
    ] * 4
    tally = Tally.of(columns[0], columns[1], columns[2], columns[3], accounts=4, models=3)
    live = [row for row in rows if row[0] >= 0]
    for account in range(4):
        assert tally.volume[account].tolist() == [
            sum(a == account and h == half for a, _, h, _ in live) for half in (0, 1)
        ]
    minutes = [at // MINUTE_US for _, at, _, _ in live]
    assert dict(zip(tally.minute.tolist(), tally.count.tolist(), strict=True)) == {
        minute: minutes.count(minute) for minute in sorted(set(minutes))
    }
    for model in range(3):
        asked = [at for _, at, _, m in live if m == model]
        assert tally.asked[model] == (min(asked) if asked else np.iinfo(np.int64).max)
    if live:
        assert (tally.first_us, tally.last_us) == (min(r[1] for r in live), max(r[1] for r in live))
