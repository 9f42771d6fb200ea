"""Benchmark items replayed: the share of an account's prompts that the operator's lists hold."""

from __future__ import annotations

import numpy as np

from detect.worlds import Made, dealt_log, folded
from headwater.detect.evidence.content import benchmarks
from headwater.detect.fold import Reading
from headwater.detect.indicators import Benchmarks


def read(log: Made, accounts: range) -> Reading:
    """The reading where the prompts of these accounts are the listed items."""
    world = log.world()
    batch = log.batch(world)
    items = batch.column("imprint.exact")[np.isin(batch.account, list(accounts))]
    world.context["benchmarks"] = Benchmarks(np.unique(items))
    return folded(benchmarks.trait, world, [batch])


def test_who_replays_listed_items() -> None:
    reading = read(dealt_log(1), range(12))
    assert (reading.value[:12] == 1).all()
    assert (reading.value[12:] == 0).all()


def test_without_a_list_nobody_does() -> None:
    assert (read(dealt_log(1), range(0)).value == 0).all()


def test_short_prompts_and_few_prompts_say_nothing() -> None:
    assert np.isnan(read(dealt_log(1, words=3), range(12)).value).all()
    assert np.isnan(read(dealt_log(1, each=9), range(12)).value).all()
