"""What rings took: rows of accounts that join late take the place of what they had before."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from headwater.detect.harvest import Harvest

KINDS = {
    "row": np.int64,
    "account": np.int32,
    "at_us": np.int64,
    "intents": np.uint32,
    "model": np.int32,
    "exact": np.uint64,
    "key": np.uint64,
    "cell": np.int16,
    "setup": np.uint64,
}


def harvest(rows: list[tuple[int, int, int]]) -> Harvest:
    """Rows (account, time, key) in their order; every other column is told from these."""
    rows = sorted(rows)
    account, at_us, key = (np.array([row[at] for row in rows], np.int64) for at in range(3))
    told = {"account": account, "at_us": at_us, "key": key}
    return Harvest(
        **{
            name: told.get(name, account * 1000 + at_us * 10 + key).astype(kind)
            for name, kind in KINDS.items()
        }
    )


rows = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 30), st.integers(0, 3)), max_size=40)


@given(before=rows, after=rows, late=st.sets(st.integers(0, 5)))
def test_rows_of_some_accounts_are_replaced(
    before: list[tuple[int, int, int]], after: list[tuple[int, int, int]], late: set[int]
) -> None:
    theirs = [row for row in after if row[0] in late]
    found = harvest(before).with_all_of(np.array(sorted(late), np.int32), harvest(theirs))
    wanted = harvest([row for row in before if row[0] not in late] + theirs)
    for each in fields(Harvest):
        got, want = getattr(found, each.name), getattr(wanted, each.name)
        assert got.dtype == want.dtype
        assert got.tolist() == want.tolist()
