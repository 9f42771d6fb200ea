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

from headwater.casework.columns import as_bytes, exactly, shown
from headwater.control import ACTIVE, Event, State, Step, Terms, What, apply
from headwater.errors import ConflictError, HeadwaterError, UnreadableInput, UsageError
from headwater.policy import Decision, Facts, Rung
from headwater.store import Transaction

_COLUMNS: Final = f"{as_bytes('id', 'account', 'verdict', 'batch', 'campaign')}, basis"


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


@dataclass(frozen=True)
class Unread:
    """A row that can't be read as it is kept, by its id, and why; no value is repeated."""

    id: str
    why: str

    def error(self) -> HeadwaterError:
        """The same, for whoever needs this row."""
        hint = "headwater casebook check says what differs from the log; restore the newest copy of the store"
        return UnreadableInput(f"{self.id} can't be read: {self.why}", hint=hint)


#: Where rows that can't be read are set aside; None: the first of them is an error.
Aside = list[Unread] | None


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
    aside: Aside = None,
) -> list[Kept]:
    """Steps that all of the conditions name, the highest rung first; those that can't be read go `aside`."""
    terms, params = ["1 = 1"], []
    for column, value in (("account", account), ("campaign", campaign), ("batch", batch)):
        if value is not None:
            terms.append(f"{column} = ?")
            params.append(value)
    if states is not None:
        wanted = [state.value for state in states]
        terms.append(f"state IN ({', '.join('?' * len(wanted))})")
        params += wanted
    where = f"WHERE {' AND '.join(terms)} ORDER BY rung DESC, last_us DESC, id LIMIT {limit:d}"
    return _kept(tx, where, params, aside)


def active(tx: Transaction, aside: Aside = None) -> list[Kept]:
    """Steps that do something, or may yet."""
    return select(tx, states=ACTIVE, aside=aside)


def named(tx: Transaction, name: str, aside: Aside = None) -> tuple[list[Kept], bool]:
    """The steps that a name stands for, and whether it is one step's: its id or the beginning of it.

    Else it is a batch's, a campaign's, or an account's (id or pseudonym); those of them that can't be read go `aside`.

    Raises `UsageError`, with the nearest name, where it stands for none, or for more than one step's beginning, and
    `UnreadableInput` where nothing that it stands for can be read.
    """
    unread: list[Unread] = []
    found = _named(tx, name, unread)
    if unread and (aside is None or not found[0]):
        raise unread[0].error()
    if aside is not None:
        aside += unread
    return found


def _named(tx: Transaction, name: str, aside: list[Unread]) -> tuple[list[Kept], bool]:
    if name.startswith("step-") and len(name) > 8:
        sql = f"SELECT {as_bytes('id')} FROM steps WHERE substr(id, 1, ?) = ?"
        ids = [shown(row[0]) for row in tx.rows(sql, (len(name), name))]
        if len(ids) == 1:
            return [get(tx, ids[0])], True
        if ids:
            raise UsageError("more than one step has an id that begins so", hint="give more of its digits")
    for column in ("batch", "campaign"):
        found = _kept(tx, f"WHERE {column} = ? ORDER BY rung DESC, last_us DESC, id", (name,), aside)
        if found or aside:
            return found, False
    account = tx.row("SELECT pseudonym FROM accounts WHERE account = ? OR pseudonym = ?", (name, name))
    if account and ((found := select(tx, account=account[0], aside=aside)) or aside):
        return found, False
    sql = f"SELECT {as_bytes('id')} FROM steps UNION SELECT {as_bytes('batch')} FROM steps LIMIT 10000"
    known = [shown(row[0]) for row in tx.rows(sql)]
    sql = f"SELECT DISTINCT {as_bytes('campaign')} FROM steps LIMIT 1000"
    known += [shown(row[0]) for row in tx.rows(sql)]
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
    sql = f"SELECT at_us, {as_bytes('what', 'by', 'reason')} FROM events WHERE step = ? ORDER BY revision"
    try:
        return [
            Event(What(exactly(what)), exactly(by), at_us, exactly(reason))
            for at_us, what, by, reason in tx.rows(sql, (step_id,))
        ]
    except UnicodeDecodeError:
        raise Unread(step_id, "one of its events holds a text that is no UTF-8").error() from None
    except ValueError:
        raise Unread(step_id, "one of its events is of an unknown kind").error() from None


def hands(tx: Transaction, step_id: str) -> set[str]:
    """The persons who had a part in a step: who proposed it or decided anything on it, also where it was undone.

    The policy says which rung, and a person which report and which accounts it is asked about: who began a step looks
    at it with eyes that have looked already. The policy and the clock are no persons.
    """
    return {e.by for e in history(tx, step_id) if e.by_person}


def _moving(step: Step) -> tuple[str, int, int, int]:
    return step.state.value, int(step.rung), step.revision, step.last_us


def _write(tx: Transaction, step_id: str, revision: int, event: Event) -> None:
    tx.run(
        "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)",
        (step_id, revision, event.what.value, event.by, event.at_us, event.reason),
    )


def _kept(tx: Transaction, where: str, params: Sequence[Any], aside: Aside = None) -> list[Kept]:
    made = []
    for row in tx.rows(f"SELECT {_COLUMNS} FROM steps {where}", params):
        found = _read(tx, row)
        if isinstance(found, Kept):
            made.append(found)
        elif aside is None:
            raise found.error()
        else:
            aside.append(found)
    return made


def _read(tx: Transaction, row: tuple[Any, ...]) -> Kept | Unread:
    *texts, data = row
    step_id = shown(texts[0])
    step: Step | None = None
    try:
        _, account, verdict, batch, campaign = map(exactly, texts)
        basis = msgspec.json.decode(data, type=Basis)
        terms = basis.terms
        for event in history(tx, step_id):
            first = replace(event, terms=terms) if step is None else event
            step = apply(step, first, step_id=step_id, account=account)
    except UnicodeDecodeError:
        return Unread(step_id, "one of its texts is no UTF-8")
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return Unread(step_id, "what it rests on is not what a step rests on")
    except HeadwaterError as error:
        return Unread(step_id, error.what.removeprefix(f"{step_id} can't be read: "))
    return Kept(step, verdict, batch, campaign, basis) if step else Unread(step_id, "it has no events")
