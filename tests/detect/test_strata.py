"""Members who ask for alike things stand in one set; sets are small, and nobody of whom little is known is in one."""

from __future__ import annotations

import numpy as np

from headwater.detect.strata import LARGEST, WORTH, strata


def sums(
    shards: int, each: int, seed: int = 0, apart: float = 1.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sums and counts of content of accounts in shards, and the shard of each."""
    rng = np.random.default_rng(seed)
    centre = rng.normal(size=(shards, 64)) * apart
    shard = np.repeat(np.arange(shards), each)
    count = rng.integers(5, 30, len(shard))
    noise = rng.normal(size=(len(shard), 64)) * np.sqrt(count)[:, None]
    return centre[shard] * count[:, None] + noise, count, shard


def test_shards_are_found() -> None:
    total, count, shard = sums(10, LARGEST)
    label = strata(total, count, 0)
    assert (label >= 0).all()
    pairs = label[:, None] == label
    same = shard[:, None] == shard
    assert (same | ~pairs).mean() > 0.99, "hardly a set holds two shards' accounts"


def test_sets_are_small() -> None:
    total, count, _ = sums(1, 200, apart=0.0)
    assert np.bincount(strata(total, count, 0)).max() <= LARGEST


def test_few_members_are_one_set_and_one_of_few_exchanges_is_in_none() -> None:
    total, count, _ = sums(1, WORTH - 1)
    count[3] = 1
    label = strata(total, count, 0)
    assert label[3] == -1
    assert set(np.delete(label, 3)) == {0}


def test_the_same_input_gives_the_same_sets() -> None:
    total, count, _ = sums(5, 30)
    assert (strata(total, count, 4) == strata(total, count, 4)).all()
