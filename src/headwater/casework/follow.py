"""What follows from an event of a step: the customer is told, a statement is made, and an end is counted.

All of it in the transaction of the event. Whether the event may happen was decided before.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from headwater.casework.appeal import DAY_US
from headwater.casework.notices import Notice, Told
from headwater.casework.outcomes import Ended, Outcome, outcome_of
from headwater.casework.shelf import Kept
from headwater.casework.statement import Stated, statement_json, statement_of
from headwater.casework.work import Work
from headwater.control import HOUR_US, State
from headwater.policy import RUNGS, Rung

_IN_FORCE: Final = (State.STANDING, State.ANNOUNCED)
#: Notices that tell of a rung, and those after which the customer knows that nothing of it is left.
_TELLS: Final = tuple(RUNGS)
_ENDS: Final = ("ended", "appeal-reversed", "appeal-lowered", "appeal-unanswered")


@dataclass(frozen=True)
class NoticeRow:
    """A notice as it is kept."""

    step: str
    account: str
    kind: str
    at_us: int
    subject: str
    text: str


def follow(work: Work, before: Kept | None, after: Kept, *, quiet: bool = False) -> None:
    """Do what follows from `before` having become `after`; `quiet`: the end is told by somebody else."""
    state = after.step.state
    if state in _IN_FORCE:
        if not _waits_with_notice(after):
            tell(work, after)
    elif before is not None and before.step.state in _IN_FORCE and not quiet:
        _tell_end(work, after)
    _count(work, after)


def tell(work: Work, kept: Kept) -> bool:
    """Tell the customer of a step in force, and state the reasons, unless they know of it; whether it was new."""
    last = _last_kind(work, kept.id)
    if last is not None and last not in _ENDS:
        return False
    send(work, kept, kept.step.rung.word)
    if kept.basis.decision.duties.statement:
        state_reasons(work, kept)
    return True


def send(
    work: Work, kept: Kept, kind: str, *, answer: str = "", answer_by_us: int = 0, until_us: int | None = None
) -> Notice:
    """Write a notice of `kind` down for sending; `until_us`: what it says of the end, where that isn't the step's."""
    told = told_of(work, kept)
    if until_us is not None:
        told = replace(told, until_us=until_us)
    notice = work.texts.notice(kind, told, work.at_us, answer=answer, answer_by_us=answer_by_us)
    values = (kept.id, kept.step.account, kind, work.at_us, notice.subject, notice.text)
    work.tx.run(
        "INSERT INTO notices (step, account, kind, at_us, subject, text) VALUES (?, ?, ?, ?, ?, ?)", values
    )
    body = {"step": kept.id, "notice": kind, "subject": notice.subject, "text": notice.text}
    work.record("notice", kept.step.account, body)
    return notice


def state_reasons(work: Work, kept: Kept) -> None:
    """Make the statement of reasons of a step and keep it in place of an earlier one; a notice has none."""
    statement = statement_of(_stated(work, kept))
    if statement is None:
        return
    data = statement_json(statement)
    work.tx.run(
        "INSERT INTO statements VALUES (?, ?, ?, ?) ON CONFLICT (step) DO UPDATE SET at_us = excluded.at_us,"
        " body = excluded.body",
        (kept.id, kept.step.account, work.at_us, data),
    )
    work.record(
        "statement", kept.step.account, {"step": kept.id, "statement": msgspec.to_builtins(statement)}
    )


def notices_of(work_tx: Any, step_id: str) -> list[NoticeRow]:
    """The notices of a step, oldest first."""
    sql = "SELECT step, account, kind, at_us, subject, text FROM notices WHERE step = ? ORDER BY id"
    return [NoticeRow(*row) for row in work_tx.rows(sql, (step_id,))]


def told_of(work: Work, kept: Kept) -> Told:
    """What the customer may be told of a step."""
    step, duties = kept.step, kept.basis.decision.duties
    begins, until = span(kept, work.at_us)
    return Told(
        operator=work.settings.operator,
        appeals=work.settings.appeals,
        reference=kept.id,
        rung=step.rung,
        reason_class=step.terms.reason_class,
        clause=step.terms.clause,
        persons=len(step.deciders),
        begins_us=begins,
        until_us=until,
        appeal_by_us=appeal_by_us(work, kept),
        answer_days=duties.answer_within_days,
    )


def span(kept: Kept, at_us: int) -> tuple[int, int]:
    """When a step begins or began, and until when it stands; foreseen where it hasn't begun."""
    step = kept.step
    began, expires = step.began_us, step.expires_us
    if began is None or expires is None:
        began = max(step.begins_us or at_us, at_us)
        expires = began + step.terms.expires_after_h * HOUR_US
    return began, expires


