"""Tickets by the description in docs/how-to/mark-flagged-accounts.md, sealed by the package `cryptography`."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

CASES: list[tuple[int, dict[str, Any]]] = [
    (1, {"account": "acct-7", "layer": "flagged", "issued": 1_790_000_000, "expires": 1_790_000_600}),
    (2, {
        "account": "konto-ä", "layer": "default", "issued": 0, "expires": 604_800, "epoch": "2026-q4",
        "request": "req-000001",
    }),
    (999_999_999, {"account": "x" * 200, "layer": "none", "issued": 1, "expires": 1}),
]  # fmt: skip


def hkdf(secret: bytes, info: bytes) -> bytes:
    """RFC 5869, one block of SHA-256, no salt."""
    extracted = hmac.new(bytes(32), secret, hashlib.sha256).digest()
    return hmac.new(extracted, info + b"\x01", hashlib.sha256).digest()


def ticket(secret: bytes, version: int, fields: dict[str, Any], nonce: bytes) -> str:
    """The text of a ticket."""
    order = ("account", "layer", "issued", "expires", "epoch", "request")
    content = {name: fields.get(name, "") for name in order}
    payload = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    room = len(payload) - len(fields["layer"]) + len("default")
    payload += b" " * (256 * ((room + 255) // 256) - len(payload))
    key = hkdf(secret, f"headwater mark ticket {version}: seal".encode())
    begins = f"HWT2.{version}."
    sealed = AESGCMSIV(key).encrypt(nonce, payload, b"headwater mark ticket\x00" + begins.encode())
    return begins + base64.urlsafe_b64encode(nonce + sealed).rstrip(b"=").decode()


def key_line(secret: bytes, version: int) -> str:
    """The line of a ticket key."""
    named = b"headwater ticket key id\x00" + hkdf(secret, f"headwater mark ticket {version}: key id".encode())
    return f"HEADWATER-TICKET-KEY-{version}:{secret.hex()}:{hashlib.sha256(named).hexdigest()[:16]}"


if __name__ == "__main__":
    rows = []
    for number, (version, fields) in enumerate(CASES):
        secret = hashlib.sha256(bytes([number])).digest()
        nonce = hashlib.sha256(b"nonce" + bytes([number])).digest()[:12]
        text = ticket(secret, version, fields, nonce)
        rows.append({"key": key_line(secret, version), "fields": fields, "nonce": nonce.hex(), "text": text})
    Path(__file__).with_name("ticket.json").write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
