"""Sentences and figures that several manifests say of a record, worded once.

Claims are told as claims: that rows come from a model is what the data set says, and what the audit read.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from headwater.provenance.manifest.record import DatasetRecord, Fact, Generator
from headwater.provenance.terms import THE_PROVIDER, USES, Use

UNKNOWN = "unknown"
#: Licences of rows that are named one by one.
_MOST_LICENCES: Final = 10


def said(fact: Fact[Any]) -> str:
    """A fact as text; "unknown" where it is."""
    value = fact.value
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return value.isoformat() if isinstance(value, datetime.date) else str(value)


def explanation(record: DatasetRecord) -> str | None:
    """What was generated and by which models; the person's own words first, None where nothing is known."""
    facts = record.facts
    own = facts.synthetic_explanation.value
    if not record.generators:
        return own
    models = "; ".join(f"{one.label} ({many(one.rows, 'row')}{_when(one)})" for one in record.generators)
    more = f"; and {many(record.other_groups, 'row')} of further origins" if record.other_groups else ""
    counted = sum(one.rows for one in record.generators)
    figures = (
        f"Of {many(record.rows, 'row')}, {counted:,} are claimed to be written by models: {models}{more}. "
        f"Read by an audit on {record.audit.asked_at.isoformat()}."
    )
    if record.disputes:
        figures += f" Disputed: {many(record.disputes, 'match', 'matches')} of the audit."
    return f"{own} {figures}" if own else figures


def many(count: int, noun: str, several: str | None = None) -> str:
    """`1 row`, `1,234 rows`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {several or noun + 's'}"


_ANSWERS: Final = {
    "allowed": "allowed",
    "allowed-with-duties": "allowed with duties",
    "restricted-to": "restricted",
    "prohibited-by-contract": "prohibited by contract",
    "unknown": "unknown",
}


def answers_told(answers: Mapping[str, int]) -> str:
    """Rows by what the terms answer, the most first: `657 unknown, 187 restricted`."""
    counted = sorted(((name, count) for name, count in answers.items() if count), key=lambda one: -one[1])
    return ", ".join(f"{count:,} {_ANSWERS.get(name, name)}" for name, count in counted) or UNKNOWN


def use_told(asked: Mapping[str, Any]) -> str:
    """The use that an audit was asked about, with its name on the command line where it has one."""
    try:
        use = msgspec.convert(asked, Use)
    except msgspec.ValidationError:
        return UNKNOWN
    if use.action != "train":
        told = {"evaluate": "evaluation", "redistribute": "redistribution"}[use.action]
    else:
        told = f"training a model ({use.model_class})" if use.model_class else "training a model"
    if use.competing is not None:
        told += (
            " that competes with the provider" if use.competing else " that doesn't compete with the provider"
        )
    if use.distributed is not None:
        told += ", distributed" if use.distributed else ", not distributed"
    if use.commercial is not None:
        told += ", commercially" if use.commercial else ", not commercially"
    if use.on_service:
        whose = "the provider's" if use.on_service == THE_PROVIDER else f"{use.on_service}'s"
        told += f", on {whose} own service"
    if use.model_name:
        told += f", called {use.model_name}"
    if use.authorised:
        told += f", authorised by {', '.join(use.authorised)}"
    named = next((name for name, known in USES.items() if known == use), None)
    return f"{named}: {told}" if named else told


def row_licences(record: DatasetRecord) -> str | None:
    """Licences that rows claim beside that of the set as a whole; None without any."""
    if not record.row_licences:
        return None
    named = [f"{one.name} ({many(one.rows, 'row')})" for one in record.row_licences[:_MOST_LICENCES]]
    more = len(record.row_licences) - len(named)
    return ", ".join(named) + (f" and {more:,} more" if more else "")


def licences_asked(record: DatasetRecord) -> str | None:
    """What rows claim of licences beside that of the set, as a question to who gives the whole; None without any."""
    given, claimed = record.facts.licences.value, row_licences(record)
    if claimed is None:
        return None
    asked = f": is the whole yours to give under {', '.join(given)}?" if given else ""
    return f"rows also claim: {claimed}{asked}"


def period(first: datetime.date | None, last: datetime.date | None) -> str:
    """Days from `first` to `last`, as far as they are known."""
    if first is None and last is None:
        return UNKNOWN
    if first == last and first is not None:
        return first.isoformat()
    return f"{first.isoformat() if first else UNKNOWN} to {last.isoformat() if last else UNKNOWN}"


def _when(generator: Generator) -> str:
    told = period(generator.first_at, generator.last_at)
    return "" if told == UNKNOWN else f", {told}"


def markdown_cell(text: str) -> str:
    """A text in one cell of a Markdown table: on one line, and neither markup nor HTML."""
    flat = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for sign in "\\`*_[]|":
        flat = flat.replace(sign, "\\" + sign)
    return flat
