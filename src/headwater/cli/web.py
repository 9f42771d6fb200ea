"""Files that somebody serves over HTTP, and questions put to a server: bounded, with time limits, nothing but HTTP."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from headwater.errors import UnreadableInput, UsageError, Where

if TYPE_CHECKING:
    from headwater.casework.log import Fetch

TIMEOUT_S: Final = 30.0
_GONE: Final = (404, 410)
_GZIP: Final = 31  # zlib's window bits for gzip


def from_url(url: str) -> Fetch:
    """Reads files below `url`, as a log serves them; UnreadableInput where the server can't be reached or refuses."""
    prefix = _checked(url).rstrip("/") + "/"

    def fetch(path: str, most: int) -> bytes | None:
        import urllib.error

        try:
            with _opener().open(_request(prefix + path), timeout=TIMEOUT_S) as answer:
                data: bytes = answer.read(most + 1)
                coded = answer.headers.get("Content-Encoding", "identity")
        except urllib.error.HTTPError as error:
            error.close()
            if error.code in _GONE:
                return None
            raise _unreachable(prefix, f"the server answers {error.code}") from None
        except (OSError, ValueError, _broken()) as error:
            raise _unreachable(prefix, _reason(error)) from None
        return _decoded(data, coded, most, prefix)

    return fetch


def ask(
    url: str, body: bytes, content_type: str, most: int, *, headers: Mapping[str, str] | None = None
) -> bytes:
    """The answer, at most `most` bytes, to a POST with more `headers`; UnreadableInput where there is none."""
    where = _checked(url)
    request = _request(where, body)
    for name, value in {**(headers or {}), "Content-Type": content_type}.items():
        request.add_header(name, value)
    try:
        with _opener().open(request, timeout=TIMEOUT_S) as answer:
            data: bytes = answer.read(most + 1)
    except (OSError, ValueError, _broken()) as error:
        raise _unreachable(where, _reason(error)) from None
    if len(data) > most:
        raise _unreachable(where, f"the answer has more than {most:,} bytes")
    return data


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError("only http:// and https:// are read", hint="or name a folder")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError("an address with a password, a question or a fragment can't be used here")
    return url


def _request(url: str, body: bytes | None = None) -> Any:
    from urllib.request import Request

    return Request(url, body, {"Accept-Encoding": "identity", "User-Agent": "headwater"})


def _opener() -> Any:
    """Knows HTTP alone: neither files nor FTP can be reached by being sent on."""
    import urllib.request as web

    opener = web.OpenerDirector()
    for handler in (
        web.ProxyHandler(),
        web.HTTPHandler(),
        web.HTTPSHandler(),
        web.HTTPDefaultErrorHandler(),
        web.HTTPRedirectHandler(),
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


def _unreachable(url: str, reason: str) -> UnreadableInput:
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
