"""An oracle beside the detector: what could be known of a world by one who knows how worlds are made, but no label.

Each account is scored by the log of how much likelier its exchanges are for a member of a ring than for an innocent of
this world, by the simulator's own laws: `hand` has those of the ring, `person` those of innocents, `member` mixes
both for work under cover. No account attribute, no address and no fingerprint is read, nor what a request asks for
(model, temperature, limits); accounts that name their organisation are cleared, as the operator knows them. The bar is
the detector's: the threshold is the lowest at which no more than 4 of 100,000 innocents are above.

It is meant to err upwards: it is told each ring's mixture of topics, its templates, when it worked, where its queue was
cut into shards and how many of its accounts pass for a customer of which segment, none of which a log says, and that
innocents come in segments that send few corpora each. It isn't the best that can be done: accounts are looked at one by
one, though the accounts of a ring also say something about one another, style is ignored, and laws are simplified where
their sums have no closed form. Words made anew by the simulator's grammar count as anybody's words: knowing that
grammar would tell everything.
"""

from __future__ import annotations

import time
from typing import Any, Final

import numpy as np
from baselines.compare import auc
from baselines.log import thresholded

from headwater.simulate import Corpora, Scenario, World
from headwater.simulate.chance import Floats
from headwater.simulate.scenario import Population
from suite import person
from suite.jobs import Job
from suite.member import Likelihood, Member
from suite.replay import Bools, Replay, Rows, check, replay

#: Innocents that may be above the threshold, of 100,000.
BAR = 4
#: Score of accounts that an organisation stands for.
CLEARED = -1e6
#: What the oracle knows; each is also left out in turn, to see how much rests on it.
KNOWS: Final = ("topics", "templates", "times", "volumes", "segments")
#: Prior weight, where segments aren't known, of innocents who may write about anything that anybody here writes about.
ANYTHING = 0.5


def oracle(world: World, scenario: Scenario, job: Job, corpora: Corpora) -> dict[str, Any] | None:
    """What is kept of the oracle for one world; None where there is no ring.

    Recall and AUC are over accounts, `exchange_f1` is over exchanges, `without` is the recall with one kind
    of knowledge less. `scenario` is the job's, before its overrides and camouflage.
    """
    if not scenario.campaigns:
        return None
    began = time.monotonic()
    again = replay(scenario, job, corpora)
    check(again, world)
    rows = Rows.read(again)
    found = scored(again, rows)
    ring = again.ring[rows.accounts]
    whole = found[""]
    flagged = above(whole.account, ring)
    return {
        "recall": _share(flagged, ring),
        "auc": _rounded(auc(whole.account, ring)),
        "exchange_f1": _f1(again, rows, whole, flagged),
        "innocent_flagged": int((flagged & ~ring).sum()),
        "knows": list(KNOWS),
        "without": {name: _share(above(found[name].account, ring), ring) for name in KNOWS},
        "seconds": round(time.monotonic() - began, 2),
    }


def above(score: Floats, ring: Bools) -> Bools:
    """Accounts above the lowest threshold that keeps the bar."""
    return thresholded(score, ~ring, int(BAR * (~ring).sum() / 100_000))


def _share(flagged: Bools, ring: Bools) -> float | None:
    return _rounded(float(flagged[ring].mean())) if ring.any() else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _f1(again: Replay, rows: Rows, found: Likelihood, flagged: Bools) -> float | None:
    """F1 of exchanges that are likelier work than not, on flagged accounts, against all harvest."""
    hit = (flagged[rows.owner] & (found.work > 0.5))[rows.of]
    both, sizes = int((hit & again.sent.harvest).sum()), int(hit.sum() + again.sent.harvest.sum())
    return _rounded(2 * both / sizes) if sizes else None


def scored(again: Replay, rows: Rows) -> dict[str, Likelihood]:
    """Log-likelihood ratios with everything that is known (""), and without one kind of knowledge, by its name."""
    alone = innocents(again, rows)
    plans = again.setting.scenario.campaigns
    sizes = np.array([again.setting.scaled(plan.accounts) for plan in plans], np.float64)
    members = [Member.of(again, rows, number, alone["times"]) for number in range(len(plans))]
    cleared = again.declared[rows.accounts]
    out = {}
    for left_out in ("", *KNOWS):
        known = set(KNOWS) - {left_out}
        found = [member.explained(known) for member in members]
        by_ring = np.array([one.account for one in found]) + np.log(sizes / sizes.sum())[:, None]
        innocent = sum((alone[name] for name in known - {"segments"}), np.zeros(len(rows.accounts)))
        if known.issuperset({"topics"}) and "segments" not in known:
            innocent = innocent - alone["topics"] + alone["anything"]
        ratio = np.logaddexp.reduce(by_ring, axis=0) - innocent
        likeliest = np.argmax(by_ring, axis=0)[rows.owner]
        work = np.array([one.work for one in found])[likeliest, np.arange(len(rows.owner))]
        out[left_out] = Likelihood(np.where(cleared, CLEARED, ratio), work)
    return out


def innocents(again: Replay, rows: Rows) -> dict[str, Floats]:
    """Log-likelihood of each account as an innocent (k), whichever population it may be of, by what is known.

    "anything" stands for "topics" where the segments of customers aren't known.
    """
    setting = again.setting
    groups = _undeclared(again)
    people = sum(group.accounts for group in groups)
    topics, union = np.full(len(rows.accounts), -np.inf), dict[str, float]()
    for group in groups:
        # Through a router's account many people write: each exchange is a draw of its own.
        laws = person.topics(rows, setting, group.corpora, mixed=group.shape == "honest_reseller")
        topics = np.logaddexp(topics, person.explained(rows, laws).total + np.log(group.accounts / people))
        for name, weight in group.corpora.items():
            part = weight / sum(group.corpora.values()) * group.exchanges
            union[name] = union.get(name, 0.0) + part
    anything = person.explained(rows, person.topics(rows, setting, union)).total
    crowds = [(group.accounts, group.exchanges) for group in groups]
    return {
        "topics": topics,
        "anything": np.logaddexp(topics + np.log(1 - ANYTHING), anything + np.log(ANYTHING)),
        "times": person.explained(rows, person.times(rows, setting)).total,
        "templates": rows.sums(person.templates(rows, setting)),
        "volumes": person.volume(setting, crowds, rows.volume),
    }


def _undeclared(again: Replay) -> list[Population]:
    """Populations whose accounts name no organisation; all where none does, since all of them are cleared then."""
    cast = again.setting.cast
    named = {
        part.population
        for part, accounts in zip(cast.parts, cast.accounts, strict=True)
        if any(name is not None for name in accounts.organisation)
    }
    everybody = list(again.setting.scenario.innocents)
    return [group for group in everybody if group.name not in named] or everybody
