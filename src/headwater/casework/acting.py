"""Persons act on steps: confirm, decline, reverse, undo; one step, a batch, or a campaign, in one transaction.

Of many, those that can't follow are passed over and told; of one, that is the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from headwater.casework.appeal import checked_text
from headwater.casework.follow import follow
from headwater.casework.shelf import Kept, Unread, named, seen
from headwater.casework.work import Work, person
from headwater.control import What
from headwater.errors import ConflictError, UsageError

#: What a person may do, and whether they say why: the record is of no use without it.
_WITH_REASON: Final = {
    What.CONFIRMED: False,
    What.DECLINED: True,
    What.REVERSED: True,
    What.UNDONE: True,
}


@dataclass(frozen=True)
class Acted:
    """Steps as they are now, and those that were passed over, with why."""

    steps: tuple[Kept, ...]
    passed_over: tuple[tuple[str, str], ...] = ()


def act(
    work: Work, what: What, name: str, by: str, reason: str = "", *, seen_revision: int | None = None
) -> Acted:
    """Do `what` to the step, batch or campaign called `name`.

    Raises `ConflictError`, with who did what meanwhile, where nothing can be done, or where one step isn't at the
    revision that the person saw.
    """
    by = person(by)
    if _WITH_REASON[what] and not reason.strip():
        raise UsageError("say why: it is kept with the step", hint="--reason TEXT")
    reason = checked_text(reason, "reason")
    unread: list[Unread] = []
    found, single = named(work.tx, name, unread)
    if seen_revision is not None and not single:
        raise UsageError("a revision is seen of one step", hint="name the step")
    done, first = [], None
    over = [(one.id, f"{one.id} can't be read: {one.why}") for one in unread]
    for kept in found:
        try:
            done.append(_one(work, seen(kept, seen_revision), what, by, reason))
        except ConflictError as error:
            first = first or error
            over.append((kept.id, error.what))
    if not done and first is not None:
        raise first
    return Acted(tuple(done), tuple(over))


def _one(work: Work, kept: Kept, what: What, by: str, reason: str) -> Kept:
    if what is What.UNDONE and kept.step.counted[-1].what is What.REVERSED:
        found = work.tx.row("SELECT state FROM appeals WHERE step = ?", (kept.id,))
        if found and found[0] in ("reversed", "lowered", "unanswered"):
            raise ConflictError(
                f"{kept.id} was taken back on appeal, and that is not undone",
                hint="what is new is a new step: headwater step propose",
            )
    after = work.moved(kept, what, by, reason)
    follow(work, kept, after)
    return after
