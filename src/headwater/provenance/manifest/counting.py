"""The groups of an audit counted together: one generator for each model, the rows that name none, licences of rows.

What else an audit says, and how it is read, is `audited`'s business.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from headwater.provenance.manifest.record import Generator, Others, Place, RowLicence
from headwater.provenance.terms import ORDER, identify, licence, provider_name

_WORST: Final = ("clean", "unknown", "bound")


class Clause(msgspec.Struct, frozen=True):
    """A clause that an answer rests on."""

    uid: str = ""


class Link(msgspec.Struct, frozen=True):
    """One element of an answer's chain."""

    kind: str = ""
    name: str = ""
    clauses: tuple[Clause, ...] = ()


class Answer(msgspec.Struct, frozen=True):
    """What the terms say on a group's origin for the use that was asked."""

    verdict: str = "unknown"
    links: tuple[Link, ...] = ()
    duties: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()


class Origin(msgspec.Struct, frozen=True):
    """Where the rows of a group claim to come from."""

    model: str | None = None
    provider: str | None = None
    at: datetime.date | None = None
    licences: tuple[str, ...] = ()
    human: bool | None = None


class Group(msgspec.Struct, frozen=True):
    """Rows of one origin, as `audit.json` tells them; the same model stands in one for each time of its terms."""

    origin: Origin
    rows: int
    characters: int = 0
    basis: tuple[str, ...] = ()
    first_at: datetime.date | None = None
    last_at: datetime.date | None = None
    verdict: str = "unknown"
    answer: Answer = Answer()
    first: Place | None = None


def generators_of(groups: Iterable[Group]) -> tuple[Generator, ...]:
    """One generator for each (model, provider) that groups claim, most rows first."""
    merged: dict[tuple[str | None, str | None], Generator] = {}
    for group in groups:
        origin = group.origin
        if origin.model is None and (origin.provider is None or origin.human):
            continue
        made = _generator(group)
        key = (made.model, made.provider)
        merged[key] = made if key not in merged else _both(merged[key], made)
    return tuple(sorted(merged.values(), key=lambda one: (-one.rows, one.label, one.provider or "")))


def _generator(group: Group) -> Generator:
    days = [day for day in (group.first_at, group.last_at, group.origin.at) if day is not None]
    uids = [clause.uid for link in group.answer.links for clause in link.clauses if clause.uid]
    return Generator(
        model=group.origin.model,
        provider=_provider(group),
        rows=group.rows,
        characters=group.characters,
        first_at=min(days, default=None),
        last_at=max(days, default=None),
        verdict=group.verdict,
        answers={group.answer.verdict: group.rows},
        duties=group.answer.duties,
        conditions=group.answer.conditions,
        clauses=tuple(dict.fromkeys(uids)),
        basis=group.basis,
        first=group.first,
    )


def _provider(group: Group) -> str | None:
    """Whose model it is: as the row claims, else as the name tells, else as the terms were found by."""
    if group.origin.provider:
        return provider_name(group.origin.provider)
    model = identify(group.origin.model or "")
    if model is not None and model.provider:
        return provider_name(model.provider)
    named = (link.name for link in group.answer.links if link.kind == "vendor" and link.name)
    return next((provider_name(name) for name in named), None)


def others_of(groups: Iterable[Group]) -> tuple[Others, ...]:
    """Rows whose groups name neither a model nor a provider, by who is said to have written them."""
    made: dict[str, Others] = {}
    for group in groups:
        origin = group.origin
        if origin.model is not None or (origin.provider is not None and not origin.human):
            continue
        who: Literal["people", "unnamed model", "nobody named"] = (
            "people" if origin.human else "unnamed model" if origin.human is False else "nobody named"
        )
        old = made.get(who, Others(who, 0, 0))
        answers = _summed(old.answers, {group.answer.verdict: group.rows})
        made[who] = Others(who, old.rows + group.rows, old.characters + group.characters, answers)
    return tuple(sorted(made.values(), key=lambda one: (-one.rows, one.who)))


def _summed(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    """Rows by answer, the most restrictive first."""
    names = sorted({*one, *other}, key=lambda name: (-ORDER.index(name) if name in ORDER else 1, name))
    return {name: one.get(name, 0) + other.get(name, 0) for name in names}


def row_licences_of(groups: Iterable[Group], whole: tuple[str, ...]) -> tuple[RowLicence, ...]:
    """Licences that rows claim, however they are spelt, apart from those of the data set as a whole."""
    known = {_licence(name) for name in whole}
    found: dict[str, RowLicence] = {}
    for group in groups:
        for key, name in {_licence(name): name for name in group.origin.licences}.items():
            if key not in known:
                old = found.get(key, RowLicence(name, 0))
                found[key] = RowLicence(old.name, old.rows + group.rows)
    return tuple(sorted(found.values(), key=lambda one: (-one.rows, one.name)))


def _licence(written: str) -> str:
    known = licence(written)
    return known.name if known is not None else written.strip().lower()


def _both(one: Generator, other: Generator) -> Generator:
    def days(name: str) -> list[datetime.date]:
        return [day for each in (one, other) if (day := getattr(each, name)) is not None]

    def united(name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*getattr(one, name), *getattr(other, name))))

    worst = max(one, other, key=lambda each: _WORST.index(each.verdict) if each.verdict in _WORST else 1)
    return Generator(
        model=one.model,
        provider=one.provider,
        rows=one.rows + other.rows,
        characters=one.characters + other.characters,
        first_at=min(days("first_at"), default=None),
        last_at=max(days("last_at"), default=None),
        verdict=worst.verdict,
        answers=_summed(one.answers, other.answers),
        duties=united("duties"),
        conditions=united("conditions"),
        clauses=united("clauses"),
        basis=united("basis"),
        first=one.first or other.first,
    )
