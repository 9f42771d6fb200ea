"""A labelled world out of a scenario: exchanges, accounts, the truth about both, and a card that says how.

`simulate` is the only entry. Labels, accounts and times are constructed, prompts are public texts; the card
says so and gives the figures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from headwater.errors import UsageError
from headwater.simulate.answers import serve
from headwater.simulate.camouflage import dialled, disguised
from headwater.simulate.campaign import campaign
from headwater.simulate.card import card
from headwater.simulate.corpora import Corpora
from headwater.simulate.library import Library
from headwater.simulate.loading import load
from headwater.simulate.override import changed
from headwater.simulate.populations import population
from headwater.simulate.requests import Requests, join
from headwater.simulate.rhythm import DAY, rhythms
from headwater.simulate.scenario import Scenario, corpora_of
from headwater.simulate.setting import Setting
from headwater.simulate.software import MODELS
from headwater.simulate.tables import Retell, Truth, accounts_table, exchanges_table, prompts, truth_tables
from headwater.simulate.traces import answer_lengths


@dataclass(frozen=True)
class World:
    """A simulated log: `exchanges` and `accounts` hold the columns of the schemas that it fills."""

    exchanges: pa.Table
    accounts: pa.Table
    truth: Truth
    card: dict[str, Any]


def simulate(
    scenario: Scenario | str | Path,
    corpora: Corpora,
    seed: int | None = None,
    scale: float = 1.0,
    *,
    camouflage: float | str | Mapping[str, float] = 0.0,
    override: Mapping[str, Any] | None = None,
    retell: Retell | None = None,
) -> World:
    """The world that `scenario` describes; the same seed, scale and settings give the same bytes.

    `scenario` is a loaded one, a file, or a packaged name. `scale` shrinks (or grows) accounts and exchanges
    alike; `seed` replaces the scenario's own. `override` changes single settings by their path
    (`{"campaigns.0.accounts": 50}`), then `camouflage` hides every ring: one number from 0 to 1, or parts
    (`{"cover": 0.5, "paraphrase": 1}`). `retell` tells contents anew, where a corpus is too small for a log.
    Raises `ConfigurationError` for a scenario that cannot be used,
    `UsageError` for corpora of the other side, a scale that is not positive or a dial out of its range.
    """
    loaded = scenario if isinstance(scenario, Scenario) else load(scenario)
    dial, override = dialled(camouflage), dict(override or {})
    plan = disguised(changed(loaded, override), dial, scale)
    world = _setting(plan, corpora, plan.seed if seed is None else seed, scale)
    parts = [population(world, group) for group in plan.innocents]
    parts += [campaign(world, ring, number) for number, ring in enumerate(plan.campaigns)]
    made = _adopted(world, join(parts))
    made, status = serve(world.rng("service"), made, world.lengths, plan.outages)
    inside = np.flatnonzero((made.at >= 0) & (made.at < world.span_s))
    order = inside[np.argsort(made.at[inside], kind="stable")]
    made, status = made.take(order), status[order]
    present = np.unique(made.account)
    written = prompts(world, made, retell)
    exchanges = exchanges_table(world, made, status, written)
    return World(
        exchanges,
        accounts_table(world, made, present),
        truth_tables(world, made, present),
        card(world, made, written) | {"camouflage": dial, "override": msgspec.to_builtins(override)},
    )


def _setting(plan: Scenario, corpora: Corpora, seed: int, scale: float) -> Setting:
    if not scale > 0:
        raise UsageError("the scale must be above 0", hint="1 is the scenario's own size")
    library = Library(corpora, {name for _, weights in corpora_of(plan) for name in weights})
    return Setting(plan, seed, scale, corpora, library, corpora.once(rhythms), corpora.once(answer_lengths))


def _adopted(world: Setting, made: Requests) -> Requests:
    """A new model is for everybody: innocents turn to it too, one by one, in the days after its release."""
    releases = [(ring.pivot_day, ring.pivot_model) for ring in world.scenario.campaigns if ring.pivot_day > 0]
    if not releases:
        return made
    day, newest = min(releases)
    model = np.concatenate([rows.model for rows in world.cast.clients])
    adopts = day * DAY + world.rng("adoption").exponential(6.0 * DAY, world.cast.client_count)
    turned = (
        (made.at >= adopts[made.client]) & (model[made.client] == MODELS.index("large-1")) & ~made.harvest
    )
    return made.with_columns(model=np.where(turned, MODELS.index(newest), made.model))
