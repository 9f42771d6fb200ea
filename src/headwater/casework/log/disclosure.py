"""One entry shown to somebody: a folder with the record, and a file that proves it's in the log, checked offline.

    record.json          the record, byte for byte what the entry commits to
    entry.tlog-proof     c2sp.org/tlog-proof@v1: index, inclusion proof, checkpoint; the entry's secret as extra data
    README.txt           what this is, and how to check it

Whoever checks needs the log's key, which they must have from somewhere else. Others' entries stay closed to them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from headwater.casework.log.files import from_folder
from headwater.casework.log.record import MOST_RECORD, Held, Record, entry_id, entry_of
from headwater.errors import UnreadableInput, UsageError, Where
from headwater.proof import (
    Checkpoint,
    ReadTile,
    Rejected,
    TlogProof,
    Trust,
    check_inclusion,
    inclusion_proof,
    leaf_hash,
    read_note,
)

RECORD: Final = "record.json"
PROOF: Final = "entry.tlog-proof"
README: Final = "README.txt"
_MOST_PROOF: Final = 200_000


@dataclass(frozen=True)
class Disclosed:
    """A record, the secret of its entry, and the proof that the entry is in the log."""

    record: bytes
    secret: bytes = field(repr=False)
    proof: TlogProof

    def write(self, folder: Path) -> tuple[Path, ...]:
        """Write the folder, which its owner alone can read; UsageError where one of its files is there already."""
        checkpoint = Checkpoint.parse(read_note(self.proof.checkpoint).text)
        told = _README.format(origin=checkpoint.origin, size=checkpoint.size, index=self.proof.index)
        files = {RECORD: self.record, PROOF: self.proof.data(), README: told.encode()}
        folder.mkdir(parents=True, exist_ok=True)
        made = []
        for name, data in files.items():
            place = folder / name
            try:
                with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    file.write(data)
            except FileExistsError:
                hint = "choose a new folder; what was disclosed is never overwritten"
                raise UsageError("a file of this name exists", where=Where(str(place)), hint=hint) from None
            except OSError as error:
                what = f"cannot be written ({error.strerror})"
                raise UsageError(what, where=Where(str(place)), hint="choose another folder") from None
            made.append(place)
        return tuple(made)


@dataclass(frozen=True)
class CheckedEntry:
    """An entry that is in a log, with what it says: place in the log, the log's name and the size that was proven."""

    record: Record
    id: str
    index: int
    origin: str
    size: int


def disclosed(held: Held, committed: bytes, notes: Sequence[bytes], read: ReadTile) -> Disclosed:
    """Disclose a record that the store holds, whose entry is `committed`, under the best of the checkpoints in `notes`.

    That with most signatures, of those the newest. Raises `Rejected` where tiles are torn, UsageError where the record
    was erased, or no checkpoint is large enough.
    """
    if held.record is None or held.secret is None:
        at = datetime.fromtimestamp((held.erased_at_us or 0) / 1e6, UTC)
        what = f"entry {held.index:,} was erased on {at:%Y-%m-%d %H:%M} UTC: {held.erased_why or 'no reason is kept'}"
        raise UsageError(
            what, hint="its commitment stays in the log; what it said is gone, and so is its secret"
        )
    if entry_of(held.secret, held.record) != committed:
        raise UsageError(
            f"entry {held.index:,} is not what the store holds of it", hint="the store is damaged"
        )
    read_notes = [(read_note(note), note) for note in notes]
    heads = [(len(one.signatures), Checkpoint.parse(one.text), note) for one, note in read_notes]
    fitting = [head for head in heads if head[1].size > held.index]
    if not fitting:
        hint = "publish first: `headwater log publish`"
        raise UsageError(f"entry {held.index:,} has its place and is not published yet", hint=hint)
    _, checkpoint, note = max(fitting, key=lambda head: (head[0], head[1].size))
    path = inclusion_proof(held.index, checkpoint.size, read)
    check_inclusion(leaf_hash(committed), held.index, checkpoint.size, path, checkpoint.root)
    return Disclosed(held.record, held.secret, TlogProof(held.index, tuple(path), note, held.secret))


def check_disclosed(folder: Path, trust: Trust) -> CheckedEntry:
    """Check a disclosed entry as a stranger does: with nothing but the folder, and whom one trusts.

    Raises UnreadableInput where a file is missing, and UsageError where something doesn't fit; why is said.
    """
    fetch = from_folder(folder)
    found = {}
    for name, most in ((RECORD, MOST_RECORD), (PROOF, _MOST_PROOF)):
        data = fetch(name, most)
        if data is None:
            raise UnreadableInput("does not exist", where=Where(str(folder / name)), hint="check the path")
        found[name] = data
    try:
        proof = TlogProof.parse(found[PROOF])
        entry = entry_of(proof.extra, found[RECORD])
        checkpoint = proof.check(entry, trust)
        record = Record.parse(found[RECORD])
    except Rejected as error:
        raise UsageError(f"is not proven: {error}", where=Where(str(folder))) from None
    return CheckedEntry(record, entry_id(entry), proof.index, checkpoint.origin, checkpoint.size)


_README: Final = """\
One entry of the log {origin}: entry {index} of {size}.

record.json is what was recorded. entry.tlog-proof shows that the log had taken it up, unchanged, when it
had {size} entries (c2sp.org/tlog-proof), and holds the secret of this entry, which opens no other.

To check it, offline, with the log's key that you have from the log's operator or from somebody you trust:

    headwater log check . --key VKEY

By hand: HMAC-SHA256 of record.json under the secret (the base64 after "extra "), with a byte 0x01 before
it, is the entry; SHA-256 of a byte 0x00 and the entry is the leaf; the proof's lines lead from it to the
root in the checkpoint, which is signed.
"""
