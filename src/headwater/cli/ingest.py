"""`headwater ingest`: anybody's logs as Headwater's own Parquet or JSON lines.

Into a folder, parts of at most `PART_ROWS` exchanges are written, each whole; what is finished stays when the
run is interrupted.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headwater.cli.options import PATH, log_form, manners, max_bad, reading, too_many_bad
from headwater.cli.terminal import Progress, Terminal
from headwater.errors import UnreadableInput, UsageError, Where

if TYPE_CHECKING:
    import pyarrow as pa

    from headwater.exchange import Log, SetAside

PART_ROWS = 1_000_000
SET_ASIDE = "_set_aside.jsonl"
_FILES = (".parquet", ".jsonl", ".jsonl.gz", ".jsonl.zst")


@click.command()
@click.argument("paths", nargs=-1, required=True, type=PATH, metavar="LOGS...")
@click.option(
    "-o",
    "--output",
    type=PATH,
    required=True,
    metavar="DIR|FILE",
    help="A folder for parts, or one .parquet, .jsonl, .jsonl.gz or .jsonl.zst file.",
)
@log_form
@max_bad
@manners
def command(
    terminal: Terminal, *, paths: tuple[Path, ...], output: Path, max_bad: int | None, **form: Any
) -> int:
    """Convert logs to Headwater's own form.

    LOGS are files or folders. Rows that cannot be used are set aside into _set_aside.jsonl beside the output,
    which is passed over where the folder is read again. A log of which no row can be used is an error, and
    nothing is written.
    """
    from headwater.exchange import HOLDS_ACCOUNTS, SetAside, is_set_aside, not_read, open_log
    from headwater.places import keep_apart, made, together

    single = output.name.endswith(_FILES)
    folder = output.parent if single else output
    if not single:
        _check_empty(folder, paths)
    elif output.name == SET_ASIDE:
        raise UsageError(
            "is where rows that cannot be used are listed",
            where=Where(str(output)),
            hint="choose another name for the output",
        )
    with (
        made(folder),
        together(folder) as place,
        SetAside(sink=place(SET_ASIDE)) as aside,
        terminal.progress() as progress,
    ):
        log = open_log(paths, aside=aside, **reading(**form))
        described = [form["mapping"]] if form["mapping"] else []
        read = (*paths, *(planned.file.path for planned in log.planned), *described)
        keep_apart([folder / SET_ASIDE, *([output] if single else [])], read)
        for path in log.accounts:
            terminal.say(f"{path} {HOLDS_ACCOUNTS}: give it to investigate with --accounts")
        for told in not_read(log.outputs):
            terminal.say(told)
        batches = _usable(log, aside, progress)
        rows = _write(batches, output) if single else _parts(terminal, batches, folder)
    if not aside.total and is_set_aside(folder / SET_ASIDE):
        (folder / SET_ASIDE).unlink()  # it would speak of an earlier run
    terminal.say(f"wrote {rows:,} exchanges to {output}; {aside.total:,} rows set aside")
    return too_many_bad(terminal, aside.total, max_bad)


def _check_empty(folder: Path, paths: tuple[Path, ...]) -> None:
    """Refuse a folder that parts were written to, or that is read."""
    there = folder.exists()
    if any(folder.glob("part-*.parquet")) or (
        there and any(p.exists() and folder.samefile(p) for p in paths)
    ):
        raise UsageError(
            "holds parts or the logs themselves",
            where=Where(str(folder)),
            hint="choose another output folder: what is read is never written over",
        )


def _watched(batches: Iterator[pa.RecordBatch], progress: Progress) -> Iterator[pa.RecordBatch]:
    done = 0
    for batch in batches:
        done += batch.num_rows
        progress("read", done, None)
        yield batch


def _usable(log: Log, aside: SetAside, progress: Progress) -> Iterator[pa.RecordBatch]:
    """The log's batches; refuses one that holds something and no usable row, before anything is written of it."""
    batches = _watched(iter(log), progress)
    first = next((batch for batch in batches if batch.num_rows), None)
    if first is not None:
        return chain([first], batches)
    if aside.total or log.accounts:
        why = "".join(f"; {n:,} of {aside.total:,}: {reason}" for reason, n in aside.by_reason()[:1])
        raise UnreadableInput(
            f"no row of the input could be used{why}",
            hint="`headwater inspect` says what the files hold and what is missing",
        )
    return batches


def _write(batches: Iterator[pa.RecordBatch], path: Path) -> int:
    from headwater.exchange import write_jsonl, write_parquet

    return write_parquet(batches, path) if path.suffix == ".parquet" else write_jsonl(batches, path)


def _parts(terminal: Terminal, batches: Iterator[pa.RecordBatch], folder: Path) -> int:
    rows = part = 0
    try:
        for first in batches:
            rows += _write(_limited(first, batches), folder / f"part-{part:05d}.parquet")
            part += 1
    except KeyboardInterrupt:
        terminal.say(f"kept {part} finished parts with {rows:,} exchanges in {folder}")
        raise
    return rows


def _limited(first: pa.RecordBatch, rest: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """`first` and what follows it, until there are `PART_ROWS`."""
    rows = 0
    for batch in chain([first], rest):
        yield batch
        rows += batch.num_rows
        if rows >= PART_ROWS:
            return
