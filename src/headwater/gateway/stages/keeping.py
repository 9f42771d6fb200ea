"""Keeps what a worker knows current: who may come, what stands against whom, issuers' keys, and when keys were used.

Each look is short and where it fails, what was last known stays in force. Changes are known within `every_s`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

from headwater.casework import StandingsReader
from headwater.control import Effects, Standings
from headwater.control.identity import (
    Authenticator,
    Claims,
    Directory,
    IdentitySettings,
    Issuer,
    Issuers,
    Refusal,
    open_identity,
)
from headwater.errors import HeadwaterError, unreadable

_LOG: Final = logging.getLogger("headwater.gateway")
_KEYS_S: Final = 600.0
_KEYS_RETRY_S: Final = 15.0
_USED_S: Final = 60.0
_MOST_KEYS: Final = 1 << 20
_FETCH_S: Final = 10.0
_LEAVING_S: Final = 3.0
#: The stores' files in their folders.
_IDENTITY: Final = "identity.sqlite"
_CASEBOOK: Final = "casebook.sqlite"


class _File:
    """A store's file, by which it is seen that another was put in its place: who has it open would never know."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._was = self._is()

    def replaced(self) -> bool:
        """Whether another lies there since the last time; raises `UnreadableInput` where none does."""
        was, self._was = self._was, self._is()
        return was != self._was

    def _is(self) -> tuple[int, int]:
        try:
            status = self._path.stat()
        except OSError as error:
            raise unreadable(self._path, error) from None
        return status.st_dev, status.st_ino


class Keeping:
    """What runs beside the requests of one worker. `start` it in its loop, `stop` it there."""

    def __init__(self, every_s: float) -> None:
        #: Told when who may come, or what stands against accounts, may be another than before.
        self.changed: Callable[[], None] = lambda: None
        self._every_s = every_s
        self._tasks: list[asyncio.Task[None]] = []
        self._closing: list[Callable[[], object]] = []
        self._begun: list[Callable[[], Coroutine[Any, Any, None]]] = []
        self._leaving: list[Callable[[], Coroutine[Any, Any, None]]] = []
        self._failed: set[str] = set()

    def identity(self, folder: Path, settings: IdentitySettings) -> Directory:
        """A snapshot of who may come, which is kept current; raises what opening the store does."""
        held = open_identity(folder, settings)
        directory, file = held.directory(), _File(folder / _IDENTITY)

        async def look() -> None:
            nonlocal held
            if file.replaced():
                new = open_identity(folder, settings)
                held.close()
                held = new
            if held.refresh(directory):
                self.changed()

        def close() -> None:
            held.close()

        self._closing.append(close)
        self._looked("who may come", look)
        return directory

    def standings(self, folder: Path, effects: Effects, standings: Standings) -> None:
        """Keep what stands against accounts current; the first look is now, and has to work.

        A casebook may hold much, so it is read in a thread of its own.
        """
        thread = ThreadPoolExecutor(1, "standings")
        reader = thread.submit(StandingsReader, folder, effects).result()
        file = _File(folder / _CASEBOOK)
        standings.load(thread.submit(reader.read, _now_us(), even_so=True).result() or {})

        async def look() -> None:
            nonlocal reader
            loop, now = asyncio.get_running_loop(), _now_us()
            if file.replaced():
                new = await loop.run_in_executor(thread, StandingsReader, folder, effects)
                await loop.run_in_executor(thread, reader.close)
                reader = new
            read = partial(reader.read, now, even_so=bool(standings.due(now)))
            found = await loop.run_in_executor(thread, read)
            if found is not None:
                standings.load(found)
                self.changed()

        def close() -> None:
            thread.submit(reader.close).result()
            thread.shutdown()

        self._closing.append(close)
        self._looked("what stands against accounts", look)

    def used(self, authenticator: Authenticator, folder: Path, settings: IdentitySettings) -> None:
        """Write down from time to time when keys were last used."""

        def write(seen: dict[str, int]) -> None:
            with open_identity(folder, settings) as identity:
                identity.used(seen)

        async def once() -> None:
            seen = authenticator.take_used()
            if seen:
                await asyncio.to_thread(write, seen)

        async def run() -> None:
            while True:
                await asyncio.sleep(_USED_S)
                await self._tried("when keys were used", once)

        self._begun.append(run)
        self._leaving.append(once)

    def issuers(self, issuers: tuple[Issuer, ...], take: Callable[[Issuers], None]) -> None:
        """Fetch the keys of tokens' issuers, now and from time to time."""
        keys: dict[str, bytes] = {}

        async def once() -> None:
            for issuer in issuers:
                if issuer.keys:
                    keys[issuer.issuer] = await asyncio.to_thread(_fetched, issuer.keys)
            take(Issuers(issuers, keys))

        async def run() -> None:
            while True:
                worked = await self._tried("the keys of tokens' issuers", once)
                await asyncio.sleep(_KEYS_S if worked else _KEYS_RETRY_S)

        self._begun.append(run)

    def start(self) -> None:
        """Begin."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(run()) for run in self._begun]

    async def stop(self) -> None:
        """End, and let go of the stores."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for once in self._leaving:
            with suppress(HeadwaterError, TimeoutError):
                async with asyncio.timeout(_LEAVING_S):
                    await once()
        for close in self._closing:
            close()

    def _looked(self, what: str, look: Callable[[], Coroutine[Any, Any, None]]) -> None:
        async def run() -> None:
            while True:
                await asyncio.sleep(self._every_s)
                await self._tried(what, look)

        self._begun.append(run)

    async def _tried(self, what: str, once: Callable[[], Coroutine[Any, Any, None]]) -> bool:
        """Whether it worked; a fault is told when it begins, and when it is over."""
        try:
            await once()
        except Exception as error:  # a worker serves on with what it knows
            if what not in self._failed:
                self._failed.add(what)
                said = str(error) if isinstance(error, HeadwaterError) else type(error).__name__
                _LOG.error("%s can't be brought up to date (%s); what was last known stays", what, said)
            return False
        if what in self._failed:
            self._failed.discard(what)
            _LOG.warning("%s is up to date again", what)
        return True


def _fetched(url: str) -> bytes:
    """A small document from an address that the operator has set."""
    import urllib.request

    if not url.startswith(("https://", "http://localhost", "http://127.0.0.1", "http://[::1]")):
        raise ValueError("an issuer's keys are fetched over https")
    with urllib.request.urlopen(url, timeout=_FETCH_S) as answer:
        data: bytes = answer.read(_MOST_KEYS + 1)
    if len(data) > _MOST_KEYS:
        raise ValueError("an issuer's keys are too large")
    return data


def _now_us() -> int:
    return time.time_ns() // 1000


class Latest:
    """Checks tokens by the issuers' keys that were fetched last; before that, none is right."""

    def __init__(self) -> None:
        self.issuers: Issuers | None = None

    def take(self, issuers: Issuers) -> None:
        """These from here on."""
        self.issuers = issuers

    def check(self, token: bytes, now_us: int) -> Claims | Refusal:
        """See `Tokens`."""
        return Refusal.ISSUER if self.issuers is None else self.issuers.check(token, now_us)
