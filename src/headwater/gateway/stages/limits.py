"""Rate headers of a response: what a tier promises and what is left of it, in the route's dialect and the IETF's.

They are written for each response, so the lines are a template for a set of limits, into which numbers are put;
`wire.rate_headers` has the same headers readable, and a test holds the two equal. What the model's server says of its
own limits isn't the client's, and is left out.
"""

from __future__ import annotations

import time
from typing import Final

from headwater.control import Admitted, Control, Figure
from headwater.gateway.routes import Route
from headwater.gateway.stage import Shape
from headwater.gateway.stages.leases import steady_us
from headwater.gateway.wire.dialect import Dialect
from headwater.gateway.wire.rate_headers import UNITS, Limit, duration

_THEIRS: Final = frozenset(
    [b"ratelimit", b"ratelimit-policy", b"anthropic-ratelimit-unified-status"]
    + [
        b"x-ratelimit-%b-%b" % (part, unit)
        for part in (b"limit", b"remaining", b"reset")
        for unit in (b"requests", b"tokens")
    ]
    + [
        b"anthropic-ratelimit-%b-%b" % (unit, part)
        for part in (b"limit", b"remaining", b"reset")
        for unit in (b"requests", b"tokens", b"input-tokens", b"output-tokens")
    ]
)
_COUNTED: Final = {"requests_per_minute": "requests", "tokens_per_minute": "tokens"}
_PLAIN: Final = Shape(drop=_THEIRS)
_REFRAMED: Final = Shape(drop=_THEIRS, reframe=True)
_KEPT: Final = 1024
_MOST: Final = 999_999_999_999_999
_NATIVE: Final = {
    Dialect.OPENAI: (
        "x-ratelimit-limit-{unit}: {limit}\r\nx-ratelimit-remaining-{unit}: %b\r\n"
        "x-ratelimit-reset-{unit}: %b\r\n"
    ),
    Dialect.ANTHROPIC: (
        "anthropic-ratelimit-{unit}-limit: {limit}\r\nanthropic-ratelimit-{unit}-remaining: %b\r\n"
        "anthropic-ratelimit-{unit}-reset: %b\r\n"
    ),
}


class RateLines:
    """Makes the change of a response's head; one for a worker."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._templates: dict[tuple[Dialect, tuple[tuple[str, int, int], ...]], bytes] = {}

    def shape(self, route: Route, admitted: Admitted, *, reframe: bool) -> Shape:
        """What changes in the head of an admitted request's response."""
        lines = b"" if admitted.reservation is None else self.lines(route.dialect, admitted)
        if not lines:
            return _REFRAMED if reframe else _PLAIN
        # One entry with several lines: only its bytes are looked at from here on.
        return Shape(_THEIRS, ((b"ratelimit", lines, b""),), reframe)

    def lines(self, dialect: Dialect, admitted: Admitted) -> bytes:
        """The header lines for what is admitted; empty where a tier has no limit of a minute."""
        shown = [one for one in self._control.standing(admitted, steady_us()) if one.name in _COUNTED]
        if not shown:
            return b""
        key = (dialect, tuple([(one.name, one.limit, one.window_us) for one in shown]))
        template = self._templates.get(key)
        if template is None:
            if len(self._templates) >= _KEPT:
                self._templates.clear()
            template = self._templates[key] = _template(dialect, shown)
        native: list[bytes] = []
        ietf: list[bytes] = []
        for one in shown:
            left, reset_us = _bounded(one)
            remaining = b"%d" % left
            if dialect in _NATIVE:
                native += (remaining, _reset(dialect, reset_us))
            ietf += (remaining, b"%d" % -(-reset_us // 1_000_000))
        return template % (*native, *ietf)


def limits_of(figures: list[Figure]) -> list[Limit]:
    """The limits that a client may see: those of a minute."""
    return [
        Limit(_COUNTED[one.name], one.limit, *_bounded(one), max(1, one.window_us // 1_000_000))
        for one in figures
        if one.name in _COUNTED
    ]


def _bounded(one: Figure) -> tuple[int, int]:
    left = one.remaining if one.remaining > 0 else 0
    reset = one.resets_us if one.resets_us > 0 else 0
    return (left if left < one.limit else one.limit), (reset if reset < _MOST else _MOST)


def _template(dialect: Dialect, shown: list[Figure]) -> bytes:
    """The lines of these limits, with places for what differs from response to response."""
    native = _NATIVE.get(dialect, "")
    lines = "".join(native.format(unit=_COUNTED[one.name], limit=one.limit) for one in shown)
    policies = [
        f'"{unit}";q={one.limit};qu="{UNITS[unit]}";w={max(1, one.window_us // 1_000_000)}'
        for one in shown
        for unit in (_COUNTED[one.name],)
    ]
    states = [f'"{_COUNTED[one.name]}";r=%b;t=%b' for one in shown]
    lines += f"RateLimit-Policy: {', '.join(policies)}\r\nRateLimit: {', '.join(states)}\r\n"
    return lines.encode()


def _reset(dialect: Dialect, reset_us: int) -> bytes:
    if dialect is Dialect.OPENAI:
        return duration(reset_us).encode()
    seconds = -(-(time.time_ns() // 1000 + reset_us) // 1_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds)).encode()
