"""A popular starter: the text that ties a group is used by more strangers, and they are as unlike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from detect.worlds import Made, dealt_log, folded
from headwater.detect.evidence.between import nearness
from headwater.detect.evidence.content import prefix
from headwater.detect.evidence.customer import starter
from headwater.detect.fold import Ring, World

SIZE, EACH = 300, 24
ACCOUNT = np.repeat(np.arange(SIZE), EACH)


def found(log: Made, *, by: tuple[str, ...] = ("template",), compare: bool = True, members: int = 12) -> Any:
    world = log.world(range(members))
    world = World(**{**vars(world), "rings": (Ring(np.arange(members, dtype=np.int32), by, 3.0),)})
    batch = log.batch(world)
    if compare:
        folded(nearness.propose, world, [batch])
    if "system" in log.columns:
        folded(prefix.links, world, [batch])
    return folded(starter.test, world, [batch])


def unlike(**more: Any) -> Made:
    """A log in which nobody shares a queue."""
    return dealt_log(1, size=SIZE, members=1, **more)


POPULAR = np.where(ACCOUNT < 120, 5, 0)


def test_a_starter_that_many_strangers_use() -> None:
    finding = found(unlike(form=POPULAR))[0]
    assert finding.raw == pytest.approx(-np.log(108 / 12))
    assert "108 customers outside" in finding.sentence


def test_a_group_that_is_more_alike_than_they_are_is_not_explained() -> None:
    assert found(dealt_log(1, size=SIZE, members=12, form=POPULAR, effect=0.3)) == {}


def test_without_a_comparison_it_weighs_little() -> None:
    assert found(unlike(form=POPULAR), compare=False)[0].raw == -1


def test_a_rarer_text_in_common_is_what_counts() -> None:
    system = pa.array(np.where(ACCOUNT < 12, 7, ACCOUNT + 1000).astype(np.uint64))
    assert found(unlike(form=POPULAR, more={"system": system})) == {}
    public = pa.array(np.where(ACCOUNT < 200, 7, ACCOUNT + 1000).astype(np.uint64))
    own = unlike(form=np.zeros(len(ACCOUNT), np.int64), more={"system": public})
    assert found(own, by=("prefix",))[0].raw == pytest.approx(-np.log(188 / 12))


def test_what_the_group_alone_uses_excuses_nothing() -> None:
    assert found(unlike(form=np.where(ACCOUNT < 12, 5, 0))) == {}
    assert found(unlike(form=np.where(ACCOUNT < 20, 5, 0))) == {}


def test_a_text_sent_now_and_then_ties_nobody() -> None:
    for often, ties in ((24, True), (3, False)):
        sent = (ACCOUNT < 120) & (np.arange(len(ACCOUNT)) % EACH < often)
        system = pa.array(np.where(sent, 7, ACCOUNT + 1000).astype(np.uint64))
        log = unlike(form=np.zeros(len(ACCOUNT), np.int64), more={"system": system})
        assert bool(found(log, by=("prefix",))) == ties


def test_groups_that_no_text_proposed_are_not_excused_by_one() -> None:
    assert found(unlike(form=POPULAR), by=("nearness", "infrastructure")) == {}


def test_small_groups_and_empty_counts_say_nothing() -> None:
    assert found(unlike(form=POPULAR), members=4) == {}
    assert found(unlike(form=np.zeros(len(ACCOUNT), np.int64))) == {}
    assert found(unlike(form=POPULAR, words=2)) == {}
