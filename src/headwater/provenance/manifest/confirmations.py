"""`manifest.toml`: the facts that a person confirms, written with what the audit found and read back.

Whatever nobody knows stays the word "unknown". A value counts as confirmed where a person changed it, or put a name
under `confirmed_by`; else it is what the audit found.
"""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from headwater.errors import ConfigurationError, Where
from headwater.provenance.manifest.formats.wording import licences_asked
from headwater.provenance.manifest.record import MINING_USES, DatasetRecord, Fact
from headwater.toml import load_toml

CONFIRMATIONS_NAME: Final = "manifest.toml"
SCHEMA: Final = "headwater.manifest/1"
UNKNOWN: Final = "unknown"
_LARGEST: Final = 1024 * 1024
_LONGEST: Final = 10_000
_MINING_VALUES: Final = ("allowed", "notAllowed", "constrained")


class Line(NamedTuple):
    """One entry of the file: its table, its name (that of the fact), its kind and what it asks."""

    table: str
    name: str
    kind: str
    asks: str


LINES: Final = tuple(
    Line(*entry)
    for entry in (
        ("dataset", "name", "text", "short name, without spaces"),
        ("dataset", "pretty_name", "text", "the name that people read"),
        ("dataset", "description", "text", "what the data set holds, in a few sentences"),
        ("dataset", "version", "text", "for example 1.0.0"),
        ("dataset", "url", "text", "where it is published"),
        ("dataset", "creators", "texts", 'organisations who made it; people as "person: Ada"'),
        ("dataset", "publisher", "text", "who publishes it"),
        ("dataset", "contact", "text", "where questions and complaints are answered"),
        ("dataset", "date_published", "date", "YYYY-MM-DD"),
        ("dataset", "languages", "texts", "BCP 47 codes of the texts"),
        ("dataset", "keywords", "texts", "tags"),
        ("rights", "licences", "texts", "SPDX or Hub identifiers of the licence you give it under"),
        ("rights", "licence_name", "text", "its name, where no identifier fits"),
        ("rights", "licence_link", "text", "where its text stands"),
        (
            "rights",
            "copyright",
            "text",
            "what of it others hold rights in, or that it is in the public domain",
        ),
        ("rights", "purchased_or_licensed", "flag", "whether any of it was bought or licensed"),
        (
            "rights",
            "consent",
            "text",
            "what the people whose text it is were asked, or where that is written",
        ),
        ("origin", "source_datasets", "texts", "data sets that it was made from"),
        ("origin", "synthetic", "flag", "whether models wrote any of its text"),
        ("origin", "synthetic_explanation", "text", "what was generated, how, and why"),
        ("origin", "human_text", "flag", "whether people wrote any of its text"),
        ("origin", "human_sources", "texts", "who those people are, or where their text comes from"),
        ("origin", "collection_method", "text", "how it was collected or generated"),
        ("origin", "collected_from", "date", "first day of collection"),
        ("origin", "collected_to", "date", "last day of collection"),
        ("origin", "generated_from", "date", "first day of generation"),
        ("origin", "generated_to", "date", "last day of generation"),
        ("origin", "countries", "texts", "where the data comes from"),
        ("origin", "processing", "text", "cleaning, filtering and other changes"),
        ("use", "intended_use", "text", "what it is made for"),
        ("use", "limitations", "text", "what it is not fit for"),
        ("use", "biases", "text", "known biases"),
        ("use", "social_impact", "text", "who may be affected by its use, and how"),
        ("use", "personal_information", "flag", "whether it holds personal information"),
        ("use", "aggregate_consumer_information", "flag", "whether it holds aggregate consumer information"),
    )
)
_MINING: Final = "training_mining"
#: The table of what the audit found that the file was written for.
_FOUND: Final = "found"
#: Entries that hold for one audit alone.
_PER_AUDIT: Final = ("audit_sha256", "confirmed_by", "confirmed_on")


