"""Cosignatures of witnesses (c2sp.org/tlog-cosignature, `cosignature/v1`): a line more on a log's checkpoint.

A witness says by it that, at a time, the largest tree it had seen of this log was this one, and began with all that
it had seen before. Whether that is so is `witness`'s affair, how many are needed `trust`'s.
"""

from __future__ import annotations

from collections.abc import Iterable

from headwater.proof.checkpoint import Checkpoint
from headwater.proof.lines import LARGEST
from headwater.proof.note import (
    MOST_NOTE,
    Note,
    NoteSignature,
    NoteSigner,
    read_note,
    verified_signatures,
)
from headwater.proof.rejected import Rejected
from headwater.proof.verifier_key import (
    COSIGNATURE,
    VerifierKey,
    cosignature,
    cosigned_at,
    cosigned_message,
)


def cosigned(note: bytes, signer: NoteSigner, at_s: int) -> bytes:
    """The checkpoint `note` with `signer`'s cosignature below the others; `at_s` is now, in seconds since 1970."""
    read = read_note(note)
    return _with(read, [cosignature_of(read.text, signer, at_s)])


def cosignature_of(text: str, signer: NoteSigner, at_s: int) -> NoteSignature:
    """`signer`'s cosignature on the text of a checkpoint; `Rejected` where it is none, or there is no such time."""
    Checkpoint.parse(text)
    if not 0 < at_s <= LARGEST:
        raise Rejected("a cosignature has a time from 1 to 2**63 - 1 seconds")
    key = VerifierKey(signer.name, signer.public, COSIGNATURE)
    return NoteSignature(key.name, key.hash, cosignature(at_s, signer.sign(cosigned_message(text, at_s))))


def cosignatures(note: bytes, keys: Iterable[VerifierKey]) -> list[tuple[VerifierKey, int]]:
    """Who of `keys` (of witnesses; others are passed over) cosigned the checkpoint `note`, and when.

    The time is in seconds since 1970. One witness may stand there with several times. Raises `Rejected` where a
    cosignature that names one of `keys` is false.
    """
    witnesses = [key for key in keys if key.algorithm == COSIGNATURE]
    found = verified_signatures(read_note(note), witnesses)
    return [(key, cosigned_at(one.signature)) for one, key in found]


def gathered(note: bytes, answer: bytes, keys: Iterable[VerifierKey]) -> bytes:
    """The checkpoint `note` with the cosignatures that a witness answered with, as far as they are of `keys`.

    Lines of others, and those the note has, are left out. Raises `Rejected` where the answer isn't signature lines,
    holds a false one in the name of one of `keys`, or none of them.
    """
    read = read_note(note)
    if len(answer) > MOST_NOTE:
        raise Rejected(f"the witness's answer has more than {MOST_NOTE:,} bytes")
    answered = read_note(read.text.encode("utf-8") + b"\n" + answer)
    if answered.text != read.text:
        raise Rejected("the witness's answer is no signature lines")
    witnesses = [key for key in keys if key.algorithm == COSIGNATURE]
    found = [one for one, _ in verified_signatures(answered, witnesses)]
    if not found:
        raise Rejected("the witness's answer holds no cosignature of a trusted key")
    return _with(read, found)


def _with(note: Note, more: list[NoteSignature]) -> bytes:
    signatures = tuple(dict.fromkeys((*note.signatures, *more)))
    data = Note(note.text, signatures).data()
    read_note(data)  # so that it has not become larger than others read
    return data
