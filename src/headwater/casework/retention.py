"""How long each class of data is kept: the settings' days, or fewer where a step's pack asks for fewer.

Counted from a step's end. What is in force, waits for a person, or is being appealed is never erased by time. The log's
commitments and the counts of outcomes stay: they say nothing about anybody.
"""

from __future__ import annotations

from typing import Final

from headwater.casework.appeal import DAY_US
from headwater.casework.log import erase, held
from headwater.casework.shelf import Kept, Unread, select
from headwater.casework.work import Work
from headwater.control import State

_WHY: Final = "its time was over"
_ENDED: Final = (State.DECLINED, State.LAPSED, State.EXPIRED, State.REVERSED)
_TABLES: Final = ("notices", "statements", "appeals")
_AT: Final = {"notices": "at_us", "statements": "at_us", "appeals": "last_us"}
_PAGE: Final = 10_000


def enforce(work: Work, aside: list[Unread]) -> dict[str, int]:
    """Erase what has been kept long enough; how many rows of each class, those with none left out.

    Steps that can't be read go `aside` and stay: nobody can say when their time is over.
    """
    counts = dict.fromkeys(("verdicts", "steps", *_TABLES, "records", "accounts"), 0)
    open_appeals = {
        row[0] for row in work.tx.rows("SELECT step FROM appeals WHERE state IN ('filed', 'taken')")
    }
    ended = [kept for kept in select(work.tx, states=_ENDED, aside=aside) if kept.id not in open_appeals]
    for kept in ended:
        for table in _TABLES:
            if _over(work, kept, getattr(work.settings.retention, table)):
                counts[table] += work.tx.run(f"DELETE FROM {table} WHERE step = ?", (kept.id,))
        if _over(work, kept, work.settings.retention.steps):
            counts["steps"] += work.tx.run("DELETE FROM steps WHERE id = ?", (kept.id,))
            work.tx.run("UPDATE outcomes SET step = NULL WHERE step = ?", (kept.id,))
    for table in _TABLES:  # what outlived its step
        before = work.at_us - getattr(work.settings.retention, table) * DAY_US
        sql = f"DELETE FROM {table} WHERE {_AT[table]} <= ? AND step NOT IN (SELECT id FROM steps)"
        counts[table] += work.tx.run(sql, (before,))
    before = work.at_us - work.settings.retention.verdicts * DAY_US
    sql = "DELETE FROM verdicts WHERE at_us <= ? AND id NOT IN (SELECT verdict FROM steps)"
    counts["verdicts"] = work.tx.run(sql, (before,))
    counts["records"] = _records(work, ended)
    left = " AND ".join(f"pseudonym NOT IN (SELECT account FROM {t})" for t in ("steps", *_TABLES))
    counts["accounts"] = work.tx.run(f"DELETE FROM accounts WHERE {left}")
    erased = {name: count for name, count in counts.items() if count}
    if erased:
        work.record("erasure", "", {"why": _WHY, "erased": erased})
    return erased


def _over(work: Work, kept: Kept, days: int) -> bool:
    days = min(days, kept.basis.decision.duties.retention_days)
    return work.at_us >= kept.step.last_us + days * DAY_US


def _records(work: Work, ended: list[Kept]) -> int:
    """Erase records behind the log's entries: of accounts with nothing in force, and those about nobody."""
    days = work.settings.retention.records
    busy = {
        row[0]
        for row in work.tx.rows(
            "SELECT account FROM steps WHERE state IN ('proposed', 'announced',"
            " 'standing') UNION SELECT account FROM appeals WHERE state IN"
            " ('filed', 'taken')"
        )
    }
    cutoffs: dict[str, int] = {}
    for kept in ended:
        least = min(days, kept.basis.decision.duties.retention_days)
        cutoff = work.at_us - least * DAY_US
        cutoffs[kept.step.account] = min(cutoff, cutoffs.get(kept.step.account, cutoff))
    general = work.at_us - days * DAY_US
    subjects: dict[str, int] = {}
    first = 0
    while found := held(work.tx, first=first, limit=_PAGE):
        for one in found:
            cutoff = cutoffs.get(one.subject or "", general)
            if one.erased_at_us is None and one.at_us < cutoff and one.subject not in busy:
                subjects[one.subject or ""] = cutoff
        first = found[-1].index + 1
    erased = 0
    for subject, cutoff in subjects.items():
        kinds = () if subject else ("verdict",)
        erased += erase(work.tx, work.at_us, _WHY, subject=subject or None, kinds=kinds, before_us=cutoff)
    return erased
