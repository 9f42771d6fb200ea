"""Steps as they are kept: read, found by name, and moved on by one event, within a transaction that others opened.

An event is appended only to the revision that was seen; who comes second is told. What follows from an event is
`follow`'s business.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, Final

import msgspec

from headwater.control import ACTIVE, Event, State, Step, Terms, What, apply
from headwater.errors import ConflictError, UsageError
from headwater.policy import Decision, Facts, Rung
from headwater.store import Transaction

_COLUMNS: Final = "id, account, verdict, batch, campaign, basis"


class Basis(msgspec.Struct, frozen=True):
    """What a step rests on, as it was when it was proposed.

    `decision` is the policy's, `facts` what it was decided on (None where a person lowered another step), `evidence`
    the kinds of evidence that carried the verdict; `requests` of the account from `first_us` to `last_us` are
    attributed to the campaign. `lowered_from` is the step in whose place it stands.
    """

    decision: Decision
    facts: Facts | None
    evidence: tuple[str, ...]
    requests: int
    first_us: int
    last_us: int
    lowered_from: str = ""

    @property
    def terms(self) -> Terms:
        """The terms under which the step may stand; only suspending and what is above it waits for a notice."""
        decision = self.decision
        waits = decision.duties.notice_before_h if decision.rung >= Rung.SUSPEND else 0
        return Terms(
            decision.rung,
            decision.rule,
            decision.reason,
            decision.reason_class,
            decision.clause,
            decision.expires_after_h,
            decision.persons,
            waits,
        )


@dataclass(frozen=True)
class Kept:
    """A step with what it rests on: the verdict's id, the batch it was proposed in, and the campaign."""

    step: Step
    verdict: str
    batch: str
    campaign: str
    basis: Basis

    @property
    def id(self) -> str:
        """The step's name."""
        return self.step.id


def add(tx: Transaction, kept: Kept) -> None:
    """Keep a step that was just proposed."""
    step, first = kept.step, kept.step.counted[0]
    values = (kept.id, step.account, kept.verdict, kept.batch, kept.campaign, *_moving(step))
    tx.run(
        "INSERT INTO steps (id, account, verdict, batch, campaign, state, rung, revision, last_us, basis)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*values, msgspec.json.encode(kept.basis)),
    )
    _write(tx, kept.id, 1, first)


def append(tx: Transaction, kept: Kept, event: Event) -> Kept:
    """Move a step on by one event; `ConflictError` where it can't, or was moved since it was read."""
    step = apply(kept.step, event)
    state, _, revision, last_us = _moving(step)
    tx.swap(
        "UPDATE steps SET state = ?, revision = ?, last_us = ? WHERE id = ? AND revision = ?",
        (state, revision, last_us, kept.id, kept.step.revision),
        f"{kept.id} has changed meanwhile",
        hint=f"headwater step show {kept.id}",
    )
    _write(tx, kept.id, revision, replace(event, at_us=last_us))
    return replace(kept, step=step)


def has(tx: Transaction, step_id: str) -> bool:
    """Whether there is a step of this id."""
    return tx.row("SELECT 1 FROM steps WHERE id = ?", (step_id,)) is not None


def get(tx: Transaction, step_id: str) -> Kept:
    """The step with this id; `UsageError` where there is none."""
    found = _kept(tx, "WHERE id = ?", (step_id,))
    if not found:
        raise UsageError("there is no such step", hint="headwater step list")
    return found[0]


def select(
    tx: Transaction,
    *,
    account: str | None = None,
    campaign: str | None = None,
    batch: str | None = None,
    states: Iterable[State] | None = None,
    limit: int = -1,
) -> list[Kept]:
    """Steps that all of the conditions name, the highest rung first."""
    terms, params = ["1 = 1"], []
    for column, value in (("account", account), ("campaign", campaign), ("batch", batch)):
        if value is not None:
            terms.append(f"{column} = ?")
            params.append(value)
    if states is not None:
        wanted = [state.value for state in states]
        terms.append(f"state IN ({', '.join('?' * len(wanted))})")
        params += wanted
    return _kept(
        tx, f"WHERE {' AND '.join(terms)} ORDER BY rung DESC, last_us DESC, id LIMIT {limit:d}", params
    )


