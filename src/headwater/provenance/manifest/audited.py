"""What an audit found, read from its `audit.json`: the figures of a record, and the facts that it can fill in.

A fact that the audit didn't find stays unknown. What a person says is put in by `confirmations`.
"""

from __future__ import annotations

import datetime
import hashlib
from pathlib import Path
from typing import Any, Final

import msgspec

from headwater.errors import UnreadableInput, Where
from headwater.provenance.manifest.bounded import read_bytes
from headwater.provenance.manifest.claims import SYNTHETIC_TAGS
from headwater.provenance.manifest.counting import Group, generators_of, others_of, row_licences_of
from headwater.provenance.manifest.record import (
    AuditSource,
    Column,
    DatasetRecord,
    Fact,
    Facts,
    File,
    Finding,
    Generator,
    Whole,
)

SCHEMA: Final = "headwater.audit/1"
AUDIT_NAME: Final = "audit.json"
#: An audit of many files and groups; 64 MiB hold some 200,000 of them.
_LARGEST: Final = 64 * 1024 * 1024
#: What an audit that isn't done yet leaves in its folder.
_AT_WORK: Final = ".audit-work"


class _Card(msgspec.Struct, frozen=True):
    license: tuple[str, ...] = ()
    source_datasets: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    generators: tuple[str, ...] = ()
    pretty_name: str | None = None
    synthetic: bool | None = None
    human: bool | None = None


class _SetAside(msgspec.Struct, frozen=True):
    total: int = 0


class _Audit(msgspec.Struct, frozen=True):
    """The parts of `audit.json` that manifests rest on; what else stands in it is passed over."""

    schema: str
    name: str
    headwater: str
    asked_at: datetime.date
    files: tuple[File, ...]
    rows: int
    characters: int
    corpus: str = ""
    use: dict[str, Any] = {}
    text_fields: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    set_aside: _SetAside = _SetAside()
    card: _Card = _Card()
    verdicts: dict[str, int] = {}
    answers: dict[str, int] = {}
    groups: tuple[Group, ...] = ()
    other_groups: int = 0
    findings: tuple[Finding, ...] = ()
    prevalence: dict[str, Any] | None = None
    disputes: int = 0


def load_audit(place: Path) -> DatasetRecord:
    """The record that an audit gives: `place` is its `audit.json` or the folder that holds it.

    Every fact in it is found or unknown. Raises `UnreadableInput` naming the file and field where it isn't an audit,
    or where the audit isn't done.
    """
    audit, digest, where = _read(place)
    return _record(audit, digest, where)


def audited_folder(place: Path) -> Path | None:
    """The folder of the data set that the audit at `place` read, as it was named then; None where it isn't told."""
    corpus = _read(place)[0].corpus
    if not corpus:
        return None
    return Path(corpus).parent if Path(corpus).is_file() else Path(corpus)


def _read(place: Path) -> tuple[_Audit, str, Where]:
    path = place / AUDIT_NAME if place.is_dir() else place
    if not path.exists() and (path.parent / _AT_WORK).is_dir():
        raise UnreadableInput(
            "this audit isn't finished",
            where=Where(str(path.parent)),
            hint="start the same audit again: it goes on where it was",
        )
    if place.is_dir() and not path.exists():
        raise UnreadableInput(
            "holds no audit.json", where=Where(str(place)), hint=f"headwater audit CORPUS -o {place}"
        )
    data = read_bytes(path, largest=_LARGEST)
    where = Where(str(path))
    try:
        audit = msgspec.json.decode(data, type=_Audit)
    except msgspec.ValidationError as error:
        # msgspec says types and the path of the field, never a value.
        what, _, field = str(error).partition(" - at ")
        raise UnreadableInput(
            f"is not an audit: {what[:1].lower()}{what[1:]}",
            where=Where(str(path), None, field.strip("`").removeprefix("$.") or None),
            hint="name what `headwater audit` wrote",
        ) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, ValueError):
        raise UnreadableInput("is not valid JSON", where=where) from None
    if audit.schema != SCHEMA:
        raise UnreadableInput(f"is of another schema than {SCHEMA}", where=where, hint="audit it again")
    return audit, hashlib.sha256(data).hexdigest(), where


def _record(audit: _Audit, digest: str, where: Where) -> DatasetRecord:
    for number, file in enumerate(audit.files):
        if not _inside(file.path) or len(file.sha256) != 64 or set(file.sha256) - set("0123456789abcdef"):
            field = f"files[{number}]"
            raise UnreadableInput(
                "a file outside the data set, or without its digest", where=Where(where.file, None, field)
            )
    generators = generators_of(audit.groups)
    return DatasetRecord(
        facts=_facts(audit, generators),
        files=tuple(sorted(audit.files, key=lambda file: file.path)),
        rows=audit.rows,
        characters=audit.characters,
        text_fields=audit.text_fields,
        columns=audit.columns,
        generators=generators,
        others=others_of(audit.groups),
        other_groups=audit.other_groups,
        whole=Whole(audit.card.generators, audit.card.synthetic, audit.card.human),
        row_licences=row_licences_of(audit.groups, audit.card.license),
        answers={name: count for name, count in audit.answers.items() if count},
        verdicts={name: audit.verdicts.get(name, 0) for name in ("clean", "bound", "unknown")},
        set_aside=audit.set_aside.total,
        findings=audit.findings,
        prevalence=audit.prevalence,
        disputes=audit.disputes,
        audit=AuditSource(digest, audit.headwater, audit.asked_at, audit.use),
    )


def _inside(path: str) -> bool:
    """Whether a path of a data file stays below the data set's folder."""
    parts = path.split("/")
    return (
        bool(path)
        and not path.startswith("/")
        and "\\" not in path
        and "\0" not in path
        and ".." not in parts
    )


def _facts(audit: _Audit, generators: tuple[Generator, ...]) -> Facts:
    card = audit.card
    firsts = [one.first_at for one in generators if one.first_at is not None]
    lasts = [one.last_at for one in generators if one.last_at is not None]
    claimed = (
        bool(generators)
        or any(group.origin.human is False for group in audit.groups)
        or bool({tag.lower() for tag in card.tags} & SYNTHETIC_TAGS)
    )
    people = any(group.origin.human for group in audit.groups)
    return Facts(
        name=_found(audit.name),
        pretty_name=_found(card.pretty_name),
        licences=_found(card.license),
        languages=_found(card.language),
        keywords=_found(card.tags),
        source_datasets=_found(card.source_datasets),
        generated_from=_found(min(firsts, default=None)),
        generated_to=_found(max(lasts, default=None)),
        # What no claim says isn't so for lack of a claim: without one, it is unknown.
        synthetic=_found(True if claimed else card.synthetic),
        human_text=_found(True if people else card.human),
    )


def _found(value: Any) -> Fact[Any]:
    return Fact(value, "found") if value not in (None, (), "") else Fact()
