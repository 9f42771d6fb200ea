"""Dead Simple Signing Envelopes, version 1.0.0 (github.com/secure-systems-lab/dsse, protocol.md and envelope.md).

Signs and verifies bytes of a stated type with Ed25519. The key id in an envelope only chooses which key to try
first; it decides nothing. What the payload means, and which keys are trusted, is the caller's affair.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from headwater.proof.rejected import Rejected

#: Signatures in one envelope that are looked at; more are refused, each costs a verification per key.
MOST_SIGNATURES = 64
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")


class Signer(Protocol):
    """Whoever signs: a public `id` and Ed25519 signatures (64 bytes) over a message."""

    @property
    def id(self) -> str:
        """Public name of the key."""

    def sign(self, message: bytes) -> bytes:
        """The signature over `message`."""


@dataclass(frozen=True)
class Signature:
    """A signature and the id of the key that is said to have made it, or None."""

    sig: bytes
    keyid: str | None = None


@dataclass(frozen=True)
class Envelope:
    """A payload of a stated type with its signatures, none of them checked yet."""

    payload: bytes
    payload_type: str
    signatures: tuple[Signature, ...]

    def plain(self) -> dict[str, Any]:
        """The envelope as the JSON object of envelope.md."""
        signatures = [
            {"keyid": one.keyid, "sig": _encoded(one.sig)} if one.keyid else {"sig": _encoded(one.sig)}
            for one in self.signatures
        ]
        return {"payload": _encoded(self.payload), "payloadType": self.payload_type, "signatures": signatures}

    @classmethod
    def read(cls, value: object) -> Envelope:
        """The envelope that a JSON object holds; `Rejected` where it is none. Unknown fields are passed over."""
        if not isinstance(value, dict):
            raise Rejected("is not an envelope")
        payload_type, signatures = value.get("payloadType"), value.get("signatures")
        if not isinstance(payload_type, str) or not payload_type:
            raise Rejected("has no payload type")
        if not isinstance(signatures, list) or not signatures:
            raise Rejected("has no signatures")
        if len(signatures) > MOST_SIGNATURES:
            raise Rejected(f"has {len(signatures):,} signatures, more than {MOST_SIGNATURES}")
        return cls(_decoded(value.get("payload")), payload_type, tuple(map(_signature, signatures)))


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """What is signed: PAE of protocol.md, with both lengths in bytes."""
    kind = payload_type.encode("utf-8")
    return b" ".join((b"DSSEv1", b"%d" % len(kind), kind, b"%d" % len(payload), payload))


def signed(payload: bytes, payload_type: str, signers: Iterable[Signer]) -> Envelope:
    """`payload` in an envelope, signed by each of `signers`."""
    message = pre_authentication_encoding(payload_type, payload)
    return Envelope(payload, payload_type, tuple(Signature(one.sign(message), one.id) for one in signers))


def verified(
    envelope: Envelope, keys: Iterable[bytes], *, payload_types: Iterable[str], threshold: int = 1
) -> tuple[bytes, ...]:
    """The keys, of the trusted public `keys` (32 bytes each), that signed `envelope`.

    Raises `Rejected` where fewer than `threshold` different ones did, or the payload is of none of `payload_types`.
    Only after this may the payload be parsed.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if threshold < 1:
        raise ValueError("a threshold counts from 1")
    message = pre_authentication_encoding(envelope.payload_type, envelope.payload)
    accepted: list[bytes] = []
    for public in dict.fromkeys(keys):
        key = Ed25519PublicKey.from_public_bytes(public)
        for one in envelope.signatures:
            try:
                key.verify(one.sig, message)
            except InvalidSignature:
                continue
            accepted.append(public)
            break
    if len(accepted) < threshold:
        raise Rejected(
            "no signature of a trusted key fits" if threshold == 1 else "too few trusted keys signed"
        )
    if envelope.payload_type not in set(payload_types):
        raise Rejected("the payload is of another type")
    return tuple(accepted)


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _decoded(text: object) -> bytes:
    """Base64 in either alphabet, as a verifier must accept; padded, and nothing else in it."""
    if not isinstance(text, str):
        raise Rejected("holds a payload or signature that is no text")
    standard = text.replace("-", "+").replace("_", "/")
    if not _BASE64.fullmatch(standard):
        raise Rejected("holds a payload or signature that is not base64")
    try:
        return base64.b64decode(standard, validate=True)
    except (binascii.Error, ValueError):
        raise Rejected("holds a payload or signature that is not base64") from None


def _signature(value: object) -> Signature:
    if not isinstance(value, dict):
        raise Rejected("holds a signature that is no object")
    keyid = value.get("keyid")
    if keyid is not None and not isinstance(keyid, str):
        raise Rejected("holds a key id that is no text")
    return Signature(_decoded(value.get("sig")), keyid or None)
