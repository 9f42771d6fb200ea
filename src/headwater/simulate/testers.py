"""Red teams: the keys of testers, who send the same request in many wordings and meet many refusals."""

from __future__ import annotations

import numpy as np

from headwater.simulate.answers import latencies, lengths
from headwater.simulate.cast import same_clients
from headwater.simulate.chance import shares
from headwater.simulate.dispatch import send_times
from headwater.simulate.groups import count, innocent, members
from headwater.simulate.requests import Requests, blank, join
from headwater.simulate.rewording import Remade
from headwater.simulate.rhythm import DAY
from headwater.simulate.scenario import Dispatcher, Population
from headwater.simulate.setting import Setting
from headwater.simulate.signup import customers
from headwater.simulate.software import addresses, agents

#: Wordings of one request on average, and the share of them that is refused; the share that is in no new
#: wording, but in the corpus's own or in a known one.
_REWRITES, _REFUSED, _KNOWN = 18, 0.45, 0.12


def red_team(world: Setting, group: Population) -> Requests:
    """Testers, one organisation each: a few dozen requests, each in many wordings, over a handful of keys."""
    keys, exchanges = world.scaled(group.accounts), world.scaled(group.exchanges)
    rng = world.rng(group.name, "accounts")
    teams = count(group, keys)
    team = members(world, group, keys, teams)
    rows = customers(rng, world.cast, team, group.name, world.scenario.days)
    first = world.cast.add_accounts(rows, innocent(group), team)
    office = addresses(rng, teams, hosted=True)
    software = same_clients(
        office, agents(rng, teams), habits="harness", model=rng.integers(0, 3, teams), temperature=1.0
    )
    client = world.cast.add_clients(software)
    parts = []
    for i, sent in enumerate(shares(exchanges, rng.gamma(3.0, 1.0, teams)).tolist()):
        own = np.flatnonzero(team == i)
        part = _campaign(world, group, i, sent)
        account = first + own[rng.integers(0, len(own), len(part))]
        parts.append(part.with_columns(account=account, client=np.full(len(part), client + i)))
    return join(parts)


def _campaign(world: Setting, group: Population, team: int, sent: int) -> Requests:
    """One team's tests: request after request, the wordings of each in a row; some in the corpus's own words."""
    rng = world.rng(group.name, "team", team)
    units = world.library.shelf(group.corpora).units
    asked = rng.choice(units, min(len(units), max(1, -(-sent // _REWRITES))), replace=False)
    weight = rng.gamma(1.5, 1.0, len(asked))
    content = np.repeat(world.library.unit_start[asked], shares(sent, weight))
    numbers = world.wording_numbers([Remade("answers"), Remade("reasoning"), Remade("agent")])
    form = numbers[rng.integers(0, len(numbers), sent)]
    known = np.r_[-1, world.form_numbers(group.templates)] if group.templates else np.array([-1])
    form = np.where(rng.random(sent) < _KNOWN, known[rng.integers(0, len(known), sent)], form)
    refused = rng.random(sent) < np.clip(_REFUSED * rng.gamma(2.0, 0.5), 0.15, 0.8)
    tokens = np.where(refused, rng.integers(12, 70, sent), lengths(rng, world.lengths, sent))
    latency = latencies(rng, tokens)
    days = float(rng.uniform(2.0, 6.0))
    begin = float(rng.uniform(0.0, max(world.span_s / DAY - days, 0.0))) * DAY
    end = min(begin + days * DAY, world.span_s)
    spec = Dispatcher(kind="pool", workers=3, think_s=12.0, runs_per_day=2, pauses=2, noise=0.5)
    return blank(rng, sent).with_columns(
        at=send_times(rng, spec, latency, begin, end),
        content=content,
        form=form,
        latency_s=latency,
        output_tokens=tokens,
        refused=refused,
    )
