"""Innocent accounts by shape: persons, alone or in a company, with a template or without; who makes the others.

Each shape gives requests whose accounts, voices and clients are numbers into the cast. All but the first look
like rings on purpose, each in a way of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from headwater.simulate.cast import person_clients, same_clients
from headwater.simulate.crowds import crowd
from headwater.simulate.failures import retries
from headwater.simulate.gatherings import class_of_400, hackathon
from headwater.simulate.groups import innocent, members
from headwater.simulate.prompts_shared import popular_template, viral_prompt
from headwater.simulate.requests import Requests
from headwater.simulate.routing import honest_reseller
from headwater.simulate.scenario import Population, Shape
from headwater.simulate.services import harness, product
from headwater.simulate.setting import Setting
from headwater.simulate.signup import customers, ordinary
from headwater.simulate.software import SYSTEMS, addresses, agents, homes
from headwater.simulate.testers import red_team


def population(world: Setting, group: Population) -> Requests:
    """All requests of one population; its accounts, clients and voices are added to the cast."""
    return _MAKERS[group.shape](world, group)


def _people(world: Setting, group: Population) -> Requests:
    people, exchanges = world.scaled(group.accounts), world.scaled(group.exchanges)
    rng = world.rng(group.name, "accounts")
    home = homes(rng, people)
    firm = None
    if group.organisations:
        chosen = rng.integers(0, world.scaled(group.organisations), people)
        firm = np.unique(chosen, return_inverse=True)[1]
        rows = customers(rng, world.cast, firm, group.name, world.scenario.days)
    else:
        rows = ordinary(rng, world.cast, world.scenario.days, home)
    first = world.cast.add_accounts(rows, innocent(group), firm)
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
    firms = min(max(1, group.organisations), people)
    firm = members(world, group, people, firms) if group.sizes else np.sort(np.arange(people) % firms)
    rows = customers(rng, world.cast, firm, group.name, world.scenario.days)
    first = world.cast.add_accounts(rows, innocent(group), firm)
    made = crowd(world, group.name, group.corpora, people=people, exchanges=exchanges)
    office = addresses(rng, firms, hosted=True)
    seats = same_clients(
        [office[i] for i in firm.tolist()],
        agents(rng, firms)[firm],
        habits="person",
        system=rng.integers(1, len(SYSTEMS), firms)[firm],
        model=rng.integers(0, 2, firms)[firm],
        stream=1,
    )
    client = world.cast.add_clients(seats)
    return _templated(
        world, group, made.with_columns(account=made.account + first, client=made.account + client)
    )


_MAKERS: Final[dict[Shape, Callable[[Setting, Population], Requests]]] = {
    "people": _people,
    "template": _people,
    "seats": _seats,
    "product": product,
    "harness": harness,
    "labelling": harness,
    "retries": retries,
    "popular_template": popular_template,
    "class_of_400": class_of_400,
    "honest_reseller": honest_reseller,
    "hackathon": hackathon,
    "viral_prompt": viral_prompt,
    "red_team": red_team,
}
