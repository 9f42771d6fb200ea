"""Public keys of logs and witnesses, as signed notes name them: `<name>+<key id>+<base64>` (c2sp.org/signed-note).

Two kinds: Ed25519 over the note's text, and Ed25519 cosignatures of witnesses over the text and a time
(c2sp.org/tlog-cosignature). Which keys are trusted is decided elsewhere.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from headwater.proof.ed25519 import PUBLIC_KEY_BYTES
from headwater.proof.lines import LARGEST, from_base64, in_base64
from headwater.proof.rejected import Rejected

#: Signature types of c2sp.org/signed-note: a log's signature, and a witness's timestamped cosignature.
ED25519, COSIGNATURE = 1, 4
HASH_BYTES = 4
_TIME_BYTES = 8


@dataclass(frozen=True)
class VerifierKey:
    """A public key of 32 bytes with its name and the type of the signatures it checks (`ED25519`, `COSIGNATURE`)."""

    name: str
    key: bytes
    algorithm: int = ED25519

    def __post_init__(self) -> None:
        check_name(self.name)
        if self.algorithm not in (ED25519, COSIGNATURE):
            raise Rejected(
                f"signatures of type {self.algorithm} are not known here, only {ED25519} and {COSIGNATURE}"
            )
        if len(self.key) != PUBLIC_KEY_BYTES:
            raise Rejected(f"a key has {PUBLIC_KEY_BYTES} bytes, not {len(self.key)}")

    @property
    def hash(self) -> bytes:
        """The key id of 4 bytes: it only says which key to try."""
        said = self.name.encode("utf-8") + b"\n" + bytes([self.algorithm]) + self.key
        return hashlib.sha256(said).digest()[:HASH_BYTES]

    def text(self) -> str:
        """The key as one writes it down, a "vkey": `example.com/foo+530d903a+AekyeRrm…`."""
        return f"{self.name}+{self.hash.hex()}+{in_base64(bytes([self.algorithm]) + self.key)}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """The key that `text` is; `Rejected` where it is none, is of an unknown type, or its key id is wrong."""
        parts = text.split("+", 2)
        if len(parts) != 3:
            raise Rejected("a key is <name>+<key id>+<base64>")
        material = from_base64(parts[2], "the key")
        if not material:
            raise Rejected("the key is empty")
        key = cls(parts[0], material[1:], material[0])
        if key.hash.hex() != parts[1]:
            raise Rejected("the key and its key id do not belong together")
        return key

    def verifies(self, text: str, signature: bytes) -> bool:
        """Whether `signature`, without the key id, is this key's over the text of a note."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        message = text.encode("utf-8")
        if self.algorithm == COSIGNATURE:
            at_s = cosigned_at(signature)
            if at_s > LARGEST:
                return False
            message, signature = cosigned_message(text, at_s), signature[_TIME_BYTES:]
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(signature, message)
        except InvalidSignature:
            return False
        return True


def cosigned_message(text: str, at_s: int) -> bytes:
    """What a witness signs: the text of a checkpoint, and when, in seconds since 1970."""
    return f"cosignature/v1\ntime {at_s}\n{text}".encode()


def cosignature(at_s: int, signature: bytes) -> bytes:
    """A cosignature as a note holds it: the time in seconds since 1970, then the signature over `cosigned_message`."""
    return at_s.to_bytes(_TIME_BYTES, "big") + signature


def cosigned_at(signature: bytes) -> int:
    """The time in seconds since 1970 that a cosignature names."""
    return int.from_bytes(signature[:_TIME_BYTES], "big")


def check_name(name: str) -> None:
    """Refuse what is no name of a key: nothing, spaces of any script, plus, control and half characters."""
    if not name or "+" in name or any(one.isspace() or one < " " for one in name):
        raise Rejected("the name of a key is not empty and has no space and no plus in it")
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raise Rejected("the name of a key is not UTF-8") from None
