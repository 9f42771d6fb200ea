"""The laws that a ring follows in the simulator: its queue, its shards, its dispatcher's hours, its accounts' loads.

They restate `headwater.simulate.harvest`, `.dealing` and `.dispatch`. Known are the ring's settings and what holds for
the ring as a whole (when the dispatcher worked, where the queue was cut into shards); who belongs to it isn't. Of the
whole ring's realised exchanges only these edges are read, which no single account decides.

Not modelled: that no text comes twice before all have come once, the order of a queue sorted by corpus, the even
spacing of a pacer and the full house of a pool (accounts are looked at one by one), style of a persona's voice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln, logsumexp

from headwater.simulate.chance import Floats, Ints, stream
from headwater.simulate.scenario import Campaign, Task
from headwater.simulate.setting import Setting
from suite.replay import Replay, Rows

#: Probability of what a ring's law rules out.
NEVER = 1e-12
#: The dispatcher pauses where nothing is sent for so many mean gaps, and for so many seconds at least.
PAUSE_GAPS, PAUSE_S = 10.0, 1800.0
#: Accounts that loads are drawn for, slices of the ring's time, and how loads scatter beyond the law (log).
DRAWS, SLICES, SCATTER = 4000, 40, 0.15


@dataclass(frozen=True)
class Hand:
    """One ring's laws: `work` (topics × forms, the last for no template), `shards` (shards × topics).

    `shards` says how much likelier a topic is in a shard than in the whole; `harvest` is the share of an account's
    exchanges that is the ring's work.
    """

    plan: Campaign
    accounts: int
    work: Floats
    shards: Floats
    harvest: float

    @classmethod
    def of(cls, again: Replay, number: int) -> Hand:
        """The laws of a world's ring."""
        setting = again.setting
        plan = setting.scenario.campaigns[number]
        accounts = setting.scaled(plan.accounts, min(2, plan.accounts))
        work, mass = _work(again, plan)
        shards = np.ones((1, len(work)))
        if plan.personas:
            shards = _shards(again, number, mass, min(plan.personas, accounts))
        sent, others = _sent(setting, plan)
        return cls(plan, accounts, work, shards, sent / (sent + others))

    def said(self, rows: Rows, *, topics: bool, templates: bool) -> Floats:
        """Log-likelihood of each row as work (n), by its topic, its form, or both."""
        chance = self.work.sum(axis=0)[rows.form] if templates else np.ones(len(rows.form))
        if topics:
            chance = self.work[rows.topic, rows.form] if templates else self.work.sum(axis=1)[rows.topic]
        return np.asarray(np.log(np.maximum(chance, NEVER)))


def _sent(setting: Setting, plan: Campaign) -> tuple[float, float]:
    """Exchanges of harvest, and of cover and of a reseller's customers."""
    sent = float(setting.scaled(plan.exchanges))
    others = sent * plan.cover / (1 - plan.cover)
    return sent, others + (setting.scaled(plan.reseller.exchanges) if plan.reseller else 0)


def _texts(again: Replay, task: Task, name: str) -> Ints:
    """The contents that one task takes from one corpus."""
    library = again.setting.library
    units = library.shelf([name]).units
    texts = library.contents_of(units) if task.kind == "answers" else library.unit_start[units]
    if task.kind == "grading":
        answered = texts[[bool(library.answers[i]) for i in texts.tolist()]]
        return answered if len(answered) else texts
    return texts


def _work(again: Replay, plan: Campaign) -> tuple[Floats, Floats]:
    """How likely each topic comes in each form (topics × forms + 1), and each content at all (contents)."""
    setting, library = again.setting, again.setting.library
    whole = library.shelf(library.names).topics
    mass = np.zeros(len(library.texts))
    work = np.zeros((whole, len(setting.forms) + 1))
    topic = library.topics_of(library.names, np.arange(len(mass)))
    plain = np.array([getattr(form, "pieces", ("", "")) == ("", "") for form in setting.forms])
    for task in plan.tasks:
        part = np.zeros(len(mass))
        for name, weight in task.corpora.items():
            texts = _texts(again, task, name)
            part[texts] += weight / sum(task.corpora.values()) / len(texts)
        part *= task.share / sum(one.share for one in plan.tasks)
        mass += part
        of_topic = np.bincount(topic, part, minlength=whole)
        numbers = setting.form_numbers(task.templates)
        for number in numbers.tolist():
            work[:, -1 if plain[number] else number] += of_topic * (1 - plan.paraphrase) / len(numbers)
        work[:, -1] += of_topic * plan.paraphrase
    return work, mass


