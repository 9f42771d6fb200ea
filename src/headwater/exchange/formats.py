"""Which format each file is in, told by a few of its records before anything is read.

A file whose records no reader knows, or that two readers claim alike, is an error that names what the file
holds: half a log read in silence would be worse. Nothing here opens files or turns records into exchanges.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from headwater.errors import BadRow, UnreadableInput, Where
from headwater.exchange.aside import SetAside
from headwater.exchange.model import ACCOUNT_COLUMNS, EXCHANGE_COLUMNS
from headwater.exchange.outputs import is_output
from headwater.exchange.parquet import open_parquet
from headwater.exchange.readers import Reader, Record, load_all
from headwater.exchange.source import LogFile, files, records

OWN: Final = "headwater"
#: A reader must be this sure of a file's records on average, and this much surer than the next one.
SURE: Final = 0.5
AHEAD: Final = 0.05
_SAMPLE: Final = 32
_LOOKED_AT: Final = 1000
_NO_LOG: Final = "name the log that the report was made from"
#: Names that logs have for what an exchange or an account holds; safe to print, whatever a file says.
_NAMES: Final = {c.name for c in (*EXCHANGE_COLUMNS, *ACCOUNT_COLUMNS)} | set(
    """
    api_key body completion content created created_at custom_id data date end_time endpoint error event input key
    message messages metadata method name output params payload prompts query request request_body request_id
    response_body response_id result session session_id span_id start_time status_code text time timestamp trace_id
    type url usage user user_id
    """.split()  # noqa: SIM905
)
_ONLY_ACCOUNTS: Final = frozenset(c.name for c in ACCOUNT_COLUMNS) - frozenset(
    c.name for c in EXCHANGE_COLUMNS
)


@dataclass(frozen=True)
class Planned:
    """A file and the name of the format it is read as; `columnar`: our own Parquet, read column by column.

    `groups`: of such a file only these row groups, from the first to before the last (None: all).
    """

    file: LogFile
    format: str
    columnar: bool
    groups: tuple[int, int] | None = None


@dataclass(frozen=True)
class Plan:
    """The files of a log with their formats; account tables and our own reports among them are passed over."""

    files: tuple[Planned, ...]
    accounts: tuple[LogFile, ...]
    outputs: tuple[LogFile, ...] = ()


def plan(
    paths: Iterable[str | Path], *, format: str, defaults: Mapping[str, object], aside: SetAside
) -> Plan:
    """How each file under `paths` is to be read: as `format`, or as what its records show where it is "auto".

    A file that was torn, or is of no known format, is set aside as one row if others can be read. Reports of our
    own are passed over in a folder, and refused where they are named. Raises UnreadableInput.
    """
    found: list[Planned] = []
    accounts: list[LogFile] = []
    torn: list[UnreadableInput] = []
    given, outputs = _without_outputs(files(paths), format)
    readers = load_all() if format == "auto" else []
    for file in given:
        try:
            columnar = file.kind == "parquet" and own_columns(
                open_parquet(file.path).schema_arrow.names, defaults
            )
        except UnreadableInput as error:
            torn.append(error)
            continue
        if columnar and format in ("auto", OWN):
            found.append(Planned(file, OWN, columnar=True))
        elif format != "auto":
            found.append(Planned(file, format, columnar=False))
        else:
            try:
                name = _told(file, readers, aside)
            except UnreadableInput as error:
                torn.append(error)
                continue
            if name is None:
                accounts.append(file)
            else:
                found.append(Planned(file, name, columnar=False))
    if torn and not found:
        raise torn[0]
    for lost in torn:
        aside.add(BadRow(lost.what, lost.where, lost.hint))
    return Plan(tuple(found), tuple(accounts), outputs)


def _without_outputs(given: list[LogFile], format: str) -> tuple[list[LogFile], tuple[LogFile, ...]]:
    """The files that may be logs, and reports of our own that lie among them."""
    outputs = [file for file in given if (file.walked or format == "auto") and is_output(file.path)]
    if named := [file for file in outputs if not file.walked]:
        raise UnreadableInput("is a report of Headwater, not a log", where=Where(named[0].name), hint=_NO_LOG)
    logs = [file for file in given if file not in outputs]
    if outputs and not logs:
        where = Where(str(outputs[0].path.parent))
        raise UnreadableInput("holds reports of Headwater and no log", where=where, hint=_NO_LOG)
    return logs, tuple(outputs)


def best(record: Record, readers: Sequence[Reader]) -> Reader | None:
    """The reader that is surest of this one record, if any is sure enough."""
    score, reader = max(
        ((confidence(r, record), r) for r in readers), key=lambda pair: pair[0], default=(0.0, None)
    )
    return reader if score >= SURE else None


def confidence(reader: Reader, record: Record) -> float:
    """How sure a reader is of a record; a reader that fails on it is not."""
    try:
        return float(reader.recognises(record))
    except Exception:  # a stranger's reader may do anything; the others can still read the file
        return 0.0


def own_columns(columns: Iterable[str], defaults: Mapping[str, object]) -> bool:
    """Whether Parquet with these columns is our own, to be read column by column."""
    names = {*columns, *defaults}
    return {"id", "at", "account"} <= names and not names.isdisjoint(("prompt", "imprint"))


def own(path: Path, latest_us: int, groups: tuple[int, int] | None = None) -> Planned:
    """Our own Parquet at `path`, where that is known of it; no time in it can be later than `latest_us`."""
    return Planned(LogFile(path, "parquet", latest_us, walked=True), OWN, columnar=True, groups=groups)


def _told(file: LogFile, readers: Sequence[Reader], aside: SetAside) -> str | None:
    """The format of a file; None for one that holds accounts."""
    sample = _sample(file)
    if not sample:
        aside.note("holds no records", Where(file.name))
        return OWN  # if it has rows, all are broken: reading sets them aside
    if _are_accounts(sample):
        return None
    scores = sorted(
        ((sum(confidence(r, record) for record in sample) / len(sample), r.name) for r in readers),
        reverse=True,
    )
    (top, name), (next_top, next_name) = scores[0], scores[1] if len(scores) > 1 else (0.0, "")
    if top < SURE:
        raise UnreadableInput(
            f"is of no known log format; its records have {keys_of(sample)}",
            where=Where(file.name),
            hint=_nearest(top, name, readers),
        )
    if top - next_top < AHEAD:
        name, next_name = sorted((name, next_name))
        raise UnreadableInput(
            f"could be of format {name} or {next_name}",
            where=Where(file.name),
            hint=f"say which: --format {name} or --format {next_name}",
        )
    return name


def _sample(file: LogFile) -> list[Record]:
    return list(islice(_good(islice(records(file), _LOOKED_AT)), _SAMPLE))


def _good(found: Iterable[tuple[Where, object] | BadRow]) -> Iterator[Record]:
    for record in found:
        if not isinstance(record, BadRow) and isinstance(record[1], dict) and record[1]:
            yield record[1]


def _are_accounts(sample: list[Record]) -> bool:
    """Whether these are rows of an account table, which often lies beside the log."""
    keys = {key for record in sample for key in record}
    return (
        "account" in keys
        and keys.isdisjoint(("id", "at", "prompt", "imprint"))
        and bool(keys & _ONLY_ACCOUNTS)
    )


def keys_of(sample: Iterable[Record]) -> str:
    """How many keys some records have, and those that logs are known to have.

    No others are named: the first row of a sheet without a header is content.
    """
    keys = dict.fromkeys(str(key) for record in sample for key in record)
    known = [key for key in keys if key.lower() in _NAMES]
    count = f"{len(keys):,} key{'' if len(keys) == 1 else 's'}"
    return f"{count}, of which known are: {', '.join(known)}" if known else f"{count}, none of them known"


def _nearest(score: float, name: str, readers: Sequence[Reader]) -> str:
    describe = "describe it in a mapping file: --mapping FILE"
    if score > 0:
        return f"the nearest known format is {name} (--format {name}); or {describe}"
    return f"known formats are {', '.join(reader.name for reader in readers)}; or {describe}"
