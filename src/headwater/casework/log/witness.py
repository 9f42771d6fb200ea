"""A witness that looks at logs: cosigns what goes on from what it saw last, and keeps what contradicts it.

What it has seen is one file, written before a cosignature is given out. What the steps are is known by
`headwater.proof` (c2sp.org/tlog-witness); this fetches the tiles and remembers.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from headwater.casework.log.beside import root_before
from headwater.casework.log.files import CHECKPOINT, MOST_NOTE, Fetch, tiles_of
from headwater.errors import (
    ConfigurationError,
    ConflictError,
    HeadwaterError,
    UnreadableInput,
    UsageError,
    Where,
    unreadable,
)
from headwater.proof import (
    EMPTY_ROOT,
    Checkpoint,
    NoteSigner,
    Rejected,
    Seen,
    VerifierKey,
    add_checkpoint,
    consistency_proof,
    opened,
    read_note,
    request_body,
)

_MOST_STATE: Final = 2**24
_OK, _CONTRADICTS = 200, 422
#: How far a clock may have gone back; and the latest time (seconds since 1970) that is one: the end of the year 9999.
_DAY_S: Final = 86_400
_LATEST_S: Final = 253_402_300_799


@dataclass(frozen=True)
class Evidence:
    """Two checkpoints, signed by one log, that can't both be true; why. Keep them: they prove it to anybody."""

    why: str
    seen: bytes
    shown: bytes


class _Known(msgspec.Struct):
    """A log: its key, the largest checkpoint that was cosigned, with the log's signature, and when (s since 1970)."""

    key: str
    note: str = ""
    at_s: int = 0


class _State(msgspec.Struct):
    logs: dict[str, _Known] = {}


def cosign(
    fetch: Fetch, signer: NoteSigner, state: Path, at_s: int, *, key: VerifierKey | None = None
) -> bytes | Evidence:
    """Look at a log, and cosign its checkpoint where it goes on from the last that was seen: the note with all of it.

    `state`: the file in which the witness remembers. `key`: the log's key, needed where the log isn't known yet.
    `at_s`: now, seconds since 1970; where the clock has gone back, the last time is said again. Where what is shown
    contradicts what was seen, or is smaller, nothing is cosigned and the evidence comes back.

    Raises UsageError for a log that isn't known or trusted, HeadwaterError where its tiles don't fit its checkpoint.
    """
    note = fetch(CHECKPOINT, MOST_NOTE)
    if note is None:
        raise UnreadableInput(
            "there is no file `checkpoint`", hint="name the folder or URL that a log is served at"
        )
    with _kept(state) as held:
        known, checkpoint = _introduced(held, note, key)
        last = Checkpoint.parse(read_note(known.note.encode()).text) if known.note else None
        seen = Seen(last.size, last.root) if last else Seen(0, EMPTY_ROOT)
        if checkpoint.size < seen.size:
            why = f"the log had {seen.size:,} entries before, and shows {checkpoint.size:,} now"
            return Evidence(why, known.note.encode(), note)
        if checkpoint.size == seen.size and last is not None and checkpoint.root != seen.root:
            return Evidence(f"two trees of {seen.size:,} entries", known.note.encode(), note)
        proof = _proof(fetch, seen, checkpoint)
        if proof is None:
            why = f"the {seen.size:,} entries that were seen are not the beginning of the {checkpoint.size:,} now"
            return Evidence(why, known.note.encode(), note)
        logs = {checkpoint.origin: VerifierKey.parse(known.key)}
        if known.at_s > at_s + _DAY_S:
            raise UsageError(
                f"the last cosignature is of a time {(known.at_s - at_s) // _DAY_S:,} days after the clock's",
                where=Where(checkpoint.origin),
                hint="set this machine's clock; a witness's times never go back",
            )
        now = max(at_s, known.at_s)
        answer = add_checkpoint(
            request_body(seen.size, proof, note), logs, {checkpoint.origin: seen}, signer, now
        )
        if answer.status == _CONTRADICTS and last is not None:
            return Evidence(answer.body.decode().strip(), known.note.encode(), note)
        if answer.status != _OK:
            raise UsageError(f"not cosigned: {answer.body.decode().strip()}", where=Where(checkpoint.origin))
        held.logs[checkpoint.origin] = _Known(known.key, answer.checkpoint.decode(), now)
    return answer.checkpoint


