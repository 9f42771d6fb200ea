"""`headwater keys`: make the key that imprints are made under."""

from __future__ import annotations

from pathlib import Path

import click

from headwater.cli.options import PATH, manners
from headwater.cli.terminal import Terminal


@click.group()
def command() -> None:
    """Make keys."""


@command.command()
@click.argument("file", type=PATH)
@click.option(
    "--version", type=click.IntRange(1), default=1, show_default=True, help="Generation of the key."
)
@manners
def new(terminal: Terminal, *, file: Path, version: int) -> int:
    """Make an imprint key and write it to FILE, which only its owner can read.

    Imprints of two logs can be compared only when both were made under the same key. Whoever holds the key
    can test whether a guessed text is in a log, so keep it like a password.
    """
    import secrets

    from headwater.keys import ImprintKey, save_imprint_key

    key = ImprintKey(secrets.token_bytes(32), version)
    save_imprint_key(key, file)
    terminal.out(f"{key.id}\n")
    terminal.say(f"wrote {file}; next: headwater investigate LOGS --key-file {file}")
    return 0
