"""What is known of a data set, each fact with its basis: the one structure that every manifest is written from.

A fact was found by the audit, confirmed by a person, or is unknown; unknown is never filled with a guess. Figures
(files, rows, generators) come from the audit alone.
"""

from __future__ import annotations

import datetime
from typing import Any, Final, Generic, Literal, TypeVar

import msgspec

Basis = Literal["found", "confirmed", "unknown"]
T = TypeVar("T")


class Fact(msgspec.Struct, Generic[T], frozen=True):
    """A value with its basis; None exactly where the basis is "unknown"."""

    value: T | None = None
    basis: Basis = "unknown"

    def __post_init__(self) -> None:
        if (self.value is None) != (self.basis == "unknown"):
            raise ValueError("a fact without a value is unknown, and one with a value has a basis")


Text = Fact[str]
Texts = Fact[tuple[str, ...]]
Flag = Fact[bool]
Date = Fact[datetime.date]

#: Uses of the CAWG training and data mining assertion.
MINING_USES: Final = ("data_mining", "ai_inference", "ai_generative_training", "ai_training")


class Party(msgspec.Struct, frozen=True):
    """A person or an organisation, as a list of creators says: `person: Ada`, or a bare name for an organisation."""

    name: str
    is_person: bool = False

    @classmethod
    def read(cls, text: str) -> Party:
        """The party that an entry of the list means."""
        kind, colon, name = text.partition(":")
        if colon and kind.strip().lower() in ("person", "organization", "organisation") and name.strip():
            return cls(name.strip(), kind.strip().lower() == "person")
        return cls(text)


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Facts that a person may confirm; dates are calendar days, flags true or false.

    `synthetic`: holds text that models wrote; `human_text`: holds text that people wrote. `training_mining` holds
    `use=value` for the uses of `MINING_USES` that something is said of.
    """

    name: Text = Fact()
    pretty_name: Text = Fact()
    description: Text = Fact()
    version: Text = Fact()
    url: Text = Fact()
    licences: Texts = Fact()
    licence_name: Text = Fact()
    licence_link: Text = Fact()
    creators: Texts = Fact()
    publisher: Text = Fact()
    contact: Text = Fact()
    date_published: Date = Fact()
    languages: Texts = Fact()
    keywords: Texts = Fact()
    source_datasets: Texts = Fact()
    intended_use: Text = Fact()
    collection_method: Text = Fact()
    collected_from: Date = Fact()
    collected_to: Date = Fact()
    generated_from: Date = Fact()
    generated_to: Date = Fact()
    countries: Texts = Fact()
    processing: Text = Fact()
    synthetic: Flag = Fact()
    synthetic_explanation: Text = Fact()
    human_text: Flag = Fact()
    human_sources: Texts = Fact()
    consent: Text = Fact()
    personal_information: Flag = Fact()
    aggregate_consumer_information: Flag = Fact()
    copyright: Text = Fact()
    purchased_or_licensed: Flag = Fact()
    limitations: Text = Fact()
    biases: Text = Fact()
    social_impact: Text = Fact()
    training_mining: Texts = Fact()


class File(msgspec.Struct, frozen=True):
    """A data file: `path` relative to the data set's folder, `bytes` its size."""

    path: str
    kind: str
    bytes: int
    rows: int
    sha256: str
    set_aside: int = 0


class Column(msgspec.Struct, frozen=True):
    """A column; `role` is what the audit took it for (generator, licence, source, date, text, id), or None."""

    name: str
    type: str = "string"
    role: str | None = None


class Place(msgspec.Struct, frozen=True):
    """A row of a data file; `row` counts from 1."""

    file: str
    row: int


