"""`headwater casebook follow`: changes of accounts, keys and tiers, entered into a casebook's log."""

from __future__ import annotations

from pathlib import Path

import click

from headwater.cli.casebooks import at_casebook, in_form, now_us, opened
from headwater.cli.identities import opened as opened_identity
from headwater.cli.options import PATH, manners
from headwater.cli.terminal import Terminal


@click.command()
@at_casebook
@click.option(
    "--identity",
    "store",
    type=PATH,
    envvar="HEADWATER_IDENTITY",
    metavar="DIR",
    help="The identity store; also HEADWATER_IDENTITY.",
)
@in_form
@manners
def follow(terminal: Terminal, *, folder: Path | None, store: Path | None, form: str) -> int:
    """Enter what was changed in an identity store into the casebook's log, each change once.

    `headwater admin serve --casebook` does so all the time; without it, run this every few minutes.
    """
    from headwater.casework import log_identity

    with opened(folder) as book, opened_identity(store) as identity:
        entered = log_identity(book, identity, now_us())
    if form == "json":
        terminal.json({"entered": entered})
    else:
        terminal.out(f"entered: {entered:,} changes\n" if entered != 1 else "entered: 1 change\n")
    return 0
