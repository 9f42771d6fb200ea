"""Innocent accounts by shape: persons, a company's seats, a product's keys, evaluation, labelling, templates.

Each shape gives requests whose accounts, voices and clients are numbers into the cast. Two of them look like
rings on purpose: a product's keys and an evaluation harness deal from one queue, and say who they are.
"""

from __future__ import annotations

import numpy as np

from headwater.simulate.answers import latencies, lengths
from headwater.simulate.cast import Part, person_clients, same_clients
from headwater.simulate.chance import shares
from headwater.simulate.crowds import crowd
from headwater.simulate.dispatch import send_times
from headwater.simulate.requests import Requests, blank, join
from headwater.simulate.rhythm import DAY
from headwater.simulate.scenario import Dispatcher, Population
from headwater.simulate.setting import Setting
from headwater.simulate.signup import customers, ordinary
from headwater.simulate.software import SYSTEMS, addresses, agents, homes
from headwater.simulate.traces import load_curve

#: The system prompt of a bank's app.
_BANK = 7


def population(world: Setting, group: Population) -> Requests:
    """All requests of one population; its accounts, clients and voices are added to the cast."""
    make = {
        "people": _people,
        "template": _people,
        "seats": _seats,
        "product": _product,
        "harness": _harness,
        "labelling": _harness,
    }[group.shape]
    return make(world, group)


def _innocent(group: Population) -> Part:
    return Part("innocent", -1, group.shape, group.name)


def _people(world: Setting, group: Population) -> Requests:
    people, exchanges = world.scaled(group.accounts), world.scaled(group.exchanges)
    rng = world.rng(group.name, "accounts")
    home = homes(rng, people)
    if group.organisations:
        firm = rng.integers(0, world.scaled(group.organisations), people)
        rows = customers(
            rng, world.cast, np.unique(firm, return_inverse=True)[1], group.name, world.scenario.days
        )
    else:
        rows = ordinary(rng, world.cast, world.scenario.days, home)
    first = world.cast.add_accounts(rows, _innocent(group))
    begin = np.maximum(rows.created_s, 0.0)
    made = crowd(world, group.name, group.corpora, people=people, exchanges=exchanges, first_s=begin)
    client = world.cast.add_clients(person_clients(rng, home))
    return _templated(
        world, group, made.with_columns(account=made.account + first, client=made.account + client)
    )


def _templated(world: Setting, group: Population, made: Requests) -> Requests:
    """Part of a population's requests put into one of its templates: everybody has one favourite."""
    if not group.templates or group.template_share == 0:
        return made
    rng = world.rng(group.name, "templates")
    numbers = world.form_numbers(group.templates)
    favourite = numbers[(made.account * 2654435761 >> 8) % len(numbers)]
    chosen = (made.turn == 0) & (rng.random(len(made)) < group.template_share)
    return made.with_columns(form=np.where(chosen, favourite, -1))


def _seats(world: Setting, group: Population) -> Requests:
    """Employees with one network, one client software and one system prompt; each with their own work."""
    people, exchanges = world.scaled(group.accounts), world.scaled(group.exchanges)
    rng = world.rng(group.name, "accounts")
    firms = max(1, group.organisations)
    firm = np.sort(np.arange(people) % firms)
    rows = customers(rng, world.cast, firm, group.name, world.scenario.days)
    first = world.cast.add_accounts(rows, _innocent(group))
    made = crowd(world, group.name, group.corpora, people=people, exchanges=exchanges)
    office = addresses(rng, firms, hosted=True)
    seats = same_clients(
        [office[i] for i in firm.tolist()],
        agents(rng, firms)[firm],
        system=rng.integers(1, len(SYSTEMS), firms)[firm],
        model=rng.integers(0, 2, firms)[firm],
        stream=1,
    )
    client = world.cast.add_clients(seats)
    return _templated(
        world, group, made.with_columns(account=made.account + first, client=made.account + client)
    )


