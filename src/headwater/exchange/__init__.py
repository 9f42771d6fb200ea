"""What one API call is, and how other people's logs become it.

`model` holds the two schemas, `readers` one file per foreign format, `reading` and `accounts` turn files into
Arrow, `write` writes our own format, `inspection` says what a log holds. `journal` is what a relay writes, `answer`
follows answers as they pass; both are packages of their own. This room knows nothing of imprints' meaning, detection or
reports.

The names are loaded when they are first used: a relay that only writes its journal never loads Arrow.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headwater.exchange.accounts import read_accounts
    from headwater.exchange.again import texts_again
    from headwater.exchange.aside import SetAside, reason_of, renamed
    from headwater.exchange.asking import (
        ENDPOINTS,
        Asked,
        UnreadableRequestError,
        read_request,
        write_request,
    )
    from headwater.exchange.decoding import DecodingError, decode
    from headwater.exchange.formats import Planned, own, own_columns
    from headwater.exchange.inspection import Inspection, inspect, lacking, ruled_out
    from headwater.exchange.model import (
        ACCOUNT_COLUMNS,
        ACCOUNT_SCHEMA,
        EXCHANGE_COLUMNS,
        EXCHANGE_SCHEMA,
        IMPRINT_TYPE,
        MINIMISERS,
        SCHEMA_VERSION,
        SKETCH,
        Column,
    )
    from headwater.exchange.outputs import is_annotated, is_output, is_set_aside, marked, not_read
    from headwater.exchange.parquet import DAMAGED, open_parquet, parquet_batches
    from headwater.exchange.reading import HOLDS_ACCOUNTS, Log, Way, joins, open_log, read
    from headwater.exchange.source import LogFile, files, holds_lines, records
    from headwater.exchange.streams import LIMIT, TornError, blocks, compression, too_long
    from headwater.exchange.times import TimeFormatError, instant
    from headwater.exchange.write import safe_cell, write_jsonl, write_parquet

__all__ = [
    "ACCOUNT_COLUMNS",
    "ACCOUNT_SCHEMA",
    "DAMAGED",
    "ENDPOINTS",
    "EXCHANGE_COLUMNS",
    "EXCHANGE_SCHEMA",
    "HOLDS_ACCOUNTS",
    "IMPRINT_TYPE",
    "LIMIT",
    "MINIMISERS",
    "SCHEMA_VERSION",
    "SKETCH",
    "Asked",
    "Column",
    "DecodingError",
    "Inspection",
    "Log",
    "LogFile",
    "Planned",
    "SetAside",
    "TimeFormatError",
    "TornError",
    "UnreadableRequestError",
    "Way",
    "blocks",
    "compression",
    "decode",
    "files",
    "holds_lines",
    "inspect",
    "instant",
    "is_annotated",
    "is_output",
    "is_set_aside",
    "joins",
    "lacking",
    "marked",
    "not_read",
    "open_log",
    "open_parquet",
    "own",
    "own_columns",
    "parquet_batches",
    "read",
    "read_accounts",
    "read_request",
    "reason_of",
    "records",
    "renamed",
    "ruled_out",
    "safe_cell",
    "texts_again",
    "too_long",
    "write_jsonl",
    "write_parquet",
    "write_request",
]

_WHERE = {
    "accounts": "read_accounts",
    "again": "texts_again",
    "aside": "SetAside reason_of renamed",
    "asking": "ENDPOINTS Asked UnreadableRequestError read_request write_request",
    "decoding": "DecodingError decode",
    "formats": "Planned own own_columns",
    "inspection": "Inspection inspect lacking ruled_out",
    "model": (
        "ACCOUNT_COLUMNS ACCOUNT_SCHEMA EXCHANGE_COLUMNS EXCHANGE_SCHEMA "
        "IMPRINT_TYPE MINIMISERS SCHEMA_VERSION SKETCH Column"
    ),
    "outputs": "is_annotated is_output is_set_aside marked not_read",
    "parquet": "DAMAGED open_parquet parquet_batches",
    "reading": "HOLDS_ACCOUNTS Log Way joins open_log read",
    "source": "LogFile files holds_lines records",
    "streams": "LIMIT TornError blocks compression too_long",
    "times": "TimeFormatError instant",
    "write": "safe_cell write_jsonl write_parquet",
}
_MODULES = {name: module for module, names in _WHERE.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        found = getattr(import_module(f"headwater.exchange.{_MODULES[name]}"), name)
        globals()[name] = found
        return found
    raise AttributeError(f"module 'headwater.exchange' has no attribute {name!r}")
