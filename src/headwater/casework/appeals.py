"""Appeals as they are kept: filed, taken, decided; with the step, the customer and the log in one transaction.

Which state follows which, and who may decide, is `appeal`'s business.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Final

import msgspec

from headwater.casework.appeal import (
    DAY_US,
    Appeal,
    AppealState,
    checked_text,
    decided,
    taken,
    unanswered,
)
from headwater.casework.columns import as_bytes, exactly, shown
from headwater.casework.follow import appeal_by_us, count_as, follow, send, span
from headwater.casework.notices import moment
from headwater.casework.outcomes import Outcome
from headwater.casework.proposing import begin
from headwater.casework.shelf import Aside, Kept, Unread, get, hands, one
from headwater.casework.work import Work, person
from headwater.control import CLOCK, HOUR_US, State, What
from headwater.errors import ConflictError, UnreadableInput, UsageError
from headwater.policy import LASTS_H, Rung
from headwater.store import Transaction

_TEXTS: Final = ("id", "step", "state", "text", "reviewer", "answer")
_COLUMNS: Final = f"filed_us, answer_by_us, last_us, {as_bytes(*_TEXTS)}"
_UNKNOWN: Final = "its state is none that an appeal is in, or one of its texts is no UTF-8"
_IN_FORCE: Final = (State.STANDING, State.ANNOUNCED)


def file(work: Work, name: str, text: str, by: str) -> Appeal:
    """File an appeal against the step called `name`, by or for its account; the clock begins to run.

    Raises `UsageError` where there is nothing to take back or the time is over, `ConflictError` where one is filed.
    """
    by = person(by)
    kept = one(work.tx, name)
    text = checked_text(text, "text")
    if not text.strip():
        raise UsageError("an appeal says something", hint="--text TEXT, or --text-file FILE")
    found = work.tx.row(f"SELECT {_COLUMNS} FROM appeals WHERE step = ?", (kept.id,))
    if found:
        old = _appeal(found)
        raise ConflictError(
            f"an appeal against {kept.id} was filed on {moment(old.filed_us)} ({old.id}, {old.state.value})",
            hint="one appeal can be filed against a step",
        )
    if kept.step.state not in (*_IN_FORCE, State.EXPIRED):
        raise UsageError(f"{kept.id} is {kept.step.state.value}: there is nothing to take back")
    if work.at_us > (last := appeal_by_us(work, kept)):
        raise UsageError(
            f"the time to appeal ended on {moment(last)}",
            hint="a person may reverse the step all the same: headwater step reverse",
        )
    answer_by = work.at_us + kept.basis.decision.duties.answer_within_days * DAY_US
    made = Appeal(
        work.names.name("appeal", kept.id),
        kept.id,
        AppealState.FILED,
        work.at_us,
        answer_by,
        work.at_us,
        text,
    )
    work.tx.run(
        "INSERT INTO appeals VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (made.id, kept.id, kept.step.account, made.state.value, *_times(made), text, "", ""),
    )
    _record(work, kept, made, by, {"text": text})
    send(work, kept, "appeal-received", answer_by_us=answer_by)
    return made


def take(work: Work, name: str, by: str, *, instead_of: str = "") -> Appeal:
    """A reviewer takes an appeal: a person who neither proposed the step nor decided anything on it."""
    by = person(by)
    appeal = find(work.tx, name)
    made = taken(appeal, by, work.at_us, hands=hands(work.tx, appeal.step), instead_of=instead_of)
    _write(work, made)
    _record(work, get(work.tx, made.step), made, by, {})
    return made


def decide(
    work: Work, name: str, outcome: AppealState, by: str, answer: str, *, to: Rung | None = None
) -> tuple[Appeal, Kept | None]:
    """Decide an appeal; the step is upheld, ends, or gives way to a milder one (`to`), in the same transaction.

    The milder step, where there is one. Raises `UsageError` where the reviewer had a hand in the step.
    """
    by = person(by)
    appeal = find(work.tx, name)
    if by in hands(work.tx, appeal.step):
        raise UsageError(
            f"{by} had a part in {appeal.step} meanwhile, and doesn't decide the appeal against it",
            hint=f"let another person take it: headwater appeal take {appeal.id} --instead-of {by}",
        )
    made = decided(appeal, outcome, by, answer, work.at_us)
    kept = get(work.tx, made.step)
    milder = _milder(kept, to) if outcome is AppealState.LOWERED else None
    _write(work, made)
    _record(work, kept, made, by, {"answer": answer})
    if outcome is AppealState.UPHELD:
        send(work, kept, "appeal-upheld", answer=made.answer)
        return made, None
    kept = _taken_back(work, kept, by, f"on appeal {made.id}")
    count_as(work, kept, Outcome.LOWERED if milder else Outcome.REVERSED)
    if milder is None:
        send(work, kept, "appeal-reversed", answer=made.answer)
        return made, None
    return made, _lowered(work, kept, made, milder, by)


def end_unanswered(work: Work, appeal: Appeal) -> Appeal:
    """End the step of an appeal that nobody answered in time."""
    made = unanswered(appeal, work.at_us)
    kept = get(work.tx, made.step)
    _write(work, made)
    _record(work, kept, made, CLOCK, {})
    kept = _taken_back(work, kept, CLOCK, f"appeal {made.id} was not answered in time")
    count_as(work, kept, Outcome.REVERSED)
    send(work, kept, "appeal-unanswered")
    return made


def find(tx: Transaction, name: str) -> Appeal:
    """The appeal of this id (or its beginning), against this step, or of this account; `UsageError` otherwise."""
    sql = f"SELECT {_COLUMNS} FROM appeals WHERE substr(id, 1, ?) = ?"
    found = tx.rows(sql, (len(name), name)) if name.startswith("appeal-") and len(name) > 9 else []
    if not found:
        sql = f"SELECT {_COLUMNS} FROM appeals WHERE step = ? OR account IN (SELECT pseudonym FROM accounts"
        found = tx.rows(f"{sql} WHERE account = ? OR pseudonym = ?)", (name, name, name))
    if len(found) == 1:
        return _appeal(found[0])
    if found:
        raise UsageError(
            f"{len(found):,} appeals go by this name", hint="name one: headwater appeal list --all"
        )
    from difflib import get_close_matches

    known = [shown(row[0]) for row in tx.rows(f"SELECT {as_bytes('id')} FROM appeals LIMIT 10000")]
    near = get_close_matches(name, known, n=1)
    raise UsageError(
        "there is no such appeal in this casebook",
        hint=f"did you mean {near[0]}?" if near else "headwater appeal list",
    )


def appeals(
    tx: Transaction, *, open_only: bool = False, step: str | None = None, aside: Aside = None
) -> list[Appeal]:
    """Appeals, those first that have to be answered first; those that can't be read go `aside`."""
    made = []
    for row in tx.rows(f"SELECT {_COLUMNS} FROM appeals ORDER BY answer_by_us, id"):
        try:
            made.append(_appeal(row))
        except UnreadableInput:
            if aside is None:
                raise
            aside.append(Unread(shown(row[3]), _UNKNOWN))
    return [one for one in made if (one.open or not open_only) and step in (None, one.step)]


