"""Others' word for a log, published beside its checkpoint: cosignatures of witnesses, time stamps of authorities."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from headwater.casework.log import head as heads
from headwater.casework.log.beside import SIZES, stamp_paths, stamped_sizes
from headwater.casework.log.files import CHECKPOINT, COSIGNED, MOST_NOTE, Files, from_folder, locked
from headwater.casework.log.head import Head
from headwater.casework.log.log import Log
from headwater.casework.log.moments import nothing
from headwater.errors import UsageError, Where
from headwater.proof import (
    Note,
    Rejected,
    VerifierKey,
    check_timestamp,
    cosignatures,
    gathered,
    read_note,
    timestamp_request,
)

#: Sends a request of RFC 3161 to an authority, and gives its answer.
Ask = Callable[[bytes], bytes]
_WITNESSES: Final = "name the witness's public key as it was given to you"


def add_cosignatures(log: Log, note: bytes, witnesses: Iterable[VerifierKey]) -> tuple[str, ...]:
    """Publish the cosignatures of `witnesses` in `note`, a checkpoint of this log as a witness gave it back.

    They stand in `cosigned`, and, where it's the newest, in `checkpoint`. The names of those who cosigned it. Raises
    UsageError where it's no checkpoint that this log has signed, or none of `witnesses` cosigned it.
    """
    witnesses = tuple(witnesses)
    fetch = from_folder(log.folder)
    with locked(log.folder):
        head, newest = _signed(log, note), log.head()
        kept = _kept(fetch(COSIGNED, MOST_NOTE))
        try:
            answer = Note("\n", read_note(note).signatures).data().partition(b"\n\n")[2]
            made = gathered(head.note, answer, witnesses)
        except Rejected as error:
            raise UsageError(f"is not taken: {error}", hint=_WITNESSES) from None
        if kept is not None and kept.checkpoint == head.checkpoint:
            made = _with_others(made, kept.note)
        files = Files(log.folder, nothing)
        if kept is None or kept.size <= head.size:
            files.put(COSIGNED, made)
        if head.checkpoint == newest.checkpoint:
            files.put(CHECKPOINT, made)
        files.settle()
    return tuple(dict.fromkeys(key.name for key, _ in cosignatures(made, witnesses)))


def add_stamp(log: Log, ask: Ask, roots: bytes) -> tuple[int, int]:
    """Have an authority stamp the newest checkpoint, and publish its answer; size of the log, and the time it says.

    `roots`: certificates (PEM) under which it must be signed. The time is in microseconds since 1970. Raises
    UsageError where the answer doesn't hold: it isn't kept then.
    """
    head = log.head()
    answer = ask(timestamp_request(head.note))
    try:
        at_us = check_timestamp(answer, head.note, roots)
    except Rejected as error:
        hint = "check the address of the authority and its certificates"
        raise UsageError(f"the time stamp is not taken: {error}", hint=hint) from None
    files, fetch = Files(log.folder, nothing), from_folder(log.folder)
    with locked(log.folder):
        note, stamp = stamp_paths(head.size)
        files.put(note, head.note)
        files.put(stamp, answer)
        sizes = dict.fromkeys([*stamped_sizes(fetch), head.size])
        files.put(SIZES, "".join(f"{size}\n" for size in sizes).encode())
        files.settle()
    return head.size, at_us


def _kept(note: bytes | None) -> Head | None:
    try:
        return None if note is None else Head.of(note)
    except Rejected:
        return None


def _with_others(note: bytes, before: bytes) -> bytes:
    """`note` with those signatures that it had before of others; a witness's newest is enough."""
    now = read_note(note)
    named = {(one.name, one.hash) for one in now.signatures}
    others = [one for one in read_note(before).signatures if (one.name, one.hash) not in named]
    return Note(now.text, (*now.signatures, *others)).data()


def _signed(log: Log, note: bytes) -> Head:
    """The checkpoint in `note`, as this log has signed it."""
    try:
        said = Head.of(note)
    except Rejected as error:
        raise UsageError(f"is no checkpoint: {error}") from None
    with log.store.read() as tx:
        found = heads.signed(tx, said.size)
    if found is None or found.checkpoint != said.checkpoint:
        what = f"a checkpoint of {said.size:,} entries that this log has not signed"
        hint = "keep it: where the log's key signed it, there are two logs of one name"
        raise UsageError(what, where=Where(said.checkpoint.origin), hint=hint)
    return found
