"""One change to a casebook: the transaction, the time, and what it is made with; every record goes to the log in it.

What is changed is the business of those who are handed it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from headwater.casework.notices import Texts
from headwater.casework.pseudonym import Pseudonyms
from headwater.casework.settings import CasebookSettings
from headwater.casework.shelf import Kept, append
from headwater.control import CLOCK, POLICY, Event, What
from headwater.errors import UsageError
from headwater.store import Transaction

#: Puts a record (kind, subject, body, time) into the log, within a transaction.
Enter = Callable[[Transaction, str, str, dict[str, Any], int], object]
_PERSON: Final = re.compile(r"[a-z0-9]([a-z0-9._@-]{0,62}[a-z0-9])?")
#: The kind of entry that tells of each event.
ENTRY: Final[Mapping[What, str]] = {
    What.PROPOSED: "proposal",
    What.CONFIRMED: "decision",
    What.DECLINED: "decision",
    What.UNDONE: "decision",
    What.REVERSED: "decision",
    What.BEGAN: "step",
    What.EXPIRED: "step",
    What.LAPSED: "step",
}


@dataclass(frozen=True)
class Work:
    """What a change is made with; `at_us` is the time of all that happens in it."""

    tx: Transaction
    enter: Enter
    settings: CasebookSettings
    texts: Texts
    names: Pseudonyms
    at_us: int

    def record(self, kind: str, subject: str, body: dict[str, Any], at_us: int | None = None) -> None:
        """Put a record into the log."""
        self.enter(self.tx, kind, subject, body, self.at_us if at_us is None else at_us)

    def moved(self, kept: Kept, what: What, by: str, reason: str = "") -> Kept:
        """`kept` after an event, written down and entered into the log."""
        after = append(self.tx, kept, Event(what, by, self.at_us, reason))
        self.tell(after, what, by, reason)
        return after

    def tell(self, kept: Kept, what: What, by: str, reason: str) -> None:
        """Enter an event that was written down into the log."""
        body = {
            "step": kept.id,
            "event": what.value,
            "by": by,
            "reason": reason,
            "state": kept.step.state.value,
            "rung": kept.step.rung.word,
            "revision": kept.step.revision,
        }
        if what is What.PROPOSED:
            decision = kept.basis.decision
            body |= {
                "verdict": kept.verdict,
                "rule": decision.rule,
                "reason_class": decision.reason_class,
                "expires_after_h": decision.expires_after_h,
                "persons": decision.persons,
                "pack_sha256": decision.pack_sha256,
                "inputs_sha256": decision.inputs_sha256,
            }
        self.record(ENTRY[what], kept.step.account, body, kept.step.last_us)


def person(name: str | None) -> str:
    """The name of somebody who acts, in small letters; `UsageError` where it is none.

    One person is one name, however it is written: two persons are asked for where two names are.
    """
    if not name:
        raise UsageError("say who acts", hint="--by NAME, or HEADWATER_PERSON")
    if not name.isascii() or not _PERSON.fullmatch(name.lower()):
        raise UsageError(
            f"not a person's name, a text of {len(name)} characters",
            hint="1 to 64 letters, digits or . _ @ -, with a letter or digit at both ends",
        )
    name = name.lower()
    if name in (POLICY, CLOCK):
        raise UsageError(f"{name} is nobody: a pack or the time acts under this name", hint="--by NAME")
    return name