def written(record: DatasetRecord, found: DatasetRecord | None = None) -> bytes:
    """The file `manifest.toml` for a record: each fact with what it asks and where its value comes from.

    `found` is the record that the audit alone gives, where `record` holds a person's answers too.
    """
    lines = [
        "# What a person must confirm before a manifest is written. What the audit found stands here already;",
        '# what nobody knows stays "unknown" and is published as unknown. Lists are written ["a", "b"].',
        f'schema = "{SCHEMA}"',
        f'audit_sha256 = "{record.audit.sha256}"',
        "# Your name confirms every value below; without it, what the audit found is published as found.",
        f"confirmed_by = {_toml(record.confirmed_by)}",
        f"confirmed_on = {_toml(record.confirmed_on)}",
    ]
    table = ""
    for line in LINES:
        if line.table != table:
            table = line.table
            lines += ["", f"[{table}]"]
        fact: Fact[Any] = getattr(record.facts, line.name)
        told = {"found": " (found by the audit)", "confirmed": " (confirmed)", "unknown": ""}[fact.basis]
        lines.append(f"# {line.asks}{told}")
        if line.name == "licences" and (asked := licences_asked(found or record)):
            lines.append(f"# {_comment(asked)}")
        lines.append(f"{line.name} = {_toml(fact.value)}")
    lines += [
        "",
        f"[{_MINING}]",
        "# What others may do with it: allowed, notAllowed or constrained; for C2PA (CAWG).",
    ]
    said = dict(each.partition("=")[::2] for each in record.facts.training_mining.value or ())
    lines += [f"{use} = {_toml(said.get(use))}" for use in MINING_USES]
    lines += [
        "",
        f"[{_FOUND}]",
        "# What the audit found, to be compared with the next one; leave it as it is.",
    ]
    lines += [
        f'"{line.table}.{line.name}" = {_toml(fact.value)}'
        for line in LINES
        if (fact := getattr((found or record).facts, line.name)).basis == "found"
    ]
    return ("\n".join(lines) + "\n").encode("utf-8")


def confirmed(record: DatasetRecord, path: Path) -> DatasetRecord:
    """`record` with what the person says in the file at `path`.

    Raises `ConfigurationError` naming the entry where a value is of the wrong kind, a name is unknown, or the file
    was written for another audit.
    """
    said = _said(path)
    digest = said.get("audit_sha256")
    if digest is not None and digest != record.audit.sha256:
        raise ConfigurationError(
            "was written for another audit than this one",
            where=Where(str(path), None, "audit_sha256"),
            hint="look again at what the audit found: headwater manifest new … --confirm with this file",
        )
    return _with(record, said, path)


def carried_over(record: DatasetRecord, path: Path) -> tuple[DatasetRecord, tuple[str, ...]]:
    """`record` with the answers in the file at `path`, which may be of another audit; and what no longer fits.

    What that audit had found gives way to what this one found. A person's own answers stay, and are told where this
    audit found something else than the one that they were given to. Its name and day of confirmation don't go over.
    Raises as `confirmed` does.
    """
    said = _said(path)
    if said.get("audit_sha256") in (None, record.audit.sha256):
        return _with(record, said, path), ()
    by = _text(said.get("confirmed_by"), Where(str(path), None, "confirmed_by"))
    said = {name: value for name, value in said.items() if name not in _PER_AUDIT}
    before = said.pop(_FOUND, {})
    told: list[str] = []
    for line in LINES:
        table = said.get(line.table, {})
        if line.name not in table:
            continue
        where = Where(str(path), None, f"{line.table}.{line.name}")
        value = _value(line.kind, table[line.name], where)
        old = _value(line.kind, before.get(f"{line.table}.{line.name}"), where)
        new = getattr(record.facts, line.name).value
        if value == old:
            table[line.name] = UNKNOWN if new is None else list(new) if isinstance(new, tuple) else new
        if new == old or value == new or (value == old and by is None):
            continue
        taken = "which stands there now" if value == old else "your answer stays"
        was = "was confirmed" if by else "was answered"
        told.append(f"{where.field}: {_toml(value)} {was}, the audit now finds {_toml(new)}; {taken}")
    return _with(record, said, path), tuple(told)


def _said(path: Path) -> dict[str, Any]:
    """What the file says, checked for its size and names."""
    try:
        if path.stat().st_size > _LARGEST:
            raise ConfigurationError("has more than a megabyte", where=Where(str(path)))
    except OSError:
        pass  # told by load_toml, with a hint
    said = load_toml(path)
    _check_head(said, path)
    return said