def _taken_back(work: Work, kept: Kept, by: str, reason: str) -> Kept:
    """End a step that is in force; one that is over already stays as it ended, and only counts otherwise."""
    if kept.step.state not in _IN_FORCE:
        return kept
    after = work.moved(kept, What.REVERSED, by, reason)
    follow(work, kept, after, quiet=True)
    return after


def _milder(kept: Kept, to: Rung | None) -> Rung:
    lower = [rung.word for rung in Rung if Rung.OBSERVE < rung < kept.step.rung]
    if to is None or to.word not in lower:
        known = ", ".join(lower) or "there is none: reverse it"
        raise UsageError(f"to which rung below {kept.step.rung.word} is it lowered?", hint=f"--to: {known}")
    if kept.step.state not in _IN_FORCE:
        raise UsageError(f"{kept.id} is {kept.step.state.value}: there is nothing to lower")
    return to


def _lowered(work: Work, kept: Kept, appeal: Appeal, to: Rung, by: str) -> Kept:
    """The milder step that stands in place of `kept`, until then at the latest; the reviewer has decided it."""
    old = kept.basis.decision
    expires = kept.step.expires_us
    left = LASTS_H[to] if expires is None else max(1, math.ceil((expires - work.at_us) / HOUR_US))
    decision = replace(
        old,
        rung=to,
        reason=f"Lowered on appeal {appeal.id}.",
        expires_after_h=min(LASTS_H[to], left),
        persons=2 if to >= Rung.BAN else 1,
        duties=replace(old.duties, notice_before_h=0),
    )
    basis = msgspec.structs.replace(kept.basis, decision=decision, lowered_from=kept.id)
    step_id = work.names.name("step", "lowered", kept.id, appeal.id)
    step = begin(work, step_id, kept.step.account, kept.verdict, kept.batch, kept.campaign, basis, by)
    after = work.moved(step, What.CONFIRMED, by, f"on appeal {appeal.id}")
    send(work, kept, "appeal-lowered", answer=appeal.answer, until_us=span(after, work.at_us)[1])
    follow(work, step, after)
    return after


def _record(work: Work, kept: Kept, appeal: Appeal, by: str, told: dict[str, str]) -> None:
    body = {"appeal": appeal.id, "step": kept.id, "state": appeal.state.value, "by": by, **told}
    work.record("appeal", kept.step.account, body, appeal.last_us)


def _write(work: Work, appeal: Appeal) -> None:
    work.tx.run(
        "UPDATE appeals SET state = ?, filed_us = ?, answer_by_us = ?, last_us = ?, reviewer = ?, answer = ?"
        " WHERE id = ?",
        (appeal.state.value, *_times(appeal), appeal.reviewer, appeal.answer, appeal.id),
    )


def _times(appeal: Appeal) -> tuple[int, int, int]:
    return appeal.filed_us, appeal.answer_by_us, appeal.last_us


def _appeal(row: tuple[Any, ...]) -> Appeal:
    filed_us, answer_by_us, last_us, *texts = row
    try:
        name, step, word, text, reviewer, answer = map(exactly, texts)
        state = AppealState(word)
    except ValueError:
        raise Unread(shown(texts[0]), _UNKNOWN).error() from None
    return Appeal(name, step, state, filed_us, answer_by_us, last_us, text, reviewer, answer)
