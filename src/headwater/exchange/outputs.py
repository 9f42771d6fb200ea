"""Headwater's own reports, recognised by what they hold: they are no logs, and often lie among them.

An annotated Parquet file carries a mark in its metadata and no prompts; the others are known by how they begin.
Names decide nothing: a log may be called report.html, and a report may be renamed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from headwater.exchange.decoding import DecodingError, decode
from headwater.exchange.streams import TornError, blocks

#: Key of the metadata of annotated Parquet files; its value says which of them it is.
MARK: Final = b"headwater.output"
#: Keys of each line of a file of rows that were set aside.
ASIDE_KEYS: Final = ("file", "row", "field", "what", "hint")
_NAMED: Final = 8
#: How the files begin: of `campaigns.json` the key `format`, of `report.html` its head.
_CAMPAIGNS: Final = re.compile(rb'\s*\{\s*"format"\s*:\s*"headwater\.campaigns"')
_REPORT: Final = b'<meta name="generator" content="Headwater">'
_HEAD: Final = 65_536


def marked(schema: pa.Schema, output: str) -> pa.Schema:
    """The schema of an annotated Parquet file, with the mark that tells it from a log."""
    return schema.with_metadata({**(schema.metadata or {}), MARK: output.encode()})


def not_read(paths: Sequence[object]) -> tuple[str, ...]:
    """What is said of our own files that were passed over in a folder: one sentence naming them, or nothing."""
    if not paths:
        return ()
    more = f" and {len(paths) - _NAMED:,} more" if len(paths) > _NAMED else ""
    named = ", ".join(map(str, paths[:_NAMED]))
    return (f"not read as logs, because Headwater wrote them: {named}{more}",)


def is_output(path: Path) -> bool:
    """Whether this is a file that an investigation wrote; False where it can't be read, or isn't there."""
    try:
        if path.stat().st_size == 0:
            return False
        with path.open("rb") as file:
            columnar = file.read(4) == b"PAR1"
        return _is_annotated(path) if columnar else _begins_like_ours(next(blocks(path), b"")[:_HEAD])
    except (OSError, TornError, pa.ArrowException):
        return False


def is_set_aside(path: Path) -> bool:
    """Whether this is a list of rows that were set aside, which a run may replace; False where it isn't there."""
    try:
        return path.is_file() and _lists_rows(next(blocks(path), b"")[:_HEAD])
    except (OSError, TornError):
        return False


def _is_annotated(path: Path) -> bool:
    """Marked, and without prompts: a table that somebody made of ours by joining the log to it is a log."""
    return is_annotated(pq.read_schema(path))


def is_annotated(schema: pa.Schema) -> bool:
    """Whether this is the schema of a Parquet file that an investigation wrote."""
    return MARK in (schema.metadata or {}) and set(schema.names).isdisjoint(("prompt", "imprint"))


def _begins_like_ours(head: bytes) -> bool:
    if _CAMPAIGNS.match(head):
        return True
    return _lists_rows(head) or (head[:15].lower() == b"<!doctype html>" and _REPORT in head)


def _lists_rows(head: bytes) -> bool:
    try:
        first = decode(head.partition(b"\n")[0]) if head.startswith(b'{"file":') else None
    except DecodingError:
        return False
    return isinstance(first, dict) and tuple(first) == ASIDE_KEYS
