"""Signed webhooks as Standard Webhooks 1.0.0 says: who sent it, when, and that nothing of it was changed.

    webhook-id, webhook-timestamp (seconds), webhook-signature: v1,<base64 of HMAC-SHA256> v1,…
    what is signed: <id>.<timestamp>.<body>

(github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md.) That one is taken once only is seen to
where it is written down. Asymmetric signatures (v1a) are passed over.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from headwater.errors import ConfigurationError

LARGEST_BODY: Final = 65_536
#: Seconds that a webhook may be older or newer than now.
TOLERANCE_S: Final = 300
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_SECONDS: Final = re.compile(r"[1-9][0-9]{0,11}")
_SECRET_PREFIX: Final = "whsec_"
_MOST_SIGNATURES: Final = 16
_SECRET_BYTES: Final = range(24, 65)


class WebhookFault(StrEnum):
    """Why a webhook was not taken."""

    HEADERS = "a header of Standard Webhooks is missing or malformed"
    TOO_LARGE = "the body is too large"
    TOO_OLD = "it is too old"
    TOO_NEW = "it is from the future"
    SIGNATURE = "no signature is right"
    CONTENT = "the content isn't what the provider sends"


class Delivered(msgspec.Struct, frozen=True):
    """A webhook whose signature is right: its id, which stays when it is sent again, and its time in seconds."""

    id: str
    at_s: int


def webhook_secret(text: str) -> bytes:
    """The secret in a `whsec_…` text; `ConfigurationError`, never with it, where it is none."""
    try:
        secret = base64.b64decode(text.strip().removeprefix(_SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if len(secret) not in _SECRET_BYTES:
        hint = "whsec_ and 24 to 64 bytes in base64, as your provider shows it"
        raise ConfigurationError(f"not the secret of a webhook, a text of {len(text)} characters", hint=hint)
    return secret


def verify_webhook(
    headers: Mapping[str, str],
    body: bytes,
    secrets: Sequence[bytes],
    at_us: int,
    *,
    tolerance_s: int = TOLERANCE_S,
) -> Delivered | WebhookFault:
    """Check a webhook; `headers` by their names in small letters, `secrets` all that count now (rotation)."""
    name = headers.get("webhook-id", "")
    seconds = headers.get("webhook-timestamp", "")
    signatures = headers.get("webhook-signature", "").split(" ", _MOST_SIGNATURES)
    if not (_ID.fullmatch(name) and _SECONDS.fullmatch(seconds)) or len(signatures) > _MOST_SIGNATURES:
        return WebhookFault.HEADERS
    if len(body) > LARGEST_BODY:
        return WebhookFault.TOO_LARGE
    signed = f"{name}.{seconds}.".encode() + body
    right = [_signature(secret, signed) for secret in secrets]
    # Every pair is compared, so that the time says nothing of which was right.
    hits = [hmac.compare_digest(given.encode(), ours) for given in signatures for ours in right]
    if not any(hits):
        return WebhookFault.SIGNATURE
    apart = at_us // 1_000_000 - int(seconds)
    if apart > tolerance_s:
        return WebhookFault.TOO_OLD
    if apart < -tolerance_s:
        return WebhookFault.TOO_NEW
    return Delivered(name, int(seconds))


def sign_webhook(secret: bytes, name: str, at_s: int, body: bytes) -> dict[str, str]:
    """The headers of a webhook: for tests, and for who sends webhooks to Headwater."""
    signature = _signature(secret, f"{name}.{at_s}.".encode() + body).decode()
    return {"webhook-id": name, "webhook-timestamp": str(at_s), "webhook-signature": signature}


def _signature(secret: bytes, signed: bytes) -> bytes:
    return b"v1," + base64.b64encode(hmac.digest(secret, signed, "sha256"))
