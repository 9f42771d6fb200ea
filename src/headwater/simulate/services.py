"""Innocent machines: products whose servers hold many keys, evaluation harnesses, labelling in batches.

Both deal from one queue, as a ring does, and say who they are: one organisation, one bill.
"""

from __future__ import annotations

import numpy as np

from headwater.simulate.answers import latencies, lengths
from headwater.simulate.cast import same_clients
from headwater.simulate.chance import Ints, shares
from headwater.simulate.crowds import crowd
from headwater.simulate.dispatch import send_times
from headwater.simulate.groups import innocent, members
from headwater.simulate.requests import Requests, blank, join
from headwater.simulate.rhythm import DAY
from headwater.simulate.scenario import Dispatcher, Population, Weights
from headwater.simulate.setting import Setting
from headwater.simulate.signup import customers
from headwater.simulate.software import SYSTEMS, addresses, agents
from headwater.simulate.traces import load_curve

#: The system prompt of a bank's app.
_BANK = 7


def product(world: Setting, group: Population) -> Requests:
    """End users of products whose servers spread their requests over the keys of one organisation each."""
    keys, exchanges = world.scaled(group.accounts, 2), world.scaled(group.exchanges)
    people = world.scaled(group.end_users or group.exchanges // 3)
    if group.organisations < 2:
        rng = world.rng(group.name, "accounts")
        return _one(world, rng, group, group.name, group.corpora, (keys, exchanges, people), _BANK)
    firms = min(group.organisations, keys)
    size = np.bincount(members(world, group, keys, firms), minlength=firms).tolist()
    weight = world.rng(group.name, "firms").gamma(3.0, 1.0, firms)
    forms = world.form_numbers(group.templates) if group.templates else np.array([-1])
    parts = []
    for i, (sent, users) in enumerate(zip(shares(exchanges, weight), shares(people, weight), strict=True)):
        rng = world.rng(group.name, "product", i)
        system = int(rng.integers(1, len(SYSTEMS)))
        whole = (size[i], max(1, int(sent)), max(1, int(users)))
        made = _one(world, rng, group, f"{group.name}-{i + 1}", _subject(rng, group.corpora), whole, system)
        # Its servers put what end users write into the product's own words.
        parts.append(made.with_columns(form=np.where(made.turn == 0, forms[i % len(forms)], -1)))
    return join(parts)


def _subject(rng: np.random.Generator, corpora: Weights) -> Weights:
    """A product is about one thing or two of those that the population has."""
    names = list(corpora)
    chosen = rng.permutation(len(names))[: int(rng.integers(1, 3))]
    return {names[i]: corpora[names[i]] for i in sorted(chosen.tolist())}


def _one(
    world: Setting,
    rng: np.random.Generator,
    group: Population,
    name: str,
    corpora: Weights,
    whole: tuple[int, int, int],
    system: int,
) -> Requests:
    """One product; `whole` is its keys, exchanges and end users."""
    keys, exchanges, people = whole
    firm = np.zeros(keys, dtype=np.int64)
    rows = customers(rng, world.cast, firm, name, world.scenario.days)
    first = world.cast.add_accounts(rows, innocent(group), firm)
    made = crowd(world, name, corpora, people=people, exchanges=exchanges)
    servers, agent = addresses(rng, 4, hosted=True), np.repeat(agents(rng, 1), 4)
    client = world.cast.add_clients(
        same_clients(servers, agent, system=system, temperature=0.2, max_tokens=512)
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


def harness(world: Setting, group: Population) -> Requests:
    """Evaluation or labelling: each organisation runs whole corpora in one fixed wording over its keys."""
    keys, exchanges = world.scaled(group.accounts), world.scaled(group.exchanges)
    rng = world.rng(group.name, "accounts")
    labs = min(max(1, group.organisations), keys)
    lab = members(world, group, keys, labs)
    rows = customers(rng, world.cast, lab, group.name, world.scenario.days)
    first = world.cast.add_accounts(rows, innocent(group), lab)
    forms = world.form_numbers(group.templates) if group.templates else np.array([-1])
    office = addresses(rng, labs, hosted=True)
    client = world.cast.add_clients(
        same_clients(
            office,
            agents(rng, labs),
            habits="harness",
            system=rng.integers(-1, 2, labs),
            model=rng.integers(0, 2, labs),
            temperature=0.0,
            max_tokens=1024,
        )
    )
    parts = []
    for i, sent in enumerate(shares(exchanges, rng.gamma(2.0, 1.0, labs)).tolist()):
        own = np.flatnonzero(lab == i)
        part = runs(world, group, i, sent)
        account = first + own[rng.integers(0, len(own), len(part))]
        form = np.full(len(part), forms[i % len(forms)])
        parts.append(part.with_columns(account=account, form=form, client=part.client + client + i))
    return join(parts)


def runs(world: Setting, group: Population, lab: int, count: int) -> Requests:
    """One organisation's runs: corpora in file order, each text `repeats` times, in one go."""
    rng = world.rng(group.name, "runs", lab)
    contents: list[Ints] = []
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