def _shards(again: Replay, number: int, mass: Floats, count: int) -> Floats:
    """How much likelier each shard makes each topic (shards × topics), from where the queue was cut."""
    library = again.setting.library
    topic = library.topics_of(library.names, np.arange(len(mass)))
    order = np.lexsort((np.arange(len(mass)), topic))
    place = np.empty(len(mass), np.int64)
    place[order] = np.arange(len(mass))
    sent = again.sent.take((again.sent.ring == number) & again.sent.harvest & (again.sent.voice >= 0))
    shard = sent.voice - int(sent.voice.min())
    last = np.full(count, -1)
    np.maximum.at(last, shard, place[sent.content])
    last[-1] = len(mass) - 1
    mine = np.searchsorted(np.maximum.accumulate(last), place, side="left")
    whole = np.bincount(topic, mass)
    parts = np.bincount(mine * len(whole) + topic, mass, minlength=count * len(whole)).reshape(count, -1)
    shares = parts / np.maximum(parts.sum(axis=1, keepdims=True), NEVER)
    return np.asarray(shares / np.maximum(whole, NEVER))


def hours(again: Replay, number: int, rows: Rows, share: float) -> Floats:
    """Log-intensity of harvest at each row's moment (n, per second): even while the dispatcher works, none in pauses.

    `share` of an account's rows are harvest.
    """
    at = rows.at
    sent = again.sent
    moments = np.sort(sent.at[(sent.ring == number) & sent.harvest])
    gaps = np.diff(moments)
    usual = gaps[gaps <= np.quantile(gaps, 0.995)].mean() if len(gaps) else 0.0
    pause = np.flatnonzero(gaps > max(PAUSE_GAPS * usual, PAUSE_S))
    begin, end = moments[np.r_[0, pause + 1]], moments[np.r_[pause, len(moments) - 1]] + 1.0
    span = np.maximum(np.searchsorted(begin, at, side="right") - 1, 0)
    works = (at >= begin[span]) & (at <= end[span])
    even = (rows.count * share)[rows.owner] / float((end - begin).sum())
    return np.asarray(np.log(np.where(works, even, NEVER)))


def volume(setting: Setting, hand: Hand, sent: Ints) -> Floats:
    """Log-probability of the exchanges that an account of the ring sends (k): its share of the time, then Poisson."""
    plan = hand.plan
    rng = stream(0, "loads")
    size = max(1, round(hand.accounts / len(hand.shards)))
    days = (plan.end_day or setting.scenario.days) - plan.begin_day
    first, last = _presence(rng, plan, 1 / days, (max(1, DRAWS // size), size))
    moment = (np.arange(SLICES) + 0.5) / SLICES
    there = (first[..., None] <= moment) & (moment < last[..., None])
    alone = there.sum(axis=1, keepdims=True)
    share = np.where(alone > 0, there / np.maximum(alone, 1), 1 / size).mean(axis=2).ravel()
    harvest, others = _sent(setting, plan)
    load = harvest / len(hand.shards) * share + others / hand.accounts
    load *= np.exp(rng.normal(0.0, SCATTER, len(load)))
    grid = np.quantile(load, (np.arange(60) + 0.5) / 60)
    counts, which = np.unique(sent, return_inverse=True)
    log = counts[:, None] * np.log(grid) - grid - gammaln(counts[:, None] + 1.0)
    return np.asarray((logsumexp(log, axis=1) - np.log(len(grid)))[which])


def _presence(
    rng: np.random.Generator, plan: Campaign, day: float, shape: tuple[int, int]
) -> tuple[Floats, Floats]:
    """From when to when accounts serve, in shares of the ring's time: late comers, early leavers, held and heirs.

    `day` is a day's share of it.
    """
    late, early = rng.random((2, *shape)) < plan.churn / 2
    first = np.where(late, 0.7 * rng.random(shape), 0.0)
    last = np.where(early, np.maximum(first + min(day, 0.25), rng.uniform(0.3, 1.0, shape)), 1.0)
    chance, moment = rng.random(shape), rng.uniform(0.3, 0.7, shape)
    out, into = chance < plan.held, chance > 1 - plan.held
    first = np.where(out, 0.0, np.where(into, moment + 0.5 * day, first))
    return first, np.where(out, moment, np.where(into, 1.0, last))