def _introduced(held: _State, note: bytes, key: VerifierKey | None) -> tuple[_Known, Checkpoint]:
    """What is known of the log whose checkpoint this is; its signature is checked."""
    try:
        checkpoint = Checkpoint.parse(read_note(note).text)
    except Rejected as error:
        raise UsageError(f"shows no checkpoint: {error}", where=Where(CHECKPOINT)) from None
    where = Where(checkpoint.origin)
    known = held.logs.get(checkpoint.origin)
    if known is None and key is None:
        raise UsageError(
            "a log that this witness doesn't know", where=where, hint="name its key with --log VKEY"
        )
    if known is None:
        assert key is not None
        known = _Known(key.text())
    elif key is not None and known.key != key.text():
        raise UsageError(
            "has another key than before", where=where, hint="ask the operator why, before you go on"
        )
    trusted = VerifierKey.parse(known.key)
    try:
        if trusted.name != checkpoint.origin:
            raise Rejected("the key is of another log")
        opened(note, [trusted])
    except Rejected as error:
        raise UsageError(f"the checkpoint is not trusted: {error}", where=where) from None
    return known, checkpoint


def _proof(fetch: Fetch, seen: Seen, checkpoint: Checkpoint) -> list[bytes] | None:
    """The consistency proof from the log's tiles; None where they are those of the checkpoint, and show a fork."""
    try:
        if root_before(fetch, checkpoint, seen.size) != seen.root:
            return None
        return consistency_proof(seen.size, checkpoint.size, tiles_of(fetch, checkpoint.size))
    except Rejected as error:
        what = f"the tiles don't fit the checkpoint, so nothing can be said of it: {error}"
        raise HeadwaterError(
            what, where=Where(checkpoint.origin), hint="ask the operator to mend the log"
        ) from None


@contextmanager
def _kept(path: Path) -> Iterator[_State]:
    """What the witness knows, kept whole when all went well; one witness process at a time."""
    if not path.parent.is_dir():
        raise UnreadableInput(
            "there is no such folder", where=Where(str(path.parent)), hint="make it, or name another"
        )
    lock = path.with_name(f"{path.name}.lock")
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise unreadable(lock, error) from None
    with os.fdopen(descriptor, "rb") as file:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            what = "another witness process uses this state"
            raise ConflictError(what, where=Where(str(path)), hint="wait for it, then try again") from None
        state = _read(path)
        before = msgspec.json.encode(state)
        yield state
        after = msgspec.json.encode(state)
        if after != before:
            _write(path, after)


def _read(path: Path) -> _State:
    where = Where(str(path))
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_STATE + 1)
        state = msgspec.json.decode(data, type=_State)
        for origin, known in state.logs.items():
            _check_known(origin, known)
    except FileNotFoundError:
        return _State()
    except OSError as error:
        raise unreadable(path, error) from None
    except (msgspec.MsgspecError, Rejected, ValueError, RecursionError):
        hint = "restore it: a witness that forgot what it saw can be shown another log"
        raise ConfigurationError("is not what a witness remembers", where=where, hint=hint) from None
    return state


def _check_known(origin: str, known: _Known) -> None:
    """See that what is remembered was signed by the log: whoever changed it would make evidence of nothing."""
    key = VerifierKey.parse(known.key)
    if key.name != origin or not 0 <= known.at_s <= _LATEST_S:
        raise Rejected("is no log's")
    if known.note:
        text = opened(known.note.encode(), [key]).note.text
        if Checkpoint.parse(text).origin != origin:
            raise Rejected("is another log's")


def _write(path: Path, data: bytes) -> None:
    fresh = path.with_name(f"{path.name}.new")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        what = f"cannot be written ({error.strerror}), so nothing is cosigned"
        raise HeadwaterError(what, where=Where(str(path)), hint="make room, then try again") from error
