"""What a keyring's table `[embed]` says, as far as it can be told from the file; `embed` makes rules of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from headwater.mark.entries import Entry
from headwater.mark.marks import Accounts, Mark


@dataclass(frozen=True)
class EmbedTable:
    """Who gets which mark.

    `default`: of every answer without another; None: such answers are left unmarked. `flagged`: accounts whose answers
    get a layer of their own, with keys of `epoch`. `unsigned`: what happens where no ticket came. `ticket_file`: where
    keys of tickets are; None where tickets aren't used.
    """

    default: Mark | None
    flagged: Accounts | None
    epoch: str
    unsigned: Literal["default", "refuse"]
    ticket_file: Path | None


def embed_table(entry: Entry, marks: tuple[Mark, ...], accounts: tuple[Accounts, ...]) -> EmbedTable:
    """The table of `entry`. Raises `ConfigurationError`, with the field, for what can't be used as written."""
    name, other = entry.text("default"), entry.text("flagged")
    default = next((mark for mark in marks if mark.name == name), None)
    flagged = next((each for each in accounts if each.name == other), None)
    if name is not None and default is None:
        raise entry.error("default", "no such mark", "name one of the [[mark]] of this keyring")
    if other is not None and flagged is None:
        raise entry.error("flagged", "no such accounts", "name one of the [[accounts]] of this keyring")
    if default is None and flagged is None:
        raise entry.error("default", "is needed", "or flagged; without [embed] nothing is written")
    epoch = entry.text("epoch")
    if epoch is not None and (flagged is None or epoch not in flagged.epochs):
        raise entry.error("epoch", "isn't an epoch of the flagged accounts", "add it to their list first")
    unsigned = entry.text("unsigned") or "default"
    if unsigned not in ("default", "refuse"):
        raise entry.error("unsigned", "must be default or refuse")
    file = entry.text("ticket_file")
    if unsigned == "refuse" and file is None:
        raise entry.error("ticket_file", "is needed where answers without a ticket are refused")
    entry.nothing_else()
    last = flagged.epochs[-1] if flagged else ""
    return EmbedTable(
        default,
        flagged,
        epoch or last,
        "refuse" if unsigned == "refuse" else "default",
        None if file is None else entry.path(file),
    )
