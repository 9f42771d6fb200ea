"""Uses of templates are counted the same in memory, on disk, and put together from parts in any order."""

from __future__ import annotations

import pickle
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.detect import uses
from headwater.detect.objects import Counts
from headwater.detect.uses import Uses

PAIRS = st.lists(
    st.tuples(st.integers(0, 2**64 - 1) | st.sampled_from([7 << 20, 2**64 - 1]), st.integers(0, 9))
)


def expected(pairs: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    counts = Counter((object_ >> 20 << 20, account) for object_, account in pairs)
    users = Counter(object_ for object_, _ in counts)
    return sorted((o, a, n) for (o, a), n in counts.items() if users[o] > 1)


def counted(state: Uses) -> list[tuple[int, int, int]]:
    found = Counts.of_parts(list(state.shared()))
    return list(zip(found.objects.tolist(), found.accounts.tolist(), found.times.tolist(), strict=True))


def of(pairs: list[tuple[int, int]]) -> Uses:
    state = Uses(10)
    for at in range(0, len(pairs), 3):
        part = pairs[at : at + 3]
        state.add(np.array([o for o, _ in part], np.uint64), np.array([a for _, a in part], np.int32))
    return state


@settings(max_examples=60)
@given(PAIRS, PAIRS, st.sampled_from([2, 5, 10**6]))
def test_pairs_whose_object_several_use(
    left: list[tuple[int, int]], right: list[tuple[int, int]], held: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(uses, "HELD", held)
        assert counted(of(left)) == expected(left)
        whole = of(left)
        whole.absorb(pickle.loads(pickle.dumps(of(right))))
        assert counted(whole) == expected(left + right)
        assert counted(whole) == expected(left + right)  # asked again


def test_more_accounts_than_twenty_bits() -> None:
    state = Uses(3_000_000)
    state.add(np.array([5 << 40, 5 << 40, 6 << 40], np.uint64), np.array([2_999_999, 3, 3], np.int32))
    assert counted(state) == [(5 << 40, 3, 1), (5 << 40, 2_999_999, 1)]
