"""Prompts that unrelated people share: a public template that goes round, a prompt that everybody tries today."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from headwater.errors import UsageError
from headwater.simulate.cast import person_clients
from headwater.simulate.chance import Ints
from headwater.simulate.crowds import crowd
from headwater.simulate.forms import Form, Given
from headwater.simulate.groups import count, innocent, members
from headwater.simulate.requests import Requests, blank, join
from headwater.simulate.rewording import Dice
from headwater.simulate.rhythm import DAY
from headwater.simulate.scenario import Population
from headwater.simulate.setting import Setting
from headwater.simulate.signup import ordinary
from headwater.simulate.software import homes

_BEFORE: Final = (
    "everyone does this: ",
    "trying this one: ",
    "ok ",
    "My turn: ",
    "lol ",
    "This again - ",
    "hey, ",
    "",
)
_AFTER: Final = (
    " please", "!!", " Make it funny.", " (saw this online)", " pls", " 😂", " Be honest.", " Keep it short.",
    " for my friend", " and rate it", " in my style", " 2026 edition", " Surprise me.", " no spoilers",
)  # fmt: skip


@dataclass(frozen=True)
class Nearly:
    """One prompt as people pass it on: most keep it to the letter, others add a word, lose one, or slip."""

    def write(self, given: Given) -> str:
        """The prompt with at most two small changes."""
        dice = Dice(given.bits)
        text = given.task
        change = dice.below(8)
        if change in (2, 3):
            text = f"{text}{dice.of(_AFTER)}"
        elif change == 4:
            text = f"{dice.of(_BEFORE)}{text}"
        elif change == 5:
            words = text.split(" ")
            del words[dice.below(len(words))]
            text = " ".join(words) or text
        elif change == 6 and len(text) > 3:
            place = 1 + dice.below(len(text) - 2)
            text = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
        elif change == 7:
            text = text.rstrip(".?! ")
        return text.lower() if dice.below(9) == 0 else text


def popular_template(world: Setting, group: Population) -> Requests:
    """Unrelated people who each found one public template and use it for part of what they ask."""
    people, exchanges = world.scaled(group.accounts), world.scaled(group.exchanges)
    wordings = _public(world, group)
    rng = world.rng(group.name, "accounts")
    templates = min(count(group, people), len(wordings))
    own = rng.permutation(members(world, group, people, templates))
    home = homes(rng, people)
    rows = ordinary(rng, world.cast, world.scenario.days, home)
    first = world.cast.add_accounts(rows, innocent(group), own)
    begin = np.maximum(rows.created_s, 0.0)
    made = crowd(world, group.name, group.corpora, people=people, exchanges=exchanges, first_s=begin)
    client = world.cast.add_clients(person_clients(rng, home))
    rng = world.rng(group.name, "templates")
    form = world.wording_numbers([wordings[i] for i in rng.permutation(len(wordings))[:templates]])
    # Some try it once, some live by it.
    keen = np.clip(group.template_share * rng.gamma(1.0, 1.0, people), 0.05, 1.0)
    uses = (made.turn == 0) & (rng.random(len(made)) < keen[made.account])
    uses[_first_rows(made)] = True
    return made.with_columns(
        account=made.account + first,
        client=made.account + client,
        form=np.where(uses, form[own[made.account]], -1),
    )


def _public(world: Setting, group: Population) -> list[Form]:
    """Public templates: the population's own, or every text of the corpus `template_corpus`, before a task."""
    if group.template_corpus:
        texts = world.corpora.load(group.template_corpus).texts
        found = [
            Form(f"{group.template_corpus}#{i}", (f"{text}\n\n", ""), ("task",))
            for i, text in enumerate(texts)
        ]
    else:
        found = []
        for number in world.form_numbers(group.templates).tolist():
            wording = world.forms[number]
            if isinstance(wording, Form):
                found.append(wording)
    if not found:
        raise UsageError(
            f"the population {group.name!r} has no template", hint="name templates or a template_corpus"
        )
    return found


def _first_rows(made: Requests) -> Ints:
    """Each account's first lone request: whoever found a template has used it once."""
    lone = np.flatnonzero(made.turn == 0)
    return lone[np.unique(made.account[lone], return_index=True)[1]]


def viral_prompt(world: Setting, group: Population) -> Requests:
    """Prompts that hundreds or thousands of people try within one day, each nearly to the letter."""
    people, exchanges = world.scaled(group.accounts), world.scaled(group.exchanges)
    rng = world.rng(group.name, "accounts")
    prompts = count(group, people)
    own = rng.permutation(members(world, group, people, prompts))
    home = homes(rng, people)
    rows = ordinary(rng, world.cast, 0.0, home)
    first = world.cast.add_accounts(rows, innocent(group), own)
    client = world.cast.add_clients(person_clients(rng, home))
    rng = world.rng(group.name, "prompts")
    sent = 1 + (rng.random(people) < 0.25) + (rng.random(people) < 0.06)
    account = np.repeat(np.arange(people), sent)
    day = (np.arange(prompts) + rng.uniform(0.05, 0.9, prompts)) * max(world.span_s - DAY, 1.0) / prompts
    start = day[own] + DAY * rng.beta(1.6, 3.2, people)
    units = world.library.shelf(group.corpora).units
    texts = world.library.unit_start[rng.choice(units, prompts, replace=False)]
    again = np.r_[False, account[1:] == account[:-1]]
    tried = blank(rng, len(account)).with_columns(
        at=start[account] + np.where(again, rng.exponential(240.0, len(account)) + 15.0, 0.0),
        account=account,
        content=texts[own[account]],
        form=np.full(len(account), world.wording_numbers([Nearly()])[0]),
    )
    rest = max(people, exchanges - len(tried))
    whole = join([tried, crowd(world, group.name, group.corpora, people=people, exchanges=rest)])
    return whole.with_columns(account=whole.account + first, client=whole.account + client)
