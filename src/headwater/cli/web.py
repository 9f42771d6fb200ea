"""Files that somebody serves over HTTP, and questions put to a server: bounded, with time limits, nothing but HTTP."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

from headwater.errors import ConfigurationError, UnreadableInput, UsageError, Where

if TYPE_CHECKING:
    import socket
    from http.client import HTTPResponse

    from headwater.casework.log import Fetch

TIMEOUT_S: Final = 30.0
#: Seconds for a whole file, however steadily its server sends.
FILE_S: Final = 300.0
_SUCCESS: Final = range(200, 300)
_REDIRECTS: Final = range(300, 400)
_GONE: Final = (404, 410)
_GZIP: Final = 31  # zlib's window bits for gzip


class _Limit:
    """One time limit for a whole exchange: when it ends, its connections are shut, whatever is waited for.

    A limit of each read alone never ends with a server that sends a byte now and then.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds, self.over = seconds, False
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def holds(self, connected: socket.socket) -> None:
        """Shut this connection, too, when the time is over."""
        with self._lock:
            self._sockets.append(connected)
            if self.over:
                _shut(connected)

    def fault(self, url: str, error: BaseException | None = None) -> UnreadableInput:
        """What to say of an exchange that failed."""
        if error is None or self.over or isinstance(getattr(error, "reason", error), TimeoutError):
            return _unreachable(url, f"no whole answer came in {self.seconds:g} s")
        return _unreachable(url, _reason(error))

    def _end(self) -> None:
        with self._lock:
            self.over = True
            for each in self._sockets:
                _shut(each)


def _shut(connected: socket.socket) -> None:
    import socket

    with suppress(OSError):  # it may be closed by now
        socket.socket.shutdown(connected, socket.SHUT_RDWR)  # beneath TLS, whose own would write


def from_url(url: str) -> Fetch:
    """Reads files below `url`, as a log serves them; UnreadableInput where the server can't be reached or refuses."""
    prefix = checked(url).rstrip("/") + "/"

    def fetch(path: str, most: int) -> bytes | None:
        import urllib.error

        with _Limit(FILE_S) as limit:
            try:
                with _opener(limit, follow=True).open(_request(prefix + path), timeout=TIMEOUT_S) as answer:
                    data: bytes = answer.read(most + 1)
                    coded = answer.headers.get("Content-Encoding", "identity")
            except urllib.error.HTTPError as error:
                error.close()
                if error.code in _GONE:
                    return None
                raise _unreachable(prefix, f"the server answers {error.code}") from None
            except (OSError, ValueError, _broken()) as error:
                raise limit.fault(prefix, error) from None
        if limit.over:
            raise limit.fault(prefix)
        return _decoded(data, coded, most, prefix)

    return fetch


def ask(
    url: str,
    body: bytes,
    content_type: str,
    most: int,
    *,
    headers: Mapping[str, str] | None = None,
    within_s: float = TIMEOUT_S,
) -> bytes:
    """The answer, at most `most` bytes, to a POST with more `headers`; UnreadableInput where there is none."""
    status, data = post(url, body, content_type, most, headers=headers, within_s=within_s)
    if status not in _SUCCESS:
        hint = "see that the key is one of this API" if status in (401, 403) and headers else None
        raise _unreachable(url, f"the server answers {status}", hint)
    return data


