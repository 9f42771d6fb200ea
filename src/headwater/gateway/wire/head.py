"""The parsed head of a request or a response: plain data, with the framing already decided.

`reader` makes them and `writer` writes them; what a header means to a model server is for the stages.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from msgspec import Struct

#: A header: its name in small letters, the line it is written as (`Name: value` and CR LF), and its value.
Field: TypeAlias = tuple[bytes, bytes, bytes]

#: `length` of a body that comes in chunks, and of one that lasts until the connection ends.
CHUNKED: Final = -1
UNTIL_CLOSE: Final = -2


class Head(Struct):
    """What heads of both directions have. Its lists are shared by messages with the same head: nobody changes them."""

    #: Headers that may pass, in order; without Host, framing and what belongs to one hop.
    fields: list[Field]
    #: Headers of names that are ours or a trusted proxy's to say; never forwarded.
    withheld: list[Field]
    #: Bytes of the body, or CHUNKED, or UNTIL_CLOSE.
    length: int
    #: Whether the sender ends the connection after this message.
    close: bool

    def get(self, name: bytes) -> bytes | None:
        """The value of the first header `name` (in small letters) that may pass; None where there is none."""
        for lower, _, value in self.fields:
            if lower == name:
                return value
        return None

    def count(self, name: bytes) -> int:
        """How many headers `name` (in small letters) may pass."""
        return sum(lower == name for lower, _, _ in self.fields)


class RequestHead(Head):
    """A request's head. `path` and `query` are the parts of `target`, still percent-encoded."""

    method: bytes
    target: bytes
    path: bytes
    query: bytes
    host: bytes
    #: Whether the client waits for `100 Continue` before it sends the body.
    expects_continue: bool = False

    def with_length(self, length: int) -> RequestHead:
        """The same head of a body of another length."""
        return RequestHead(
            self.fields, self.withheld, length, self.close, self.method, self.target, self.path, self.query, self.host,
            self.expects_continue,
        )  # fmt: skip


class ResponseHead(Head):
    """A response's head; the reason phrase isn't kept, `writer` has the registered ones."""

    status: int = 0

    def with_length(self, length: int) -> ResponseHead:
        """The same head of a body of another length."""
        return ResponseHead(self.fields, self.withheld, length, self.close, self.status)
