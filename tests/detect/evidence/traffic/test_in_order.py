"""What goes through an account's rows in order: the same as when each row is looked at by itself, slowly."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from headwater.detect.evidence.traffic import finished, machine, repeats
from headwater.detect.evidence.traffic.columns import UNKNOWN
from headwater.detect.hashed import previous

SIZE = 3
MINUTE_US = 60_000_000
ROWS = st.lists(
    st.tuples(
        st.integers(0, SIZE - 1),
        st.integers(0, 12).map(lambda minutes: minutes * MINUTE_US),
        st.integers(0, 3),
        st.sampled_from([0, 1, int(UNKNOWN)]),
        st.booleans(),
        st.integers(0, 4),
    ),
    max_size=50,
)
Row = tuple[int, int, int, int, bool, int]


def columns(rows: list[Row]) -> list[np.ndarray]:
    kinds = (np.int32, np.int64, np.uint64, np.int8, bool, np.uint8)
    return [np.array([row[k] for row in rows], kind) for k, kind in enumerate(kinds)]


@given(ROWS)
def test_answers_cut_off_or_asked_for_again(rows: list[Row]) -> None:
    rows = sorted(rows, key=lambda row: row[:2])
    account, at_us, text, cancelled, wrong, _ = columns(rows)
    before = previous(account, text, np.ones(len(rows), bool))
    total, touched = finished._touched(account, at_us, before, cancelled, wrong, SIZE)
    known, again = [0] * SIZE, [0] * SIZE
    for at, (who, when, said, cut, _, _) in enumerate(rows):
        earlier = [row for row in rows[:at] if (row[0], row[2]) == (who, said)]
        anew = bool(earlier) and not earlier[-1][4] and when - earlier[-1][1] <= finished.AGAIN_US
        known[who] += cut != UNKNOWN
        again[who] += cut == 1 or anew
    assert (total.tolist(), touched.tolist()) == (known, again)


@given(ROWS)
def test_samples_of_one_prompt(rows: list[Row]) -> None:
    rows = sorted(rows, key=lambda row: row[:2])
    account, _, text, _, wrong, samples = columns(rows)
    total, sampled = repeats._sampled(account, previous(account, text, ~wrong), samples, ~wrong, SIZE)
    answered, several = [0] * SIZE, [0] * SIZE
    for who, _, said, _, failed, some in rows:
        if not failed:
            taken = sum(row[5] for row in rows if (row[0], row[2], row[4]) == (who, said, False))
            answered[who] += 1
            several[who] += some > 0 and taken >= repeats.SAMPLES
    assert (total.tolist(), sampled.tolist()) == (answered, several)


@given(
    st.lists(
        st.lists(st.tuples(st.integers(-100, 400), st.integers(-1, 90)), min_size=1, max_size=70),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from([MINUTE_US, 7 * MINUTE_US, 200 * MINUTE_US]),
)
def test_nights_gaps_and_requests_that_overlap(accounts: list[list[tuple[int, int]]], step: int) -> None:
    rows = [
        (who, at * step, took * MINUTE_US) for who, own in enumerate(accounts) for at, took in sorted(own)
    ]
    account, at_us, took_us = (
        np.array([row[k] for row in rows], kind) for k, kind in enumerate((np.int32, np.int64, np.int64))
    )
    took_us = np.where(took_us < 0, -1, took_us)
    value = np.full(len(accounts), np.nan)
    machine._ways(account, at_us, took_us, value)
    for who, own in enumerate(accounts):
        mine = account == who
        if len(own) < machine.LEAST:
            assert np.isnan(value[who])
        else:
            assert value[who] == slowly(at_us[mine], took_us[mine])


def slowly(at_us: np.ndarray, took_us: np.ndarray) -> int:
    """The ways of one account, in whole arrays."""
    used = np.bincount(at_us // machine.HOUR_US % 24, minlength=24) >= max(machine.USED * len(at_us) / 24, 1)
    idle = "".join("x" if hour else "." for hour in used) * 2
    night = max(map(len, idle.split("x")))
    sleepless = night <= machine.NIGHT_HOURS and at_us[-1] - at_us[0] >= 2 * machine.DAY_US
    gap = np.sort(np.diff(at_us)).astype(float)
    gap = gap[gap <= machine.PAUSE * gap[len(gap) // 2]]
    even = len(gap) >= machine.LEAST_GAPS and gap.mean() > 0 and gap.std() < machine.EVEN * gap.mean()
    known = took_us[:-1] >= 0
    over = (at_us[1:] < at_us[:-1] + took_us[:-1])[known]
    parallel = len(over) >= machine.LEAST_GAPS and over.sum() >= machine.OVERLAP * len(over)
    return int(sleepless) + int(even) + int(parallel)
