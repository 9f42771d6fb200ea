"""Requests of many end users behind a router's accounts: what a reseller mixes, honest or not."""

from __future__ import annotations

import numpy as np

from headwater.simulate.cast import person_clients
from headwater.simulate.crowds import crowd
from headwater.simulate.requests import Requests
from headwater.simulate.scenario import Reseller
from headwater.simulate.setting import Setting
from headwater.simulate.software import addresses


def routed(world: Setting, name: str, reseller: Reseller, accounts: int) -> Requests:
    """Persons with their own software and system prompts, each request through any of the `accounts`.

    `account` counts from 0.
    """
    people, exchanges = world.scaled(reseller.end_users), world.scaled(reseller.exchanges)
    made = crowd(world, name, reseller.corpora, people=people, exchanges=exchanges)
    rng = world.rng(name)
    exits = addresses(rng, max(2, accounts // 40), hosted=True)
    used = [exits[i] for i in rng.integers(0, len(exits), people).tolist()]
    client = world.cast.add_clients(person_clients(rng, used))
    # A conversation stays with one account most of the time; a lone call goes anywhere.
    home = rng.integers(0, accounts, world.cast.conversation_count + 1)
    moves = (made.conversation < 0) | (rng.random(len(made)) < 0.1)
    account = np.where(moves, rng.integers(0, accounts, len(made)), home[made.conversation])
    return made.with_columns(account=account, client=client + made.account)
