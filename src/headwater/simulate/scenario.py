"""A scenario: who is in a world and what they send, as plain data. `loading` reads it from a TOML file.

Counts are for `scale = 1`. Populations are innocent accounts by shape, campaigns are rings; corpora are named
with weights. Nothing is made here.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import msgspec

from headwater.simulate.catalogue import Side

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Count = Annotated[int, msgspec.Meta(ge=0)]
Some = Annotated[int, msgspec.Meta(ge=1)]
Positive = Annotated[float, msgspec.Meta(gt=0)]
Weights = dict[str, Positive]
Shape = Literal[
    "people",
    "template",
    "seats",
    "product",
    "harness",
    "labelling",
    "retries",
    "popular_template",
    "class_of_400",
    "honest_reseller",
    "hackathon",
    "viral_prompt",
    "red_team",
]
Model = Literal["small-1", "large-1", "mini-1", "large-2"]


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of a scenario: named settings only, unknown ones are refused."""


class Author(Part, frozen=True):
    """How unlike one another innocent accounts are; the defaults are fitted to real accounts.

    `narrow` is the Dirichlet concentration over topics (smaller: fewer topics per account), `spread` the
    standard deviation of its logarithm over accounts, `stick` the chance that the next prompt of a session
    keeps its topic, `style` the share of prompts that show an account's habits.
    """

    narrow: Positive = 0.6
    spread: Annotated[float, msgspec.Meta(ge=0)] = 0.6
    stick: Share = 0.5
    style: Share = 0.45


class Outage(Part, frozen=True):
    """A provider-wide failure that every account meets: `day` from the start (may be 2.4), and its length."""

    day: Annotated[float, msgspec.Meta(ge=0)]
    minutes: Positive


class Population(Part, frozen=True):
    """Innocent accounts of one shape.

    `people`: each account is one person. `seats`: the same, behind one organisation's network and harness.
    `product`: many end users behind the keys of one organisation. `harness`: evaluation runs over keys.
    `labelling`: batches with a shared wording. `template`: people who sometimes use one popular template.
    `retries`: customers whose software repeats what an outage failed. `red_team`: testers' keys. The others
    have no organisation: `popular_template`, `viral_prompt` (people with one prompt in common),
    `class_of_400`, `hackathon` (people in one place) and `honest_reseller` (end users behind a router).
    `organisations` splits the accounts into that many customers (0: no organisation), `events` into that many
    independent templates, prompts, classes, …; `sizes` is the range of accounts in one (none: all equal).
    """

    name: str
    shape: Shape
    accounts: Some
    exchanges: Some
    corpora: Weights
    templates: tuple[str, ...] = ()
    template_share: Share = 0.0
    template_corpus: str = ""
    organisations: Count = 0
    events: Count = 0
    sizes: tuple[Some, Some] | None = None
    end_users: Count = 0
    workers: Some = 4
    repeats: Some = 1


class Task(Part, frozen=True):
    """One kind of work in a campaign's queue: `corpora` put into `templates`, as `share` of the harvest."""

    kind: Literal["reasoning", "grading", "code", "answers", "agent"]
    share: Positive
    corpora: Weights
    templates: tuple[str, ...]


class Dispatcher(Part, frozen=True):
    """Who deals the queue to accounts.

    `pool`: `workers` fetch the next job when the last answer has come and `think_s` has passed (mean; half
    of it is random). `pacer`: even spacing with relative `jitter`. `batch`: `batch` jobs at once. `human`:
    nobody deals, every account works at a person's own hours. Work is done all day long with `pauses` joint
    pauses of about `pause_hours`, or in `runs_per_day` runs of which `pauses` are left out. `order` says how
    the queue is sorted, `deal` how an account is chosen. `noise` (0 to 1) idles workers and holds jobs back
    at random, so that the hand behind them shows less.
    """

    kind: Literal["pool", "pacer", "batch", "human"]
    workers: Some = 16
    think_s: Annotated[float, msgspec.Meta(ge=0)] = 10.0
    jitter: Share = 0.2
    batch: Some = 200
    runs_per_day: Count = 0
    pauses: Count = 3
    pause_hours: Positive = 5.0
    order: Literal["shuffled", "by corpus"] = "shuffled"
    deal: Literal["random", "in turn"] = "random"
    noise: Share = 0.0


class Infrastructure(Part, frozen=True):
    """What a ring's accounts share: accounts per payment instrument, device, phone, address (0: nothing).

    `user_agents` is the number of kinds of client software (0: everybody's own, as of ordinary people),
    `contradicts` the share of clients whose HTTP fingerprints don't fit the software that they name.
    """

    per_payment: Count = 0
    per_device: Count = 0
    per_phone: Count = 0
    per_ip: Count = 0
    user_agents: Count = 2
    signup_bursts: Count = 0
    programme_share: Share = 0.0
    contradicts: Share = 0.2


