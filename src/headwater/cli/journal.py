"""`headwater journal`: make a gateway's journal Parquet, once or as long as the gateway runs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headwater.cli.casebooks import now_us
from headwater.cli.options import HELP, PATH, as_json, manners
from headwater.cli.terminal import Terminal, clean
from headwater.errors import HeadwaterError, UsageError, Where

if TYPE_CHECKING:
    from headwater.exchange.journal import Rotated

_LOOK_S = 0.5


@click.group(context_settings=HELP)
def command() -> None:
    """Read what a gateway has recorded."""


_at_folder = click.option(
    "--folder",
    type=PATH,
    default=Path("gateway"),
    show_default=True,
    envvar="HEADWATER_GATEWAY",
    metavar="DIR",
    help="The gateway's folder; also HEADWATER_GATEWAY.",
)


@command.command()
@_at_folder
@click.option(
    "--output",
    type=PATH,
    metavar="DIR",
    help="Where the Parquet goes; `exchanges` in the folder if left out.",
)
@click.option("--key-file", type=PATH, metavar="FILE", help="The key of imprints, where only those are kept.")
@click.option("--every", type=click.FloatRange(1), metavar="SECONDS", help="Do it again and again.")
@click.option("--parent", type=int, hidden=True)
@as_json
@manners
def rotate(
    terminal: Terminal,
    *,
    folder: Path,
    output: Path | None,
    key_file: Path | None,
    every: float | None,
    parent: int | None,
    as_json: bool,
) -> int:
    """Turn closed files of the journal into Parquet that `headwater investigate` reads, each exactly once.

    A gateway does this by itself. Files that it still writes, or waits for answers in, are left for the next time.
    """
    if every is None:
        return _once(terminal, folder, output, key_file, as_json=as_json)
    arguments = ["journal", "rotate", "--folder", str(folder), "--quiet"]
    arguments += ["--output", str(output)] if output else []
    arguments += ["--key-file", str(key_file)] if key_file else []
    with suppress(KeyboardInterrupt):  # told to end: that is how it ends
        while _waited(every, parent):
            if _closed(folder):  # a process of its own, so that what it needed of memory is free again
                child = [sys.executable, "-m", "headwater.cli", *arguments]
                subprocess.run(child, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return 0


def _once(
    terminal: Terminal, folder: Path, output: Path | None, key_file: Path | None, *, as_json: bool
) -> int:
    from headwater.cli.serve import settings_of
    from headwater.exchange.journal import relays, rotate
    from headwater.gateway.composition import EXCHANGES, JOURNAL

    settings = settings_of(folder).rotation
    imprinting = _imprinting(key_file) if settings.keep == "imprints" else None
    totals: dict[str, int] = {}
    for relay in relays(folder / JOURNAL):
        done = rotate(relay, output or folder / EXCHANGES, now_us(), settings, imprinting=imprinting)
        _add(totals, done)
        for row in done.damaged:
            terminal.warn(clean(str(row)))
    if as_json:
        terminal.json(totals)
    else:
        rows, files = totals.get("rows", 0), totals.get("files", 0)
        terminal.out(f"{rows:,} exchanges of {files:,} files; {totals.get('waiting', 0):,} files wait\n")
    return 0


def _add(totals: dict[str, int], done: Rotated) -> None:
    from dataclasses import fields

    for entry in fields(done):
        value = getattr(done, entry.name)
        if isinstance(value, int):
            totals[entry.name] = totals.get(entry.name, 0) + value


def _imprinting(key_file: Path | None) -> Any:
    from headwater.imprint import imprint
    from headwater.keys import load_imprint_key

    if key_file is None:
        hint = "--key-file FILE; `headwater keys new FILE` makes one"
        raise UsageError("only imprints are to be kept, and there is no key to make them under", hint=hint)
    key = load_imprint_key(key_file)
    if key is None:
        raise UsageError("holds no key", where=Where(str(key_file)))
    return lambda prompts: imprint(prompts, key)


def _closed(folder: Path) -> bool:
    """Whether any file is there beside the one that each relay writes."""
    from headwater.exchange.journal import journal_files, lives, relays
    from headwater.gateway.composition import JOURNAL

    try:
        return any(len(journal_files(one)) > lives(one) for one in relays(folder / JOURNAL))
    except HeadwaterError:
        return False


def _waited(seconds: float, parent: int | None) -> bool:
    """Wait; False once the process that began this one is gone."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if parent is not None and os.getppid() != parent:
            return False
        time.sleep(_LOOK_S)
    return True
