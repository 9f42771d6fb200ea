"""Distinct rows counted in any order and any parts; texts by names that tell them apart."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detect.worlds import log
from headwater.detect.evidence.account import tally
from headwater.detect.evidence.account.tally import Tally, named, values
from headwater.detect.fold import NO_KEY

ROWS = st.lists(st.tuples(st.integers(0, 3), st.integers(-2, 2), st.integers(0, 9)), max_size=30)


def of(rows: list[tuple[int, int, int]], *, timed: bool = True) -> Tally:
    out = Tally(2, timed=timed)
    a, b, at = np.array(rows, np.int64).reshape(-1, 3).T
    out.add(at, a.astype(np.int32), b)
    return out


@given(left=ROWS, right=ROWS, cut=st.integers(0, 30))
def test_it_counts_as_a_counter_does(
    left: list[tuple[int, int, int]], right: list[tuple[int, int, int]], cut: int
) -> None:
    whole = of(left[:cut])
    whole.absorb(of(left[cut:]))
    whole.absorb(of(right))
    whole.compact()
    told = Counter((a, b) for a, b, _ in left + right)
    assert dict(zip(map(tuple, whole.rows.T.tolist()), whole.times.tolist(), strict=True)) == told
    for (a, b), first, last in zip(whole.rows.T.tolist(), whole.first, whole.last, strict=True):
        at = [t for x, y, t in left + right if (x, y) == (a, b)]
        assert (first, last) == (min(at), max(at))
    once, untimed = of(left + right), of(left + right, timed=False)
    for each in (once, untimed):
        each.compact()
        assert np.array_equal(each.rows, whole.rows)
        assert np.array_equal(each.times, whole.times)


def test_a_full_buffer_is_counted_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Tally(1)
    monkeypatch.setattr(tally, "BUFFER", 3)
    for _ in range(5):
        whole.add(np.zeros(2, np.int64), np.array([1, 2]))
    whole.compact()
    assert sorted(zip(whole.rows[0].tolist(), whole.times.tolist(), strict=True)) == [(1, 5), (2, 5)]


def test_names_tell_rows_apart() -> None:
    a, b = np.meshgrid(np.arange(-300, 300), np.arange(300))
    assert len(np.unique(named(a.reshape(-1), b.reshape(-1)))) == a.size


def test_texts_have_names_and_nothing_has_none() -> None:
    column = pa.array(["x", None, "", "y", "x", " "])
    made = log(np.zeros(6, np.int64), np.arange(6), more={"tls": column})
    batch = made.batch(made.world())
    names = values(batch, "tls")
    assert names[0] == names[4] != names[3]
    assert (names == NO_KEY).tolist() == [False, True, True, False, False, False]
    assert (values(batch, "tls", lambda v: v.strip() or None) == NO_KEY)[5]
    assert (values(batch, "http2") == NO_KEY).all()
