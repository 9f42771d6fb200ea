"""Findings as `campaigns.json` and back, and the JSON Schema that describes the file.

The dataclasses are the schema: nothing is written down twice. Keys keep the order of the fields, so the
same findings give the same bytes. A file of a newer format is refused instead of half understood.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import math
import stat
from pathlib import Path
from typing import Any

import msgspec

from headwater.detect import Campaign, Findings, Piece
from headwater.errors import UnreadableInput, Where

#: Name and version of the format. A field that is added keeps the version; one that changes meaning doesn't.
FORMAT = "headwater.campaigns"
FORMAT_VERSION = 1
SCHEMA_ID = "urn:headwater:campaigns:1"
_CHANGED = "the file was changed or cut short"
_NAME_IT = "name a report folder or its campaigns.json"
#: GiB that a file is read up to: more would fill the memory.
_MOST_GIB = 1


class _Head(msgspec.Struct):
    """The first two keys of a file, read before anything else is."""

    format: str = ""
    format_version: int = 0


def _finite(piece: Piece) -> Piece:
    """A piece without figures that JSON cannot say (not a number, infinite)."""
    if all(map(math.isfinite, piece.figures.values())):
        return piece
    return dataclasses.replace(piece, figures={k: v for k, v in piece.figures.items() if math.isfinite(v)})


def _ready(ring: Campaign) -> Campaign:
    for name in ("probability", "log_odds", "prior_log_odds", "chance"):
        if not math.isfinite(getattr(ring, name)):
            raise ValueError(f"campaign {ring.id}: {name} is not a finite number")
    return dataclasses.replace(ring, pieces=tuple(map(_finite, ring.pieces)))


def dumps(findings: Findings, *, details: bool = True) -> bytes:
    """The document as UTF-8 JSON with two spaces of indentation and a final line break; nothing in it acts on a screen.

    Without `details` it holds no personal values: see `without_details`. Figures of a piece that are not
    finite are left out; `ValueError` where a verdict is not finite.
    """
    from headwater.explain.hide import without_details
    from headwater.report import inert_json

    shown = findings if details else without_details(findings)
    shown = dataclasses.replace(
        shown,
        campaigns=tuple(map(_ready, shown.campaigns)),
        considered=tuple(map(_ready, shown.considered)),
        accounts=tuple(dataclasses.replace(v, pieces=tuple(map(_finite, v.pieces))) for v in shown.accounts),
    )
    body: dict[str, Any] = {"format": FORMAT, "format_version": FORMAT_VERSION, "details": details}
    body.update(msgspec.to_builtins(shown))
    told = msgspec.json.format(msgspec.json.encode(body), indent=2).decode()
    return inert_json(told).encode() + b"\n"


def loads(data: bytes, *, file: str | None = None) -> Findings:
    """Findings from `dumps`. `UnreadableInput` names the file and the field that cannot be read."""
    try:
        head = msgspec.json.decode(data, type=_Head)
    except msgspec.ValidationError as error:
        raise UnreadableInput(
            "not a campaigns file", where=Where(file), hint="expected campaigns.json"
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnreadableInput("not JSON", where=Where(file), hint="expected campaigns.json") from error
    except RecursionError as error:
        raise UnreadableInput("is nested too deep", where=Where(file), hint=_CHANGED) from error
    if head.format != FORMAT:
        raise UnreadableInput(
            "not a campaigns file", where=Where(file, field="format"), hint=f"expected {FORMAT!r}"
        )
    if head.format_version != FORMAT_VERSION:
        raise UnreadableInput(
            f"format version {head.format_version} cannot be read by this version of headwater",
            where=Where(file, field="format_version"),
            hint=f"it reads version {FORMAT_VERSION}: investigate the logs again, or install another version",
        )
    try:
        findings = msgspec.json.decode(data, type=Findings)
    except msgspec.ValidationError as error:
        # msgspec ends its message with the path of the field; the value itself is never in it.
        what, _, path = str(error).partition(" - at `$")
        raise UnreadableInput(
            what,
            where=Where(file, field=path.rstrip("`").lstrip(".") or None),
            hint=_CHANGED,
        ) from error
    _check_links(findings, file)
    return findings


def _check_links(findings: Findings, file: str | None) -> None:
    for name, rings in (("campaigns", findings.campaigns), ("considered", findings.considered)):
        for number, ring in enumerate(rings):
            if any(end >= len(ring.members) for link in ring.links for end in link[:2]):
                place = Where(file, field=f"{name}[{number}].links")
                raise UnreadableInput("holds a link to no member", where=place, hint=_CHANGED)
            if any(at >= len(ring.members) for each in ring.undecided for at in each.accounts):
                place = Where(file, field=f"{name}[{number}].undecided")
                raise UnreadableInput("names no member", where=place, hint=_CHANGED)


def load(path: Path | str) -> Findings:
    """Findings from a `campaigns.json`, or from the folder that holds one."""
    place = Path(path)
    if place.is_dir():
        place = place / "campaigns.json"
    try:
        _check_kind(place)
        data = place.read_bytes()
    except OSError as error:
        raise UnreadableInput(
            "cannot be read" if place.exists() else "no such file", where=Where(str(place)), hint=_NAME_IT
        ) from error
    return loads(data, file=str(place))


def _check_kind(place: Path) -> None:
    """Refuse what may never end, or would fill the memory."""
    status = place.stat()
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableInput("is not a regular file", where=Where(str(place)), hint=_NAME_IT)
    if status.st_size > _MOST_GIB << 30:
        raise UnreadableInput(f"is larger than {_MOST_GIB} GiB", where=Where(str(place)), hint=_NAME_IT)


def sent_by(path: Path | str, account: str) -> int | None:
    """How many exchanges an account sent, from accounts.parquet beside a `campaigns.json`; None if it isn't there."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    beside = (Path(path) if Path(path).is_dir() else Path(path).parent) / "accounts.parquet"
    if not beside.is_file():  # a pipe would be waited for
        return None
    try:
        rows = pq.read_table(beside, columns=["exchanges"], filters=[("account", "==", account)])
    except (OSError, pa.ArrowException):
        return None
    return int(rows.column(0)[0].as_py()) if rows.num_rows else None


def _any(kind: type) -> dict[str, Any]:
    """The schema of a setting's value, which may be anything that JSON can say."""
    if kind is object:
        return {"description": "Any JSON value."}
    raise NotImplementedError


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the document, made from the dataclasses."""
    (_, parts) = msgspec.json.schema_components([Findings], schema_hook=_any, ref_template="#/$defs/{name}")
    for part in parts.values():
        part["description"] = inspect.cleandoc(part.get("description", ""))
    whole = parts.pop("Findings")
    properties = {
        "format": {"const": FORMAT},
        "format_version": {"const": FORMAT_VERSION},
        "details": {"type": "boolean", "description": "False where personal values were replaced."},
        **whole["properties"],
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "Headwater findings (campaigns.json)",
        "description": whole["description"],
        "type": "object",
        "properties": properties,
        "required": ["format", "format_version", *whole["required"]],
        "$defs": parts,
    }


def schema_text() -> str:
    """The schema as it is kept in the documentation."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
