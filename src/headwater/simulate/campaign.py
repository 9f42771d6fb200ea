"""A campaign: one queue of harvest jobs, dealt to a ring's accounts, under cover or behind a reseller.

Jobs are contents in templates; who sends them and when is the dispatcher's doing. Cover and resale traffic
come from people like everybody else's, so that only the harvest betrays the ring.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headwater.simulate.answers import latencies, lengths
from headwater.simulate.cast import Cast, Part, person_clients, same_clients
from headwater.simulate.chance import Floats, Ints, shares
from headwater.simulate.dispatch import deal, send_times
from headwater.simulate.populations import crowd
from headwater.simulate.requests import Requests, blank, join
from headwater.simulate.rhythm import DAY
from headwater.simulate.scenario import Campaign, Reseller, Task
from headwater.simulate.setting import Setting
from headwater.simulate.signup import ring_accounts
from headwater.simulate.software import MODELS, addresses, agents
from headwater.simulate.voices import draw

#: How long answers are, against an ordinary chat answer.
_LENGTHY = {"reasoning": 2.0, "grading": 0.9, "code": 1.5, "answers": 1.0}


@dataclass(frozen=True)
class _Ring:
    """One campaign at work: its number, its accounts' times here, its first account and client."""

    plan: Campaign
    number: int
    accounts: int
    account: int
    client: int
    begin_s: float
    end_s: float


def campaign(world: Setting, plan: Campaign, number: int) -> Requests:
    """All requests of one ring's accounts: harvest, cover, and what a reseller's other customers send."""
    rng = world.rng(plan.name, "accounts")
    accounts = world.scaled(plan.accounts, 2)
    begin_s, end_s = plan.begin_day * DAY, (plan.end_day or world.scenario.days) * DAY
    ips = _exits(rng, plan.infrastructure.per_ip, accounts)
    rows = ring_accounts(rng, world.cast, plan.infrastructure, ips, begin_s)
    part = Part("reseller" if plan.reseller else "ring", number, "ring", plan.name)
    account = world.cast.add_accounts(rows, part)
    client = _add_clients(rng, world.cast, plan, ips)
    ring = _Ring(plan, number, accounts, account, client, begin_s, end_s)
    parts = [_harvest(world, ring)]
    if plan.cover > 0:
        covered = round(len(parts[0]) * plan.cover / (1 - plan.cover))
        made = crowd(
            world, f"{plan.name} cover", plan.cover_corpora, people=accounts, exchanges=covered, even=True
        )
        parts.append(made.with_columns(account=made.account + account, client=made.account + client))
    if plan.reseller:
        parts.append(_resale(world, ring, plan.reseller))
    return join(parts)


