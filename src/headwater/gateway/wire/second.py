"""A second opinion: llhttp follows every message, and a message on which it and `reader` don't agree isn't forwarded.

llhttp (the parser of Node.js, through httptools) runs in C beside the reader with its leniencies off, and is asked two
things: whether it reads the bytes without complaint, and whether the message ends where the reader says it does.
"""

from __future__ import annotations

from typing import Any

from headwater.errors import UsageError
from headwater.gateway.wire.head import CHUNKED, UNTIL_CLOSE


def llhttp() -> Any:
    """The module httptools. Raises `UsageError` where the extra isn't installed."""
    try:
        import httptools
    except ImportError:
        raise UsageError(
            "the gateway needs uvloop and httptools", hint="pip install 'headwater[gateway]'"
        ) from None
    return httptools


class _Ears:
    """What llhttp calls."""

    __slots__ = ("whole",)

    def __init__(self) -> None:
        self.whole = False

    def on_message_complete(self) -> None:
        """The message is whole."""
        self.whole = True


class Second:
    """llhttp beside one direction of one connection."""

    __slots__ = ("_ears", "_feed", "_parser", "_refused", "_upgrade")

    def __init__(self, *, request: bool) -> None:
        library = llhttp()
        self._parser = library.HttpRequestParser if request else library.HttpResponseParser
        self._refused, self._upgrade = library.HttpParserError, library.HttpParserUpgrade
        self.anew()

    def anew(self) -> None:
        """Forget everything, as at a connection's begin."""
        self._ears = _Ears()
        self._feed = self._parser(self._ears).feed_data

    def head(self, head: bytes, length: int) -> bool:
        """Whether llhttp takes a head too, and the message for whole exactly if nothing follows (`length` is 0)."""
        self._ears.whole = False
        try:
            self._feed(head)
        except self._upgrade:
            return self._without_upgrade(length)
        except self._refused:
            return False
        return self._ears.whole is (length == 0)

    def body(self, data: bytes | memoryview, whole: bool) -> bool:
        """Whether llhttp takes more of the body too, and takes the message for whole exactly if `whole`."""
        try:
            self._feed(data)
        except (self._refused, self._upgrade):
            return False
        return self._ears.whole is whole

    def _without_upgrade(self, length: int) -> bool:
        """llhttp stops at an upgrade, which is never made here: a fresh one follows the body, told the framing only."""
        self.anew()
        if length == UNTIL_CLOSE:
            return True
        framing = b"Transfer-Encoding: chunked" if length == CHUNKED else b"Content-Length: %d" % length
        request = self._parser is llhttp().HttpRequestParser
        self._feed((b"POST / HTTP/1.1\r\n" if request else b"HTTP/1.1 200 OK\r\n") + framing + b"\r\n\r\n")
        return self._ears.whole is (length == 0)
