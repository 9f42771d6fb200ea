"""Whether a casebook still says what its log says: steps and their events, notices, statements, appeals, outcomes.

Whoever writes into the store past Headwater can change what a row says. The log's records commit to what was said when
it happened, and the signed checkpoint to the records; so each row is held against its record. Nothing is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from headwater.casework.columns import as_bytes, shown
from headwater.casework.log import entered, unsigned
from headwater.casework.notices import moment
from headwater.casework.pseudonym import Pseudonyms
from headwater.casework.shelf import Kept, Unread, select
from headwater.casework.statement import FORMAT, FORMAT_VERSION
from headwater.casework.testimony import Said, Testimony, heard
from headwater.casework.work import ENTRY
from headwater.control import What
from headwater.policy import inputs_sha256
from headwater.proof import canonical_json
from headwater.store import Transaction

#: Who can't be told apart from the log's records is said in these words.
_UNTOLD: Final = "the log doesn't tell of it"
_NOT_HELD: Final = "the log tells of it, and the casebook doesn't hold it"
#: What the log tells of a proposal and the step rests on.
_TERMS: Final = ("rule", "reason_class", "expires_after_h", "persons", "pack_sha256", "inputs_sha256")


@dataclass(frozen=True)
class Difference:
    """Something that a casebook says otherwise than its log: the id of what it is, and what differs."""

    id: str
    what: str


@dataclass(frozen=True)
class Agreement:
    """Rows that were held against the log, by class, and what differs.

    `untold`: rows whose records were erased when their time was over, or lost with an older store, so that nobody can
    say any more whether they are as they were.
    """

    compared: dict[str, int]
    untold: int
    differences: tuple[Difference, ...]


@dataclass
class _Comparing:
    """A comparison that goes on."""

    tx: Transaction
    log: Testimony
    compared: Counter[str] = field(default_factory=Counter)
    untold: int = 0
    found: list[Difference] = field(default_factory=list)

    def rows(self, table: str, texts: Sequence[str], *others: str, more: str = "") -> list[tuple[Any, ...]]:
        """Rows of a table: the columns that are texts, then the others."""
        columns = ", ".join((as_bytes(*texts), *others))
        found = self.tx.rows(f"SELECT {columns} FROM {table} {more}")
        return [(*map(shown, row[: len(texts)]), *row[len(texts) :]) for row in found]

    def differ(self, name: str, what: str) -> None:
        self.found.append(Difference(name, what))

    def field(self, name: str, what: str, here: object, there: object) -> None:
        """One field of a row, and what the log says of it."""
        if here != there:
            self.differ(name, f"{what} is {_worded(here)}, and the log says {_worded(there)}")

    def time(self, name: str, what: str, here: int, there: int) -> None:
        """The same for a time, in microseconds since 1970."""
        told = [moment(at_us) if moment(here) != moment(there) else f"{at_us} µs" for at_us in (here, there)]
        self.field(name, what, *told)

    def text(self, name: str, what: str, here: object, there: object) -> None:
        """The same for what persons wrote, which isn't repeated."""
        if here != there:
            self.differ(name, f"{what} is not what the log says")

    def alone(self, name: str, what: str, kind: str, at_us: int) -> None:
        """A row of which the log has no record: that may have been erased."""
        if self.log.excused(kind, at_us):
            self.untold += 1
        else:
            self.differ(name, f"{what}{_UNTOLD}")

    def missing(self, table: str, rows: Iterable[tuple[str, str, int]]) -> None:
        """Rows (id, what they are, place of their last record) that aren't there; as many as time erased may be."""
        erased = self.log.erased.get(table, [])
        last = max((place for place, _ in erased), default=-1)
        gone = 0
        for name, what, place in rows:
            if place > last:
                self.differ(name, f"{what}{_NOT_HELD}")
            else:
                gone += 1
        if gone > (told := sum(count for _, count in erased)):
            self.differ(
                table, f"{gone:,} that the log tells of are gone, and it tells of {told:,} that were erased"
            )


def compare(tx: Transaction, names: Pseudonyms) -> Agreement:
    """Hold all that the casebook keeps against its log."""
    comparing = _Comparing(tx, heard(entered(tx)))
    if wrong := unsigned(tx):
        comparing.differ("log", wrong)
    for name, why in comparing.log.wrong:
        comparing.differ(name, why)
    _accounts(comparing, names)
    _verdicts(comparing)
    _steps(comparing)
    _notices(comparing)
    _statements(comparing)
    _appeals(comparing)
    _outcomes(comparing)
    return Agreement(dict(comparing.compared), comparing.untold, tuple(comparing.found))


