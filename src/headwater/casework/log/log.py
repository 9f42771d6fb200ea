"""The transparency log over a store: what waits in the outbox gets its place, tiles, a signature, and is published.

The order is what makes a kill harmless: places are given in one transaction; then tiles and bundles are made durable;
then a checkpoint is signed and kept in the store; only then does anybody see it. Started again, each step finds what
the one before it has left.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from headwater.casework.log import head as heads
from headwater.casework.log import ledger
from headwater.casework.log.edge import check_edge
from headwater.casework.log.files import (
    CHECKPOINT,
    COSIGNED,
    MOST_NOTE,
    Files,
    check_writable,
    from_folder,
    locked,
    tiles_of,
)
from headwater.casework.log.head import Head
from headwater.casework.log.mend import AT_ONCE, bundles, mended
from headwater.casework.log.moments import Between, nothing
from headwater.errors import ConfigurationError, HeadwaterError, UsageError, Where
from headwater.proof import (
    EMPTY_ROOT,
    TILE,
    Checkpoint,
    NoteSigner,
    Rejected,
    VerifierKey,
    check_consistency,
    consistency_proof,
    entries_path,
    grow,
    leaf_hash,
    opened,
    read_note,
    signed_note,
    tile_path,
)
from headwater.store import Store, Transaction

if TYPE_CHECKING:
    from headwater.casework.log.disclosure import Disclosed

#: What a store needs for a log.
MIGRATIONS: Final = (*ledger.MIGRATIONS, heads.MIGRATION)
#: Messages that are held in memory at once.
_READ_AT_ONCE: Final = 4096


@dataclass(frozen=True)
class Published:
    """What is published: entries and root of the tree, and how many entries came to it just now."""

    size: int
    root: bytes
    entries: int


class Log:
    """A log that is published into `folder` under the name `origin`; make one with `new` or `open`."""

    def __init__(
        self, folder: Path, origin: str, signer: NoteSigner | None, store: Store, between: Between
    ) -> None:
        if signer is not None and signer.name != origin:
            raise ConfigurationError(
                "the key of a log has the log's name", hint=f"give the key the name {origin}"
            )
        self.folder = folder
        self.origin = origin
        self.store = store
        self._signer = signer
        self._between = between
        self._fetch = from_folder(folder)
        self._read = tiles_of(self._fetch)

    @classmethod
    def new(
        cls,
        folder: Path,
        origin: str,
        signer: NoteSigner,
        store: Store,
        at_us: int,
        *,
        between: Between = nothing,
    ) -> Log:
        """A new log, whose empty tree is signed and published in `folder`, which may not hold anything yet.

        Raises ConflictError where the store has a log already, ConfigurationError where the folder isn't empty.
        """
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise ConfigurationError("is not empty", where=Where(str(folder)), hint="choose a new folder")
        log = cls(folder, origin, signer, store, between)
        with locked(folder):
            log._sign(None, 0, EMPTY_ROOT, at_us)
        return log

    @classmethod
    def open(
        cls, folder: Path, origin: str, signer: NoteSigner | None, store: Store, *, between: Between = nothing
    ) -> Log:
        """The log of a store; without a `signer`, to read and prove only.

        Raises ConfigurationError where the store has no log, or one of another name.
        """
        with store.read() as tx:
            head = heads.fetch(tx)
        if head is None or head.checkpoint.origin != origin:
            what = "holds no log" if head is None else "holds the log of another name"
            raise ConfigurationError(what, where=Where(str(store.path)), hint="check the setting `origin`")
        try:
            if signer is not None:
                opened(head.note, [VerifierKey(origin, signer.public)])
        except Rejected:
            what = "the log was signed with another key"
            raise ConfigurationError(
                what, where=Where(str(store.path)), hint="name the key of this log"
            ) from None
        folder.mkdir(exist_ok=True)
        return cls(folder, origin, signer, store, between)

    def enter(
        self,
        tx: Transaction,
        kind: str,
        subject: str,
        body: dict[str, Any],
        at_us: int,
        secret: Callable[[int], bytes] = secrets.token_bytes,
    ) -> str:
        """Write a record for the log, within the transaction that does what it tells of. The entry's id.

        It is published by the next `drain`. Raises UsageError where `body` has no form as canonical JSON.
        """
        return ledger.enter(tx, kind, subject, body, at_us, secret)

    def head(self) -> Head:
        """The last checkpoint that was signed."""
        with self.store.read() as tx:
            found = heads.fetch(tx)
        assert found is not None
        return found

    def settle(self, wait_s: float = 0.0) -> Head:
        """See that the log can go on, before anything is done that it has to tell of; the last that was signed.

        What a killed run left is finished, and nothing new is published. Raises as `drain` does.
        """
        with self._alone(wait_s):
            check_writable(self.folder)
            return self._settled()

    def drain(self, at_us: int, *, most: int | None = None, wait_s: float = 0.0) -> Published:
        """Publish what waits in the outbox, at most `most` entries. What a killed run left is finished first.

        Waits up to `wait_s` seconds where another process publishes; ConflictError, which names it, after that.
        Raises HeadwaterError where the published log isn't this store's, or a file can't be written.
        """
        with self._alone(wait_s):
            first = self._settled()
            head, left = self._published(first, at_us), most
            while left is None or left > 0:
                taken = self._sequenced(AT_ONCE if left is None else min(left, AT_ONCE))
                if not taken:
                    break
                left = None if left is None else left - taken
                head = self._published(head, at_us)
        return Published(head.size, head.root, head.size - first.size)

    def mend(self) -> int:
        """Make again each tile and bundle of the published tree that is missing or torn; how many files."""
        with self._alone():
            return self._mended(self.head())

    def prove(self, entry: int | str) -> Disclosed:
        """Record, secret and proof of the entry with this index or id, to be shown to somebody.

        Raises UsageError where there is none, it was erased (when and why is said) or isn't published yet.
        """
        from headwater.casework.log.disclosure import disclosed

        with self.store.read() as tx:
            held = ledger.find(tx, entry)
            committed = ledger.entries(tx, held.index, held.index + 1)[0]
        notes = [note for name in (CHECKPOINT, COSIGNED) if (note := self._fetch(name, MOST_NOTE))]
        try:
            return disclosed(held, committed, notes, self._read)
        except Rejected:
            self.mend()
        try:
            return disclosed(held, committed, notes, self._read)
        except Rejected as error:
            raise HeadwaterError(f"no proof can be made: {error}", where=Where(str(self.folder))) from None

    @contextmanager
    def _alone(self, wait_s: float = 0.0) -> Iterator[None]:
        with locked(self.folder, wait_s):
            self._between("locked")
            yield

    def _settled(self) -> Head:
        """The last that was signed, seen to be published and to lie on tiles that are right at their edge.

        And the store's entries there are those that were signed.
        """
        head = self.head()
        heads.check_cosigned(head, self._fetch(COSIGNED, MOST_NOTE), self.folder)
        with self.store.read() as tx:
            shown = heads.check_published(tx, head, self._fetch(CHECKPOINT, MOST_NOTE), self.folder)
        try:
            grow(head.size, b"", self._read, expected=head.root)
        except Rejected:
            self._mended(head)
        check_edge(head.size, self._entries(head.size - head.size % TILE, head.size), self._read)
        if not shown:
            self._show(head)
        return head

    def _sequenced(self, most: int) -> int:
        """Give places to at most `most` waiting entries, all in one transaction: the larger, the fewer pages change."""
        taken = 0
        with self.store.write() as tx:
            while taken < most:
                count = ledger.sequence(tx, min(_READ_AT_ONCE, most - taken), self._between)
                taken += count
                if not count:
                    break
        self._between("sequenced")
        return taken

    def _published(self, head: Head, at_us: int) -> Head:
        """Publish all that has its place."""
        with self.store.read() as tx:
            size = ledger.sequenced(tx)
        while head.size < size:
            end = min(size, head.size + AT_ONCE)
            root = self._grown(head, end)
            before, head = head, self._sign(head, end, root, at_us)
            self._removed_partial(before.size, end)
        return head

    def _grown(self, head: Head, end: int) -> bytes:
        """Write tiles and bundles of the entries from the head to before `end`; the root of the tree they make."""
        start = head.size - head.size % TILE
        held = self._entries(start, end)
        leaves = b"".join(map(leaf_hash, held[head.size - start :]))
        grown = grow(head.size, leaves, self._read, expected=head.root)
        check_edge(head.size, held[: head.size - start], self._read)
        files = Files(self.folder, self._between)
        for path, data in bundles(start, held):
            files.put(path, data)
        for level, index, data in grown.tiles:
            files.put(tile_path(level, index, len(data) // 32), data)
        self._between("tiles in their places")
        files.settle()
        self._between("tiles durable")
        if head.size:
            try:
                proof = consistency_proof(head.size, end, self._read)
                check_consistency(head.size, end, proof, head.root, grown.root)
            except Rejected as error:
                what = f"the tree doesn't go on from what was signed last: {error}"
                raise HeadwaterError(what, where=Where(str(self.folder)), hint="check the disk") from None
        return grown.root

    def _sign(self, before: Head | None, size: int, root: bytes, at_us: int) -> Head:
        """Sign a checkpoint, keep it, then show it."""
        if self._signer is None:
            raise UsageError("the log was opened without its key", hint="name the key of the log")
        note = signed_note(Checkpoint(self.origin, size, root).text(), [self._signer])
        self._between("signed")
        head = Head.of(note)
        with self.store.write() as tx:
            heads.replace(tx, before, head, at_us)
        self._between("checkpoint stored")
        self._show(head)
        return head

    def _show(self, head: Head) -> None:
        """Publish a checkpoint that is kept, with the cosignatures that it has already."""
        cosigned = self._fetch(COSIGNED, MOST_NOTE)
        try:
            same = cosigned is not None and read_note(cosigned).text == head.checkpoint.text()
        except Rejected:
            same = False
        note = cosigned if same and cosigned is not None else head.note
        files = Files(self.folder, self._between)
        files.put(CHECKPOINT, note, ("checkpoint written", "published"))
        files.settle()

    def _removed_partial(self, start: int, end: int) -> None:
        """Partial tiles whose full one is there now (c2sp.org/tlog-tiles, "Partial Tiles")."""
        files = Files(self.folder, self._between)
        level, low, high = 0, start, end
        while high:
            if low // TILE < high // TILE:
                files.remove_partial(tile_path(level, low // TILE))
                if level == 0:
                    files.remove_partial(entries_path(low // TILE))
            level, low, high = level + 1, low // TILE, high // TILE
        self._between("partial tiles removed")

    def _mended(self, head: Head) -> int:
        return mended(head.size, head.root, self._entries, self._fetch, Files(self.folder, self._between))

    def _entries(self, start: int, end: int) -> list[bytes]:
        with self.store.read() as tx:
            return ledger.entries(tx, start, end)
