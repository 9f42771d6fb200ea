"""What the headers that aren't simply passed on say together: the body's length, the connection's end, or a fault."""

from __future__ import annotations

from typing import Final

from headwater.gateway.wire.fields import NOT_HOP, Kind, Line
from headwater.gateway.wire.grammar import HOST, LENGTH, TOKEN
from headwater.gateway.wire.head import CHUNKED, UNTIL_CLOSE, Field
from headwater.gateway.wire.refusal import Fault

_HOST: Final = int(Kind.HOST)
_LENGTH: Final = int(Kind.LENGTH)
_CODING: Final = int(Kind.CODING)
_CONNECTION: Final = int(Kind.CONNECTION)
_EXPECT: Final = int(Kind.EXPECT)
_WITHHELD: Final = int(Kind.WITHHELD)
_DISGUISE: Final = int(Kind.DISGUISE)
_UPGRADE: Final = int(Kind.UPGRADE)
_BODILESS: Final = frozenset((b"GET", b"HEAD", b"DELETE", b"OPTIONS"))


class Framing:
    """Collects the special headers of one head."""

    hosts: tuple[bytes, ...] = ()
    lengths: tuple[bytes, ...] = ()
    codings: tuple[bytes, ...] = ()
    connection: tuple[bytes, ...] = ()
    expects: tuple[bytes, ...] = ()
    disguised = False
    #: Whether another protocol is asked for; it is never spoken.
    upgrade = False
    #: What `Connection` names, in small letters.
    named: frozenset[bytes] = frozenset()

    def __init__(self, lines: list[Line]) -> None:
        self.withheld: list[Field] = []
        for kind, field in lines:
            if kind == _HOST:
                self.hosts = (*self.hosts, field[2])
            elif kind == _LENGTH:
                self.lengths = (*self.lengths, field[2])
            elif kind == _CODING:
                self.codings = (*self.codings, field[2])
            elif kind == _CONNECTION:
                self.connection = (*self.connection, field[2])
            elif kind == _EXPECT:
                self.expects = (*self.expects, field[2])
            elif kind == _WITHHELD:
                self.withheld.append(field)
            elif kind == _DISGUISE:
                self.disguised = True
            elif kind == _UPGRADE:
                self.upgrade = True

    @property
    def close(self) -> bool:
        """Whether the connection ends after this message."""
        return b"close" in self.named

    def fault(self) -> Fault | None:
        """What is wrong with framing or connection, of requests and responses alike (RFC 9112 §6.3)."""
        if self.disguised:
            return Fault.DISGUISED_FIELD
        if self.codings:
            if self.lengths:
                return Fault.LENGTH_AND_CHUNKED
            if len(self.codings) > 1 or self.codings[0] != b"chunked":
                return Fault.TRANSFER_ENCODING
        elif self.lengths:
            if len(self.lengths) > 1:
                return Fault.REPEATED_LENGTH
            if LENGTH.fullmatch(self.lengths[0]) is None:
                return Fault.BAD_LENGTH
        return self._connection() if self.connection else None

    def request_fault(self, method: bytes) -> Fault | None:
        """What is wrong with a request beyond `fault`."""
        if len(self.hosts) != 1 or HOST.fullmatch(self.hosts[0]) is None:
            return Fault.HOST
        if self.expects and (len(self.expects) > 1 or self.expects[0].lower() != b"100-continue"):
            return Fault.EXPECTATION
        if method in _BODILESS and self.length():
            return Fault.BODY_NOT_ALLOWED
        return None

    def length(self, otherwise: int = 0) -> int:
        """The body's length, CHUNKED, or `otherwise` where the head says nothing."""
        if self.codings:
            return CHUNKED
        return int(self.lengths[0]) if self.lengths else otherwise

    def response_length(self, status: int, *, to_head: bool) -> int:
        """The length of a response's body (RFC 9112 §6.3); 0 where there is none, whatever the head says."""
        if to_head or status in (204, 304):
            return 0
        return self.length(UNTIL_CLOSE)

    def _connection(self) -> Fault | None:
        options = b",".join(self.connection).lower().split(b",")
        self.named = frozenset(option.strip(b" \t") for option in options)
        if any(name and TOKEN.fullmatch(name) is None for name in self.named):
            return Fault.CONNECTION_NAMES
        return Fault.CONNECTION_NAMES if self.named & NOT_HOP else None
