"""A log in a folder, with a key and secrets that are the same each time."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from headwater.casework.log import MIGRATIONS, Between, Log, Published
from headwater.keys import SigningKey
from headwater.proof import NoteSigner, Trust, VerifierKey
from headwater.store import Store

ORIGIN = "example.com/casework"
KEY = SigningKey(b"\x01" * 32, "log")
SIGNER = NoteSigner(ORIGIN, KEY.public, KEY.sign)
VKEY = VerifierKey(ORIGIN, KEY.public)
TRUST = Trust((VKEY,))
AT = 1_790_000_000_000_000


def secrets() -> Callable[[int], bytes]:
    """Secrets that differ, and are the same in each run."""
    count = itertools.count(1)
    return lambda length: next(count).to_bytes(length, "big")


@dataclass
class World:
    """A store and its log; entries are numbered."""

    folder: Path
    store: Store
    log: Log
    count: int = 0
    secret: Callable[[int], bytes] = field(default_factory=secrets)

    @classmethod
    def new(cls, folder: Path) -> World:
        folder.mkdir(exist_ok=True)
        store = Store.open(folder / "casebook.sqlite", MIGRATIONS)
        return cls(folder, store, Log.new(folder / "log", ORIGIN, SIGNER, store, AT))

    def again(self, between: Between = lambda _: None) -> World:
        """The same, opened again."""
        self.store.close()
        store = Store.open(self.folder / "casebook.sqlite", MIGRATIONS, must_exist=True)
        log = Log.open(self.folder / "log", ORIGIN, SIGNER, store, between=between)
        return World(self.folder, store, log, self.count, self.secret)

    def enter(self, times: int = 1, *, subject: str = "acct-1", said: str = "said") -> list[str]:
        """Write records; the ids of their entries."""
        ids = []
        for _ in range(times):
            with self.store.write() as tx:
                body = {"number": self.count, "text": said}
                ids.append(self.log.enter(tx, "step", subject, body, AT + self.count, self.secret))
            self.count += 1
        return ids

    def publish(self, times: int = 0) -> Published:
        """Write records, and publish."""
        self.enter(times)
        return self.log.drain(AT)
