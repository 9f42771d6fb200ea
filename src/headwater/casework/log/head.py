"""The last checkpoint that was signed: kept in the store before anybody sees it, replaced only where unchanged.

A log must never sign two trees that contradict each other (c2sp.org/tlog-checkpoint). What was signed is therefore
what the store says, and a published checkpoint that the store doesn't know ends all writing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from headwater.errors import HeadwaterError, Where
from headwater.proof import Checkpoint, Rejected, read_note
from headwater.store import Migration, Transaction

_REGISTER: Final = "log/head"
MIGRATION: Final = Migration(
    "log",
    2,
    """
    CREATE TABLE log_checkpoints (
        size INTEGER PRIMARY KEY,
        root BLOB NOT NULL,
        at_us INTEGER NOT NULL,
        note BLOB NOT NULL
    ) STRICT;
    """,
)


@dataclass(frozen=True)
class Head:
    """A checkpoint and the note in which the log signed it."""

    checkpoint: Checkpoint
    note: bytes

    @property
    def size(self) -> int:
        """Entries in the tree."""
        return self.checkpoint.size

    @property
    def root(self) -> bytes:
        """The tree's root."""
        return self.checkpoint.root

    @classmethod
    def of(cls, note: bytes) -> Head:
        """The head that a note holds; `Rejected` where it holds none. No signature is checked."""
        return cls(Checkpoint.parse(read_note(note).text), note)


def fetch(tx: Transaction) -> Head | None:
    """The last checkpoint that was signed, or None before the first."""
    note = tx.fetch(_REGISTER)
    return None if note is None else Head.of(note)


def replace(tx: Transaction, old: Head | None, new: Head, at_us: int) -> None:
    """Keep `new` as the last that was signed; ConflictError where that isn't `old` any more.

    Its time is not before that of earlier ones, whatever the clock says.
    """
    if old is None:
        tx.create(_REGISTER, new.note)
    else:
        tx.replace(_REGISTER, old.note, new.note)
    sql = (
        "INSERT INTO log_checkpoints SELECT ?, ?, max(?, coalesce(max(at_us), 0)), ? FROM log_checkpoints"
        " WHERE true ON CONFLICT DO NOTHING"
    )
    tx.run(sql, (new.size, new.root, at_us, new.note))


def signed(tx: Transaction, size: int) -> Head | None:
    """The checkpoint of `size` entries that was signed, or None."""
    found = tx.row("SELECT note FROM log_checkpoints WHERE size = ?", (size,))
    return None if found is None else Head.of(bytes(found[0]))


def newest_us(tx: Transaction) -> int:
    """When the log was signed last, in microseconds since 1970; no clock that went back makes it earlier."""
    found = tx.row("SELECT coalesce(max(at_us), 0) FROM log_checkpoints")
    return 0 if found is None else int(found[0])


def check_published(tx: Transaction, head: Head, published: bytes | None, folder: Path) -> bool:
    """Whether the published checkpoint is the last that was signed; False where it has to be published again.

    Raises HeadwaterError where it isn't one that this store has signed: then nothing may be signed.
    """
    if published is None:
        return False
    where = Where(str(folder / "checkpoint"))
    try:
        note = read_note(published)
        found = Checkpoint.parse(note.text)
    except Rejected:
        return False  # torn, or no checkpoint at all: nobody can have relied on it
    if found.origin != head.checkpoint.origin:
        what = "is the checkpoint of another log"
        raise HeadwaterError(what, where=where, hint="choose another folder: this one is taken")
    _check_not_larger(found, head, where)
    before = signed(tx, found.size)
    if before is None or before.root != found.root:
        raise HeadwaterError(
            f"the published checkpoint of {found.size:,} entries was not signed by this store: two stores have"
            " published in one name",
            where=where,
            hint="keep both as they are, and find out which one others have seen",
        )
    return found.size == head.size and set(read_note(head.note).signatures) <= set(note.signatures)


def check_cosigned(head: Head, cosigned: bytes | None, folder: Path) -> None:
    """Refuse to go on where witnesses cosigned a larger log than the store knows, also without a checkpoint."""
    try:
        found = Checkpoint.parse(read_note(cosigned or b"").text)
    except Rejected:
        return
    if found.origin == head.checkpoint.origin:
        _check_not_larger(found, head, Where(str(folder / "cosigned")))


def _check_not_larger(found: Checkpoint, head: Head, where: Where) -> None:
    if found.size > head.size:
        raise HeadwaterError(
            f"the published log has {found.size:,} entries, and the store knows of {head.size:,}: the store was"
            " restored from an older copy, and to go on would contradict what was signed",
            where=where,
            hint="restore the newest copy of the store; where there is none, `headwater log recover` takes the missing "
            "commitments from the published files, without their records",
        )
