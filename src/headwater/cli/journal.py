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
from headwater.cli.gateways import at_gateway, imprint_key, settings_of
from headwater.cli.options import HELP, PATH, Group, as_json, manners
from headwater.cli.terminal import Terminal, clean
from headwater.errors import HeadwaterError, UsageError

if TYPE_CHECKING:
    from headwater.exchange.journal import Rotated

_LOOK_S = 0.5
#: Seconds that a gateway has to close its file.
_CLOSE_S = 5.0


@click.group(cls=Group, context_settings=HELP)
def command() -> None:
    """Read what a gateway has recorded."""


@command.command()
@at_gateway
@click.option(
    "--output",
    type=PATH,
    metavar="DIR",
    help="Where the Parquet goes; `exchanges` in the folder if left out.",
)
@click.option(
    "--key-file",
    type=PATH,
    metavar="FILE",
    help="The key of imprints, where only those are kept; as the settings say if left out.",
)
@click.option(
    "--now",
    is_flag=True,
    help="Have running gateways close the file that they write, so that it is taken too.",
)
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
    now: bool,
    every: float | None,
    parent: int | None,
    as_json: bool,
) -> int:
    """Turn closed files of the journal into Parquet that `headwater investigate` reads, each exactly once.

    A gateway does this by itself. A file that it still writes is left for the next time: it is closed once it is ten
    minutes old or 64 MiB large, unless [journal] in gateway.toml says otherwise, and with --now within a second or two.
    So is a file with requests that may still be answered.
    """
    if every is None:
        return _once(terminal, folder, output, key_file, now=now, as_json=as_json)
    if now:
        raise UsageError("--now is for once", hint="leave out --every, or --now")
    arguments = ["journal", "rotate", "--folder", str(folder), "--quiet"]
    arguments += ["--output", str(output)] if output else []
    arguments += ["--key-file", str(key_file)] if key_file else []
    with suppress(KeyboardInterrupt):  # told to end: that is how it ends
        looks = _Looks(folder)
        while _waited(every, parent):
            if looks.found():  # a process of its own, so that what it needed of memory is free again
                child = [sys.executable, "-m", "headwater.cli", *arguments]
                subprocess.run(child, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return 0


def _once(
    terminal: Terminal, folder: Path, output: Path | None, key_file: Path | None, *, now: bool, as_json: bool
) -> int:
    from headwater.exchange.journal import close_now, relays, rotate
    from headwater.gateway.composition import EXCHANGES, JOURNAL

    gateway = settings_of(folder)
    settings = gateway.rotation
    if key_file is None and gateway.imprint_key_file:
        key_file = folder / gateway.imprint_key_file
    imprinting = _imprinting(key_file) if settings.keep == "imprints" else None
    totals: dict[str, int] = {}
    found = relays(folder / JOURNAL)
    if now and not close_now(found, _CLOSE_S):
        terminal.warn("a gateway didn't close its file in time: it is left for the next time")
    for relay in found:
        done = rotate(relay, output or folder / EXCHANGES, now_us(), settings, imprinting=imprinting)
        _add(totals, done)
        for row in done.damaged:
            terminal.warn(clean(str(row)))
    if as_json:
        terminal.json(totals)
    else:
        terminal.out(_told(totals, gateway.journal.file_age_us, now=now))
    return 0


def _told(totals: dict[str, int], file_age_us: int, *, now: bool) -> str:
    rows, files, waiting = (totals.get(name, 0) for name in ("rows", "files", "waiting"))
    told = f"{rows:,} exchanges of {files:,} files"
    if not waiting:
        return f"{told}\n"
    age = f"closed {file_age_us / 60_000_000:.3g} minutes after it was begun, or with --now"
    why = "their requests may still be answered" if now else f"still written ({age}), or waiting for answers"
    return f"{told}; {waiting:,} left for later: {why}\n"


def _add(totals: dict[str, int], done: Rotated) -> None:
    from dataclasses import fields

    for entry in fields(done):
        value = getattr(done, entry.name)
        if isinstance(value, int):
            totals[entry.name] = totals.get(entry.name, 0) + value


def _imprinting(key_file: Path | None) -> Any:
    from headwater.imprint import imprint

    key = imprint_key(key_file)
    return lambda prompts: imprint(prompts, key)


class _Looks:
    """Looks whether there is anything to rotate, without reading a file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        #: The newest file of each relay → its size, and whether it was tried since it has that.
        self._newest: dict[str, tuple[int, bool]] = {}

    def found(self) -> bool:
        """Whether a file is there beside those that are written, or one of those hasn't grown since the last look.

        Where nobody asks anything, the newest file is closed when it is old enough, and no other is begun.
        """
        from headwater.exchange.journal import journal_files, lives, relays
        from headwater.gateway.composition import JOURNAL

        found, newest = False, {}
        try:
            for relay in relays(self._folder / JOURNAL):
                files = journal_files(relay)
                found = found or len(files) > lives(relay)
                if files:
                    name, size = str(files[-1].path), files[-1].path.stat().st_size
                    before, tried = self._newest.get(name, (-1, False))
                    still = size == before
                    found = found or (still and not tried)
                    newest[name] = size, still
        except (HeadwaterError, OSError):
            return False
        self._newest = newest
        return found


def _waited(seconds: float, parent: int | None) -> bool:
    """Wait; False once the process that began this one is gone."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if parent is not None and os.getppid() != parent:
            return False
        time.sleep(_LOOK_S)
    return True
