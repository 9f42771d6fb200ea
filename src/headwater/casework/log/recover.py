"""A store that lost or damaged entries, brought to what is published: the only way on that contradicts nothing.

What the published files hold are commitments; the records of what happened since an older copy are lost, unless they
still wait in the outbox. Which those are is found by their secrets: an entry is the same entry wherever it's computed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from headwater.casework.log import head as heads
from headwater.casework.log import ledger
from headwater.casework.log.files import CHECKPOINT, MOST_NOTE, from_folder, locked
from headwater.casework.log.head import Head
from headwater.casework.log.log import Log
from headwater.casework.log.mend import grown, root_of
from headwater.casework.log.record import SECRET_BYTES, entry_of
from headwater.casework.log.verify import entries_of
from headwater.errors import HeadwaterError, UsageError, Where
from headwater.proof import Note, Rejected, Trust, VerifierKey, read_note
from headwater.store import Transaction, Waiting

_LOST: Final = "its record was lost when the store was restored from an older copy"
_GONE: Final = "its record was lost: the store was damaged"


@dataclass(frozen=True)
class Recovered:
    """Entries that were taken from what is published: `missing` in the store, and `mended` that it held otherwise."""

    missing: int
    mended: int


def recover(log: Log, key: VerifierKey, at_us: int) -> Recovered:
    """Take from the published files the entries that the store lacks, or holds otherwise than it signed them.

    `key`: the log's public key, under which the published checkpoint must be signed. Every entry is checked against
    it before anything is written. Raises UsageError where nothing is missing, HeadwaterError where what is published
    doesn't go on from what the store knows.
    """
    fetch = from_folder(log.folder)
    where = Where(str(log.folder / CHECKPOINT))
    with locked(log.folder):
        before, note = log.head(), fetch(CHECKPOINT, MOST_NOTE)
        if note is None:
            raise UsageError("there is no published checkpoint", where=where)
        try:
            checkpoint = Trust((key,)).check(note)
            published = entries_of(fetch, checkpoint)
            read = read_note(note)
            mine = tuple(one for one in read.signatures if (one.name, one.hash) == (key.name, key.hash))
            head = Head(checkpoint, Note(read.text, mine).data())
        except Rejected as error:
            what = f"what is published can't be taken over: {error}"
            raise HeadwaterError(what, where=where, hint="restore the newest copy of the store") from None
        with log.store.write() as tx:
            _check_continued(tx, before, head, published, where)
            found = _taken(tx, before.size, published, at_us, where)
            if head.size > before.size:
                heads.replace(tx, before, head, at_us)
            elif found == Recovered(0, 0):
                raise UsageError("nothing is missing: the store knows all that is published", where=where)
    return found


def _check_continued(tx: Transaction, before: Head, head: Head, published: list[bytes], where: Where) -> None:
    """See that of what is published and what the store signed last, the one is the beginning of the other."""
    if head.size < before.size:
        known = heads.signed(tx, head.size)
        root = known.root if known else b""
        continued = root == head.root
    else:
        edge: dict[tuple[int, int], bytes] = {}
        grown(0, published[: before.size], edge)
        continued = root_of(before.size, edge) == before.root
    if not continued:
        raise HeadwaterError(
            "what is published doesn't go on from what the store signed",
            where=where,
            hint="keep both as they are, and find out which one others have seen",
        )


def _taken(tx: Transaction, signed: int, published: list[bytes], at_us: int, where: Where) -> Recovered:
    """Write the entries that the store lacks, each with its record where that still waits; mend those it signed."""
    known = ledger.sequenced(tx)
    held = ledger.commitments(tx, known)
    for index in range(signed, known):
        if index in held and len(published) > signed and held[index] != _at(published, index):
            raise HeadwaterError(
                "the store gave places to entries that are published otherwise",
                where=where,
                hint="restore the newest copy of the store",
            )
    waiting = {
        entry_of(one.payload[:SECRET_BYTES], one.payload[SECRET_BYTES:]): one
        for one in tx.waiting(2**31, ledger.TOPIC)
    }
    missing = mended = 0
    done: list[int] = []
    for index, entry in enumerate(published):
        if held.get(index) == entry:
            continue
        if index in held:
            tx.run("UPDATE log_commitments SET entry = ? WHERE idx = ?", (entry, index))
            mended += 1
            continue
        tx.run("INSERT INTO log_commitments VALUES (?, ?)", (index, entry))
        done += _recorded(tx, index, entry, waiting, at_us, _GONE if index < signed else _LOST)
        missing += 1
    tx.done(done)
    return Recovered(missing, mended)


def _recorded(
    tx: Transaction, index: int, entry: bytes, waiting: dict[bytes, Waiting], at_us: int, why: str
) -> Iterable[int]:
    """Keep the record of an entry that came back; the message that had it, where one still waits."""
    if tx.row("SELECT 1 FROM log_records WHERE idx = ?", (index,)):
        return []
    one = waiting.get(entry)
    if one is None:
        ledger.keep(tx, [(index, entry[1:17], "", at_us, None, None, None, at_us, why)])
        return []
    ledger.keep(tx, [ledger.row(index, entry, one)])
    return [one.id]


def _at(published: list[bytes], index: int) -> bytes | None:
    return published[index] if index < len(published) else None