def _product(world: Setting, group: Population) -> Requests:
    """End users of a product whose servers spread their requests over the keys of one organisation."""
    keys, exchanges = world.scaled(group.accounts, 2), world.scaled(group.exchanges)
    people = world.scaled(group.end_users or group.exchanges // 3)
    rng = world.rng(group.name, "accounts")
    rows = customers(rng, world.cast, np.zeros(keys, dtype=np.int64), group.name, world.scenario.days)
    first = world.cast.add_accounts(rows, _innocent(group))
    made = crowd(world, group.name, group.corpora, people=people, exchanges=exchanges)
    servers, agent = addresses(rng, 4, hosted=True), np.repeat(agents(rng, 1), 4)
    client = world.cast.add_clients(
        same_clients(servers, agent, system=_BANK, temperature=0.2, max_tokens=512)
    )
    # Requests arrive as a real service's do; which key serves is chance. A conversation keeps its own pace.
    at = np.empty(len(made))
    at[np.argsort(made.at, kind="stable")] = load_curve(rng, world.corpora, len(made), world.span_s)
    head = np.maximum.accumulate(np.where(made.turn > 0, 0, np.arange(len(made))))
    at = np.minimum(at[head] + made.at - made.at[head], world.span_s - 1)
    return made.with_columns(
        at=at,
        account=first + rng.integers(0, keys, len(made)),
        client=client + rng.integers(0, len(servers), len(made)),
    )


def _harness(world: Setting, group: Population) -> Requests:
    """Evaluation or labelling: each organisation runs whole corpora in one fixed wording over its keys."""
    keys, exchanges = world.scaled(group.accounts), world.scaled(group.exchanges)
    rng = world.rng(group.name, "accounts")
    labs = min(max(1, group.organisations), keys)
    lab = np.sort(np.arange(keys) % labs)
    rows = customers(rng, world.cast, lab, group.name, world.scenario.days)
    first = world.cast.add_accounts(rows, _innocent(group))
    forms = world.form_numbers(group.templates) if group.templates else np.array([-1])
    office = addresses(rng, labs, hosted=True)
    client = world.cast.add_clients(
        same_clients(
            office,
            agents(rng, labs),
            system=rng.integers(-1, 2, labs),
            model=rng.integers(0, 2, labs),
            temperature=0.0,
            max_tokens=1024,
        )
    )
    parts = []
    for i, count in enumerate(shares(exchanges, rng.gamma(2.0, 1.0, labs)).tolist()):
        own = np.flatnonzero(lab == i)
        part = _runs(world, group, i, count)
        account = first + own[rng.integers(0, len(own), len(part))]
        form = np.full(len(part), forms[i % len(forms)])
        parts.append(part.with_columns(account=account, form=form, client=part.client + client + i))
    return join(parts)


def _runs(world: Setting, group: Population, lab: int, count: int) -> Requests:
    """One organisation's runs: corpora in file order, each text `repeats` times, in one go."""
    rng = world.rng(group.name, "runs", lab)
    contents = []
    for name, part in zip(group.corpora, shares(count, list(group.corpora.values())).tolist(), strict=True):
        units = np.sort(world.library.shelf([name]).units)
        first = int(rng.integers(0, len(units)))
        contents.append(
            world.library.unit_start[units[(first + np.arange(part) // group.repeats) % len(units)]]
        )
    tokens = lengths(rng, world.lengths, count)
    latency = latencies(rng, tokens)
    batched = group.shape == "labelling"
    spec = Dispatcher(
        kind="batch" if batched else "pool", workers=group.workers, think_s=0.2, batch=500, pauses=0
    )
    needed = 1.5 * float(latency.sum()) / group.workers + 0.1 * DAY
    begin = float(rng.uniform(0, 1)) * max(0.0, world.span_s - needed)
    at = send_times(rng, spec, latency, begin, world.span_s)
    return blank(rng, count).with_columns(
        at=at,
        content=np.concatenate(contents),
        client=np.zeros(count, dtype=np.int64),
        latency_s=latency,
        output_tokens=tokens,
        batch=np.full(count, batched),
    )
