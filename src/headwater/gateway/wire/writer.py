"""Heads and chunks as bytes: what is forwarded is written here, from parsed parts, and never copied through.

Only values that `reader` took, or that `field` checked, end up in a head.
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

from headwater.errors import UsageError
from headwater.gateway.wire.fields import NOT_HOP
from headwater.gateway.wire.grammar import FIELD_LINE
from headwater.gateway.wire.head import CHUNKED, UNTIL_CLOSE, Field

LAST_CHUNK: Final = b"0\r\n\r\n"
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_STATUS_LINES: Final = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}
_CHUNKED_LINE: Final = b"Transfer-Encoding: chunked\r\n"
#: Headers that are written from the message's framing, and by nobody else.
_FRAMING: Final = frozenset(
    (b"host", b"content-length", b"transfer-encoding", b"connection", b"trailer", b"te")
)
assert _FRAMING - {b"connection", b"trailer", b"te"} <= NOT_HOP


def field(name: bytes, value: bytes) -> Field:
    """A header to be added. Raises `UsageError` where it would not be one header, or is not for others to set."""
    line = b"%b: %b" % (name, value)
    if FIELD_LINE.fullmatch(line) is None or value.strip(b" \t") != value or b":" in name:
        raise UsageError("not a header: a name and a value of one line")
    lower = name.lower()
    if lower in _FRAMING:
        raise UsageError("a header that frames the message is written by the relay alone")
    return lower, line + b"\r\n", value


def header_lines(
    fields: Iterable[Field], drop: frozenset[bytes] = frozenset(), add: Iterable[Field] = ()
) -> bytes:
    """Headers as they are written: those of `fields` that neither `drop` nor `add` names, then `add`."""
    gone = drop.union([name for name, _, _ in add]) if add else drop
    kept = [line for name, line, _ in fields if name not in gone] if gone else [line for _, line, _ in fields]
    return b"".join([*kept, *(line for _, line, _ in add)] if add else kept)


def request_head(method: bytes, target: bytes, host: bytes, lines: bytes, length: int) -> bytes:
    """A request's head; `lines`: its `header_lines`; `length` is the body's, or CHUNKED.

    A request without body says nothing of it, except POST.
    """
    framing = (
        _CHUNKED_LINE
        if length == CHUNKED
        else b"Content-Length: %d\r\n" % length
        if length or method in (b"POST", b"PUT", b"PATCH")
        else b""
    )
    return b"%b %b HTTP/1.1\r\nHost: %b\r\n%b%b\r\n" % (method, target, host, lines, framing)


def response_head(status: int, lines: bytes, length: int | None, *, close: bool = False) -> bytes:
    """A response's head; `lines`: its `header_lines`.

    `length` is the body's, CHUNKED, or None where nothing is said of it (HEAD, 204, 304).
    """
    framing = (
        b""
        if length is None
        else _CHUNKED_LINE
        if length in (CHUNKED, UNTIL_CLOSE)
        else b"Content-Length: %d\r\n" % length
    )
    start = _STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status
    ending = b"Connection: close\r\n\r\n" if close else b"\r\n"
    return b"%b%b%b%b" % (start, lines, framing, ending)


def chunk(data: bytes) -> bytes:
    """One chunk of a body (RFC 9112 §7.1). `data` isn't empty: an empty chunk would be the last."""
    return b"%x\r\n%b\r\n" % (len(data), data)
