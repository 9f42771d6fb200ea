"""A transparency log of what casework does: commitments that strangers verify, records that can be erased.

    log = Log.new(folder, origin, signer, store, at_us)          # or Log.open
    with store.write() as tx:
        log.enter(tx, "step", pseudonym, {…}, at_us)             # in the transaction that does what it tells of
    log.drain(at_us)                                             # tiles, a signed checkpoint, published
    log.prove(entry).write(folder)                               # one entry, for a stranger
    verify_log(folder, trust)                                    # all of it, by a stranger

Static files in the formats of c2sp.org (tlog-tiles, tlog-checkpoint, tlog-proof); how they're served is no business
of this room.
"""

from headwater.casework.log.attest import add_cosignatures, add_stamp
from headwater.casework.log.disclosure import CheckedEntry, Disclosed, check_disclosed
from headwater.casework.log.files import Fetch, from_folder
from headwater.casework.log.head import Head, newest_us
from headwater.casework.log.ledger import erase, find, held
from headwater.casework.log.log import MIGRATIONS, Log, Published
from headwater.casework.log.moments import MOMENTS, Between
from headwater.casework.log.reading import Entered, entered, unsigned
from headwater.casework.log.record import KINDS, Held, Record, entry_id, entry_of
from headwater.casework.log.recover import Recovered, recover
from headwater.casework.log.verify import Verified, verify_log
from headwater.casework.log.witness import Evidence, cosign

__all__ = [
    "KINDS",
    "MIGRATIONS",
    "MOMENTS",
    "Between",
    "CheckedEntry",
    "Disclosed",
    "Entered",
    "Evidence",
    "Fetch",
    "Head",
    "Held",
    "Log",
    "Published",
    "Record",
    "Recovered",
    "Verified",
    "add_cosignatures",
    "add_stamp",
    "check_disclosed",
    "cosign",
    "entered",
    "entry_id",
    "entry_of",
    "erase",
    "find",
    "from_folder",
    "held",
    "newest_us",
    "recover",
    "unsigned",
    "verify_log",
]