def _with(record: DatasetRecord, said: dict[str, Any], path: Path) -> DatasetRecord:
    by = _text(said.get("confirmed_by"), Where(str(path), None, "confirmed_by"))
    on = _value("date", said.get("confirmed_on"), Where(str(path), None, "confirmed_on"))
    changes: dict[str, Fact[Any]] = {}
    for line in LINES:
        table = said.get(line.table, {})
        if line.name not in table:
            continue
        where = Where(str(path), None, f"{line.table}.{line.name}")
        value = _value(line.kind, table[line.name], where)
        changes[line.name] = _fact(value, getattr(record.facts, line.name), by)
    mining = _mining(said.get(_MINING, {}), path)
    if _MINING in said:
        changes[_MINING] = _fact(mining, record.facts.training_mining, by)
    facts = msgspec.structs.replace(record.facts, **changes)
    return msgspec.structs.replace(record, facts=facts, confirmed_by=by, confirmed_on=on)


def _fact(value: Any, found: Fact[Any], by: str | None) -> Fact[Any]:
    if value is None:
        return Fact()
    basis = found.basis if value == found.value and by is None else "confirmed"
    return Fact(value, basis)


def _check_head(said: dict[str, Any], path: Path) -> None:
    where = Where(str(path))
    if said.get("schema", SCHEMA) != SCHEMA:
        raise ConfigurationError(f"is of another schema than {SCHEMA}", where=where)
    tables = {line.table for line in LINES} | {_MINING, _FOUND}
    known = {(line.table, line.name) for line in LINES} | {(_MINING, use) for use in MINING_USES}
    known |= {(_FOUND, f"{line.table}.{line.name}") for line in LINES}
    heads = {"schema", "audit_sha256", "confirmed_by", "confirmed_on"}
    for name, table in said.items():
        if name in heads:
            continue
        if name not in tables or not isinstance(table, dict):
            raise ConfigurationError(
                "there is no such entry", where=Where(str(path), None, name), hint=_near(name, tables | heads)
            )
        for entry in table:
            if (name, entry) not in known:
                near = {inner for outer, inner in known if outer == name}
                place = Where(str(path), None, f"{name}.{entry}")
                raise ConfigurationError("there is no such entry", where=place, hint=_near(entry, near))


def _near(name: str, known: set[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, sorted(known), n=1)
    return f"did you mean {near[0]}?" if near else f"entries: {', '.join(sorted(known))}"


def _value(kind: str, value: Any, where: Where) -> Any:
    if value is None or value == UNKNOWN:
        return None
    if kind == "text":
        return _text(value, where)
    if kind == "flag" and isinstance(value, bool):
        return value
    if kind == "date":
        return _date(value, where)
    if kind == "texts":
        values = value if isinstance(value, list) else [value]
        texts = [_text(each, where) for each in values]
        return tuple(dict.fromkeys(text for text in texts if text)) or None
    hint = {"flag": 'true, false or "unknown"'}.get(kind)
    raise ConfigurationError(f"is of type {type(value).__name__}", where=where, hint=hint)


def _text(value: Any, where: Where) -> str | None:
    if value is None or value == UNKNOWN:
        return None
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise ConfigurationError(f"is not a text of at most {_LONGEST:,} characters", where=where)
    return value.strip() or None


def _date(value: Any, where: Where) -> datetime.date:
    if isinstance(value, datetime.datetime):
        return value.date()
    if isinstance(value, datetime.date):
        return value
    try:
        return datetime.date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ConfigurationError("is not a day", where=where, hint='2026-11-27, or "unknown"') from None


def _mining(table: Any, path: Path) -> tuple[str, ...] | None:
    chosen = []
    for use in MINING_USES:
        value = table.get(use, UNKNOWN) if isinstance(table, dict) else UNKNOWN
        if value == UNKNOWN:
            continue
        if value not in _MINING_VALUES:
            where = Where(str(path), None, f"{_MINING}.{use}")
            raise ConfigurationError(
                "is none of the choices", where=where, hint=f"{', '.join(_MINING_VALUES)} or unknown"
            )
        chosen.append(f"{use}={value}")
    return tuple(chosen) or None


def _comment(text: str) -> str:
    """A text on one line of a comment, which TOML allows no control characters in."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _toml(value: Any) -> str:
    """A value as TOML; texts as JSON writes them, which TOML's basic strings read alike."""
    if value is None:
        return f'"{UNKNOWN}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