def active(tx: Transaction) -> list[Kept]:
    """Steps that do something, or may yet."""
    return select(tx, states=ACTIVE)


def named(tx: Transaction, name: str) -> tuple[list[Kept], bool]:
    """The steps that a name stands for, and whether it is one step's: its id or the beginning of it.

    Else it is a batch's, a campaign's, or an account's (id or pseudonym).

    Raises `UsageError`, with the nearest name, where it stands for none, or for more than one step's beginning.
    """
    if name.startswith("step-") and len(name) > 8:
        ids = [
            row[0] for row in tx.rows("SELECT id FROM steps WHERE substr(id, 1, ?) = ?", (len(name), name))
        ]
        if len(ids) == 1:
            return [get(tx, ids[0])], True
        if ids:
            raise UsageError("more than one step has an id that begins so", hint="give more of its digits")
    for column in ("batch", "campaign"):
        if found := _kept(tx, f"WHERE {column} = ? ORDER BY rung DESC, last_us DESC, id", (name,)):
            return found, False
    account = tx.row("SELECT pseudonym FROM accounts WHERE account = ? OR pseudonym = ?", (name, name))
    if account and (found := select(tx, account=account[0])):
        return found, False
    known = [str(row[0]) for row in tx.rows("SELECT id FROM steps UNION SELECT batch FROM steps LIMIT 10000")]
    known += [str(row[0]) for row in tx.rows("SELECT DISTINCT campaign FROM steps LIMIT 1000")]
    near = get_close_matches(name, known, n=1)
    raise UsageError(
        "there is no such step, batch, campaign or account in this casebook",
        hint=f"did you mean {near[0]}?" if near else "headwater step list",
    )


def one(tx: Transaction, name: str) -> Kept:
    """The one step that a name stands for; of an account's, the one in force. `UsageError` where it isn't one."""
    found, _ = named(tx, name)
    if len(found) > 1:
        found = [kept for kept in found if kept.step.state in (State.STANDING, State.ANNOUNCED)] or found
    if len(found) > 1:
        raise UsageError(
            f"{len(found):,} steps go by this name", hint="name one: headwater step list --of NAME"
        )
    return found[0]


def seen(kept: Kept, revision: int | None) -> Kept:
    """`kept`, if it is still at the revision that somebody saw; `ConflictError` says who did what since."""
    if revision is None or revision == kept.step.revision:
        return kept
    last = kept.step.counted[-1]
    raise ConflictError(
        f"{kept.id} has changed since revision {revision}: it is {kept.step.state.value}, and the last that counts "
        f"is “{last.what.value}” by {last.by}",
        hint=f"headwater step show {kept.id}",
    )


def history(tx: Transaction, step_id: str) -> list[Event]:
    """All events of a step, also those that were undone, oldest first."""
    sql = "SELECT what, by, at_us, reason FROM events WHERE step = ? ORDER BY revision"
    return [Event(What(what), by, at_us, reason) for what, by, at_us, reason in tx.rows(sql, (step_id,))]


def hands(tx: Transaction, step_id: str) -> set[str]:
    """The persons who decided anything on a step, also where it was undone; proposing is the policy's."""
    return {e.by for e in history(tx, step_id) if e.by_person and e.what is not What.PROPOSED}


def _moving(step: Step) -> tuple[str, int, int, int]:
    return step.state.value, int(step.rung), step.revision, step.last_us


def _write(tx: Transaction, step_id: str, revision: int, event: Event) -> None:
    tx.run(
        "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)",
        (step_id, revision, event.what.value, event.by, event.at_us, event.reason),
    )


def _kept(tx: Transaction, where: str, params: Sequence[Any]) -> list[Kept]:
    rows = tx.rows(f"SELECT {_COLUMNS} FROM steps {where}", params)
    made = []
    for step_id, account, verdict, batch, campaign, data in rows:
        basis = msgspec.json.decode(data, type=Basis)
        step: Step | None = None
        for event in history(tx, step_id):
            first = replace(event, terms=basis.terms) if step is None else event
            step = apply(step, first, step_id=step_id, account=account)
        assert step is not None
        made.append(Kept(step, verdict, batch, campaign, basis))
    return made
