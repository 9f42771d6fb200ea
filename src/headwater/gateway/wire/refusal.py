"""Why bytes aren't read on: a closed list of faults, each with the status a client is answered with.

The parser never raises at its caller: a refusal is the last event it gives. It carries no byte of what was sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Fault(Enum):
    """What is wrong with a message: its name, the HTTP status that answers it, and a sentence for the client."""

    def __init__(self, status: int, words: str) -> None:
        self.status = status
        self.words = words

    BARE_CR_OR_LF = 400, "a line doesn't end with CR LF"
    CONTROL_CHARACTER = 400, "a head holds a control character"
    NOT_HTTP = 400, "the connection doesn't speak HTTP/1.1"
    EMPTY_LINE = 400, "an empty line stands before the request"
    BAD_REQUEST_LINE = 400, "the request line can't be read"
    BAD_STATUS_LINE = 400, "the status line can't be read"
    BAD_TARGET = 400, "the request target isn't a path"
    TARGET_TOO_LONG = 414, "the request target is too long"
    METHOD_NOT_KNOWN = 501, "the method isn't known"
    VERSION = 505, "only HTTP/1.1 is spoken here (nginx: proxy_http_version 1.1)"
    FOLDED_LINE = 400, "a header is folded over lines"
    SPACE_BEFORE_COLON = 400, "a header has whitespace before its colon"
    BAD_FIELD_NAME = 400, "a header's name can't be read"
    TOO_MANY_FIELDS = 431, "there are too many headers"
    HEAD_TOO_LARGE = 431, "the headers are too large"
    HOST = 400, "there isn't exactly one valid Host header"
    LENGTH_AND_CHUNKED = 400, "Content-Length and Transfer-Encoding stand together"
    BAD_LENGTH = 400, "Content-Length isn't one plain number"
    REPEATED_LENGTH = 400, "Content-Length stands more than once"
    TRANSFER_ENCODING = 400, "Transfer-Encoding isn't exactly chunked"
    DISGUISED_FIELD = 400, "a header's name is a disguise of one that frames the message"
    CONNECTION_NAMES = 400, "Connection names a header that isn't its own"
    EXPECTATION = 417, "only 100-continue can be expected"
    BODY_NOT_ALLOWED = 400, "a request of this method has no body"
    BODY_TOO_LARGE = 413, "the body is too large"
    BAD_CHUNK_SIZE = 400, "a chunk's size can't be read"
    CHUNK_EXTENSION = 400, "chunk extensions aren't taken"
    BAD_CHUNK_END = 400, "a chunk is longer than its size says"
    TRAILERS = 400, "trailers aren't taken"
    INTERIM = 400, "an interim response can't be used"
    PARSERS_DISAGREE = 400, "the message can be read in two ways"
    CUT_OFF = 400, "the connection ended within a message"


@dataclass(frozen=True, slots=True)
class Refusal:
    """The last event of a connection that can't be read on."""

    fault: Fault