def post(
    url: str,
    body: bytes,
    content_type: str,
    most: int,
    *,
    headers: Mapping[str, str] | None = None,
    within_s: float = TIMEOUT_S,
) -> tuple[int, bytes]:
    """The status of the answer to a POST with more `headers` and, where it is a success, its body of at most `most`
    bytes. `within_s`: seconds for all of it.

    No redirect is followed: `headers` may hold a key, which is for this address alone. Raises `UnreadableInput` for
    one, and where no whole answer comes.
    """
    import urllib.error

    where = checked(url)
    request = _request(where, body)
    for name, value in {**(headers or {}), "Content-Type": content_type}.items():
        request.add_header(name, value)
    with _Limit(within_s) as limit:
        try:
            with _opener(limit, follow=False).open(request, timeout=within_s) as answer:
                status: int = answer.status
                data: bytes = answer.read(most + 1)
        except urllib.error.HTTPError as error:
            status, data = error.code, b""
            sent_on = error.headers.get("Location") if status in _REDIRECTS else None
            error.close()
        except (OSError, ValueError, _broken()) as error:
            raise limit.fault(where, error) from None
    if limit.over:
        raise limit.fault(where)
    if status in _REDIRECTS:
        raise _unreachable(
            where, f"the server answers {status} and names another address", _instead(where, sent_on)
        )
    if len(data) > most:
        raise _unreachable(where, f"the answer has more than {most:,} bytes")
    return status, data


def bearer(key: str) -> dict[str, str]:
    """The header that shows an API's `key`; none without one. ConfigurationError where it can't be a key."""
    if not key:
        return {}
    if not key.isascii() or not key.isprintable():
        raise ConfigurationError("the API's key has characters that no key has", hint="a line end, perhaps")
    return {"Authorization": f"Bearer {key}"}


def checked(url: str) -> str:
    """`url`, if it is an HTTP address without a password, a question or a fragment; UsageError otherwise."""
    try:
        parts = urlsplit(url)
        named = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        named = False
    if not named:
        raise UsageError("only http:// and https:// are read", hint="or name a folder")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError("an address with a password, a question or a fragment can't be used here")
    return url


def _instead(url: str, sent_on: str | None) -> str:
    """What to give instead. The other address isn't told: its server wrote it, and may have put in the key."""
    with suppress(ValueError):
        asked, other = urlsplit(url), urlsplit(sent_on or "")
        if asked.scheme == "http" and other.scheme == "https" and asked.hostname == other.hostname:
            return "give it as https://"
    return "give the address at which the API itself answers"


def _request(url: str, body: bytes | None = None) -> Any:
    from urllib.request import Request

    return Request(url, body, {"Accept-Encoding": "identity", "User-Agent": "headwater"})


def _opener(limit: _Limit, *, follow: bool) -> Any:
    """Knows HTTP alone: neither files nor FTP can be reached by being sent on."""
    import urllib.request as web
    from http.client import HTTPConnection, HTTPSConnection

    class Plain(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            limit.holds(self.sock)

    class Secure(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            limit.holds(self.sock)

    class PlainHandler(web.HTTPHandler):
        def http_open(self, req: web.Request) -> HTTPResponse:
            return self.do_open(Plain, req)

    class SecureHandler(web.HTTPSHandler):
        def https_open(self, req: web.Request) -> HTTPResponse:
            return self.do_open(Secure, req)

    opener = web.OpenerDirector()
    for handler in (
        web.ProxyHandler(),
        PlainHandler(),
        SecureHandler(),
        web.HTTPDefaultErrorHandler(),
        *([web.HTTPRedirectHandler()] if follow else []),
        web.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener


def _broken() -> type[Exception]:
    from http.client import HTTPException

    return HTTPException


def _reason(error: BaseException) -> str:
    reason = getattr(error, "reason", error)
    text = getattr(reason, "strerror", None)
    return text if isinstance(text, str) else type(reason).__name__


def _unreachable(url: str, reason: str, hint: str | None = None) -> UnreadableInput:
    if hint:
        return UnreadableInput(f"can't be read ({reason})", where=Where(url), hint=hint)
    return UnreadableInput(f"can't be read ({reason})", where=Where(url), hint="check the address")


def _decoded(data: bytes, coded: str, most: int, url: str) -> bytes:
    """Bundles may come compressed, asked or not (c2sp.org/tlog-tiles); no more is unpacked than was asked for."""
    if coded == "identity":
        return data
    if coded != "gzip":
        raise _unreachable(url, "the server sends another encoding")
    try:
        return zlib.decompressobj(_GZIP).decompress(data, most + 1)
    except zlib.error:
        raise _unreachable(url, "the server sends a broken encoding") from None
