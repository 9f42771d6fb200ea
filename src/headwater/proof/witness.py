"""The witness protocol (c2sp.org/tlog-witness) without its wires: bytes of a request in, an answer out.

A witness remembers, for each log it knows, the largest tree it has cosigned, and cosigns a larger one only where the
smaller is shown to be its beginning. Who speaks HTTP and remembers is the caller: comparing with what was seen and
keeping what `Answer` says must be one step, and come before the answer is given.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headwater.proof.checkpoint import Checkpoint
from headwater.proof.cosignature import cosignature_of
from headwater.proof.lines import MOST_HASHES, decimal, hash_from_base64, in_base64
from headwater.proof.merkle import EMPTY_ROOT, check_consistency
from headwater.proof.note import MOST_NOTE, Note, NoteSigner, read_note, verified_signatures
from headwater.proof.rejected import Rejected
from headwater.proof.verifier_key import VerifierKey

#: Bytes of a request that are looked at.
MOST_REQUEST = MOST_NOTE + 4_096
_TEXT, _SIZE = "text/plain; charset=utf-8", "text/x.tlog.size"


@dataclass(frozen=True)
class Seen:
    """The largest tree of a log that was cosigned: its size in leaves and its root."""

    size: int
    root: bytes


@dataclass(frozen=True)
class Answer:
    """What the witness says: an HTTP status with its body; what it must remember first, if anything, and of which log.

    `checkpoint` is the note with the log's signature and the witness's, for whoever asks what it has seen.
    """

    status: int
    body: bytes
    seen: Seen | None = None
    origin: str | None = None
    checkpoint: bytes = b""
    content_type: str = _TEXT


def request_body(old_size: int, proof: Sequence[bytes], checkpoint_note: bytes) -> bytes:
    """The body of `add-checkpoint`: the size that the witness is thought to know, the consistency proof, the note."""
    if len(proof) > MOST_HASHES:
        raise Rejected(f"a consistency proof has at most {MOST_HASHES} hashes")
    lines = [f"old {old_size}", *map(in_base64, proof), ""]
    return ("\n".join(lines) + "\n").encode("ascii") + checkpoint_note


def monitoring_path(origin: str) -> str:
    """Where a witness serves what it has seen of a log, below its monitoring prefix."""
    return f"{hashlib.sha256(origin.encode('utf-8')).hexdigest()}/checkpoint"


def add_checkpoint(
    body: bytes, logs: Mapping[str, VerifierKey], seen: Mapping[str, Seen], signer: NoteSigner, at_s: int
) -> Answer:
    """Answer the request `body`: `logs` are the known logs by origin, `seen` what was cosigned of each.

    `at_s` is now, in seconds since 1970.
    """
    try:
        old_size, proof, note = _request(body)
        checkpoint = Checkpoint.parse(note.text)
    except Rejected as reason:
        return _refused(400, str(reason))
    key = logs.get(checkpoint.origin)
    if key is None:
        return _refused(404, "the log is not known here")
    try:
        signed = verified_signatures(note, [key])
    except Rejected as reason:
        return _refused(403, str(reason))
    if not signed:
        return _refused(403, "the checkpoint is not signed by its log")
    if old_size > checkpoint.size:
        return _refused(400, "the checkpoint is smaller than the old size")
    last = seen.get(checkpoint.origin, Seen(0, EMPTY_ROOT))
    if old_size != last.size:
        return Answer(409, f"{last.size}\n".encode("ascii"), content_type=_SIZE)
    try:
        _check_grown(last, checkpoint, proof)
    except Rejected as reason:
        return _refused(422, str(reason))
    line = cosignature_of(note.text, signer, at_s)
    kept = Note(note.text, (*(one for one, _ in signed), line)).data()
    now = Seen(checkpoint.size, checkpoint.root)
    return Answer(200, line.line().encode("utf-8"), now, checkpoint.origin, kept)


def _check_grown(last: Seen, checkpoint: Checkpoint, proof: Sequence[bytes]) -> None:
    if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
        raise Rejected("a tree without leaves has another root")
    if last.size:
        check_consistency(last.size, checkpoint.size, proof, last.root, checkpoint.root)
    elif proof:
        raise Rejected("nothing needs to be shown from no leaves")


def _request(body: bytes) -> tuple[int, list[bytes], Note]:
    if len(body) > MOST_REQUEST:
        raise Rejected(f"the request has more than {MOST_REQUEST:,} bytes")
    head, _, rest = body.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise Rejected("the request has a line that isn't ASCII") from None
    if not lines[0].startswith("old "):
        raise Rejected("the request doesn't begin with the old size")
    old_size = decimal(lines[0].removeprefix("old "), "the old size")
    if len(lines) - 1 > MOST_HASHES:
        raise Rejected(f"the request has more than {MOST_HASHES} hashes")
    proof = [hash_from_base64(line, "a hash of the consistency proof") for line in lines[1:]]
    return old_size, proof, read_note(rest)


def _refused(status: int, reason: str) -> Answer:
    return Answer(status, f"{reason}\n".encode())