class Generator(msgspec.Struct, frozen=True):
    """A model that rows are claimed to come from, with what the audit counted and answered for it.

    `first_at` and `last_at` are days; `verdict` is clean, bound or unknown, the worst of its rows. `answers` counts
    its rows by what the terms answer on the use asked (`Verdict` of the terms), with all their `duties` and
    `conditions`; `clauses` names what they rest on, `first` a place where it stands.
    """

    model: str | None
    provider: str | None
    rows: int
    characters: int
    first_at: datetime.date | None = None
    last_at: datetime.date | None = None
    verdict: str = "unknown"
    answers: dict[str, int] = {}
    duties: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    clauses: tuple[str, ...] = ()
    basis: tuple[str, ...] = ()
    first: Place | None = None

    @property
    def label(self) -> str:
        """What to call it: the model as claimed, else the provider."""
        return self.model or f"unnamed model of {self.provider}"


class Others(msgspec.Struct, frozen=True):
    """Rows that name no model, by who is said to have written them; `answers` as with a generator."""

    who: Literal["people", "unnamed model", "nobody named"]
    rows: int
    characters: int
    answers: dict[str, int] = {}


class RowLicence(msgspec.Struct, frozen=True):
    """A licence that rows claim and the data set as a whole doesn't, as it is written, with how many rows."""

    name: str
    rows: int


class Whole(msgspec.Struct, frozen=True):
    """What the data set claims of all its rows at once; what else a record says of writers, rows alone say."""

    generators: tuple[str, ...] = ()
    synthetic: bool | None = None
    human: bool | None = None


class Finding(msgspec.Struct, frozen=True):
    """Rows in which the audit saw an artefact of a model; a hint, not a claim of the data set."""

    stage: str
    kind: str
    rows: int
    provider: str | None = None
    language: str | None = None


class AuditSource(msgspec.Struct, frozen=True):
    """The audit that the figures come from: the digest of its `audit.json`, its version and its day."""

    sha256: str
    headwater: str
    asked_at: datetime.date
    use: dict[str, Any] = {}


class DatasetRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A data set as all writers of manifests take it. `verdicts` and `answers` count rows, `disputes` matches.

    `other_groups`: rows of the origins that the audit counted together because there were too many to list. `whole`:
    what the audit read of claims on the data set as a whole. A row that names several writers counts for each.
    """

    schema: Literal["headwater.dataset-statement/1"] = "headwater.dataset-statement/1"
    facts: Facts
    files: tuple[File, ...]
    rows: int
    characters: int
    text_fields: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    generators: tuple[Generator, ...] = ()
    others: tuple[Others, ...] = ()
    other_groups: int = 0
    whole: Whole = Whole()
    row_licences: tuple[RowLicence, ...] = ()
    verdicts: dict[str, int] = {}
    answers: dict[str, int] = {}
    set_aside: int = 0
    findings: tuple[Finding, ...] = ()
    prevalence: dict[str, Any] | None = None
    disputes: int = 0
    audit: AuditSource
    confirmed_by: str | None = None
    confirmed_on: datetime.date | None = None

    @property
    def name(self) -> str:
        """The data set's name; never empty."""
        return self.facts.name.value or "unnamed"

    @property
    def creators(self) -> tuple[Party, ...]:
        """Who made it; empty where that is unknown."""
        return tuple(map(Party.read, self.facts.creators.value or ()))

    def column(self, role: str) -> Column | None:
        """The first column of a role."""
        return next((column for column in self.columns if column.role == role), None)

    @property
    def claimed(self) -> Whole:
        """What is claimed of all rows at once: by the data set itself, and by who confirmed it."""

        def said(fact: Flag, before: bool | None) -> bool | None:
            return fact.value if fact.basis == "confirmed" else before

        return Whole(
            self.whole.generators,
            said(self.facts.synthetic, self.whole.synthetic),
            said(self.facts.human_text, self.whole.human),
        )

    @property
    def is_confirmed(self) -> bool:
        """Whether a person confirmed any fact."""
        return any(getattr(self.facts, name).basis == "confirmed" for name in Facts.__struct_fields__)
