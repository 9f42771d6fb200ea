"""Uses of templates are counted the same in memory, on disk, and put together from parts in any order."""

from __future__ import annotations

import pickle
from collections import Counter
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.detect import uses
from headwater.detect.fold import NO_KEY
from headwater.detect.objects import LEAST_WORDS, PARTS, Counts, code_bits, objects_of
from headwater.detect.uses import Uses

PAIRS = st.lists(
    st.tuples(st.integers(1, 2**64 - 2) | st.sampled_from([7 << 20, 2**64 - 2]), st.integers(0, 9))
)


def expected(pairs: list[tuple[int, int]], bits: int = 20) -> list[tuple[int, int, int]]:
    counts = Counter((object_ >> bits << bits, account) for object_, account in pairs)
    users = Counter(object_ for object_, _ in counts)
    return sorted((o, a, n) for (o, a), n in counts.items() if users[o] > 1)


def counted(state: Uses) -> list[tuple[int, int, int]]:
    found = Counts.of_parts(list(state.shared()))
    return list(zip(found.objects.tolist(), found.accounts.tolist(), found.times.tolist(), strict=True))


def add(state: Uses, objects: list[int], accounts: list[int]) -> None:
    """Rows with one object each, the first one short."""
    rows = len(objects)
    held: dict[str, Any] = {part: np.zeros(rows + 1, np.uint64) for part in PARTS}
    held[PARTS[1]] = np.array([9, *objects], np.uint64)
    held["imprint.words"] = np.array([LEAST_WORDS - 1, *[LEAST_WORDS] * rows], np.uint16)
    held["imprint.minimisers"] = np.zeros((rows + 1, 8), np.uint64)
    batch: Any = SimpleNamespace(column=held.__getitem__, account=np.array([0, *accounts], np.int32))
    state.add(batch, np.arange(rows + 1))


def of(pairs: list[tuple[int, int]]) -> Uses:
    state = Uses(10)
    for at in range(0, len(pairs), 3):
        part = pairs[at : at + 3]
        add(state, [o for o, _ in part], [a for _, a in part])
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


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.integers(0, 40), st.sampled_from([10, 3_000_000]))
def test_rows_of_a_batch_count_what_stands_for_templates(seed: int, rows: int, accounts: int) -> None:
    rng = np.random.default_rng(seed)
    pool = np.append(rng.integers(0, 1 << 63, 6).astype(np.uint64), [np.uint64(0), NO_KEY])
    held: dict[str, Any] = {part: rng.choice(pool, rows) for part in PARTS}
    held["imprint.words"] = rng.integers(0, 2 * LEAST_WORDS, rows).astype(np.uint16)
    held["imprint.minimisers"] = rng.choice(pool, (rows, 8))
    account = rng.integers(0, accounts, rows).astype(np.int32)
    batch: Any = SimpleNamespace(column=held.__getitem__, account=account)
    chosen = np.flatnonzero(rng.random(rows) < 0.7)
    state = Uses(accounts)
    state.add(batch, chosen)
    every = [
        (int(values[row]), int(account[row]))
        for values in objects_of(batch)
        for row in chosen.tolist()
        if values[row] != NO_KEY
    ]
    assert counted(state) == expected(every, int(code_bits(accounts)))


def test_more_accounts_than_twenty_bits() -> None:
    state = Uses(3_000_000)
    add(state, [5 << 40, 5 << 40, 6 << 40], [2_999_999, 3, 3])
    assert counted(state) == [(5 << 40, 3, 1), (5 << 40, 2_999_999, 1)]
