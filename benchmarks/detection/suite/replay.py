"""A world's requests as its generator decided them, before they had words: who sent which content in which form, when.

The log has prompts and the truth has labels; an oracle needs the contents behind the prompts. A world is a function of
its scenario and seed, so its requests are made again here, without a prompt or an answer being written.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from headwater.simulate import Corpora, Scenario, World
from headwater.simulate.answers import serve
from headwater.simulate.camouflage import dialled, disguised
from headwater.simulate.campaign import campaign
from headwater.simulate.chance import Floats, Ints
from headwater.simulate.forms import Form, Wording
from headwater.simulate.library import Library
from headwater.simulate.override import changed
from headwater.simulate.populations import population
from headwater.simulate.requests import Requests, join
from headwater.simulate.rhythm import Rhythms, rhythms
from headwater.simulate.scenario import corpora_of
from headwater.simulate.setting import Setting
from headwater.simulate.traces import answer_lengths
from suite.jobs import Job

Bools = npt.NDArray[np.bool_]

#: The same text again within so many seconds is a retry, and a pause of `SESSION_S` ends a session.
RETRY_S, SESSION_S = 900.0, 3600.0

#: Times and lengths of each folder and side; reading them takes longer than all the rest.
_laws: dict[tuple[str, str], tuple[Rhythms, Ints]] = {}


@dataclass(frozen=True)
class Replay:
    """The setting of a world and its requests in the order of the log."""

    setting: Setting
    sent: Requests

    @cached_property
    def ring(self) -> Bools:
        """Accounts of rings and of resellers that carry one (accounts of the cast)."""
        parts = zip(self.setting.cast.parts, self.setting.cast.accounts, strict=True)
        return np.concatenate([np.full(len(rows.organisation), p.role != "innocent") for p, rows in parts])

    @cached_property
    def declared(self) -> Bools:
        """Accounts of a named organisation (accounts of the cast)."""
        known = [name is not None for rows in self.setting.cast.accounts for name in rows.organisation]
        return np.array(known, bool)


def replay(scenario: Scenario, job: Job, corpora: Corpora) -> Replay:
    """The requests of the job's world; `scenario` is the job's, before its overrides and camouflage."""
    plan = disguised(changed(scenario, job.override), dialled(job.camouflage), job.scale)
    key = str(corpora.root), corpora.side
    if key not in _laws:
        _laws[key] = rhythms(corpora), answer_lengths(corpora)
    library = Library(corpora, {name for _, weights in corpora_of(plan) for name in weights})
    setting = Setting(plan, job.seed, job.scale, corpora, library, *_laws[key])
    parts = [population(setting, group) for group in plan.innocents]
    parts += [campaign(setting, ring, number) for number, ring in enumerate(plan.campaigns)]
    made, _ = serve(setting.rng("service"), join(parts), setting.lengths, plan.outages)
    inside = np.flatnonzero((made.at >= 0) & (made.at < setting.span_s))
    return Replay(setting, made.take(inside[np.argsort(made.at[inside], kind="stable")]))


def check(again: Replay, world: World) -> None:
    """Raise `ValueError` where the requests aren't those of `world`: its exchanges, their harvest and their corpora."""
    table = world.truth.exchanges
    same = len(again.sent) == table.num_rows
    if same:
        names = np.array(again.setting.library.names)[again.setting.library.corpus[again.sent.content]]
        same = bool((again.sent.harvest == table.column("harvest").to_numpy(zero_copy_only=False)).all())
        same &= bool((names == np.array(table.column("corpus").to_pylist())).all())
    if not same:
        raise ValueError("the world was not made by the steps that suite/replay.py repeats")


@dataclass(frozen=True)
class Rows:
    """What the oracle sees of a world: exchanges that begin something (n), by account, then time.

    Later turns of a dialogue or of a job and retries are left out: they follow from what began. `owner` counts the
    accounts from 0 in the order of `accounts` (k, numbers of the cast); `topic` is a number on the shelf of all
    corpora, `form` one of the setting's or -1 for words without a template, `first` marks an account's first row,
    `gap_s` is infinite there, `volume` counts all exchanges (k), `of` names the row behind each exchange of the log.
    """

    accounts: Ints
    owner: Ints
    at: Floats
    topic: Ints
    form: Ints
    first: Bools
    gap_s: Floats
    volume: Ints
    of: Ints

    @classmethod
    def read(cls, again: Replay) -> Rows:
        """The rows of a replay. Words that are made anew count as no template, whoever's grammar they come from."""
        library = again.setting.library
        order = np.lexsort((again.sent.at, again.sent.account))
        sent = again.sent.take(order)
        new = np.r_[True, sent.account[1:] != sent.account[:-1]]
        later = ~new & _continues(sent, np.isin(sent.content, library.unit_start))
        begins = np.flatnonzero(~later)
        of = np.empty(len(order), np.int64)
        of[order] = np.cumsum(~later) - 1
        rows = sent.take(begins)
        first = np.r_[True, rows.account[1:] != rows.account[:-1]]
        accounts, volume = np.unique(sent.account, return_counts=True)
        plain = np.array([_plain(form) for form in again.setting.forms] + [True])
        return cls(
            accounts=accounts,
            owner=np.cumsum(first) - 1,
            at=rows.at,
            topic=library.topics_of(library.names, rows.content),
            form=np.where(plain[rows.form], -1, rows.form),
            first=first,
            gap_s=np.where(first, np.inf, np.r_[np.inf, np.diff(rows.at)]),
            volume=volume,
            of=of,
        )

    @cached_property
    def starts(self) -> Ints:
        """The first row of each account (k)."""
        return np.flatnonzero(self.first)

    @cached_property
    def count(self) -> Floats:
        """Rows of each account (k)."""
        return np.bincount(self.owner).astype(np.float64)

    def sums(self, values: Floats) -> Floats:
        """Sums over each account's rows (n → k)."""
        return np.asarray(np.add.reduceat(values, self.starts))

    def before(self, values: Floats) -> Floats:
        """Sums over the account's earlier rows (n → n)."""
        return running(values, self.first)


def running(values: Floats, first: Bools) -> Floats:
    """Sums of what comes before, within runs that begin where `first` is set."""
    total = np.cumsum(values) - values
    run = np.cumsum(first) - 1
    return np.asarray(total - total[np.flatnonzero(first)][run])


def _continues(sent: Requests, opens: Bools) -> Bools:
    """Rows that follow from the one before: the next text of a dialogue, the same job again, a retry."""
    text, talk = np.r_[-2, sent.content[:-1]], np.r_[-2, sent.conversation[:-1]]
    goes_on = (sent.conversation >= 0) & (sent.conversation == talk) & (sent.turn > 0)
    again = sent.content == text
    soon = np.r_[np.inf, np.diff(sent.at)] < RETRY_S
    return np.asarray(goes_on & (again | (sent.content == text + 1) & ~opens) | again & soon)


def _plain(form: Wording) -> bool:
    return not isinstance(form, Form) or form.pieces == ("", "")
