"""An account's own data: erased when that is asked for, or exported whole, with the proofs of what was done.

What the log holds of an account are commitments, which say nothing once record and secret are gone; they stay, and so
do counts of outcomes. How long things are kept without being asked is `retention`'s business.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from headwater.casework.appeal import checked_text
from headwater.casework.appeals import appeals
from headwater.casework.follow import notices_of
from headwater.casework.log import Disclosed, erase, held
from headwater.casework.pseudonym import PSEUDONYM
from headwater.casework.shelf import Kept, Unread, history, select
from headwater.casework.work import Work, person
from headwater.control import ACTIVE, State, What
from headwater.errors import ConflictError, HeadwaterError, UsageError, Where

_TABLES: Final = ("notices", "statements", "appeals", "steps", "accounts")
_PAGE: Final = 1000
#: Kinds of entries whose records hold nothing but what the account's holder was told, or said.
_FOR_THEM: Final = ("notice", "statement")


@dataclass(frozen=True)
class Erased:
    """What was erased, by class, and what stays, with why."""

    pseudonym: str
    counts: dict[str, int]
    stays: tuple[str, ...]


def account_of(work: Work, name: str) -> tuple[str, str]:
    """Pseudonym and account id of an account that is given as either; `UsageError` where nothing is held on it."""
    pseudonym = name if PSEUDONYM.fullmatch(name) else None
    for one in dict.fromkeys((work.names.of(name), pseudonym)):
        found = work.tx.row("SELECT pseudonym, account FROM accounts WHERE pseudonym = ?", (one,))
        if found:
            return found[0], found[1]
        # Of an account that no step was ever proposed for, the log may hold what was changed about it.
        if one is not None and held(work.tx, subject=one, limit=1):
            return one, name
    raise UsageError("nothing is held on such an account", hint="headwater step list --reveal")


def erase_account(work: Work, name: str, by: str, reason: str, *, even_so: bool = False) -> Erased:
    """Erase what is held on an account: its id, steps, letters and appeals, and the records and secrets of the log.

    Raises `ConflictError` where a step is in force, a proposal or an appeal waits; `even_so` ends them first.
    """
    by = person(by)
    if not reason.strip():
        raise UsageError("say why it is erased: that is kept", hint="--reason, without naming the account")
    reason = checked_text(reason, "reason")
    pseudonym, account = account_of(work, name)
    if account in reason or pseudonym in reason:
        raise UsageError("the reason names the account, and is kept", hint="say why without naming it")
    _end(work, pseudonym, by, even_so=even_so)
    sql = "UPDATE outcomes SET step = NULL WHERE step IN (SELECT id FROM steps WHERE account = ?)"
    outcomes = work.tx.run(sql, (pseudonym,))
    counts = {
        table: work.tx.run(
            f"DELETE FROM {table} WHERE {'pseudonym' if table == 'accounts' else 'account'} = ?", (pseudonym,)
        )
        for table in _TABLES
    }
    counts["records"] = erase(work.tx, work.at_us, reason, subject=pseudonym)
    work.record("erasure", "", {"why": reason, "by": by, "erased": counts})
    stays = (
        f"{counts['records']:,} commitments in the log: without record and secret they say nothing",
        f"{outcomes:,} outcomes, as counts by rule, rung and evidence: they name nobody",
        "what was found of its campaigns: it names no account",
        "this erasure in the log, with its reason",
    )
    return Erased(pseudonym, {table: count for table, count in counts.items() if count}, stays)


def _end(work: Work, pseudonym: str, by: str, *, even_so: bool) -> None:
    """See that nothing is in force or waits; or end it."""
    # A row that can't be read may well be in force: it holds back, and goes where that is said.
    aside: list[Unread] = []
    open_ = appeals(work.tx, open_only=True, aside=aside)
    theirs = {row[0] for row in work.tx.rows("SELECT id FROM appeals WHERE account = ?", (pseudonym,))}
    waiting = [one.id for one in open_ if one.id in theirs]
    aside = [one for one in aside if one.id in theirs]
    running = select(work.tx, account=pseudonym, states=ACTIVE, aside=aside)
    if (waiting or running or aside) and not even_so:
        what = f"{running[0].id} is {running[0].step.state.value}" if running else ""
        what = what or (f"{waiting[0]} waits" if waiting else f"{aside[0].id} can't be read: {aside[0].why}")
        raise ConflictError(
            f"{what}: what it rests on is kept as long",
            hint="end it first (step reverse, step decline, appeal decide), or --even-so",
        )
    for kept in running:
        ends = What.DECLINED if kept.step.state is State.PROPOSED else What.REVERSED
        work.moved(kept, ends, by, "the account's data is erased")


@dataclass(frozen=True)
class Held:
    """Everything held on an account: the document, statements and notices by file name, and its log entries."""

    pseudonym: str
    document: dict[str, Any]
    files: dict[str, bytes]
    entries: tuple[tuple[int, str], ...]


def export_account(work: Work, name: str, by: str, *, for_customer: bool = False) -> Held:
    """Everything held on an account, and an entry in the log that it was exported.

    For the customer, rules, reasons of persons and figures behind the decision stay out: they would teach how to stay
    below them. Statements, notices and what was said in appeals are whole.
    """
    by = person(by)
    pseudonym, account = account_of(work, name)
    steps = select(work.tx, account=pseudonym)
    files: dict[str, bytes] = {}
    told = [_step(work, kept, files, for_customer=for_customer) for kept in steps]
    document: dict[str, Any] = {
        "format": "headwater.account",
        "format_version": 1,
        "operator": work.settings.operator,
        "account": account,
        "pseudonym": pseudonym,
        "for_customer": for_customer,
        "steps": told,
    }
    if not for_customer:
        rows = work.tx.rows(
            "SELECT id, body FROM verdicts WHERE id IN (SELECT verdict FROM steps WHERE account = ?)",
            (pseudonym,),
        )
        document["verdicts"] = {verdict: msgspec.json.decode(body) for verdict, body in rows}
    entries = _entries(work, pseudonym, _FOR_THEM if for_customer else None)
    work.record("export", pseudonym, {"by": by, "for_customer": for_customer, "steps": len(steps)})
    return Held(pseudonym, document, files, entries)


def write_export(
    found: Held, folder: Path, prove: Callable[[int], Disclosed]
) -> tuple[list[Path], list[str]]:
    """Write an export into a new folder; the files, and what couldn't be proven, with why.

    Raises `UsageError` where the folder holds something already.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError("is not a new folder", where=Where(str(folder)), hint="choose another")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    data = msgspec.json.format(msgspec.json.encode(found.document), indent=2)
    written, missing = [], []
    for name, content in {"account.json": _inert(data), **found.files}.items():
        place = folder / name
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(content)
        written.append(place)
    for index, kind in found.entries:
        try:
            written += prove(index).write(folder / "proofs" / f"{index:09d}-{kind}")
        except HeadwaterError as error:
            missing.append(f"entry {index:,}: {error.what}")
    return written, missing