class Access(Part, frozen=True):
    """One way in to the service: `share` of the harvest comes through this endpoint, to this model."""

    share: Positive
    endpoint: Literal["chat", "responses", "messages"] = "chat"
    model: Model = "large-1"
    tools: Count = 0
    stream: bool = False


class Reseller(Part, frozen=True):
    """Other customers' requests that a reseller mixes into the same accounts."""

    end_users: Some
    exchanges: Some
    corpora: Weights


class Cover(Part, frozen=True):
    """A population that a ring's accounts pass for: `share` of them send its `corpora` as cover."""

    share: Positive
    corpora: Weights


class Campaign(Part, frozen=True):
    """One ring: `exchanges` of harvest over `accounts`, and what hides it.

    `cover` is the share of the accounts' traffic that is cover (drawn as an innocent's would be: from
    `cover_corpora`, or from those of the one population of `cover_groups` that an account passes for), `personas`
    the number of topic-and-style shards (0: one queue), `paraphrase` the share of harvest whose wording is
    made anew each time (from a grammar, and at times from a public wording of the corpus `wordings`), `churn`
    the share of accounts that come late or leave early, `held` the share that the provider holds midway (new
    accounts take their work up), `turns` the mean length of a job's conversation. From `pivot_day` (0: never)
    on, `pivot_share` of the harvest asks for `pivot_model`, reached over `pivot_hours`. `paths` are ways in;
    `system` says whether harvest carries the commonest system prompt. It lasts from `begin_day` to `end_day`
    (0: to the end).
    """

    name: str
    accounts: Some
    exchanges: Some
    tasks: Annotated[tuple[Task, ...], msgspec.Meta(min_length=1)]
    dispatcher: Dispatcher
    infrastructure: Infrastructure = Infrastructure()
    cover: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.0
    cover_corpora: Weights = {}
    cover_groups: tuple[Cover, ...] = ()
    personas: Count = 0
    paraphrase: Share = 0.0
    wordings: str = ""
    churn: Share = 0.3
    held: Annotated[float, msgspec.Meta(ge=0, le=0.5)] = 0.0
    turns: Annotated[float, msgspec.Meta(ge=1)] = 1.0
    paths: tuple[Access, ...] = ()
    begin_day: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    end_day: float = 0.0
    model: Model = "large-1"
    pivot_day: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    pivot_model: Model = "large-2"
    pivot_share: Share = 1.0
    pivot_hours: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    system: bool = False
    temperature: float = 0.7
    max_tokens: Some = 4096
    reseller: Reseller | None = None

    @property
    def covers(self) -> tuple[Cover, ...]:
        """Whose traffic cover is drawn from, by the share of accounts."""
        return self.cover_groups or (Cover(share=1.0, corpora=self.cover_corpora),)


class Scenario(Part, frozen=True):
    """A whole world. `seed` is used where none is given; `side` says which corpora may be opened."""

    name: str
    title: str
    seed: int
    start: datetime
    days: Positive
    side: Side = "tune"
    author: Author = Author()
    outages: tuple[Outage, ...] = ()
    innocents: tuple[Population, ...] = ()
    campaigns: tuple[Campaign, ...] = ()

    @property
    def start_us(self) -> int:
        """Start as microseconds since 1970, UTC."""
        return int((self.start - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))


def corpora_of(scenario: Scenario) -> list[tuple[str, Weights]]:
    """Every place in a scenario that names corpora, with their weights."""
    found: list[tuple[str, Weights]] = []
    for i, group in enumerate(scenario.innocents):
        found.append((f"innocents[{i}].corpora", group.corpora))
    for i, ring in enumerate(scenario.campaigns):
        found += [(f"campaigns[{i}].tasks[{j}].corpora", task.corpora) for j, task in enumerate(ring.tasks)]
        found.append((f"campaigns[{i}].cover_corpora", ring.cover_corpora))
        found += [
            (f"campaigns[{i}].cover_groups[{j}].corpora", g.corpora) for j, g in enumerate(ring.cover_groups)
        ]
        if ring.reseller:
            found.append((f"campaigns[{i}].reseller.corpora", ring.reseller.corpora))
    return found


def wordings_of(scenario: Scenario) -> list[tuple[str, Weights]]:
    """Every place that names a corpus of wordings, in the form of `corpora_of`; nobody sends these as texts."""
    return [
        (f"campaigns[{i}].wordings", {ring.wordings: 1.0})
        for i, ring in enumerate(scenario.campaigns)
        if ring.wordings
    ] + [
        (f"innocents[{i}].template_corpus", {group.template_corpus: 1.0})
        for i, group in enumerate(scenario.innocents)
        if group.template_corpus
    ]
