"""A system prompt in common: rare among others, shared by strangers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from detect.worlds import Made, dealt_log, folded, judged
from headwater.detect.evidence.content import prefix

SIZE, EACH = 300, 24
ACCOUNT = np.repeat(np.arange(SIZE), EACH)


def made(system: np.ndarray, **more: Any) -> Made:
    """A log with these system prompts (0: none)."""
    column = pa.array(system.astype(np.uint64), mask=system == 0)
    return dealt_log(1, size=SIZE, more={"system": column}, **more)


def test_strangers_with_one_rare_prompt() -> None:
    log = made(np.where(ACCOUNT < 12, 7, ACCOUNT + 1000))
    finding = judged(prefix.test, log, range(12))[0]
    assert finding.raw == prefix.CARD.cap_nats
    assert "0 accounts outside" in finding.sentence
    world = log.world()
    links = folded(prefix.links, world, [log.batch(world)])
    assert set(np.union1d(links.a, links.b).tolist()) == set(range(12))
    assert (links.weight == prefix.TIE).all()


def test_a_public_harness_ties_nobody() -> None:
    log = made(np.where(ACCOUNT < 200, 7, ACCOUNT + 1000))
    assert judged(prefix.test, log, range(12)) == {}
    world = log.world()
    assert len(folded(prefix.links, world, [log.batch(world)]).a) == 0


def test_a_harness_that_some_use_weighs_less_than_one_that_nobody_else_does() -> None:
    some = judged(prefix.test, made(np.where((ACCOUNT < 9) | (ACCOUNT % 15 == 0), 7, 0)), range(12))[0]
    assert some.figures["outside"] > 10
    assert some.raw <= prefix.CARD.cap_nats
    few = judged(prefix.test, made(np.where((ACCOUNT < 2) | (ACCOUNT % 15 == 0), 7, 0)), range(12))[0]
    assert few.raw < 1


def test_prompts_of_their_own_say_nothing() -> None:
    assert judged(prefix.test, made(ACCOUNT + 1000), range(12)) == {}
    assert judged(prefix.test, made(np.zeros(len(ACCOUNT))), range(12)) == {}
    assert judged(prefix.test, dealt_log(1), range(12)) == {}


def test_one_use_is_no_commitment() -> None:
    once = np.where((ACCOUNT < 12) & (np.arange(len(ACCOUNT)) % EACH == 0), 7, 0)
    assert judged(prefix.test, made(once), range(12)) == {}


def test_a_ring_that_prompts_proposed_says_by_them_only_that() -> None:
    from headwater.detect.fold import Ring, World

    log = made(np.where(ACCOUNT < 12, 7, ACCOUNT + 1000))
    world = log.world(range(12))
    ring = Ring(world.rings[0].members, ("prefix",), 1.0)
    world = World(**{**vars(world), "rings": (ring,)})
    assert folded(prefix.test, world, [log.batch(world)])[0].raw == prefix.PROPOSED_BY_PREFIX
