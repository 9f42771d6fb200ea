"""A campaign: a ring's accounts and clients, and all that they send: harvest, cover, a reseller's customers.

What is harvested and who is dealt it is in `harvest`. Cover and resale traffic come from people like everybody
else's, so that only the harvest betrays the ring.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from headwater.simulate.cast import AccountRows, Cast, ClientRows, Part, person_clients, same_clients
from headwater.simulate.chance import Ints, shares
from headwater.simulate.crowds import crowd
from headwater.simulate.dealing import Holds, Ring, holds
from headwater.simulate.harvest import harvest
from headwater.simulate.requests import Requests, join
from headwater.simulate.rhythm import DAY
from headwater.simulate.routing import routed
from headwater.simulate.scenario import Campaign
from headwater.simulate.setting import Setting
from headwater.simulate.signup import ring_accounts
from headwater.simulate.software import ENDPOINTS, MODELS, addresses, agents

#: Seconds before its first request at which an account is opened that takes over a held one's work.
_OPENED_S = 6 * 3600.0


def campaign(world: Setting, plan: Campaign, number: int) -> Requests:
    """All requests of one ring's accounts: harvest, cover, and what a reseller's other customers send."""
    rng = world.rng(plan.name, "accounts")
    accounts = world.scaled(plan.accounts, min(2, plan.accounts))
    begin_s, end_s = plan.begin_day * DAY, (plan.end_day or world.scenario.days) * DAY
    ips = _exits(rng, plan.infrastructure.per_ip, accounts)
    rows = ring_accounts(rng, world.cast, plan.infrastructure, ips, begin_s)
    held = holds(world.rng(plan.name, "held"), plan.held, accounts, begin_s, end_s)
    part = Part("reseller" if plan.reseller else "ring", number, "ring", plan.name)
    account = world.cast.add_accounts(_opened_later(rows, held), part)
    world.cast.held |= {account + i: at for i, at in zip(held.out.tolist(), held.at.tolist(), strict=True)}
    client = _add_clients(rng, world.cast, plan, ips)
    ring = Ring(plan, number, accounts, account, client, begin_s, end_s, held)
    parts = [harvest(world, ring)]
    if plan.cover > 0:
        # About as much as `held` is lost where accounts are held, or not yet opened.
        covered = round(len(parts[0]) * plan.cover / (1 - plan.cover) / (1 - plan.held))
        parts.append(_while_there(ring, _cover(world, plan, accounts, covered)))
    if plan.reseller:
        made = routed(world, f"{plan.name} resale", plan.reseller, accounts)
        parts.append(made.with_columns(account=made.account + account))
    return join(parts)


def _opened_later(rows: AccountRows, held: Holds) -> AccountRows:
    """The accounts that take up a held one's work are opened after the hold."""
    created = rows.created_s.copy()
    created[held.into] = held.first - np.minimum(_OPENED_S, 0.9 * (held.first - held.at))
    return replace(rows, created_s=created)


def _cover(world: Setting, plan: Campaign, accounts: int, exchanges: int) -> Requests:
    """Cover traffic by the ring's own count of accounts; each passes for a person of one group, whichever its place."""
    if len(plan.covers) == 1:
        only = plan.covers[0].corpora
        return crowd(world, f"{plan.name} cover", only, people=accounts, exchanges=exchanges, even=True)
    mixed = world.rng(plan.name, "cover groups").permutation(accounts)
    sizes = shares(accounts, [group.share for group in plan.covers])
    parts = []
    for number, own in enumerate(np.split(mixed, np.cumsum(sizes)[:-1])):
        if len(own):
            made = crowd(
                world,
                f"{plan.name} cover {number}",
                plan.covers[number].corpora,
                people=len(own),
                exchanges=round(exchanges * len(own) / accounts),
                even=True,
            )
            parts.append(made.with_columns(account=own[made.account]))
    return join(parts)


def _while_there(ring: Ring, made: Requests) -> Requests:
    """Cover traffic of the ring's accounts; none after an account is held or before it is opened."""
    first, last = np.full(ring.accounts, -np.inf), np.full(ring.accounts, np.inf)
    last[ring.held.out], first[ring.held.into] = ring.held.at, ring.held.first
    there = (made.at >= first[made.account]) & (made.at < last[made.account])
    own = ring.client + made.account * max(1, len(ring.plan.paths))
    whole = made.with_columns(account=made.account + ring.account, client=own)
    return whole if there.all() else whole.take(there)


def _exits(rng: np.random.Generator, per: int, accounts: int) -> list[str]:
    """Addresses that the accounts send from: their own, or exits shared by `per` accounts each."""
    if per < 2:
        return addresses(rng, accounts)
    exits = addresses(rng, -(-accounts // per), hosted=True)
    return [exits[i // per] for i in rng.permutation(accounts).tolist()]


def _add_clients(rng: np.random.Generator, cast: Cast, plan: Campaign, ips: list[str]) -> int:
    """The ring's clients, one per account and way in: its few kinds of software, its one set of parameters.

    Without software of its own, each account uses a person's: everything but the model is its own affair.
    """
    ways = len(plan.paths)
    if plan.infrastructure.user_agents == 0:
        own = person_clients(rng, ips)
        rows = replace(own, model=np.full(len(ips), MODELS.index(plan.model)), habits="ring")
        return cast.add_clients(_with_paths(rows, plan) if ways else rows)
    kinds = agents(rng, plan.infrastructure.user_agents)
    rows = same_clients(
        ips,
        kinds[rng.integers(0, len(kinds), len(ips))],
        system=0 if plan.system else -1,
        model=MODELS.index(plan.model),
        temperature=plan.temperature,
        max_tokens=plan.max_tokens,
    )
    rows = replace(rows, habits="ring", contradicts=plan.infrastructure.contradicts)
    return cast.add_clients(_with_paths(rows, plan) if ways else rows)


def _with_paths(rows: ClientRows, plan: Campaign) -> ClientRows:
    """Each client once per way in, side by side."""
    ways, count = len(plan.paths), len(rows.ip)

    def each(values: list[int]) -> Ints:
        return np.tile(np.array(values, dtype=np.int64), count)

    whole = rows.repeated(ways)
    return replace(
        whole,
        endpoint=each([ENDPOINTS.index(way.endpoint) for way in plan.paths]),
        model=each([MODELS.index(way.model) for way in plan.paths]),
        stream=each([way.stream for way in plan.paths]).astype(bool),
        tools=each([way.tools for way in plan.paths]),
    )
