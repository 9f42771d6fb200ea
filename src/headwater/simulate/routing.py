"""Requests of many end users behind a router's accounts: what a reseller mixes, honest or not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from headwater.simulate.cast import person_clients, same_clients
from headwater.simulate.chance import shares
from headwater.simulate.crowds import crowd
from headwater.simulate.groups import count, innocent, members
from headwater.simulate.requests import Requests, join
from headwater.simulate.rhythm import DAY
from headwater.simulate.scenario import Infrastructure, Population, Reseller
from headwater.simulate.services import runs
from headwater.simulate.setting import Setting
from headwater.simulate.signup import ring_accounts
from headwater.simulate.software import addresses, agents

#: Share of a router's traffic that customers with an evaluation harness send, and how many such customers it has.
_HARNESSED, _HARNESSES = 0.15, 2


def routed(
    world: Setting, name: str, reseller: Reseller, accounts: int, exits: list[str] | None = None
) -> Requests:
    """Persons with their own software and system prompts, each request through any of the `accounts`.

    `account` counts from 0; `exits` are the addresses that the provider sees (none: drawn here).
    """
    people, exchanges = world.scaled(reseller.end_users), world.scaled(reseller.exchanges)
    made = crowd(world, name, reseller.corpora, people=people, exchanges=exchanges)
    rng = world.rng(name)
    exits = exits or addresses(rng, max(2, accounts // 40), hosted=True)
    used = [exits[i] for i in rng.integers(0, len(exits), people).tolist()]
    client = world.cast.add_clients(person_clients(rng, used))
    # A conversation stays with one account most of the time; a lone call goes anywhere.
    home = rng.integers(0, accounts, world.cast.conversation_count + 1)
    moves = (made.conversation < 0) | (rng.random(len(made)) < 0.1)
    account = np.where(moves, rng.integers(0, accounts, len(made)), home[made.conversation])
    return made.with_columns(account=account, client=client + made.account)


def honest_reseller(world: Setting, group: Population) -> Requests:
    """Routers: end users with their own languages, harnesses and conversations, mixed behind dozens of accounts.

    A router's accounts share cards, exits and sign-up days, and it names no organisation. Nothing is harvested.
    """
    accounts = world.scaled(group.accounts)
    routers = count(group, accounts)
    router = members(world, group, accounts, routers)
    weight = world.rng(group.name, "sizes of routers").gamma(4.0, 1.0, routers) * np.bincount(router)
    sent = shares(group.exchanges, weight).tolist()
    users = shares(group.end_users or group.exchanges // 3, weight).tolist()
    parts = []
    for i in range(routers):
        name, size = f"{group.name} {i + 1}", int(np.sum(router == i))
        rng = world.rng(name, "accounts")
        exits = addresses(rng, max(2, size // 12), hosted=True)
        ips = [exits[j] for j in rng.integers(0, len(exits), size).tolist()]
        shared = Infrastructure(per_payment=int(rng.integers(4, 16)), per_device=2, signup_bursts=3)
        rows = ring_accounts(rng, world.cast, shared, ips, 0.0)
        rows = replace(rows, created_s=rows.created_s - rng.uniform(0.0, 200.0) * DAY)
        first = world.cast.add_accounts(rows, innocent(group), np.zeros(size, dtype=np.int64))
        harnessed = round(sent[i] * _HARNESSED) if group.templates else 0
        mixed = Reseller(max(1, users[i]), max(1, sent[i] - harnessed), group.corpora)
        made = [routed(world, name, mixed, size, exits)]
        made += [
            _harness(world, group, (i, j), harnessed // _HARNESSES, (size, exits)) for j in range(_HARNESSES)
        ]
        whole = join([part for part in made if len(part)])
        parts.append(whole.with_columns(account=whole.account + first))
    return join(parts)


def _harness(
    world: Setting, group: Population, which: tuple[int, int], sent: int, router: tuple[int, list[str]]
) -> Requests:
    """One of a router's customers runs an evaluation; the router deals it to any of its accounts."""
    rng = world.rng(group.name, "harness", *which)
    made = runs(world, group, which[0] * _HARNESSES + which[1], world.scaled(sent, 0))
    forms = world.form_numbers(group.templates) if group.templates else np.array([-1])
    accounts, exits = router
    software = same_clients(exits[:1], agents(rng, 1), habits="harness", temperature=0.0)
    client = world.cast.add_clients(software)
    return made.with_columns(
        account=rng.integers(0, accounts, len(made)),
        client=np.full(len(made), client),
        form=np.full(len(made), forms[rng.integers(0, len(forms))]),
    )
