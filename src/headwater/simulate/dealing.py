"""Who of a ring is there, and who is dealt which job: late comers, held accounts and their heirs, personas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headwater.simulate.chance import Floats, Ints
from headwater.simulate.dispatch import deal
from headwater.simulate.rhythm import DAY
from headwater.simulate.scenario import Campaign
from headwater.simulate.setting import Setting
from headwater.simulate.voices import draw


@dataclass(frozen=True)
class Holds:
    """Accounts that are held (`out`) `at` some second, and those that take their work up (`into`) from `first`."""

    out: Ints
    at: Floats
    into: Ints
    first: Floats


@dataclass(frozen=True)
class Ring:
    """One campaign at work: its number, its accounts' times here, its first account and client."""

    plan: Campaign
    number: int
    accounts: int
    account: int
    client: int
    begin_s: float
    end_s: float
    held: Holds


def holds(rng: np.random.Generator, share: float, accounts: int, begin_s: float, end_s: float) -> Holds:
    """Which of a ring's accounts are held in the middle of it; half an hour to a day later others step in."""
    count = min(round(share * accounts), accounts // 2)
    chosen = rng.permutation(accounts)[: 2 * count] if count else np.zeros(0, dtype=np.int64)
    at = begin_s + rng.uniform(0.3, 0.7, count) * (end_s - begin_s)
    return Holds(chosen[:count], at, chosen[count:], at + rng.uniform(1800.0, DAY, count))


def _presence(rng: np.random.Generator, ring: Ring) -> tuple[Floats, Floats]:
    """From when to when each account serves: some come late, some leave early (held, or out of credit)."""
    begin, span = ring.begin_s, ring.end_s - ring.begin_s
    first, last = np.full(ring.accounts, begin), np.full(ring.accounts, ring.end_s)
    late, early = rng.random((2, ring.accounts)) < ring.plan.churn / 2
    first[late] += 0.7 * span * rng.random(int(late.sum()))
    leaves = begin + span * rng.uniform(0.3, 1.0, int(early.sum()))
    last[early] = np.maximum(first[early] + min(DAY, span / 4), leaves)
    # Whoever is held, and whoever steps in, is there for that time alone.
    first[ring.held.out], last[ring.held.out] = begin, ring.held.at
    first[ring.held.into], last[ring.held.into] = ring.held.first, ring.end_s
    return first, np.minimum(last, ring.end_s)


def dealt(world: Setting, ring: Ring, at: Floats, content: Ints) -> tuple[Ints, Ints]:
    """Account and voice of each job. With personas, each shard of topics has accounts of its own."""
    rng, spec = world.rng(ring.plan.name, "deal"), ring.plan.dispatcher
    first, last = _presence(rng, ring)
    if ring.plan.personas == 0:
        return deal(rng, spec, at, first, last), np.full(len(at), -1, dtype=np.int64)
    shards = min(ring.plan.personas, ring.accounts)
    voice = world.cast.add_voices(draw(rng, shards, 1.5 * world.scenario.author.style))
    shard = _sharded(world, ring.plan, content, shards)
    account = np.zeros(len(at), dtype=np.int64)
    for i in range(shards):
        own = np.arange(i, ring.accounts, shards)
        rows = np.flatnonzero(shard == i)
        account[rows] = own[deal(rng, spec, at[rows], first[own], last[own])]
    # A persona serves on where nobody else is there for it, but not while held or not yet opened.
    bound = np.zeros(ring.accounts, dtype=bool)
    bound[ring.held.out] = bound[ring.held.into] = True
    away = bound[account] & ((at < first[account]) | (at >= last[account]))
    account[away] = deal(rng, spec, at[away], first, last)
    return account, voice + shard


def _sharded(world: Setting, plan: Campaign, content: Ints, shards: int) -> Ints:
    """The shard of each job: topics in their order, cut into equal parts; a content stays in one shard."""
    names = sorted({name for task in plan.tasks for name in task.corpora})
    topic = world.library.topics_of(names, content)
    _, place, count = np.unique(np.c_[topic, content], axis=0, return_inverse=True, return_counts=True)
    before = np.cumsum(count) - count
    return np.asarray((before * shards // max(len(content), 1))[place.reshape(-1)][: len(content)])
