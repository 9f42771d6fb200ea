"""Finds a data set's manifests and reads what they claim: card, Croissant, D&TA, statement, C2PA sidecars.

A document that can't be read is told in `problems` and costs the others nothing. Whether claims are true, and
whether signatures hold, is for others to find out.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from headwater.errors import BadRow, HeadwaterError, UnreadableInput, Where, unreadable
from headwater.provenance.manifest.bounded import parsed_json, read_bytes, read_start
from headwater.provenance.manifest.claims import Claims, Draft, merged
from headwater.provenance.manifest.formats.c2pa_read import ZIP, c2pa_claims
from headwater.provenance.manifest.formats.card import card_claims
from headwater.provenance.manifest.formats.croissant_read import croissant_claims, is_croissant
from headwater.provenance.manifest.formats.dta import dta_claims, is_dta
from headwater.provenance.manifest.formats.front_matter import LARGEST_HEAD
from headwater.provenance.manifest.formats.iscc import is_iscc, iscc_claims
from headwater.provenance.manifest.formats.statement_read import is_envelope, is_statement, statement_claims
from headwater.provenance.manifest.formats.summaries import is_summary, summary_claims

#: Names of JSON files in which manifests lie; other JSON files are taken for data and not opened.
_JSON_NAMES: Final = ("croissant", "metadata", "provenance", "statement", "summary", "dta", "iscc")
_JSON_ENDS: Final = (".dsse.json", ".intoto.json", ".intoto.jsonl", ".croissant.json")
#: Entries that are looked at when a folder is searched for sidecars, and sidecars that are read.
_MOST_ENTRIES: Final = 20_000
_MOST_SIDECARS: Final = 64
_KINDS: Final[tuple[tuple[Callable[[object], bool], Callable[[dict[str, Any], str], Draft]], ...]] = (
    (is_envelope, statement_claims),
    (is_statement, statement_claims),
    (is_croissant, croissant_claims),
    (is_dta, dta_claims),
    (is_summary, summary_claims),
    (is_iscc, iscc_claims),
)


def read_claims(place: Path) -> Claims:
    """What the manifests in a data set's folder claim, or the one manifest that `place` is.

    In a folder, what can't be read is told in `Claims.problems`, and paths are relative to it; a single file that
    can't be read raises `UnreadableInput` (`UsageError` where an extra is missing). Nothing is fetched.
    """
    if not place.is_dir():
        return _draft(place, place.name).claims()
    found: list[Claims] = []
    problems: list[BadRow] = []
    for path in manifests(place, problems):
        name = path.relative_to(place).as_posix()
        try:
            found.append(_draft(path, name).claims())
        except HeadwaterError as error:
            problems.append(BadRow(error.what, Where(name, error.where.row, error.where.field), error.hint))
    return merged([*found, Claims(problems=tuple(problems))])


def manifests(folder: Path, problems: list[BadRow]) -> Iterator[Path]:
    """The files of a folder that may be manifests: by name at its top, and sidecars anywhere, in order of names."""
    try:
        names = sorted(entry.name for entry in os.scandir(folder))
    except OSError as error:
        raise unreadable(folder, error) from None
    for name in names:
        if name.lower() == "readme.md" or _may_be_manifest(name.lower()):
            yield folder / name
    yield from _sidecars(folder, problems)


def _may_be_manifest(name: str) -> bool:
    if name.endswith(_JSON_ENDS):
        return True
    return name.endswith(".json") and any(part in name for part in _JSON_NAMES)


def _sidecars(folder: Path, problems: list[BadRow]) -> Iterator[Path]:
    entries = sidecars = 0
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            entries += 1
            if entries > _MOST_ENTRIES or sidecars >= _MOST_SIDECARS:
                what = (
                    f"sidecars were looked for in {_MOST_ENTRIES:,} files, and {_MOST_SIDECARS} of them read"
                )
                problems.append(BadRow(f"{what}; there is more", Where("*.c2pa")))
                return
            if name.lower().endswith(".c2pa"):
                sidecars += 1
                yield Path(place) / name


def _draft(path: Path, name: str) -> Draft:
    """The claims of one document, of the format that its name and its content show."""
    suffix = path.suffix.lower()
    if suffix == ".c2pa":
        return c2pa_claims(io.BytesIO(read_bytes(path, name=name)), name)
    if suffix == ".zip":
        read_start(path, 1, name=name)  # that it is a regular file
        with path.open("rb") as file:
            return c2pa_claims(file, name, ZIP)
    if suffix in (".md", ".markdown"):
        return card_claims(read_start(path, LARGEST_HEAD + 65_536, name=name), name)
    value = parsed_json(read_bytes(path, name=name), name)
    for known, read in _KINDS:
        if known(value):
            return read(value, name)
    hint = "Croissant, D&TA, in-toto statements, dataset cards (.md) and C2PA (.c2pa, .zip) are read"
    raise UnreadableInput("is not a manifest of a kind that is known", where=Where(name), hint=hint)