def _exits(rng: np.random.Generator, per: int, accounts: int) -> list[str]:
    """Addresses that the accounts send from: their own, or exits shared by `per` accounts each."""
    if per < 2:
        return addresses(rng, accounts)
    exits = addresses(rng, -(-accounts // per), hosted=True)
    return [exits[i // per] for i in rng.permutation(accounts).tolist()]


def _add_clients(rng: np.random.Generator, cast: Cast, plan: Campaign, ips: list[str]) -> int:
    """One client per account: the ring's few kinds of software and its one set of parameters."""
    kinds = agents(rng, plan.infrastructure.user_agents)
    return cast.add_clients(
        same_clients(
            ips,
            kinds[rng.integers(0, len(kinds), len(ips))],
            system=0 if plan.system else -1,
            model=MODELS.index(plan.model),
            temperature=plan.temperature,
            max_tokens=plan.max_tokens,
        )
    )


def _harvest(world: Setting, ring: _Ring) -> Requests:
    plan, count = ring.plan, world.scaled(ring.plan.exchanges)
    content, form, kind = _queue(world, plan, count)
    rng = world.rng(plan.name, "dispatch")
    factor = np.array(list(_LENGTHY.values()))[kind]
    tokens = np.clip(lengths(rng, world.lengths, count) * factor, 1, plan.max_tokens).astype(np.int64)
    latency = latencies(rng, tokens)
    at = send_times(rng, plan.dispatcher, latency, ring.begin_s, ring.end_s)
    account, voice = _dealt(world, ring, at, content)
    pivoted = (plan.pivot_day > 0) & (at >= plan.pivot_day * DAY)
    return blank(rng, count).with_columns(
        at=at,
        account=ring.account + account,
        content=content,
        form=form,
        voice=voice,
        client=ring.client + account,
        ring=np.full(count, ring.number),
        model=np.where(pivoted, MODELS.index(plan.pivot_model), -1),
        harvest=np.ones(count, dtype=bool),
        batch=np.full(count, plan.dispatcher.kind == "batch"),
        latency_s=latency,
        output_tokens=tokens,
    )


def _queue(world: Setting, plan: Campaign, count: int) -> tuple[Ints, Ints, Ints]:
    """The queue: content, form and kind of every job, in the order in which it is dealt."""
    rng = world.rng(plan.name, "queue")
    contents, forms, kinds = [], [], []
    for task, jobs in zip(plan.tasks, shares(count, [t.share for t in plan.tasks]).tolist(), strict=True):
        numbers = world.form_numbers(task.templates)
        content = _task_contents(world, rng, task, jobs)
        contents.append(content)
        forms.append(numbers[rng.integers(0, len(numbers), jobs)])
        kinds.append(np.full(jobs, list(_LENGTHY).index(task.kind)))
    content, form, kind = np.concatenate(contents), np.concatenate(forms), np.concatenate(kinds)
    order = rng.permutation(count)
    if plan.dispatcher.order == "by corpus":
        # Corpora come one after another in blocks; the queue drifts through its topics.
        block = world.library.corpus[content] * 8 + rng.integers(0, 8, count)
        places = rng.permutation(int(block.max()) + 1)
        order = order[np.argsort(places[block[order]], kind="stable")]
    return content[order], form[order], kind[order]


def _task_contents(world: Setting, rng: np.random.Generator, task: Task, jobs: int) -> Ints:
    """Contents of one task: every text once before any comes again."""
    parts = []
    for name, part in zip(task.corpora, shares(jobs, list(task.corpora.values())).tolist(), strict=True):
        units = world.library.shelf([name]).units
        texts = (
            world.library.contents_of(units) if task.kind == "answers" else world.library.unit_start[units]
        )
        if task.kind == "grading":
            answered = texts[[bool(world.library.answers[i]) for i in texts.tolist()]]
            texts = answered if len(answered) else texts
        rounds = [rng.permutation(texts) for _ in range(-(-part // len(texts)))]
        parts.append(np.concatenate([texts[:0], *rounds])[:part])
    return np.concatenate(parts)


def _presence(rng: np.random.Generator, ring: _Ring) -> tuple[Floats, Floats]:
    """From when to when each account serves: some come late, some leave early (held, or out of credit)."""
    begin, span = ring.begin_s, ring.end_s - ring.begin_s
    first, last = np.full(ring.accounts, begin), np.full(ring.accounts, ring.end_s)
    late, early = rng.random((2, ring.accounts)) < ring.plan.churn / 2
    first[late] += 0.7 * span * rng.random(int(late.sum()))
    leaves = begin + span * rng.uniform(0.3, 1.0, int(early.sum()))
    last[early] = np.maximum(first[early] + min(DAY, span / 4), leaves)
    return first, np.minimum(last, ring.end_s)


def _dealt(world: Setting, ring: _Ring, at: Floats, content: Ints) -> tuple[Ints, Ints]:
    """Account and voice of each job. With personas, each shard of topics has accounts of its own."""
    rng, spec = world.rng(ring.plan.name, "deal"), ring.plan.dispatcher
    first, last = _presence(rng, ring)
    if ring.plan.personas == 0:
        return deal(rng, spec, at, first, last), np.full(len(at), -1, dtype=np.int64)
    shards = min(ring.plan.personas, ring.accounts)
    voice = world.cast.add_voices(draw(rng, shards, 1.5 * world.scenario.author.style))
    names = sorted({name for task in ring.plan.tasks for name in task.corpora})
    shard = world.library.topics_of(names, content) % shards
    account = np.zeros(len(at), dtype=np.int64)
    for i in range(shards):
        own = np.arange(i, ring.accounts, shards)
        rows = np.flatnonzero(shard == i)
        account[rows] = own[deal(rng, spec, at[rows], first[own], last[own])]
    return account, voice + shard


def _resale(world: Setting, ring: _Ring, reseller: Reseller) -> Requests:
    """Other customers of the reseller: persons with their own harness, routed to any of the accounts."""
    name = f"{ring.plan.name} resale"
    people, exchanges = world.scaled(reseller.end_users), world.scaled(reseller.exchanges)
    made = crowd(world, name, reseller.corpora, people=people, exchanges=exchanges)
    rng = world.rng(name)
    exits = addresses(rng, max(2, ring.accounts // 40), hosted=True)
    used = [exits[i] for i in rng.integers(0, len(exits), people).tolist()]
    client = world.cast.add_clients(person_clients(rng, used))
    # A conversation stays with one account most of the time; a lone call goes anywhere.
    home = rng.integers(0, ring.accounts, world.cast.conversation_count + 1)
    moves = (made.conversation < 0) | (rng.random(len(made)) < 0.1)
    account = np.where(moves, rng.integers(0, ring.accounts, len(made)), home[made.conversation])
    return made.with_columns(account=ring.account + account, client=client + made.account)
