"""What the commands of `headwater mark student` write into a casebook's log, and read there: commitments and reports.

A report says how many other commitments the log holds: who binds many tests and shows one has chosen by what it gave.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headwater.cli.casebooks import now_us
from headwater.errors import UsageError, Where

if TYPE_CHECKING:
    from headwater.casework.log import Record
    from headwater.mark.student import Commit, Commitment
    from headwater.proof import Trust

#: The kind of record that both are.
KIND = "commitment"
_WAIT_S = 10


@dataclass(frozen=True)
class InLog:
    """A record that a log holds: what it says, and where it stands."""

    record: Record
    index: int
    origin: str


def held(
    path: Path | None, log: Path | None, shown: Sequence[Path]
) -> tuple[Commitment | None, dict[str, Any] | None]:
    """The commitment in a file, and what a report says of it: its hash and, from the log, entry, proof and others.

    `shown`: files of other commitments in that log, which are shown beside it.
    """
    if path is None or (shown and log is None):
        for option, given in (("--log", log), ("--shown", shown)):
            if given and path is None:
                hint = "headwater mark student commit makes one"
                raise UsageError(f"{option} needs --commitment", hint=hint)
        if shown:
            raise UsageError("--shown needs --log", hint="name the casebook whose log holds them")
        return None, None
    from headwater.mark.student import load_commitment

    found = load_commitment(path)
    said: dict[str, Any] = {"sha256": found.sha256, "entry": found.entry}
    if log is not None:
        said |= _proof(found.entry, found.sha256, log) | _others(found, log, shown)
    return found, said


def into(log: Path) -> Commit:
    """Puts a commitment into the log of a casebook and publishes it, with how many there are before; its entry's id."""

    def commit(record: Mapping[str, Any]) -> str:
        from headwater.cli.log_inputs import OpenLog

        with OpenLog(log, sign=True) as opened:
            at_us = now_us()
            with opened.store.write() as tx:
                from headwater.casework.log import entered

                before = sum(map(_commits, entered(tx)))
                entry = opened.enter(tx, KIND, "", {**record, "before": before}, at_us)
            opened.drain(at_us, wait_s=_WAIT_S)
        return entry

    return commit


def logged(report: Mapping[str, Any], log: Path) -> dict[str, Any]:
    """The report as it goes into JSON, with `logged`: its digest is put into the log, and proven to be there."""
    import msgspec

    from headwater.cli.log_inputs import OpenLog
    from headwater.mark.student import REPORT_FORMAT, report_digest

    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(report))
    body = {
        "format": REPORT_FORMAT,
        "format_version": 1,
        "sha256": report_digest(plain),
        "commitment": plain["commitment"]["sha256"],
    }
    with OpenLog(log, sign=True) as opened:
        at_us = now_us()
        with opened.store.write() as tx:
            entry = opened.enter(tx, KIND, "", body, at_us)
        opened.drain(at_us, wait_s=_WAIT_S)
    said = {"sha256": body["sha256"], "entry": entry}
    return {**plain, "logged": said | _proof(entry, body["sha256"], log)}


def in_report(said: Mapping[str, Any], trust: Trust) -> InLog:
    """The record that a report says is in the log, proven by what stands in the report.

    Raises `UsageError` where it isn't; `KeyError`, `TypeError` where the report doesn't have that form.
    """
    from headwater.casework.log import Record, entry_of
    from headwater.proof import Rejected, TlogProof

    try:
        data = said["record"].encode()
        proof = TlogProof.parse(said["proof"].encode())
        checkpoint = proof.check(entry_of(proof.extra, data), trust)
        return InLog(Record.parse(data), proof.index, checkpoint.origin)
    except Rejected as error:
        raise UsageError(f"the report's entry in the log is not proven: {error}") from None


def _proof(entry: str, sha256: str, log: Path) -> dict[str, Any]:
    """An entry of the log, proven; UsageError where it says something else."""
    from headwater.casework.log import Record
    from headwater.cli.log_inputs import OpenLog
    from headwater.proof import Checkpoint, read_note

    if not entry:
        raise UsageError("the commitment isn't in a log", hint="it was made without --log")
    with OpenLog(log) as opened:
        shown = opened.prove(entry)
    record = Record.parse(shown.record)
    if record.body.get("sha256") != sha256:
        raise UsageError("the log's entry is of another commitment", where=Where(str(log)))
    checkpoint = Checkpoint.parse(read_note(shown.proof.checkpoint).text)
    return {
        "index": shown.proof.index,
        "origin": checkpoint.origin,
        "at_us": record.at_us,
        "record": shown.record.decode(),
        "proof": shown.proof.data().decode(),
    }


def _others(found: Commitment, log: Path, shown: Sequence[Path]) -> dict[str, Any]:
    """How many other commitments the log holds before this one and after it, which are shown, and reports of it."""
    from headwater.casework.log import entered
    from headwater.cli.log_inputs import OpenLog
    from headwater.mark.student import load_commitment

    with OpenLog(log) as opened, opened.store.read() as tx:
        ours = [each for each in entered(tx) if each.kind == KIND]
    entries = [each for each in ours if _commits(each)]
    reports = [each for each in ours if each.record and each.record.body.get("commitment") == found.sha256]
    ids = [each.id for each in entries]
    own = ids.index(found.entry)
    beside: dict[str, dict[str, Any]] = {}
    for path in shown:
        other = load_commitment(path)
        record = entries[ids.index(other.entry)].record if other.entry in ids else None
        if record is None or record.body.get("sha256") != other.sha256:
            raise UsageError("isn't in that log", where=Where(str(path)))
        if other.entry != found.entry:
            beside[other.entry] = {"sha256": other.sha256, "entry": other.entry}
    at = {entry: ids.index(entry) for entry in beside}
    before, after = own, len(ids) - own - 1
    return {
        "before": before,
        "before_not_shown": before - sum(place < own for place in at.values()),
        "reports": len(reports),
        "after": after,
        "after_not_shown": after - sum(place > own for place in at.values()),
        "shown": [beside[entry] for entry in sorted(beside, key=at.__getitem__)],
    }


def _commits(each: Any) -> bool:
    """Whether an entry is a commitment to a test; one whose record is gone counts as such."""
    from headwater.mark.student import COMMITMENT_FORMAT

    return each.kind == KIND and (each.record is None or each.record.body.get("format") == COMMITMENT_FORMAT)
