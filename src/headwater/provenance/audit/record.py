"""What an audit says, as plain records: the document `audit.json`, and the parts that it is added up from.

One schema for all who read it (manifests, the page, machines). Places are told by file, row and field; no text of a
row stands in it.
"""

from __future__ import annotations

from datetime import date
from typing import Final, Literal

import msgspec

from headwater.provenance.terms import Answer, Origin, Use

SCHEMA: Final = "headwater.audit/1"
RowVerdict = Literal["clean", "bound", "unknown"]
#: From the mildest to the one that wins.
VERDICTS: Final[tuple[RowVerdict, ...]] = ("clean", "unknown", "bound")


class Example(msgspec.Struct, frozen=True):
    """A place where something was found: characters `start` to before `end` of a field; `row` counts from 1."""

    file: str
    row: int
    field: str = ""
    start: int = 0
    end: int = 0


class Finding(msgspec.Struct, frozen=True):
    """Rows in which one stage found one kind of thing, with the first places in order of the corpus.

    `contradicts`: rows among them whose own claim it speaks against.
    """

    stage: str
    kind: str
    provider: str | None
    language: str | None
    rows: int
    contradicts: int
    examples: tuple[Example, ...]


class Group(msgspec.Struct, frozen=True):
    """Rows of one claimed origin, and what the terms say on it. `key` names the group in the annotations.

    `basis`: the columns, cards and proofs that claim it, in any of its rows; the annotations tell them row by row.
    `first`: the first of its rows that was met.
    """

    key: str
    origin: Origin
    basis: tuple[str, ...]
    rows: int
    characters: int
    first_at: date | None
    last_at: date | None
    verdict: RowVerdict
    answer: Answer
    first: Example | None = None


class FileTold(msgspec.Struct, frozen=True):
    """A file that was read; `rows` counts those set aside too."""

    path: str
    kind: str
    bytes: int
    rows: int
    set_aside: int
    sha256: str


class ColumnTold(msgspec.Struct, frozen=True):
    """A column with the JSON type of its values ("mixed" for several) and what it was taken for."""

    name: str
    type: str
    role: str | None
    rows: int


class Stage(msgspec.Struct, frozen=True):
    """What a stage found, or why it didn't run. `told`: what its verifiers say of their errors."""

    name: str
    ran: bool
    why: str = ""
    rows: int = 0
    kinds: tuple[tuple[str, int], ...] = ()
    told: tuple[str, ...] = ()


class Card(msgspec.Struct, frozen=True):
    """What the corpus says of itself as a whole, where, and what of that could not be read.

    `synthetic` and `human`: whether models, and whether people, are said to have written text of it.
    """

    license: tuple[str, ...] = ()
    generators: tuple[str, ...] = ()
    synthetic: bool | None = None
    human: bool | None = None
    source_datasets: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    pretty_name: str | None = None
    found_in: tuple[tuple[str, str], ...] = ()
    problems: tuple[str, ...] = ()


class SetAsideTold(msgspec.Struct, frozen=True):
    """Rows that could not be read, with reasons, most frequent first."""

    total: int
    reasons: tuple[tuple[str, int], ...]
    notices: tuple[tuple[str, int], ...] = ()


class PrevalenceTold(msgspec.Struct, frozen=True):
    """How much of the corpus a model may have written, from a sample; or why that can't be said."""

    estimate: float | None
    low: float | None
    high: float | None
    level: float
    sampled: int
    method: str
    caution: str


class Report(msgspec.Struct, frozen=True, rename={"schema_": "schema"}):
    """The document `audit.json`. `answers`: rows by the most restrictive answer of the terms on their origins."""

    schema_: str
    name: str
    headwater: str
    corpus: str
    use: Use
    asked_at: date
    files: tuple[FileTold, ...]
    rows: int
    characters: int
    lengths: tuple[tuple[int, int], ...]
    text_fields: tuple[str, ...]
    columns: tuple[ColumnTold, ...]
    set_aside: SetAsideTold
    card: Card
    verdicts: dict[str, int]
    answers: dict[str, int]
    contradicted: int
    groups: tuple[Group, ...]
    other_groups: int
    stages: tuple[Stage, ...]
    findings: tuple[Finding, ...]
    prevalence: PrevalenceTold | None
    disputes: int = 0


class PartGroup(msgspec.Struct):
    """Rows of one origin in one chunk."""

    origin: Origin
    basis: tuple[str, ...]
    rows: int = 0
    characters: int = 0
    first_at: date | None = None
    last_at: date | None = None
    first: Example | None = None


class PartFinding(msgspec.Struct):
    """Rows of one kind of finding in one chunk, with the first places."""

    rows: int = 0
    contradicts: int = 0
    examples: list[Example] = []


class Part(msgspec.Struct):
    """What one chunk adds: everything the report needs, and nothing that grows with the rows."""

    file: int
    rows: int = 0
    characters: int = 0
    lengths: dict[int, int] = {}
    text_fields: dict[str, int] = {}
    columns: dict[str, dict[str, int]] = {}
    verdicts: dict[str, int] = {}
    answers: dict[str, int] = {}
    contradicted: int = 0
    claimed: int = 0
    notes: dict[str, int] = {}
    met: list[str] = []
    other_groups: int = 0
    found_rows: dict[str, int] = {}
    groups: dict[str, PartGroup] = {}
    findings: dict[str, PartFinding] = {}
    set_aside: dict[str, object] = {}


def written(report: Report) -> bytes:
    """A report as its file holds it; nothing in it acts on a screen."""
    from headwater.report import inert_json

    return inert_json(msgspec.json.format(msgspec.json.encode(report), indent=1).decode()).encode() + b"\n"


def record_types() -> tuple[type[msgspec.Struct], ...]:
    """The records that a report is made of, for its reference."""
    return FileTold, ColumnTold, Card, Group, Stage, Finding, Example, PrevalenceTold, SetAsideTold
