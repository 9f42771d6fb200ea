"""HKDF with SHA-256 (RFC 5869): one secret in, as many independent secrets out as there are purposes.

Only the standard library is used. What is derived, and under which label, is the caller's affair.
"""

from __future__ import annotations

import hmac

_HASH_BYTES = 32


def hkdf_sha256(secret: bytes, *, salt: bytes = b"", info: bytes = b"", length: int = 32) -> bytes:
    """Derive `length` bytes (at most 8,160) from `secret` for the purpose named by `info` (RFC 5869).

    An empty `salt` stands for 32 zero bytes, as the RFC says. Raises `ValueError` for a length out of range.
    """
    if not 0 < length <= 255 * _HASH_BYTES:
        raise ValueError(f"length must be from 1 to {255 * _HASH_BYTES}, not {length}")
    extracted = hmac.digest(salt or bytes(_HASH_BYTES), secret, "sha256")
    block, expanded = b"", b""
    for counter in range(1, -(-length // _HASH_BYTES) + 1):
        block = hmac.digest(extracted, block + info + bytes([counter]), "sha256")
        expanded += block
    return expanded[:length]
