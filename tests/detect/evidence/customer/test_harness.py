"""A public list: everybody runs all of it, in the group and outside."""

from __future__ import annotations

import numpy as np

from detect.worlds import Made, dealt_log, judged
from headwater.detect.evidence.customer import harness

SIZE, EACH = 60, 24
N, ACCOUNT = SIZE * EACH, np.repeat(np.arange(SIZE), EACH)
ITEM, OWN = np.arange(N) % EACH, np.arange(N) + 1000


def made(filling: np.ndarray, **more: object) -> Made:
    return dealt_log(1, form=np.zeros(N, np.int64), filling=filling, **more)


def test_a_list_that_everybody_runs() -> None:
    finding = judged(harness.test, made(np.where(ACCOUNT < 20, ITEM, OWN)), range(12))[0]
    assert finding.raw == -2
    assert finding.figures["outside"] == 8


def test_a_list_that_only_the_group_runs_excuses_nothing() -> None:
    assert judged(harness.test, made(np.where(ACCOUNT < 12, ITEM, OWN)), range(12)) == {}


def test_a_public_list_that_is_dealt_out_excuses_nothing() -> None:
    """Outside each runs all of it; in the ring every item is asked once."""
    slices = np.where(ACCOUNT < 12, ACCOUNT * 2 + ITEM % 2, np.where(ACCOUNT < 20, ITEM, OWN))
    assert judged(harness.test, made(np.where((ACCOUNT < 12) & (ITEM > 1), OWN, slices)), range(12)) == {}


def test_one_text_in_common_with_many_is_a_coincidence() -> None:
    greeting = np.where((ITEM == 0) & (ACCOUNT >= 12), 0, OWN)
    mine = np.where(ACCOUNT < 12, ITEM, greeting)
    assert judged(harness.test, made(mine), range(12)) == {}


def test_half_of_the_list_in_common_is_too_little() -> None:
    half = np.where(ACCOUNT < 12, ITEM, np.where((ACCOUNT < 20) & (ITEM < 12), ITEM, OWN))
    assert judged(harness.test, made(half), range(12)) == {}


def test_short_prompts_small_groups_and_short_lists_say_nothing() -> None:
    everybody = np.where(ACCOUNT < 20, ITEM, OWN)
    assert judged(harness.test, made(everybody, words=3), range(12)) == {}
    assert judged(harness.test, made(everybody), range(4)) == {}
    assert judged(harness.test, made(np.where(ACCOUNT < 20, ITEM % 10, OWN)), range(12)) == {}


def test_large_logs_are_thinned_by_the_text(monkeypatch: object) -> None:
    size, each = 40, 400
    account = np.repeat(np.arange(size), each)
    filling = np.where(account < 20, np.arange(size * each) % each, np.arange(size * each) + 10_000)
    log = dealt_log(1, size=size, each=each, form=np.zeros(size * each, np.int64), filling=filling)
    monkeypatch.setattr(harness, "KEPT", size * each // 4)  # type: ignore[attr-defined]
    finding = judged(harness.test, log, range(12))[0]
    assert finding.raw == -2
    assert 50 < finding.figures["texts"] < 150
