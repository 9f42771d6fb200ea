"""How much of one message is taken at most."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WireLimits:
    """Bounds of one direction: of a head, of its target (requests), of its number of headers, of a body."""

    head_bytes: int = 32_768
    target_bytes: int = 8_192
    fields: int = 100
    body_bytes: int = 64 << 20
