"""Signed notes (c2sp.org/signed-note): a text with one line per signature below it.

Reads, signs and opens them. A note that is only read proves nothing; which keys are trusted is the caller's affair.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from headwater.proof.lines import from_base64, in_base64, whole_lines
from headwater.proof.rejected import Rejected
from headwater.proof.verifier_key import HASH_BYTES, VerifierKey, check_name

#: Bytes of a note, and signatures in it, that are looked at; as in Go's own reader. More is refused.
MOST_NOTE = 1_000_000
MOST_NOTE_SIGNATURES = 100
_DASH = "— "


@dataclass(frozen=True)
class NoteSignature:
    """One signature line: the key's name and id (4 bytes), and what follows the id, not checked yet."""

    name: str
    hash: bytes
    signature: bytes

    def line(self) -> str:
        """The line as it stands in a note, with its end."""
        return f"{_DASH}{self.name} {in_base64(self.hash + self.signature)}\n"

    @classmethod
    def parse(cls, line: str) -> NoteSignature:
        """The signature that a line, without its end, holds; `Rejected` where it is no signature line."""
        parts = line.removeprefix(_DASH).split(" ")
        if not line.startswith(_DASH) or len(parts) != 2:
            raise Rejected("the note has a line below its text that is no signature")
        check_name(parts[0])
        data = from_base64(parts[1], "a signature of the note")
        if len(data) <= HASH_BYTES:
            raise Rejected("the note has an empty signature")
        return cls(parts[0], data[:HASH_BYTES], data[HASH_BYTES:])


@dataclass(frozen=True)
class Note:
    """A text and its signatures, none of them checked yet."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def data(self) -> bytes:
        """The note's bytes."""
        return (self.text + "\n" + "".join(one.line() for one in self.signatures)).encode("utf-8")


@dataclass(frozen=True)
class NoteSigner:
    """Whoever signs notes: a key's name, its public part (32 bytes), and Ed25519 signatures over a message."""

    name: str
    public: bytes
    sign: Callable[[bytes], bytes]


@dataclass(frozen=True)
class Opened:
    """A note and the trusted keys that signed it, in the order of their signatures."""

    note: Note
    by: tuple[VerifierKey, ...]


def signed_note(text: str, signers: Iterable[NoteSigner]) -> bytes:
    """`text`, which ends with a line, signed by each of `signers`."""
    message = text.encode("utf-8")
    keys = [(VerifierKey(one.name, one.public), one) for one in signers]
    lines = [NoteSignature(key.name, key.hash, one.sign(message)) for key, one in keys]
    data = Note(text, tuple(lines)).data()
    if read_note(data).text != text:  # what others would refuse, or read in another way, is not given out
        raise Rejected("the text of a note ends with a line")
    return data


def read_note(data: bytes) -> Note:
    """The note in `data`, nothing of it checked; `Rejected` where it is none."""
    if len(data) > MOST_NOTE:
        raise Rejected(f"the note has {len(data):,} bytes, more than {MOST_NOTE:,}")
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Rejected("the note is not UTF-8") from None
    whole_lines(whole, "the note")
    end = whole.rfind("\n\n")
    if end < 0:
        raise Rejected("the note has no signatures")
    lines = whole[end + 2 :].split("\n")[:-1]
    if not lines:
        raise Rejected("the note has no signatures")
    if len(lines) > MOST_NOTE_SIGNATURES:
        raise Rejected(f"the note has {len(lines):,} signatures, more than {MOST_NOTE_SIGNATURES}")
    return Note(whole[: end + 1], tuple(map(NoteSignature.parse, lines)))


def opened(data: bytes, keys: Iterable[VerifierKey]) -> Opened:
    """The note in `data` with those of the trusted `keys` that signed it; signatures of others are passed over.

    Raises `Rejected` where none of them signed, or a signature that names one of them is false.
    """
    note = read_note(data)
    by = tuple(dict.fromkeys(key for _, key in verified_signatures(note, keys)))
    if not by:
        raise Rejected("the note is signed by no trusted key")
    return Opened(note, by)


def verified_signatures(note: Note, keys: Iterable[VerifierKey]) -> list[tuple[NoteSignature, VerifierKey]]:
    """The signatures of a note that are of one of `keys`, with it; `Rejected` where one that names such a key is false.

    Signatures of others are passed over.
    """
    known: dict[tuple[str, bytes], list[VerifierKey]] = {}
    for key in dict.fromkeys(keys):
        known.setdefault((key.name, key.hash), []).append(key)
    found: list[tuple[NoteSignature, VerifierKey]] = []
    for one in note.signatures:
        named = known.get((one.name, one.hash), [])
        fits = [(one, key) for key in named if key.verifies(note.text, one.signature)]
        if named and not fits:
            raise Rejected("the note has a false signature in the name of a trusted key")
        found += fits
    return found
