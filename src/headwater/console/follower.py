"""A thread that enters every change of the identity store into the casebook's log, also those made elsewhere.

What can't be entered now waits in the identity store's outbox, and is entered later.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Final

from headwater.console.desk import Office
from headwater.console.front import fault
from headwater.control.identity import Identity
from headwater.errors import HeadwaterError

#: Seconds before it is tried again after something was in the way, at most.
_LONGEST_S: Final = 60.0
_DOUBLE: Final = 2.0


class Follower:
    """Follows an office's identity store while it is entered; does nothing where there is no casebook."""

    def __init__(self, office: Office, log: Callable[[str], None]) -> None:
        self._office = office
        self._log = log
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="headwater-follower", daemon=True)

    def __enter__(self) -> Follower:
        if self._office.books is not None:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(self._office.settings.drain_s)

    def once(self) -> int:
        """Enter what waits; how many changes."""
        from headwater.casework import log_identity

        office = self._office
        assert office.books is not None
        with office.store() as store:
            identity = Identity(store, office.identity, office.peppers)
            if not identity.waiting(1):
                return 0
            with office.books.open() as book:
                return log_identity(book, identity, office.clock())

    def _follow(self) -> None:
        usual = pause = self._office.settings.follow_s
        while True:
            ending = self._stop.wait(pause)  # what was changed last is entered before it ends
            try:
                self.once()
                pause = usual
            except HeadwaterError as error:
                pause = min(pause * _DOUBLE, _LONGEST_S)
                self._log(f"the casebook's log lacks changes for now: {error}")
            except Exception as error:
                pause = min(pause * _DOUBLE, _LONGEST_S)
                self._log(f"the casebook's log lacks changes for now: {fault(error)}")
            if ending:
                return
