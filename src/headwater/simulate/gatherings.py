"""People who are together for a reason: a class with one task at one hour, a hackathon at one venue.

They share an opening line, an hour, an address, a sign-up burst or a programme, and nothing behind it: each
does their own work the rest of the time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from headwater.simulate.cast import AccountRows, person_clients
from headwater.simulate.chance import Floats, Ints, ragged
from headwater.simulate.crowds import crowd
from headwater.simulate.forms import Form
from headwater.simulate.groups import count, innocent, members
from headwater.simulate.requests import Requests, blank, join
from headwater.simulate.rewording import Dice
from headwater.simulate.rhythm import DAY
from headwater.simulate.scenario import Population
from headwater.simulate.setting import Setting
from headwater.simulate.signup import ordinary
from headwater.simulate.software import SYSTEMS, addresses, agents, homes

T = TypeVar("T")
Flags = NDArray[np.bool_]

_COURSES: Final = (
    "Algebra I", "Introduction to Programming", "Academic Writing", "Statistics for Biologists", "Logic",
    "Business Maths", "General Chemistry", "World History", "Data Structures", "Microeconomics", "Rhetoric",
    "Mechanics", "Linguistics 101", "Public Health", "Accounting Basics", "Teaching Methods", "Civics", "Optics",
)  # fmt: skip
_SHEETS: Final = (
    "worksheet",
    "assignment",
    "problem set",
    "exercise",
    "lab sheet",
    "homework",
    "practical",
    "quiz",
)
_WHO: Final = (
    "student number",
    "candidate",
    "registration no.",
    "my number is",
    "ID",
    "seat",
    "matriculation",
)
_ASKS: Final = (
    "Answer the task below and show your working.", "Help me with the following task of this week.",
    "Solve this and explain every step.", "Work on the question and discuss the result.",
    "Do the task and say what you assumed.", "Here is the task that we all got today:",
    "Give a solution that a first-year student understands.", "Use only what was covered in the lecture.",
)  # fmt: skip
_STARTERS: Final = (
    "You are the engine of our {noun}. Return what the app can show as it stands.\nInput: ",
    "Act as the backend of a {noun} that we build this weekend. Handle this:\n",
    "{noun} starter kit, v0.1. User said: ",
    "As the assistant inside a {noun}, respond in short sentences.\n\n",
    "System check for the {noun} demo, then answer:\n",
)
_NOUNS: Final = (
    "recipe app", "travel planner", "study buddy", "budget tool", "garden guide", "repair helper", "city map",
    "language coach", "queue manager", "plant doctor", "job finder", "news digest", "fitness diary", "quiz game",
)  # fmt: skip


def class_of_400(world: Setting, group: Population) -> Requests:
    """Classes whose students all send one task in one hour, under one opening line with a personal number.

    Every other class signs up with addresses of its campus, the rest with personal ones; none is an
    organisation.
    """
    people, exchanges = world.scaled(group.accounts), world.scaled(group.exchanges)
    rng = world.rng(group.name, "accounts")
    classes = count(group, people)
    own = members(world, group, people, classes)
    home = homes(rng, people)
    rows = ordinary(rng, world.cast, world.scenario.days, home)
    hour = _hours(world.rng(group.name, "hours"), classes, world.span_s)
    campus = (own % 2 == 0) & (rng.random(people) < 0.95)
    late = rng.random(people) < 0.3
    domains = [f"{group.name}-{i + 1}.edu.example" for i in range(classes)]
    rows = replace(
        rows,
        created_s=np.where(late, hour[own] - rng.exponential(1.5 * DAY, people) - 60.0, rows.created_s),
        email_domain=[domains[i] if c else old for i, c, old in _each(own, campus, rows.email_domain)],
        programme=["education" if c else old for _, c, old in _each(own, campus, rows.programme)],
    )
    rows = replace(rows, created_s=np.minimum(rows.created_s, hour[own] - 60.0))
    first = world.cast.add_accounts(rows, innocent(group), own)
    networks = addresses(rng, classes)
    present = campus & (rng.random(people) < 0.6)
    ips = [networks[i] if p else ip for i, p, ip in _each(own, present, home)]
    client = world.cast.add_clients(person_clients(rng, ips))
    task = _task(world, group, own, hour)
    begin = np.maximum(rows.created_s, 0.0)
    rest = max(people, exchanges - len(task))
    made = crowd(world, group.name, group.corpora, people=people, exchanges=rest, first_s=begin)
    whole = join([task, made])
    return whole.with_columns(account=whole.account + first, client=whole.account + client)


def _each(own: Ints, chosen: Flags, values: list[T]) -> Iterator[tuple[int, bool, T]]:
    """Event, choice and value of each account."""
    return zip(own.tolist(), chosen.tolist(), values, strict=True)


def _hours(rng: np.random.Generator, events: int, span_s: float) -> Floats:
    """When each event begins: on its own part of the time, in the morning or the afternoon."""
    part = span_s / events
    begin = (np.arange(events) + rng.uniform(0.1, 0.7, events)) * part
    at = np.floor(begin / DAY) * DAY + rng.integers(8, 17, events) * 3600.0
    return np.where(at + 2 * 3600.0 < span_s, at, begin)


def opening_line(bits: int) -> Form:
    """One class's first line, with a slot for the personal number."""
    dice = Dice(bits)
    head = f"{dice.of(_COURSES)}, {dice.of(_SHEETS)} {1 + dice.below(14)}, {dice.of(_WHO)} "
    return Form(head.strip(), (head, f". {dice.of(_ASKS)}\n\n", ""), ("number", "task"))


