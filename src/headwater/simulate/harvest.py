"""The harvest of a ring: one queue of jobs, dealt to the ring's accounts.

Jobs are contents in templates, or in words made anew; a job may be a conversation. Who sends them and when is
decided in `dealing` and `dispatch`.
"""

from __future__ import annotations

import numpy as np

from headwater.simulate.answers import latencies, lengths
from headwater.simulate.chance import Floats, Ints, ragged, shares
from headwater.simulate.crowds import crowd
from headwater.simulate.dealing import Ring, dealt
from headwater.simulate.dispatch import send_times
from headwater.simulate.forms import usable
from headwater.simulate.requests import Requests, blank
from headwater.simulate.rewording import FollowUp, Kind, Remade
from headwater.simulate.rhythm import DAY
from headwater.simulate.scenario import Campaign, Task
from headwater.simulate.setting import Setting
from headwater.simulate.software import MODELS

#: How long answers are, against an ordinary chat answer.
_LENGTHY: dict[Kind, float] = {"reasoning": 2.0, "grading": 0.9, "code": 1.5, "answers": 1.0, "agent": 0.8}
#: Turns that a job's conversation has at most, and mean seconds between an answer and the next turn.
_MOST_TURNS, _TURN_S = 12, 20.0


def harvest(world: Setting, ring: Ring) -> Requests:
    """All harvest requests of one ring."""
    if ring.plan.dispatcher.kind == "human":
        return _at_own_hours(world, ring)
    plan, count = ring.plan, world.scaled(ring.plan.exchanges)
    size = _turns(world.rng(plan.name, "turns"), plan.turns, count)
    content, form, kind = _queue(world, plan, len(size))
    job, step = np.repeat(np.arange(len(size)), size), ragged(np.zeros_like(size), size)
    rng = world.rng(plan.name, "dispatch")
    tokens, latency = _answers(world, rng, plan, kind[job])
    if plan.turns == 1:
        at = send_times(rng, plan.dispatcher, latency, ring.begin_s, ring.end_s)
        begins = at
    else:
        wait = np.where(step > 0, rng.exponential(_TURN_S, count) + 2.0, 0.0)
        first = np.cumsum(size) - size
        begins = send_times(
            rng, plan.dispatcher, np.add.reduceat(latency + wait, first), ring.begin_s, ring.end_s
        )
        passed = np.cumsum(latency + wait) - latency
        at = begins[job] + passed - passed[first][job]
    account, voice = dealt(world, ring, begins, content)
    made = blank(rng, count).with_columns(
        at=at,
        account=account[job],
        content=content[job],
        form=form[job],
        voice=voice[job],
        latency_s=latency,
        output_tokens=tokens,
    )
    if plan.turns > 1:
        talk = world.cast.add_conversations(job)
        later = world.wording_numbers([FollowUp()])[0]
        made = made.with_columns(conversation=talk, turn=step, form=np.where(step > 0, later, made.form))
    return _as_harvest(world, ring, made, kind[job])


def _as_harvest(world: Setting, ring: Ring, made: Requests, kind: Ints) -> Requests:
    """Requests with the ring's numbers, wording, models and ways in; `account` counts from 0 before."""
    plan, count = ring.plan, len(made)
    pivoted = (plan.pivot_day > 0) & (made.at >= plan.pivot_day * DAY)
    if plan.pivot_share < 1 or plan.pivot_hours > 0:
        ramp = np.clip((made.at - plan.pivot_day * DAY) / max(plan.pivot_hours * 3600.0, 1.0), 0, 1)
        pivoted &= world.rng(plan.name, "pivot").random(count) < plan.pivot_share * ramp
    client = made.account
    if plan.paths:
        ways = shares(count, [way.share for way in plan.paths])
        way = world.rng(plan.name, "ways").permutation(np.repeat(np.arange(len(ways)), ways))
        client = made.account * len(ways) + way
    return made.with_columns(
        account=ring.account + made.account,
        form=_reworded(world, plan, made, kind),
        client=ring.client + client,
        ring=np.full(count, ring.number),
        model=np.where(pivoted, MODELS.index(plan.pivot_model), -1),
        harvest=np.ones(count, dtype=bool),
        batch=np.full(count, plan.dispatcher.kind == "batch"),
    )


def _at_own_hours(world: Setting, ring: Ring) -> Requests:
    """Harvest without a dispatcher: every account is one hand with a person's hours, sessions and habits."""
    plan = ring.plan
    corpora = {name: weight for task in plan.tasks for name, weight in task.corpora.items()}
    made = crowd(
        world,
        f"{plan.name} hours",
        corpora,
        people=ring.accounts,
        exchanges=world.scaled(plan.exchanges),
        first_s=np.full(ring.accounts, ring.begin_s),
        even=True,
    )
    made = made.take((made.at >= ring.begin_s) & (made.at < ring.end_s))
    content, form, kind = _queue(world, plan, len(made))
    tokens, latency = _answers(world, world.rng(plan.name, "dispatch"), plan, kind)
    made = made.with_columns(content=content, form=form, latency_s=latency, output_tokens=tokens)
    return _as_harvest(world, ring, made, kind)


def _answers(world: Setting, rng: np.random.Generator, plan: Campaign, kind: Ints) -> tuple[Ints, Floats]:
    """Answer tokens and latency of every request, by its kind."""
    factor = np.array(list(_LENGTHY.values()))[kind]
    drawn = lengths(rng, world.lengths, len(kind)) * factor
    tokens = np.clip(drawn, 1, plan.max_tokens).astype(np.int64)
    return tokens, latencies(rng, tokens)


def _turns(rng: np.random.Generator, mean: float, count: int) -> Ints:
    """Lengths of conversations that hold `count` requests in all; one each for a mean of 1."""
    if mean == 1:
        return np.ones(count, dtype=np.int64)
    drawn = np.minimum(rng.geometric(1 / mean, count), _MOST_TURNS).astype(np.int64)
    until = int(np.searchsorted(np.cumsum(drawn), count)) + 1
    drawn = drawn[:until]
    drawn[-1] -= drawn.sum() - count
    return drawn


def _reworded(world: Setting, plan: Campaign, made: Requests, kind: Ints) -> Ints:
    """The form of each request; a share `paraphrase` of first turns has no template but words made anew."""
    if plan.paraphrase == 0:
        return made.form
    public = usable(world.corpora, plan.wordings) if plan.wordings else ()
    remade = world.wording_numbers([Remade(name, public) for name in _LENGTHY])
    chosen = world.rng(plan.name, "paraphrase").random(len(made)) < plan.paraphrase
    if plan.turns > 1:
        chosen &= made.turn == 0
    return np.where(chosen, remade[kind], made.form)


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