def _accounts(c: _Comparing, names: Pseudonyms) -> None:
    for pseudonym, account in c.rows("accounts", ("pseudonym", "account")):
        c.compared["accounts"] += 1
        if names.of(account) != pseudonym:
            c.differ(pseudonym, "stands for an account that has another pseudonym")


def _verdicts(c: _Comparing) -> None:
    here = {name: (at_us, bytes(body)) for name, at_us, body in c.rows("verdicts", ("id",), "at_us", "body")}
    for name, (at_us, body) in here.items():
        c.compared["verdicts"] += 1
        said = c.log.verdicts.get(name)
        if said is None:
            c.alone(name, "", "verdict", at_us)
        else:
            c.time(name, "its time", at_us, said.at_us)
            c.text(name, "what was found", body, canonical_json(said.body["found"]))
    c.missing("verdicts", ((n, "", said.place) for n, said in c.log.verdicts.items() if n not in here))


def _steps(c: _Comparing) -> None:
    aside: list[Unread] = []
    kept = {one.id: one for one in select(c.tx, aside=aside)}
    for one in aside:
        c.differ(one.id, f"can't be read: {one.why}")
    events: dict[str, dict[int, tuple[Any, ...]]] = {}
    for step, *texts, revision, at_us in c.rows(
        "events", ("step", "what", "by", "reason"), "revision", "at_us"
    ):
        events.setdefault(step, {})[revision] = (*texts, at_us)
    rows = c.rows("steps", ("id", "account", "state"), "rung", "revision", "last_us", more="ORDER BY id")
    for name, account, *columns in rows:
        c.compared["steps"] += 1
        for revision in sorted({*events.get(name, {}), *c.log.events.get(name, {})}):
            _event(c, name, account, revision, events.get(name, {}).get(revision))
        if name in kept:
            _step(c, kept[name], columns)
    held = {row[0] for row in rows}
    gone = ((n, "", max(s.place for s in told.values())) for n, told in c.log.events.items() if n not in held)
    c.missing("steps", gone)


def _event(c: _Comparing, name: str, account: str, revision: int, row: tuple[Any, ...] | None) -> None:
    said, called = c.log.events.get(name, {}).get(revision), f"revision {revision}: "
    if row is None:
        c.differ(name, f"{called}{_NOT_HELD}")
        return
    what, by, reason, at_us = row
    c.compared["events"] += 1
    if said is None:
        kind = ENTRY[What(what)] if what in list(What) else ""
        c.alone(name, called, kind, at_us)
        return
    c.field(name, f"{called}what happened", what, said.body.get("event"))
    c.field(name, f"{called}by", by, said.body.get("by"))
    c.time(name, f"{called}its time", at_us, said.at_us)
    c.text(name, f"{called}the reason", reason, said.body.get("reason"))
    c.field(name, f"{called}the account", account, said.record.subject)


def _step(c: _Comparing, kept: Kept, columns: list[Any]) -> None:
    step, decision = kept.step, kept.basis.decision
    made = (step.state.value, int(step.rung), step.revision, step.last_us)
    for what, here, there in zip(("state", "rung", "revision", "last_us"), columns, made, strict=True):
        if here != there:
            c.differ(kept.id, f"{what} is {here}, and its events make {there}")
    told = c.log.events.get(kept.id, {})
    if (last := told.get(step.revision)) is not None:
        c.field(kept.id, "state", step.state.value, last.body.get("state"))
        c.field(kept.id, "rung", step.rung.word, last.body.get("rung"))
    if (first := told.get(1)) is not None:
        c.field(kept.id, "verdict", kept.verdict, first.body.get("verdict"))
        for name in _TERMS:
            c.field(kept.id, name, getattr(decision, name), first.body.get(name))
        c.text(kept.id, "the policy's reason", decision.reason, first.body.get("reason"))
    if kept.basis.facts is not None and inputs_sha256(kept.basis.facts) != decision.inputs_sha256:
        c.differ(kept.id, "the facts it rests on are not those that were decided on")


def _notices(c: _Comparing) -> None:
    rows: dict[str, list[tuple[Any, ...]]] = {}
    texts = ("step", "kind", "account", "subject", "text")
    for step, kind, account, subject, text, at_us in c.rows("notices", texts, "at_us", more="ORDER BY id"):
        rows.setdefault(step, []).append((kind, at_us, account, subject, text))
    gone: list[tuple[str, str, int]] = []
    for step in sorted({*rows, *c.log.notices}):
        here = rows.get(step, [])
        c.compared["notices"] += len(here)
        untold, told = _unmatched(here, c.log.notices.get(step, []))
        for row in untold:
            kind, at_us = row[0], row[1]
            called = f"notice “{kind}” of {moment(at_us)}"
            # The same kind is the same notice, changed; else the log has none.
            said = next((one for one in told if one.body.get("notice") == kind), None)
            if said is None:
                c.alone(step, f"{called}: ", "notice", at_us)
                continue
            told.remove(said)
            there = _notice_said(said)
            c.time(step, f"{called}: its time", row[1], there[1])
            c.field(step, f"{called}: its account", row[2], there[2])
            c.text(step, f"{called}: its subject", row[3], there[3])
            c.text(step, f"{called}: its text", row[4], there[4])
        gone += [
            (step, f"notice “{one.body.get('notice')}” of {moment(one.at_us)}: ", one.place) for one in told
        ]
    c.missing("notices", gone)