def _task(world: Setting, group: Population, own: Ints, hour: Floats) -> Requests:
    """The class's task: one to three texts, the first by everybody, later ones by some, as one conversation."""
    rng = world.rng(group.name, "tasks")
    classes = len(hour)
    form = world.wording_numbers([opening_line(int(b)) for b in rng.integers(0, 1 << 62, classes)])
    units = world.library.shelf(group.corpora).units
    texts = world.library.unit_start[rng.choice(units, (classes, 3), replace=False)]
    sent = 1 + np.minimum(rng.poisson(0.7, len(own)), 2)
    account, step = np.repeat(np.arange(len(own)), sent), ragged(np.zeros_like(sent), sent)
    start = hour[own] + 3600.0 * rng.beta(1.3, 3.0, len(own))
    wait = np.where(step > 0, rng.uniform(90.0, 900.0, len(step)), 0.0)
    passed = np.cumsum(wait)
    heads = np.cumsum(sent) - sent
    talks = world.cast.add_conversations(account)
    chats = (rng.random(len(own)) < 0.6)[account]
    return blank(rng, len(step)).with_columns(
        at=start[account] + passed - passed[heads][account],
        account=account,
        content=texts[own[account], step],
        form=form[own[account]],
        conversation=np.where(chats, talks, -1),
        turn=np.where(chats, step, 0),
    )


def hackathon(world: Setting, group: Population) -> Requests:
    """Hackathons: accounts opened within hours, in a programme, at one address, from one starter, for two days."""
    people, exchanges = world.scaled(group.accounts), world.scaled(group.exchanges)
    rng = world.rng(group.name, "accounts")
    events = count(group, people)
    own = members(world, group, people, events)
    begin = _hours(world.rng(group.name, "hours"), events, max(world.span_s - 2 * DAY, DAY))
    home, venue = homes(rng, people), addresses(rng, events)
    there = rng.random(people) < 0.85
    ips = [venue[i] if t else ip for i, t, ip in _each(own, there, home)]
    rows = _joined(rng, ordinary(rng, world.cast, world.scenario.days, home), own, begin, (there, ips))
    first = world.cast.add_accounts(rows, innocent(group), own)
    clients = person_clients(rng, ips)
    kit = rng.random(people) < 0.7
    clients = replace(
        clients,
        agent=np.where(kit, agents(rng, events)[own], clients.agent),
        system=np.where(kit, rng.integers(0, len(SYSTEMS), events)[own], clients.system),
    )
    client = world.cast.add_clients(clients)
    until = np.minimum(begin[own] + 2 * DAY, world.span_s)
    made = crowd(
        world,
        group.name,
        group.corpora,
        people=people,
        exchanges=exchanges,
        first_s=np.maximum(rows.created_s, begin[own]),
        last_s=until,
    )
    kits = rng.choice(len(_STARTERS) * len(_NOUNS), events, replace=events > len(_STARTERS) * len(_NOUNS))
    form = world.wording_numbers([_starter(number) for number in kits.tolist()])
    uses = kit[made.account] & (made.turn == 0) & (rng.random(len(made)) < 0.6)
    return made.with_columns(
        account=made.account + first,
        client=made.account + client,
        form=np.where(uses, form[own[made.account]], -1),
    )


def _joined(
    rng: np.random.Generator,
    rows: AccountRows,
    own: Ints,
    begin: Floats,
    place: tuple[Flags, list[str]],
) -> AccountRows:
    """Ordinary accounts, most of them opened at the venue's desk and put into the event's programme."""
    people, (there, ips) = len(own), place
    new = there & (rng.random(people) < 0.85)
    programme = rng.choice(["education", "start-up", "research"], len(begin), p=[0.45, 0.45, 0.1])[
        own
    ].tolist()
    joins = (rng.random(people) < 0.9).tolist()
    credit = rng.random(people) < 0.6
    opened = begin[own] + rng.gamma(2.0, 1800.0, people) - 1800.0
    earlier = np.minimum(rows.created_s, begin[own] - 3600.0)
    return replace(
        rows,
        created_s=np.where(new, opened, earlier),
        programme=[p if j else old for p, j, old in zip(programme, joins, rows.programme, strict=True)],
        payment=[None if c else old for _, c, old in _each(own, credit, rows.payment)],
        signup_ip=[
            ip if n else old for (_, n, ip), old in zip(_each(own, new, ips), rows.signup_ip, strict=True)
        ],
    )


def _starter(number: int) -> Form:
    """The starter template of one hackathon; no two of a world have the same."""
    text = _STARTERS[number % len(_STARTERS)].replace("{noun}", _NOUNS[number // len(_STARTERS)])
    return Form(text.strip(), (text, ""), ("task",))
