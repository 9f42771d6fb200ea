"""Headwater's part of a dataset card: keys of the YAML head, and one section between two markers.

Whatever else a README holds, in its head and below, stays as it is, byte for byte. Keys of the head that a card has
already are kept; lists gain what is missing, and only what a person confirmed replaces a single value.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, Final

from headwater.errors import UnreadableInput, Where
from headwater.proof import canonical_json
from headwater.provenance.manifest.formats.card import (
    BEGIN,
    END,
    MACHINE,
    PEOPLE,
    marker,
    note,
    note_in,
    section_of,
)
from headwater.provenance.manifest.formats.front_matter import head_of, parsed_head, span_of
from headwater.provenance.manifest.formats.wording import (
    answers_told,
    many,
    markdown_cell,
    period,
    row_licences,
    said,
    use_told,
)
from headwater.provenance.manifest.record import DatasetRecord, Fact, Generator, Others

#: Texts that YAML reads as themselves without quotes, by every schema.
_BARE: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[._/-][A-Za-z0-9]+)*")
_NOT_BARE: Final = frozenset(
    {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "nan", "inf"}
)
#: Keys of the head that Headwater writes.
MANAGED: Final = (
    "license",
    "license_name",
    "license_link",
    "pretty_name",
    "language",
    "source_datasets",
    "language_creators",
    "tags",
)
#: The Hub's word in `language_creators` for whoever its other words don't name.
_OTHERS: Final = "other"
_CODE: Final = re.compile(r"[^`|\n<>\\]{1,500}")


def card(record: DatasetRecord, readme: bytes = b"", *, path: str = "README.md") -> bytes:
    """`readme` with Headwater's keys and section; a README of its own where there is none.

    Raises `UnreadableInput` where the head isn't YAML that can be edited, or the markers stand where they can't.
    """
    start, end = span_of(readme)
    line = b"\r\n" if b"\r\n" in readme[:4096] else b"\n"
    if end is None:
        head, known = _edited("", {}, record, path), {}
        before, after = b"---" + line, b"---" + line + (line if readme else b"") + readme[start:]
        readme = readme[:start] + before + head.encode("utf-8").replace(b"\n", line) + after
    else:
        try:
            text = readme[start:end].decode("utf-8")
        except UnicodeDecodeError:
            raise UnreadableInput("the head is not valid UTF-8", where=Where(path)) from None
        known = parsed_head(readme[start:end], path)
        head = _edited(text.replace("\r\n", "\n"), known, record, path)
        readme = readme[:start] + head.encode("utf-8").replace(b"\n", line) + readme[end:]
    added = _added(known, parsed_head(head.encode("utf-8"), path), section_of(readme), record)
    return _with_section(readme, section(record, added).encode("utf-8").replace(b"\n", line), line, path)


def digest(readme: bytes, path: str) -> str | None:
    """SHA-256 (hex) of what Headwater wrote into a README: its section, and the keys of the head that it manages.

    Both as canonical JSON (RFC 8785), so that line ends and the order of keys don't count. None without a section.
    """
    written = section_of(readme)
    if written is None:
        return None
    head = parsed_head(head_of(readme) or b"", path)
    covered = {"head": {name: head[name] for name in MANAGED if name in head}, "section": written}
    return hashlib.sha256(canonical_json(covered)).hexdigest()


def _added(
    known: dict[str, Any], after: dict[str, Any], before: str | None, record: DatasetRecord
) -> dict[str, tuple[str, ...]]:
    """Values that Headwater put into lists of the head, now or earlier, and nobody confirmed."""
    old = note_in(before) if before else None
    facts = record.facts
    spoken = {MACHINE, "synthetic"} if facts.synthetic.basis == "confirmed" else set()
    if facts.human_text.basis == "confirmed":
        spoken |= {*PEOPLE, _OTHERS}
    made = {}
    for name in ("language_creators", "tags"):
        had = set(_list(known.get(name))) - set(old.added.get(name, ()) if old else ())
        ours = {MACHINE, "synthetic", *PEOPLE, _OTHERS} - spoken
        made[name] = tuple(text for text in _list(after.get(name)) if text in ours and text not in had)
    return {name: values for name, values in made.items() if values}


def _list(value: Any) -> list[str]:
    return [text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)]


def section(record: DatasetRecord, added: dict[str, tuple[str, ...]]) -> str:
    """The section between the markers, in Markdown; `added` is noted in it."""
    facts = record.facts
    lines = [
        BEGIN,
        note(added, record.claimed.generators),
        f"## Where the text of {markdown_cell(facts.pretty_name.value or record.name)} comes from",
        "",
    ]
    if not record.generators:
        lines += ["The audit found no claim on which model wrote any of it.", ""]
    if record.generators or record.others:
        lines += [
            "| written by | provider | rows | generated | what terms answer, in rows |",
            "|---|---|---|---|---|",
            *map(_row, record.generators),
            *map(_others, record.others),
            "",
            *_below_the_table(record),
        ]
    verdicts = (
        f"{record.rows:,} ({', '.join(f'{n:,} {name}' for name, n in sorted(record.verdicts.items()))})"
    )
    told = (
        ("Rows", verdicts),
        *((("What terms answer", answers_told(record.answers)),) if record.answers else ()),
        *(
            (("Licences that rows claim", markdown_cell(claimed)),)
            if (claimed := row_licences(record))
            else ()
        ),
        *((("Disputed matches", f"{record.disputes:,}"),) if record.disputes else ()),
        ("Holds text that models wrote", _based(facts.synthetic)),
        ("Holds text that people wrote", _based(facts.human_text)),
        ("Whose text, and what they were asked", _based(facts.consent)),
        ("Personal information", _based(facts.personal_information)),
        ("Intended use", _based(facts.intended_use)),
        ("Limitations", _based(facts.limitations)),
    )
    lines += [f"- {name}: {value}" for name, value in told]
    audited = (
        f"Asked on {record.audit.asked_at.isoformat()} for: {markdown_cell(use_told(record.audit.use))}. "
        f"Audited with Headwater "
        f"{markdown_cell(record.audit.headwater)} (audit `sha256:{record.audit.sha256}`). Models are named as the data "
        "set claims them; terms are what contracts say, not legal advice."
    )
    lines += ["", audited, END]
    return "\n".join(lines)


def _row(one: Generator) -> str:
    name = f"`{one.label}`" if _CODE.fullmatch(one.label) else markdown_cell(one.label)
    terms = answers_told(one.answers)
    provider = markdown_cell(one.provider or "unknown")
    return f"| {name} | {provider} | {one.rows:,} | {period(one.first_at, one.last_at)} | {terms} |"


def _others(one: Others) -> str:
    name = {"unnamed model": "a model that isn't named"}.get(one.who, one.who)
    return f"| {name} | | {one.rows:,} | | {answers_told(one.answers)} |"


def _below_the_table(record: DatasetRecord) -> list[str]:
    told = []
    counted = sum(one.rows for one in record.generators) + sum(one.rows for one in record.others)
    if counted > record.rows:
        told.append("A row that names several writers counts for each of them.")
    if record.other_groups:
        told.append(f"Beyond these, {many(record.other_groups, 'row')} claim origins not listed one by one.")
    return [*told, ""] if told else []


def _based(fact: Fact[Any]) -> str:
    how = {"found": " (found by the audit)", "confirmed": " (confirmed)", "unknown": ""}[fact.basis]
    return markdown_cell(said(fact)) + how


def _wanted(record: DatasetRecord) -> dict[str, tuple[Any, bool]]:
    """Keys of the head with their values, and whether a person confirmed them."""
    facts = record.facts
    licences: Any = list(facts.licences.value or ())
    wanted: dict[str, tuple[Any, bool]] = {}
    if facts.licence_name.value or facts.licence_link.value:
        licences = ["other"]
        wanted["license_name"] = facts.licence_name.value, facts.licence_name.basis == "confirmed"
        wanted["license_link"] = facts.licence_link.value, facts.licence_link.basis == "confirmed"
    single = licences[0] if len(licences) == 1 else licences
    wanted["license"] = single, "confirmed" in (facts.licences.basis, facts.licence_name.basis)
    wanted["pretty_name"] = facts.pretty_name.value, facts.pretty_name.basis == "confirmed"
    wanted["language"] = list(facts.languages.value or ()), False
    wanted["source_datasets"] = list(facts.source_datasets.value or ()), False
    machine = [MACHINE] if facts.synthetic.value else []
    # Which people wrote is in the Hub's words only where somebody says it in them.
    people = [name for name in facts.human_sources.value or () if name in PEOPLE] or [_OTHERS]
    wanted["language_creators"] = machine + (people if facts.human_text.value else []), False
    wanted["tags"] = [*(facts.keywords.value or ()), *(["synthetic"] if facts.synthetic.value else [])], False
    return wanted


def _edited(text: str, known: dict[str, Any], record: DatasetRecord, path: str) -> str:
    """The head `text`, which holds `known`, with the keys that are wanted."""
    wanted = _wanted(record)
    for name, (value, confirmed) in wanted.items():
        made = _made(known.get(name), value, confirmed, united=name != "license")
        if made and made != known.get(name):
            text = _put(text, name, made, path)
    after = parsed_head(text.encode("utf-8"), path)
    if any(after.get(name) != value for name, value in known.items() if name not in wanted):
        hint = "write each key of the head on a line of its own"
        raise UnreadableInput("the head can't be edited without changing more", where=Where(path), hint=hint)
    return text


def _made(old: Any, value: Any, confirmed: bool, *, united: bool) -> Any:
    """What a key is to hold: what it has, unless a person confirmed another value, and with lists what both have."""
    if not old or (confirmed and value and not (united and isinstance(value, list))):
        return value
    if not united or not isinstance(value, list):
        return old
    olds = old if isinstance(old, list) else [old]
    return list(dict.fromkeys([*olds, *value])) if set(value) - set(olds) else old


def _put(text: str, name: str, value: Any, path: str) -> str:
    """`text` with the entry of one key replaced, or put at its end."""
    if isinstance(value, list):
        entry = f"{name}:\n" + "".join(f"- {_scalar(each)}\n" for each in value)
    else:
        entry = f"{name}: {_scalar(value)}\n"
    span = _span(text, name, path)
    if span is None:
        return text + ("" if not text or text.endswith("\n") else "\n") + entry
    return text[: span[0]] + entry + text[span[1] :]


def _span(text: str, name: str, path: str) -> tuple[int, int] | None:
    """Where the entry of a key begins and ends in `text`; comments and blank lines after it are no part of it."""
    import yaml

    root = yaml.compose(text, yaml.SafeLoader)
    if root is None:
        return None
    if not isinstance(root, yaml.MappingNode) or root.flow_style:
        hint = "write each key of the head on a line of its own"
        raise UnreadableInput("the head can't be edited", where=Where(path), hint=hint)
    lines = text.splitlines(keepends=True)
    starts = [key.start_mark.line for key, _ in root.value] + [len(lines)]
    for at, (key, _) in enumerate(root.value):
        if key.value == name:
            first, last = starts[at], starts[at + 1]
            while last > first + 1 and (
                not lines[last - 1].strip() or lines[last - 1].lstrip().startswith("#")
            ):
                last -= 1
            return len("".join(lines[:first])), len("".join(lines[:last]))
    return None


def _scalar(value: object) -> str:
    text = str(value)
    if _BARE.fullmatch(text) and text.lower() not in _NOT_BARE:
        return text
    # A text as JSON writes it is one in YAML's double quotes too.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\x7f").replace("\x85", "\\x85")


def _with_section(readme: bytes, made: bytes, line: bytes, path: str) -> bytes:
    """`readme` with the section in its place; a marker counts where it is a line of its own below the head."""
    body = span_of(readme)[1] or 0
    begins, ends = (list(marker(mark).finditer(readme, body)) for mark in (BEGIN, END))
    if not begins and not ends:
        gap = b"" if readme.endswith(b"\n") else line
        return readme + gap + line + made + line
    if len(begins) != 1 or len(ends) != 1 or ends[0].start() < begins[0].start():
        hint = f"leave one {BEGIN} and one {END} after it, or none"
        raise UnreadableInput("the markers of the section don't make a pair", where=Where(path), hint=hint)
    return readme[: begins[0].start()] + made + readme[ends[0].end() :]
