"""A store that was restored from an older copy, brought to what is published: the only way on that contradicts nothing.

What the published files hold are commitments; the records of what happened since the copy are lost, unless they still
wait in the outbox. Which those are is found by their secrets: an entry is the same entry wherever it's computed.
"""

from __future__ import annotations

from headwater.casework.log import head as heads
from headwater.casework.log import ledger
from headwater.casework.log.files import CHECKPOINT, MOST_NOTE, from_folder, locked
from headwater.casework.log.head import Head
from headwater.casework.log.log import Log
from headwater.casework.log.record import SECRET_BYTES, entry_of
from headwater.casework.log.verify import entries_of
from headwater.errors import HeadwaterError, UsageError, Where
from headwater.proof import Note, Rejected, Trust, VerifierKey, read_note
from headwater.store import Transaction


def recover(log: Log, key: VerifierKey, at_us: int) -> int:
    """Take from the published files the entries that the store lacks; how many.

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
            if checkpoint.size <= before.size:
                raise UsageError("nothing is missing: the store knows all that is published", where=where)
            published = entries_of(fetch, checkpoint)
            read = read_note(note)
            mine = tuple(one for one in read.signatures if (one.name, one.hash) == (key.name, key.hash))
            own = Note(read.text, mine).data()
        except Rejected as error:
            what = f"what is published can't be taken over: {error}"
            raise HeadwaterError(what, where=where, hint="restore the newest copy of the store") from None
        with log.store.write() as tx:
            missing = _taken(tx, published, at_us, where)
            heads.replace(tx, before, Head(checkpoint, own), at_us)
    return missing


def _taken(tx: Transaction, published: list[bytes], at_us: int, where: Where) -> int:
    """Write the entries that the store lacks, each with its record where that still waits."""
    known = ledger.sequenced(tx)
    if known > len(published) or ledger.entries(tx, 0, known) != published[:known]:
        what = "the store gave places to entries that are published otherwise"
        raise HeadwaterError(what, where=where, hint="restore the newest copy of the store")
    waiting = {
        entry_of(one.payload[:SECRET_BYTES], one.payload[SECRET_BYTES:]): one
        for one in tx.waiting(2**31, ledger.TOPIC)
    }
    lost = "its record was lost when the store was restored from an older copy"
    done = []
    for index, entry in enumerate(published[known:], known):
        tx.run("INSERT INTO log_commitments VALUES (?, ?)", (index, entry))
        one = waiting.get(entry)
        if one is None:
            ledger.keep(tx, [(index, entry[1:17], "", at_us, None, None, None, at_us, lost)])
        else:
            ledger.keep(tx, [ledger.row(index, entry, one)])
            done.append(one.id)
    tx.done(done)
    return len(published) - known