def _unmatched(rows: list[tuple[Any, ...]], told: list[Said]) -> tuple[list[tuple[Any, ...]], list[Said]]:
    """Rows and records that are left when each row has taken the record that says the same."""
    left, untold = list(told), []
    for row in rows:
        said = next((one for one in left if _notice_said(one) == row), None)
        if said is None:
            untold.append(row)
        else:
            left.remove(said)
    return untold, left


def _notice_said(said: Said) -> tuple[Any, ...]:
    body = said.body
    return body.get("notice"), said.at_us, said.record.subject, body.get("subject"), body.get("text")


def _statements(c: _Comparing) -> None:
    rows = c.rows("statements", ("step", "account"), "at_us", "body")
    for step, account, at_us, data in rows:
        c.compared["statements"] += 1
        said = c.log.statements.get(step)
        if said is None:
            c.alone(step, "its statement of reasons: ", "statement", at_us)
            continue
        try:
            body = msgspec.json.decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            body = None
        there = {"format": FORMAT, "format_version": FORMAT_VERSION, **said.body["statement"]}
        c.text(step, "its statement of reasons", body, there)
        c.time(step, "the time of its statement", at_us, said.at_us)
        c.field(step, "the account of its statement", account, said.record.subject)
    held = {row[0] for row in rows}
    gone = ((n, "its statement of reasons: ", s.place) for n, s in c.log.statements.items() if n not in held)
    c.missing("statements", gone)


def _appeals(c: _Comparing) -> None:
    texts, times = ("id", "step", "account", "state", "reviewer", "text", "answer"), ("filed_us", "last_us")
    rows = c.rows("appeals", texts, *times, more="ORDER BY id")
    for row in rows:
        c.compared["appeals"] += 1
        here = dict(zip((*texts, *times), row, strict=True))
        told = c.log.appeals.get(here["id"])
        if told is None:
            c.alone(here["id"], "", "appeal", here["last_us"])
        else:
            _appeal(c, here, told)
    held = {row[0] for row in rows}
    c.missing("appeals", ((n, "", told[-1].place) for n, told in c.log.appeals.items() if n not in held))


def _appeal(c: _Comparing, here: Mapping[str, Any], told: list[Said]) -> None:
    name, last = here["id"], told[-1]
    c.field(name, "its step", here["step"], last.body.get("step"))
    c.field(name, "its account", here["account"], last.record.subject)
    c.field(name, "its state", here["state"], last.body.get("state"))
    c.time(name, "its last time", here["last_us"], last.at_us)
    for said in told:  # of an appeal that went on for long, the first records may have been erased
        if said.body.get("state") == "filed":
            c.text(name, "its text", here["text"], said.body.get("text"))
            c.time(name, "when it was filed", here["filed_us"], said.at_us)
    taken = [said for said in told if said.body.get("state") == "taken"]
    if taken:
        c.field(name, "its reviewer", here["reviewer"], taken[-1].body.get("by"))
    if "answer" in last.body:
        c.text(name, "its answer", here["answer"], last.body["answer"])


def _outcomes(c: _Comparing) -> None:
    rows = dict(c.rows("outcomes", ("step", "outcome"), more="WHERE step IS NOT NULL"))
    held = {name for (name,) in c.rows("steps", ("id",))}
    erased = any(kind == "outcome" and count > 0 for (kind, _), count in c.log.gone.items())
    for step, outcome in rows.items():
        c.compared["outcomes"] += 1
        said = c.log.outcomes.get(step)
        if said is not None:
            c.field(step, "it counts as", outcome, said.body.get("outcome"))
        elif erased or c.log.lost:
            c.untold += 1
        else:
            c.differ(step, f"it counts as {_worded(outcome)}: {_UNTOLD}")
    for step, said in c.log.outcomes.items():
        if step in held and step not in rows and said.body.get("outcome") != "withdrawn":
            c.differ(step, f"that it counts as {_worded(said.body.get('outcome'))}: {_NOT_HELD}")


def _worded(value: object) -> str:
    return f"“{value}”" if isinstance(value, str) else str(value)
