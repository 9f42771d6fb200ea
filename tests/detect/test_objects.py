"""Pairs of object and account are counted as plain Python counts them, however they come and are put together."""

from __future__ import annotations

import pickle
from collections import Counter
from unittest import mock

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from headwater.detect import objects
from headwater.detect.objects import Counts

#: Small numbers (token limits, …), hashes, and both ends of what 64 bits hold.
OBJECTS = st.one_of(
    st.integers(0, 5), st.integers(2**32 - 2, 2**32 + 2), st.sampled_from([2**63, 2**64 - 2, 2**64 - 1])
)
PAIRS = st.lists(st.tuples(OBJECTS, st.integers(0, 4)), max_size=12)
#: Batches of states that are merged from the left, and after which batch each is put in order or waits on disk.
STATES = st.lists(
    st.lists(st.tuples(PAIRS, st.sampled_from(["", "compact", "spill"])), max_size=5), max_size=6
)


def add(counts: Counts, pairs: list[tuple[int, int]]) -> None:
    counts.add(np.array([o for o, _ in pairs], np.uint64), np.array([a for _, a in pairs], np.int32))


@given(STATES, st.integers(0, 20))
def test_pairs_are_counted_in_order(
    states: list[list[tuple[list[tuple[int, int]], str]]], buffer: int
) -> None:
    wanted: Counter[tuple[int, int]] = Counter()
    whole = Counts()
    with mock.patch.object(objects, "BUFFER", buffer):
        for state in states:
            counts = Counts()
            for pairs, then in state:
                add(counts, pairs)
                wanted.update(pairs)
                if then == "compact":
                    counts.compact()
                elif then == "spill":
                    counts = pickle.loads(pickle.dumps(counts))
            whole.absorb(counts)
        whole.compact()
        whole.compact()
    found = list(zip(whole.objects.tolist(), whole.accounts.tolist(), strict=True))
    assert found == sorted(wanted)
    assert whole.times.tolist() == [wanted[pair] for pair in found]
    assert (whole.objects.dtype, whole.accounts.dtype, whole.times.dtype) == (np.uint64, np.int32, np.int64)


@given(PAIRS, st.integers(1, 4))
def test_objects_of_many_accounts_are_kept(pairs: list[tuple[int, int]], fewest: int) -> None:
    counts = Counts()
    add(counts, pairs)
    users = Counter(one for one, _ in set(pairs))
    kept = counts.of_many(fewest)
    assert set(kept.objects.tolist()) == {one for one, many in users.items() if many >= fewest}
    times = Counter(pairs)
    every = zip(kept.objects.tolist(), kept.accounts.tolist(), kept.times.tolist(), strict=True)
    assert all(times[one, account] == often for one, account, often in every)
