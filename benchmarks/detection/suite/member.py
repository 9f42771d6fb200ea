"""An account as a member of a ring: each exchange is the ring's work or cover, and cover is a person's.

`hand` has the laws of work, `person` those of cover. Whose population an account's cover is from isn't known, only how
many accounts each has: an account is explained by the sum over them. The person behind the cover is guessed from the
exchanges that are not likely to be work; all guesses are made from the account's own exchanges, none from labels.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from headwater.simulate.chance import Floats
from headwater.simulate.scenario import Cover
from suite import hand, person
from suite.hand import Hand
from suite.replay import Replay, Rows


@dataclass(frozen=True)
class Likelihood:
    """Log-likelihood of accounts as members (k), and how likely each row is work if its account is one (n)."""

    account: Floats
    work: Floats


@dataclass(frozen=True)
class Part:
    """What one kind of knowledge says: log-likelihoods of rows as work and as cover (n each), and of accounts (k)."""

    work: Floats
    cover: Floats
    account: Floats


@dataclass(frozen=True)
class Member:
    """One ring's laws laid on every account: parts by what is known, topics for each population of cover."""

    rows: Rows
    laws: Hand
    shares: Part
    times: Part
    topics: tuple[Part, ...]
    templates: Floats
    volumes: Floats

    @classmethod
    def of(cls, again: Replay, rows: Rows, number: int, hours: Floats) -> Member:
        """The ring `number`; `hours` explains each account's times as a person's (k), which some rings keep."""
        laws = Hand.of(again, number)
        share, none = laws.harvest, np.zeros(len(rows.accounts))
        row = np.zeros(len(rows.at))
        cover = -np.inf if share == 1 else np.log(1 - share)
        shares = Part(row + np.log(share), row + cover, none)
        strange = np.where(rows.form >= 0, np.log(person.STRANGE), 0.0)
        volumes = hand.volume(again.setting, laws, rows.volume)
        kept = Part(shares.work, shares.cover, hours)
        own = cls(rows, laws, shares, kept, (Part(row, row, none),), strange, volumes)
        if share == 1 and laws.plan.dispatcher.kind == "human":
            return own
        likely = np.full(len(rows.at), share)
        for _ in range(1 if share == 1 else 2):
            own = own._guessed(again, number, 1 - likely)
            likely = own.explained({"topics", "templates", "times"}).work
        return own

    def _guessed(self, again: Replay, number: int, used: Floats) -> Member:
        """The same with the person behind each account's cover learned from its rows as far as they are `used` (n)."""
        rows, laws, setting, plan = self.rows, self.laws, again.setting, self.laws.plan
        none, row = np.zeros(len(rows.accounts)), np.zeros(len(rows.at))
        topics, times = [Part(row, row, none)], self.times
        if laws.harvest < 1:
            groups = (Cover(share=1.0, corpora=plan.reseller.corpora),) if plan.reseller else plan.covers
            whole = sum(group.share for group in groups)
            topics = []
            for group in groups:
                guesses = person.topics(rows, setting, group.corpora, used, mixed=plan.reseller is not None)
                found = person.explained(rows, guesses, used)
                topics.append(Part(row, found.row, found.prior + np.log(group.share / whole)))
        if plan.dispatcher.kind != "human":
            dealt = hand.hours(again, number, rows, laws.harvest)
            cover = person.explained(rows, person.times(rows, setting, used), used)
            silent = row - np.inf if laws.harvest == 1 else cover.row
            prior = none if laws.harvest == 1 else cover.prior
            times = Part(dealt, silent, prior - rows.count * laws.harvest)
        return Member(rows, laws, self.shares, times, tuple(topics), self.templates, self.volumes)

    def explained(self, known: Set[str]) -> Likelihood:
        """How likely each account is as a member, by what is `known`: over all shards of work and sources of cover."""
        rows, laws = self.rows, self.laws
        times = self.times if "times" in known else self.shares
        work, cover, account = times.work, times.cover, times.account
        topics, templates = "topics" in known, "templates" in known
        if templates:
            cover = cover + self.templates
        if "volumes" in known:
            account = account + self.volumes
        work = work + laws.said(rows, topics=topics, templates=templates)
        shards = np.log(np.maximum(laws.shards, hand.NEVER)) if topics else np.zeros((1, 1))
        column = rows.topic if topics else np.zeros_like(rows.topic)
        sources = self.topics if topics else (Part(np.zeros(1), np.zeros(1), np.zeros(1)),)
        covers = np.array([cover + source.cover for source in sources])
        found = np.array(
            [
                [rows.sums(np.logaddexp(work + shard[column], one)) + source.account for shard in shards]
                for one, source in zip(covers, sources, strict=True)
            ]
        ).reshape(-1, len(rows.accounts))
        source, best = np.divmod(np.argmax(found, axis=0)[rows.owner], len(shards))
        odds = np.clip(covers[source, np.arange(len(source))] - work - shards[best, column], -50.0, 50.0)
        total = logsumexp(found, axis=0) - np.log(len(shards)) + account
        return Likelihood(np.asarray(total), np.asarray(1 / (1 + np.exp(odds))))