def _step(work: Work, kept: Kept, files: dict[str, bytes], *, for_customer: bool) -> dict[str, Any]:
    step, terms = kept.step, kept.step.terms
    for number, notice in enumerate(notices_of(work.tx, kept.id), 1):
        text = f"Subject: {notice.subject}\n\n{notice.text}"
        files[f"notices/{kept.id}-{number:02d}-{notice.kind}.txt"] = text.encode()
    row = work.tx.row("SELECT body FROM statements WHERE step = ?", (kept.id,))
    if row:
        files[f"statements/{kept.id}.json"] = bytes(row[0])
    told: dict[str, Any] = {
        "step": kept.id,
        "rung": step.rung.word,
        "state": step.state.value,
        "reason_class": terms.reason_class,
        "clause": terms.clause,
        "proposed_us": step.proposed_us,
        "began_us": step.began_us,
        "expires_us": step.expires_us,
        "requests": kept.basis.requests,
        "first_us": kept.basis.first_us,
        "last_us": kept.basis.last_us,
        "appeals": [
            {
                "appeal": a.id,
                "state": a.state.value,
                "filed_us": a.filed_us,
                "text": a.text,
                "answer": a.answer,
            }
            for a in appeals(work.tx, step=kept.id)
        ],
        "events": [
            {"what": e.what.value, "at_us": e.at_us}
            | ({} if for_customer else {"by": e.by, "reason": e.reason})
            for e in history(work.tx, kept.id)
        ],
    }
    if not for_customer:
        told |= {
            "verdict": kept.verdict,
            "campaign": kept.campaign,
            "basis": msgspec.to_builtins(kept.basis),
        }
    return told


def _entries(work: Work, pseudonym: str, kinds: tuple[str, ...] | None) -> tuple[tuple[int, str], ...]:
    found: list[tuple[int, str]] = []
    first = 0
    while page := held(work.tx, subject=pseudonym, first=first, limit=_PAGE):
        found += [(one.index, one.kind) for one in page if kinds is None or one.kind in kinds]
        first = page[-1].index + 1
    return tuple(found)


def _inert(data: bytes) -> bytes:
    from headwater.report import inert_json

    return inert_json(data.decode()).encode() + b"\n"
