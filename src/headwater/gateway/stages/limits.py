"""Rate headers of a response: what a tier promises and what is left of it, in the route's dialect and the IETF's.

What the model's server says of its own limits isn't the client's, and is left out.
"""

from __future__ import annotations

import time
from typing import Final

from headwater.control import Admitted, Control, Figure
from headwater.gateway.routes import Route
from headwater.gateway.stage import Shape
from headwater.gateway.stages.leases import steady_us
from headwater.gateway.wire.dialect import Dialect
from headwater.gateway.wire.head import Field
from headwater.gateway.wire.rate_headers import Limit, rate_headers

_THEIRS: Final = frozenset(
    [b"ratelimit", b"ratelimit-policy", b"anthropic-ratelimit-unified-status"]
    + [b"x-ratelimit-%b-%b" % (part, unit)
        for part in (b"limit", b"remaining", b"reset") for unit in (b"requests", b"tokens")]
    + [
        b"anthropic-ratelimit-%b-%b" % (unit, part)
        for part in (b"limit", b"remaining", b"reset")
        for unit in (b"requests", b"tokens", b"input-tokens", b"output-tokens")
    ]
)  # fmt: skip
_COUNTED: Final = {"requests_per_minute": "requests", "tokens_per_minute": "tokens"}
_PLAIN: Final = Shape(drop=_THEIRS)
_REFRAMED: Final = Shape(drop=_THEIRS, reframe=True)


class RateLines:
    """Makes the change of a response's head; one for a worker."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def shape(self, route: Route, admitted: Admitted, *, reframe: bool) -> Shape:
        """What changes in the head of an admitted request's response."""
        if admitted.reservation is None:
            return _REFRAMED if reframe else _PLAIN
        add = self._lines(route.dialect, admitted)
        if not add:
            return _REFRAMED if reframe else _PLAIN
        return Shape(_THEIRS, add, reframe)

    def _lines(self, dialect: Dialect, admitted: Admitted) -> tuple[Field, ...]:
        limits = limits_of(self._control.standing(admitted, steady_us()))
        if not limits:
            return ()
        headers = rate_headers(limits, dialect, time.time_ns() // 1000)
        # One entry with several lines: only its bytes are looked at from here on.
        lines = b"".join([b"%b: %b\r\n" % header for header in headers])
        return ((b"ratelimit", lines, b""),)


def limits_of(figures: list[Figure]) -> list[Limit]:
    """The limits that a client may see: those of a minute."""
    return [
        Limit(
            _COUNTED[one.name],
            one.limit,
            max(0, min(one.limit, one.remaining)),
            max(0, one.resets_us),
            max(1, one.window_us // 1_000_000),
        )
        for one in figures
        if one.name in _COUNTED
    ]
