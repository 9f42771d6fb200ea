"""Rate headers of a response: what a tier promises and what is left of it, in the route's dialect and the IETF's.

They are written for each response, so the lines are a template for a set of limits, into which numbers are put;
`wire.rate_headers` has the same headers readable, and a test holds the two equal. What the model's server says of its
own limits isn't the client's, and is left out.
"""

from __future__ import annotations

import time
from typing import Final, NamedTuple

from headwater.control import Admitted, Control, Denied, Shown, stands_now
from headwater.control.identity import Principal
from headwater.gateway.routes import Route, dialect_of
from headwater.gateway.stage import Exchange, Refuse, Shape
from headwater.gateway.stages.heads import ByHead
from headwater.gateway.stages.leases import steady_us
from headwater.gateway.stages.refusing import refuse
from headwater.gateway.wire.dialect import Dialect
from headwater.gateway.wire.head import ResponseHead
from headwater.gateway.wire.rate_headers import UNITS, duration
from headwater.gateway.wire.writer import header_lines

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
_KEPT: Final = 8192
_MOST: Final = 999_999_999_999_999
_NATIVE: Final = {
    Dialect.OPENAI: (
        "x-ratelimit-limit-{unit}: {limit}\r\nx-ratelimit-remaining-{unit}: %d\r\n"
        "x-ratelimit-reset-{unit}: %b\r\n"
    ),
    Dialect.ANTHROPIC: (
        "anthropic-ratelimit-{unit}-limit: {limit}\r\nanthropic-ratelimit-{unit}-remaining: %d\r\n"
        "anthropic-ratelimit-{unit}-reset: %b\r\n"
    ),
}


class _Written(NamedTuple):
    """Lines in one dialect: the template, what they said last, and when: the millisecond, and `Budgets.moves`."""

    template: bytes
    lines: bytes
    at: tuple[int, int]


class _Account(NamedTuple):
    """The limits that are told of one account, and its lines by dialect; `shown` is held so that its identity stays."""

    shown: tuple[Shown, ...]
    told: tuple[Shown, ...]
    written: dict[Dialect, _Written]


class RateLines:
    """Makes the change of a response's head; one for a worker."""

    def __init__(self, control: Control) -> None:
        self._control, self._budgets = control, control.budgets
        self._accounts: dict[int, _Account] = {}
        #: What a model server's head says beside its own limits.
        self._kept = ByHead(lambda fields: header_lines(fields, _THEIRS))

    def shape(self, route: Route, admitted: Admitted, head: ResponseHead, *, reframe: bool) -> Shape:
        """What changes in the head of an admitted request's response."""
        lines = b"" if admitted.reservation is None else self.lines(route.dialect, admitted)
        if not lines:
            return _REFRAMED if reframe else _PLAIN
        # One entry with several lines: only its bytes are looked at from here on.
        return Shape(_THEIRS, ((b"ratelimit", lines, b""),), reframe, self._kept.of(head.fields) + lines)

    def refuse(self, denied: Denied, exchange: Exchange, principal: Principal) -> Refuse:
        """The refusal of a request whose account is known: it tells how the limits stand, as an answer does."""
        lines = self.lines(dialect_of(exchange.route, exchange.head), principal)
        told = refuse(denied, principal.account)
        return Refuse(told.problem, ((b"ratelimit", lines, b""),)) if lines else told

    def lines(self, dialect: Dialect, who: Admitted | Principal) -> bytes:
        """The header lines for an account; empty where its tier has no limit of a minute."""
        shown = self._control.shown(who)
        account = self._accounts.get(id(shown))
        if account is None or account.shown is not shown:
            account = self._account(shown)
        if not account.told:
            return b""
        now_us = steady_us()
        # Answers that come together say the same: nothing was taken or settled since, and it's the same millisecond.
        at = now_us // 1_000, self._budgets.moves
        written = account.written.get(dialect)
        if written is None or written.at != at:
            template = _template(dialect, account.told) if written is None else written.template
            lines = template % _words(dialect, account.told, now_us)
            written = account.written[dialect] = _Written(template, lines, at)
        return written.lines

    def _account(self, shown: tuple[Shown, ...]) -> _Account:
        if len(self._accounts) >= _KEPT:
            self._accounts.clear()
        told = tuple(one for one in shown if one.name in _COUNTED)
        account = self._accounts[id(shown)] = _Account(shown, told, {})
        return account


def _template(dialect: Dialect, shown: tuple[Shown, ...]) -> bytes:
    """The lines of these limits, with places for what differs from response to response."""
    native = _NATIVE.get(dialect, "")
    lines = "".join(native.format(unit=_COUNTED[one.name], limit=one.limit) for one in shown)
    policies = [
        f'"{unit}";q={one.limit};qu="{UNITS[unit]}";w={max(1, one.window_us // 1_000_000)}'
        for one in shown
        for unit in (_COUNTED[one.name],)
    ]
    states = [f'"{_COUNTED[one.name]}";r=%d;t=%d' for one in shown]
    lines += f"RateLimit-Policy: {', '.join(policies)}\r\nRateLimit: {', '.join(states)}\r\n"
    return lines.encode()


def _words(dialect: Dialect, shown: tuple[Shown, ...], now_us: int) -> tuple[object, ...]:
    """What goes into a template: of each limit what is left and when it is whole again, natively; then the IETF's."""
    native: list[object] = []
    ietf: list[object] = []
    for one in shown:
        left, reset_us = one.reads(now_us) if one.step_reads is None else stands_now(one, now_us)
        left = 0 if left < 0 else one.limit if left > one.limit else left
        reset_us = 0 if reset_us < 0 else _MOST if reset_us > _MOST else reset_us
        if dialect is not Dialect.OWN:
            native += (left, _reset(dialect, reset_us))
        ietf += (left, -(-reset_us // 1_000_000))
    return *native, *ietf


def _reset(dialect: Dialect, reset_us: int) -> bytes:
    if dialect is Dialect.OPENAI:
        if 0 < reset_us <= 999_000:
            return b"%dms" % -(-reset_us // 1000)
        return duration(reset_us).encode()
    seconds = -(-(time.time_ns() // 1000 + reset_us) // 1_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds)).encode()
