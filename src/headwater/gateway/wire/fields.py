"""What becomes of a header, by its name: it passes, it frames the message, it ends at this hop, or it is ours.

Names are compared without case, and with `_` read as `-`: servers that hand headers on as variables (CGI, WSGI) can't
tell the two apart. A line that was read before is not read again.
"""

from __future__ import annotations

from enum import IntEnum, auto
from typing import Final, TypeAlias

from headwater.gateway.wire.grammar import FIELD_LINE
from headwater.gateway.wire.head import Field


class Kind(IntEnum):
    """What a header is to a relay."""

    PASSES = 0
    HOST = auto()
    LENGTH = auto()
    CODING = auto()
    CONNECTION = auto()
    EXPECT = auto()
    UPGRADE = auto()
    #: Of this hop only (RFC 9110 §7.6.1): dropped.
    HOP = auto()
    #: Of a client, a word that only the gateway or a trusted proxy may say: kept for the stages, not forwarded.
    WITHHELD = auto()
    #: A name that others may take for one that frames a message: refused.
    DISGUISE = auto()


#: A line that was read: what it is, and the header. Plain, because looking at it is the hot path.
Line: TypeAlias = tuple[int, Field]

#: Headers of ours. Nobody else may say them: copies are withheld, in requests and in responses.
OWN_PREFIXES: Final = (b"headwater-", b"x-headwater-")
#: What a proxy in front says of a client, or what servers take for another method or path than was checked.
SPOKEN_FOR: Final = (
    b"forwarded", b"x-forwarded-", b"x-real-ip", b"x-client-ip", b"x-client-cert", b"x-cluster-client-ip",
    b"x-original-", b"x-rewrite-", b"x-http-method", b"x-method-override", b"x-envoy-", b"true-client-ip",
)  # fmt: skip

_HOP: Final = (
    b"keep-alive", b"proxy-connection", b"te", b"trailer", b"http2-settings",
    b"proxy-authenticate", b"proxy-authorization", b"proxy-authentication-info",
)  # fmt: skip
_KINDS: Final = {
    b"host": Kind.HOST,
    b"content-length": Kind.LENGTH,
    b"transfer-encoding": Kind.CODING,
    b"connection": Kind.CONNECTION,
    b"expect": Kind.EXPECT,
    b"upgrade": Kind.UPGRADE,
    **dict.fromkeys(_HOP, Kind.HOP),
}
#: What `Connection` may not take away: without it a request would say something else upstream than was checked here.
NOT_HOP: Final = frozenset(
    (
        b"host", b"content-length", b"transfer-encoding", b"content-type", b"content-encoding", b"authorization",
        b"x-api-key", b"api-key", b"cookie", b"anthropic-version", b"anthropic-beta", b"openai-organization",
        b"openai-project", b"expect", b"idempotency-key", b"range",
    )
)  # fmt: skip

#: Headers whose lines are the same in many messages and say nothing of a person: only those are remembered.
_REMEMBERED: Final = frozenset((
    b"accept", b"accept-encoding", b"accept-language", b"alt-svc", b"anthropic-beta", b"anthropic-version",
    b"cache-control", b"connection", b"content-encoding", b"content-type", b"date", b"host", b"keep-alive", b"server",
    b"transfer-encoding", b"user-agent", b"vary", b"x-content-type-options",
))  # fmt: skip
_REMEMBERED_PREFIX: Final = (b"x-stainless-",)
_MOST_LINES: Final = 4096
_LONGEST_LINE: Final = 256


class Lines:
    """Reads header lines. Each line that may be remembered costs one look-up from the second time on."""

    def __init__(self, *, request: bool) -> None:
        self._withheld = OWN_PREFIXES + SPOKEN_FOR if request else (*OWN_PREFIXES, b"alt-svc")
        self._names: dict[bytes, tuple[bytes, int, bool]] = {}
        self.known: dict[bytes, Line] = {}

    def read(self, line: bytes) -> Line | None:
        """One header; None where the line isn't one."""
        found = FIELD_LINE.fullmatch(line)
        if found is None:
            return None
        name, value = found.groups()
        value = value.strip(b" \t")
        lower, kind, remembered = self._names.get(name) or self._name(name)
        if kind == Kind.CONNECTION and value.lower() == b"keep-alive":
            kind = int(Kind.HOP)  # it names nothing, and is how connections are anyway
        read = (kind, (lower, b"%b: %b\r\n" % (name, value), value))
        if remembered and len(line) <= _LONGEST_LINE:
            if len(self.known) >= _MOST_LINES:
                self.known.clear()
            self.known[line] = read
        return read

    def _name(self, name: bytes) -> tuple[bytes, int, bool]:
        """A header's name in small letters, what it is, and whether its lines are remembered."""
        lower = name.lower()
        plain = lower.replace(b"_", b"-")
        kind = _KINDS.get(plain)
        if kind is None:
            kind = Kind.WITHHELD if plain.startswith(self._withheld) else Kind.PASSES
        elif plain != lower and kind is not Kind.HOP:
            kind = Kind.DISGUISE
        told = (lower, int(kind), lower in _REMEMBERED or lower.startswith(_REMEMBERED_PREFIX))
        if len(self._names) < _MOST_LINES and len(name) <= _LONGEST_LINE:
            self._names[name] = told
        return told
