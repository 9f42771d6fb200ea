"""What serving engines' adapters share: which rule an answer gets, by its ticket and the keyring that the engine has.

The keyring is named by the environment variable HEADWATER_KEYRING; without it nothing is marked, and that is said once.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from headwater.errors import HeadwaterError, UsageError
from headwater.keys import load_ticket_keys
from headwater.mark import TICKET_PARAMETER, Ticket, TicketVerifier
from headwater.mark.embed import Embedding, Rule, Wanted, load_embedding

#: Environment variable that names the keyring.
KEYRING: Final = "HEADWATER_KEYRING"
#: Whom an answer is for: a signed ticket, what a program that is trusted asks for, or nobody known.
For = str | Wanted | None
_LOG: Final = logging.getLogger("headwater.marks")


class Marker:
    """The keyring's `[embed]` with the keys of its tickets."""

    def __init__(self, embedding: Embedding, clock: Callable[[], float] = time.time) -> None:
        """`clock`: seconds since 1970 UTC. Raises `ConfigurationError` where the tickets' keys can't be used."""
        self._embedding, self._clock = embedding, clock
        file = embedding.ticket_file
        self._verifier = None if file is None else TicketVerifier(load_ticket_keys(file))

    def admit(self, text: object) -> None:
        """Whether a request may be taken in with this ticket (None: without one), now.

        Raises `UsageError` for a ticket that isn't good, and where there is none and the keyring refuses such requests.
        """
        self._rule(text, self._clock())

    def rule(self, text: object) -> Rule | None:
        """The rule of a request that was taken in; None: its answer stays unmarked.

        What is wrong with it now is logged, and the answer is marked as one without a ticket: an engine that is
        writing can refuse nothing any more.
        """
        try:
            return self._rule(text, None)
        except UsageError as error:
            if text is None:  # refused when it was taken in, or an engine that tries itself
                return None
            once(f"an answer isn't marked by its ticket: {error.what}")
        return self.rule(None)

    def _rule(self, text: object, at_s: float | None) -> Rule | None:
        try:
            ticket = self._ticket(text, at_s)
            if ticket is None:
                return self._embedding.rule()
        except UsageError as error:
            raise UsageError(f"{TICKET_PARAMETER}: {error.what}", hint=error.hint) from None
        try:
            return self._embedding.rule(ticket)
        except UsageError as error:
            # What a client may read doesn't say which layer its answer was to get.
            once(f"answers can't be marked as their tickets say: {error.what}")
            raise UsageError(f"{TICKET_PARAMETER}: the answer can't be marked as its ticket says") from None

    def _ticket(self, text: object, at_s: float | None) -> Ticket | None:
        if text is None:
            return None
        if self._verifier is None:
            raise UsageError(
                "tickets aren't taken here", hint="name their keys in the keyring: ticket_file in [embed]"
            )
        return self._verifier.verified(text, at_s)


def rules_for(embedding: Embedding, tickets: Sequence[For]) -> tuple[Rule | None, ...]:
    """The rule of each answer, in a program that writes marks by itself.

    Raises `UsageError` for a ticket that isn't good, and as `Embedding.rule` does.
    """
    signed = Marker(embedding) if any(isinstance(each, str) for each in tickets) else None
    found: list[Rule | None] = []
    for each in tickets:
        if signed is not None and isinstance(each, str):
            signed.admit(each)
            found.append(signed.rule(each))
        else:
            found.append(embedding.rule(None if isinstance(each, str) else each))
    return tuple(found)


@cache
def marker() -> Marker | None:
    """That of this process; None where no keyring is named. Raises `HeadwaterError` for one that can't be used."""
    path = os.environ.get(KEYRING)
    if not path:
        once(f"{KEYRING} isn't set: answers aren't marked", logging.INFO)
        return None
    try:
        return Marker(load_embedding(Path(path)))
    except HeadwaterError as error:
        _LOG.error("%s%s", error, f" ({error.hint})" if error.hint else "")
        raise


@cache
def once(told: str, level: int = logging.ERROR) -> None:
    """Say something the first time that it is so."""
    _LOG.log(level, told)
