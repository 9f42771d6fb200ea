"""What a client learns of its limits, in three dialects: OpenAI's, Anthropic's, and the IETF's draft 11.

Pure: a snapshot of limits in, headers out. A snapshot holds what a tier promises and what is left of it; a risk that
lowers what is left is never named here (draft-ietf-httpapi-ratelimit-headers-11, security considerations).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from headwater.errors import UsageError
from headwater.gateway.wire.dialect import Dialect

#: What a limit counts, and the unit the draft's `qu` names it by; tokens have no registered unit, so theirs is ours.
UNITS: Final = {
    "requests": "requests",
    "tokens": "headwater-tokens",
    "input-tokens": "headwater-tokens",
    "output-tokens": "headwater-tokens",
    "concurrent-requests": "concurrent-requests",
}
_MOST: Final = 999_999_999_999_999  # RFC 9651 §3.3.1: fifteen digits
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Limit:
    """One limit as a client may see it: `counts` is a key of UNITS, `reset_us` microseconds until it is full again."""

    counts: str
    limit: int
    remaining: int
    reset_us: int
    window_s: int

    def __post_init__(self) -> None:
        if self.counts not in UNITS:
            raise UsageError("a limit counts something unknown", hint=f"known: {', '.join(UNITS)}")
        if not (0 <= self.limit <= _MOST and 0 <= self.remaining <= _MOST):
            raise UsageError("a limit has at most fifteen digits and isn't negative")
        if not (0 <= self.reset_us <= _MOST and 0 < self.window_s <= _MOST):
            raise UsageError("a limit's times are positive and have at most fifteen digits")

    @property
    def reset_s(self) -> int:
        """Seconds until it is full again, rounded up: nobody is sent away to come back too early."""
        return -(-self.reset_us // 1_000_000)


def rate_headers(limits: Sequence[Limit], dialect: Dialect, at_us: int) -> list[tuple[bytes, bytes]]:
    """The headers of a response in `dialect`, and the IETF's beside them; `at_us` is now. Without limits, none."""
    native = (
        openai_headers(limits)
        if dialect is Dialect.OPENAI
        else anthropic_headers(limits, at_us)
        if dialect is Dialect.ANTHROPIC
        else []
    )
    return native + ietf_headers(limits)


def openai_headers(limits: Sequence[Limit]) -> list[tuple[bytes, bytes]]:
    """`x-ratelimit-{limit,remaining,reset}-{requests,tokens}`, resets as durations (`6m0s`, `20ms`)."""
    headers = []
    for limit in limits:
        if limit.counts in ("requests", "tokens"):
            name = limit.counts.encode()
            headers += [
                (b"x-ratelimit-limit-" + name, b"%d" % limit.limit),
                (b"x-ratelimit-remaining-" + name, b"%d" % limit.remaining),
                (b"x-ratelimit-reset-" + name, duration(limit.reset_us).encode()),
            ]
    return headers


def anthropic_headers(limits: Sequence[Limit], at_us: int) -> list[tuple[bytes, bytes]]:
    """`anthropic-ratelimit-{requests,tokens,…}-{limit,remaining,reset}`, resets as RFC 3339 in whole seconds."""
    headers = []
    for limit in limits:
        if limit.counts != "concurrent-requests":
            name = b"anthropic-ratelimit-" + limit.counts.encode()
            full = _EPOCH + timedelta(seconds=-(-(at_us + limit.reset_us) // 1_000_000))
            headers += [
                (name + b"-limit", b"%d" % limit.limit),
                (name + b"-remaining", b"%d" % limit.remaining),
                (name + b"-reset", full.strftime("%Y-%m-%dT%H:%M:%SZ").encode()),
            ]
    return headers


def ietf_headers(limits: Sequence[Limit]) -> list[tuple[bytes, bytes]]:
    """`RateLimit-Policy` and `RateLimit` (draft 11): lists of strings with parameters (RFC 9651 §3.1)."""
    if not limits:
        return []
    policies = [
        f'"{limit.counts}";q={limit.limit};qu="{UNITS[limit.counts]}";w={limit.window_s}' for limit in limits
    ]
    states = [f'"{limit.counts}";r={limit.remaining};t={limit.reset_s}' for limit in limits]
    return [(b"RateLimit-Policy", ", ".join(policies).encode()), (b"RateLimit", ", ".join(states).encode())]


def duration(us: int) -> str:
    """Microseconds as OpenAI writes durations: `0s`, `20ms`, `1.5s`, `6m0s`, `1h0m0s`; rounded up to ms."""
    ms = -(-us // 1000)
    if ms < 1000:
        return f"{ms}ms" if ms else "0s"
    seconds, rest = divmod(ms, 1000)
    hours, seconds = divmod(seconds, 3600)
    minutes, seconds = divmod(seconds, 60)
    small = f"{seconds}.{rest:03d}".rstrip("0").rstrip(".") if rest else str(seconds)
    if hours:
        return f"{hours}h{minutes}m{small}s"
    return f"{minutes}m{small}s" if minutes else f"{small}s"
