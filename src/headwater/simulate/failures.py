"""Retries: a part of the provider fails for a while, and the software of unrelated customers tries again.

Each outage hits the customers of one part of the service. They have nothing in common but that hour: the same
texts come again and again from each of them, further and further apart, and all succeed within minutes of the
end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headwater.simulate.cast import person_clients
from headwater.simulate.chance import Floats, Ints
from headwater.simulate.crowds import crowd
from headwater.simulate.groups import count, innocent, members
from headwater.simulate.requests import Requests, join
from headwater.simulate.scenario import Population
from headwater.simulate.setting import Setting
from headwater.simulate.signup import ordinary
from headwater.simulate.software import homes

#: What a failing part of the service answers, and how often.
_STATUSES, _SHARES = np.array([503, 500, 502, 529, 429]), (0.45, 0.15, 0.15, 0.1, 0.15)
#: Tries that software makes in all: the habits of common libraries, from two to a dozen.
_TRIES = np.array([2, 3, 3, 4, 6, 6, 8, 11, 13])
_SESSION_S = 3600.0


@dataclass(frozen=True)
class _Software:
    """Per account: how long its software waits at first and at most, in seconds, and how often it tries."""

    base_s: Floats
    most_s: Floats
    tries: Ints


def retries(world: Setting, group: Population) -> Requests:
    """All requests of customers who meet an outage, each with whatever their software sends again."""
    people, exchanges = world.scaled(group.accounts), world.scaled(group.exchanges)
    outages = count(group, people)
    outage = world.rng(group.name, "members").permutation(members(world, group, people, outages))
    rng = world.rng(group.name, "accounts")
    home = homes(rng, people)
    rows = ordinary(rng, world.cast, 0.0, home)
    first = world.cast.add_accounts(rows, innocent(group), outage)
    made = crowd(world, group.name, group.corpora, people=people, exchanges=exchanges)
    client = world.cast.add_clients(person_clients(rng, home))
    begin, end = _hours(world.rng(group.name, "outages"), outages, world.span_s)
    rng = world.rng(group.name, "retries")
    made = _at_work(rng, made, begin[outage], end[outage])
    software = _Software(
        rng.choice([0.5, 1.0, 2.0, 5.0, 10.0], people),
        rng.choice([8.0, 60.0, 120.0, 300.0, 600.0], people),
        _TRIES[rng.integers(0, len(_TRIES), people)],
    )
    whole = _tried(rng, made, (begin[outage], end[outage]), software)
    return whole.with_columns(account=whole.account + first, client=whole.account + client)


def _hours(rng: np.random.Generator, outages: int, span_s: float) -> tuple[Floats, Floats]:
    """Begin and end of each outage: one in each equal part of the time, a quarter of an hour to ninety minutes."""
    part = span_s / outages
    begin = (np.arange(outages) + rng.uniform(0.1, 0.8, outages)) * part
    return begin, begin + np.minimum(rng.uniform(900.0, 5400.0, outages), 0.15 * part)


def _at_work(rng: np.random.Generator, made: Requests, begin: Floats, end: Floats) -> Requests:
    """Everybody's session nearest to the outage is moved into it: who was not there, was not hit."""
    order = np.lexsort((made.at, made.account))
    at, account = made.at[order], made.account[order]
    opens = np.r_[True, (np.diff(account) != 0) | (np.diff(at) > _SESSION_S)]
    session = np.cumsum(opens) - 1
    heads = np.flatnonzero(opens)
    away = np.abs(at[heads] - begin[account[heads]])
    nearest = heads[np.lexsort((away, account[heads]))]
    nearest = nearest[np.r_[True, np.diff(account[nearest]) != 0]]
    shift = np.zeros(len(heads))
    who = account[nearest]
    shift[session[nearest]] = rng.uniform(begin[who] - 60.0, end[who]) - at[nearest]
    moved = at + shift[session]
    out = np.empty(len(at))
    out[order] = moved
    return made.with_columns(at=out)


def _tried(
    rng: np.random.Generator, made: Requests, hours: tuple[Floats, Floats], software: _Software
) -> Requests:
    """Requests and their repetitions, with the status of each."""
    begin, end = hours[0][made.account], hours[1][made.account]
    hit = (made.at >= begin) & (made.at < end) & (rng.random(len(made)) < 0.97)
    parts = [made.take(~hit)]
    trying = made.take(hit)
    tries = 1
    while len(trying):
        who = trying.account
        over = trying.at >= hours[1][who]
        # All come back at once: for some minutes after the end, a rate limit stops a part of them.
        crowded = over & (trying.at < hours[1][who] + 180.0) & (rng.random(len(trying)) < 0.2)
        status = rng.choice(_STATUSES, size=len(trying), p=_SHARES)
        status = np.where(crowded, 429, np.where(over, 200, status)).astype(np.int64)
        parts.append(trying.with_columns(status=status))
        failed = status != 200
        trying, who = trying.take(failed), who[failed]
        wait = np.minimum(software.base_s[who] * 2.0 ** (tries - 1), software.most_s[who])
        later = trying.at + 0.2 + wait * rng.uniform(0.75, 1.25, len(trying))
        # Whoever's software gives up sends it again by hand, most of them after the end.
        gives_up = software.tries[who] <= tries
        by_hand = hours[1][who] + rng.exponential(600.0, len(trying))
        later = np.where(gives_up, np.maximum(by_hand, later), later)
        stays = ~gives_up | (rng.random(len(trying)) < 0.6)
        trying = trying.with_columns(at=later).take(stays)
        tries += 1
    return join(parts)
