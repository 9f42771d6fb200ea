"""What the lines of a head may look like, and which fault a head has that doesn't.

The patterns are narrower than RFC 9112's grammar: no obsolete folding, no bare CR or LF, no empty line in front, only
`HTTP/1.1`, only targets in origin form. A head is refused unless each of its lines matches whole.
"""

from __future__ import annotations

import re
from typing import Final

from headwater.gateway.wire.refusal import Fault

METHODS: Final = (b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS")

# RFC 9110 §5.6.2: token = 1*tchar
_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
# RFC 9110 §5.5: field-vchar = VCHAR / obs-text; whitespace around is not part of a value.
_VALUE: Final = rb"[\t\x20-\x7e\x80-\xff]*"
# RFC 9112 §3.2.1: origin-form = absolute-path [ "?" query ]; RFC 3986 §3.3 and §3.4. In a query also [ and ], which
# clients send as they are.
_PATH: Final = rb"/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*"
_QUERY: Final = rb"(?:\?((?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?\[\]]|%[0-9A-Fa-f]{2})*))?"
_TARGET: Final = re.compile(_PATH + _QUERY)

#: Groups: method, target, path, query.
REQUEST_LINE: Final = re.compile(
    rb"(" + b"|".join(METHODS) + rb") ((" + _PATH + rb")" + _QUERY + rb") HTTP/1\.1"
)
# RFC 9112 §4: status-line = HTTP-version SP status-code SP [ reason-phrase ]
STATUS_LINE: Final = re.compile(rb"HTTP/1\.1 ([1-5][0-9][0-9]) " + _VALUE)
#: RFC 9112 §5: field-line = field-name ":" OWS field-value OWS; groups: name, value and the whitespace around it.
FIELD_LINE: Final = re.compile(rb"(" + _TOKEN + rb"):(" + _VALUE + rb")")
TOKEN: Final = re.compile(_TOKEN)

# RFC 9112 §7.1: chunk-size = 1*HEXDIG. Eight digits are 4 GiB; extensions aren't taken.
CHUNK_LINE: Final = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n")
#: Size lines as servers write them, of all chunks that a token or an event comes in, less the line's end: 1 to 4,095.
SIZES: Final[dict[bytes, int]] = {
    line: size for size in range(1, 4096) for line in (b"%x" % size, b"%X" % size)
}
_SIZE_BEGUN: Final = re.compile(rb"[0-9A-Fa-f]{0,8}")

# RFC 9110 §8.6: Content-Length = 1*DIGIT; without leading zeros, which some read as octal.
LENGTH: Final = re.compile(rb"0|[1-9][0-9]{0,17}")
#: The line of a Content-Length in a head that has one.
LENGTH_FIELD: Final = re.compile(rb"\r\n(?i:content-length):[ \t]*([0-9]+)[ \t]*(?=\r\n)")
#: A header in which llhttp looks for `close`, and we don't.
PROXY_CONNECTION: Final = re.compile(rb"\r\n(?i:proxy-connection):")
# RFC 9110 §7.2 and RFC 3986 §3.2.2: uri-host [ ":" port ], without user information.
HOST: Final = re.compile(rb"(?:[A-Za-z0-9][A-Za-z0-9\-._]*|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")

_BAD: Final = re.compile(rb"\r(?=[^\n])|(?<!\r)\n|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_WORD: Final = re.compile(rb"[A-Z]+")
_VERSION: Final = re.compile(rb"HTTP/[0-9]\.[0-9]")


def begun_wrong(begun: bytes, *, request: bool, since: int = 0) -> Fault | None:
    """What is already wrong with the beginning of a head, whatever follows; None where nothing is.

    The first `since` bytes were looked at before. The fault of the earliest byte is named, so that the answer
    doesn't hang on how the bytes were cut.
    """
    first = begun[:1]
    if request and first in (b"\r", b"\n"):
        return Fault.EMPTY_LINE
    if not (first.isalpha() and first.isupper()) if request else first != b"H":
        return Fault.NOT_HTTP
    found = _BAD.search(begun, max(since - 1, 0))
    if found is None:
        return None
    return Fault.BARE_CR_OR_LF if found[0] in (b"\r", b"\n") else Fault.CONTROL_CHARACTER


def wrong(head: bytes, *, request: bool) -> Fault:
    """The fault of a whole head of which a line didn't match."""
    fault = begun_wrong(head, request=request)
    if fault is not None:
        return fault
    first, *lines = head[:-4].split(b"\r\n")
    return (_request_line(first) if request else _status_line(first)) or _fields(lines)


def wrong_size(begun: bytes) -> Fault | None:
    """The fault of a chunk's size line that doesn't match; None where it may become one. `begun`: 10 bytes or more."""
    digits = _SIZE_BEGUN.match(begun).end()  # type: ignore[union-attr]  # no digit is a match too
    rest = begun[digits:]
    if not rest or (digits and rest == b"\r"):
        return None
    if not digits:
        return Fault.BAD_CHUNK_SIZE
    if rest[:1] in (b";", b" ", b"\t"):
        return Fault.CHUNK_EXTENSION
    return Fault.BARE_CR_OR_LF if rest[:1] in (b"\r", b"\n") else Fault.BAD_CHUNK_SIZE


def _request_line(line: bytes) -> Fault | None:
    parts = line.split(b" ")
    if len(parts) != 3:
        return Fault.VERSION if len(parts) == 2 and _WORD.fullmatch(parts[0]) else Fault.BAD_REQUEST_LINE
    method, target, version = parts
    if version != b"HTTP/1.1":
        return Fault.VERSION if _VERSION.fullmatch(version) else Fault.BAD_REQUEST_LINE
    if method not in METHODS:
        return Fault.METHOD_NOT_KNOWN if TOKEN.fullmatch(method) else Fault.BAD_REQUEST_LINE
    return None if _TARGET.fullmatch(target) else Fault.BAD_TARGET


def _status_line(line: bytes) -> Fault | None:
    if STATUS_LINE.fullmatch(line) is not None:
        return None
    version = line.partition(b" ")[0]
    return Fault.VERSION if version != b"HTTP/1.1" and _VERSION.fullmatch(version) else Fault.BAD_STATUS_LINE


def _fields(lines: list[bytes]) -> Fault:
    for line in lines:
        name, colon, _ = line.partition(b":")
        if line[:1] in (b" ", b"\t"):
            return Fault.FOLDED_LINE
        if colon and TOKEN.fullmatch(name):
            continue
        return Fault.SPACE_BEFORE_COLON if colon and TOKEN.fullmatch(name.rstrip()) else Fault.BAD_FIELD_NAME
    return Fault.PARSERS_DISAGREE  # unreached while the patterns say what is said here
