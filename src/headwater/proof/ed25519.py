"""Public Ed25519 keys (RFC 8032) as bytes and as the PEM files that other tools read (RFC 8410).

Secret keys are `headwater.keys`' business; whether a key is trusted is decided above both.
"""

from __future__ import annotations

PUBLIC_KEY_BYTES = 32


def public_key_pem(public: bytes) -> str:
    """The 32 bytes of a public key as a PEM `PUBLIC KEY` (SubjectPublicKeyInfo)."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = Ed25519PublicKey.from_public_bytes(public)
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def read_public_key(text: bytes) -> bytes:
    """The 32 bytes of the Ed25519 public key in a PEM `PUBLIC KEY`; `ValueError` (never with the text) otherwise."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(text)
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("is not a public key in PEM") from None
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("is a public key of another kind than Ed25519")
    return key.public_bytes_raw()