def appeal_by_us(work: Work, kept: Kept) -> int:
    """Until when an appeal may be filed: counted from the first time that the customer was told of the step."""
    sql = f"SELECT min(at_us) FROM notices WHERE step = ? AND kind IN ({', '.join('?' * len(_TELLS))})"
    first = work.tx.row(sql, (kept.id, *_TELLS))
    told = first[0] if first and first[0] is not None else work.at_us
    return int(told) + kept.basis.decision.duties.appeal_within_days * DAY_US


def count_as(work: Work, kept: Kept, outcome: Outcome | None) -> None:
    """Count the end of a step as `outcome`, in place of what it counted as; None: not at all."""
    old = work.tx.row("SELECT outcome FROM outcomes WHERE step = ?", (kept.id,))
    if (old[0] if old else None) == (outcome.value if outcome else None):
        return
    work.tx.run("DELETE FROM outcomes WHERE step = ?", (kept.id,))
    if outcome is not None:
        decision = kept.basis.decision
        day = datetime.fromtimestamp(work.at_us // 1_000_000, UTC).strftime("%Y-%m-%d")
        rung, evidence = kept.step.rung.word, json.dumps(kept.basis.evidence)
        work.tx.run(
            "INSERT INTO outcomes (step, rule, rung, evidence, outcome, day) VALUES (?, ?, ?, ?, ?, ?)",
            (kept.id, decision.rule, rung, evidence, outcome.value, day),
        )
    body = {"step": kept.id, "outcome": outcome.value if outcome else "withdrawn"}
    work.record("outcome", kept.step.account, body)


def ended_steps(tx: Any) -> list[Ended]:
    """Every end that was counted, also those of accounts that were erased."""
    rows = tx.rows("SELECT rule, rung, evidence, outcome FROM outcomes ORDER BY id")
    return [
        Ended(rule, rung, tuple(json.loads(evidence)), Outcome(outcome))
        for rule, rung, evidence, outcome in rows
    ]


def outcomes_of_accounts(tx: Any) -> list[tuple[str, str, Outcome]]:
    """Pseudonym, account id and outcome of each end that was counted of an account that is still held."""
    rows = tx.rows(
        "SELECT accounts.pseudonym, accounts.account, outcome FROM outcomes JOIN steps ON steps.id = outcomes.step"
        " JOIN accounts ON accounts.pseudonym = steps.account ORDER BY outcomes.id"
    )
    return [(pseudonym, account, Outcome(outcome)) for pseudonym, account, outcome in rows]


def shaping_to_tell(kept: Kept, at_us: int) -> bool:
    """Whether a shaping that the customer wasn't told of has lasted so long that they are."""
    after_h, began = kept.basis.decision.duties.notify_shaping_after_h, kept.step.began_us
    return (
        kept.step.state is State.STANDING
        and _waits_with_notice(kept)
        and began is not None
        and at_us >= began + after_h * HOUR_US
    )


def _waits_with_notice(kept: Kept) -> bool:
    """Shaping is told of when it has lasted a while: `tick` does that."""
    return kept.step.rung is Rung.SHAPE and kept.basis.decision.duties.notify_shaping_after_h > 0


def _tell_end(work: Work, kept: Kept) -> None:
    last = _last_kind(work, kept.id)
    if last is None or last in _ENDS or kept.step.rung is Rung.NOTICE:
        return
    send(work, kept, "ended")


def _last_kind(work: Work, step_id: str) -> str | None:
    """The last notice that says how the step stands: what is told of an appeal's course doesn't count."""
    kinds = (*_TELLS, *_ENDS)
    sql = f"SELECT kind FROM notices WHERE step = ? AND kind IN ({', '.join('?' * len(kinds))})"
    found = work.tx.row(f"{sql} ORDER BY id DESC LIMIT 1", (step_id, *kinds))
    return None if found is None else str(found[0])


def _count(work: Work, kept: Kept) -> None:
    # What a reviewer put in place of another step says nothing new of the rule: the other one counts.
    if not kept.basis.lowered_from:
        count_as(work, kept, outcome_of(kept.step))


def _stated(work: Work, kept: Kept) -> Stated:
    step, basis = kept.step, kept.basis
    begins, until = span(kept, work.at_us)
    return Stated(
        reference=kept.id,
        operator=work.settings.operator,
        appeals=work.settings.appeals,
        terms_url=work.settings.terms_url,
        rung=step.rung,
        reason_class=step.terms.reason_class,
        clause=step.terms.clause,
        customer=basis.facts.customer if basis.facts else "unknown",
        requests=basis.requests,
        first_us=basis.first_us,
        last_us=basis.last_us,
        begins_us=begins,
        until_us=until,
        persons=len(step.deciders),
        proposed=not basis.lowered_from,
        appeal_by_us=appeal_by_us(work, kept),
        answer_days=basis.decision.duties.answer_within_days,
    )
