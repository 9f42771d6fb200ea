"""What one API call is, and how other people's logs become it.

`model` holds the two schemas, `readers` one file per foreign format, `read` and `accounts` turn files into
Arrow, `write` writes our own format, `inspect` says what a log holds. This room knows nothing of imprints'
meaning, detection or reports.
"""

from headwater.exchange.accounts import read_accounts
from headwater.exchange.aside import SetAside, renamed
from headwater.exchange.formats import Planned, own, own_columns
from headwater.exchange.inspect import Inspection, inspect, lacking, ruled_out
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
from headwater.exchange.read import HOLDS_ACCOUNTS, Log, Way, joins, open_log, read
from headwater.exchange.write import safe_cell, write_jsonl, write_parquet

__all__ = [
    "ACCOUNT_COLUMNS",
    "ACCOUNT_SCHEMA",
    "EXCHANGE_COLUMNS",
    "EXCHANGE_SCHEMA",
    "HOLDS_ACCOUNTS",
    "IMPRINT_TYPE",
    "MINIMISERS",
    "SCHEMA_VERSION",
    "SKETCH",
    "Column",
    "Inspection",
    "Log",
    "Planned",
    "SetAside",
    "Way",
    "inspect",
    "is_annotated",
    "is_output",
    "is_set_aside",
    "joins",
    "lacking",
    "marked",
    "not_read",
    "open_log",
    "own",
    "own_columns",
    "read",
    "read_accounts",
    "renamed",
    "ruled_out",
    "safe_cell",
    "write_jsonl",
    "write_parquet",
]
