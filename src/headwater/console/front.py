"""What stands in front of the framework: bounds, one form for every error, and headers that keep an answer to itself.

Requests are read whole and answers sent whole, so that a client that goes away, or reads slowly, holds up nothing but
its own connection. Nothing here knows what is asked for.
"""

from __future__ import annotations

import asyncio
import re
import time
import traceback
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

from headwater.console.problem import KINDS, MEDIA_TYPE, Problem, of_status
from headwater.console.settings import ConsoleSettings

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Any, Receive, Send], Awaitable[None]]
Header: TypeAlias = tuple[bytes, bytes]

#: What every answer says: it is nobody's to keep, to frame, to guess at or to read from another page.
_HEADERS: Final[tuple[Header, ...]] = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
_STRICT: Final[Header] = (b"strict-transport-security", b"max-age=31536000")
_JSON: Final = re.compile(r"application/(?:merge-patch\+)?json\s*(?:;\s*charset\s*=\s*\"?utf-8\"?\s*)?", re.I)
_PORT: Final = re.compile(r":[0-9]{1,5}$")
#: How many times `body_bytes` is read and thrown away so that a client reads why its body was refused.
_LINGER: Final = 16
_SEND_S: Final = 30.0


@dataclass
class _Answer:
    """An answer of the framework, kept until it is whole."""

    status: int = 500
    headers: list[Header] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)

    async def send(self, message: Message) -> None:
        """Take a message of ASGI."""
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message.get("headers", ()))
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")


class Front:
    """An ASGI application in front of another. `log` is told a line for each request, and where a fault was."""

    def __init__(self, app: App, settings: ConsoleSettings, log: Callable[[str], None]) -> None:
        self._app = app
        self._settings = settings
        self._log = log
        self._turn = asyncio.Semaphore(settings.at_once)
        self._waiting = 0

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise RuntimeError("only HTTP is served")
        began, instance = time.monotonic(), uuid.uuid4().urn
        scope["headwater.note"] = note = {"instance": instance}
        close = False
        try:
            body = await self._body(scope, receive)
            if body is None:
                return
            answer = await self._asked(scope, body)
        except Problem as problem:
            close = problem.kind in ("slow", "too-large", "head-too-large")
            answer = _told(problem, instance)
        except Exception as error:
            self._log(f"{instance} {fault(error)}")
            answer = _told(of_status(500), instance)
        if answer.status >= 400 and not _is_problem(answer):
            bare = of_status(answer.status)
            if allow := _header(answer.headers, b"allow"):
                bare.headers["Allow"] = allow.decode()
            answer = _told(bare, instance)
        if "fault" in note:
            self._log(f"{instance} {note['fault']}")
        took = round(1000 * (time.monotonic() - began))
        where = note.get("route", "-")
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        told = f"{scope['method']} {where} {answer.status} {took} ms {note.get('name', '-')}"
        self._log(f"{at} {instance} {told}")
        await self._send(scope, answer, send, close=close)

    async def _body(self, scope: Any, receive: Receive) -> bytes | None:
        """The body, whole; None where the client has gone. Raises `Problem` where it can't be taken."""
        headers = scope["headers"]
        self._check_head(scope)
        self._check_host(headers)
        length = _header(headers, b"content-length")
        most = self._settings.body_bytes
        if length is not None and int(length) > _LINGER * most:
            raise _too_large(most)
        body = bytearray()
        try:
            async with asyncio.timeout(self._settings.receive_s):
                more, size = True, 0
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    size += len(message.get("body", b""))
                    more = message.get("more_body", False)
                    if size <= most:
                        body += message.get("body", b"")
                    elif size > _LINGER * most:
                        break
        except TimeoutError:
            raise Problem("slow", f"The body didn't arrive within {self._settings.receive_s:g} s.") from None
        if size > most:
            raise _too_large(most)
        if body:
            self._check_type(headers)
        return bytes(body)

    def _check_head(self, scope: Any) -> None:
        # h11 counts a head that isn't complete yet; what comes in one piece is counted here.
        size = len(scope["raw_path"]) + len(scope["query_string"])
        size += sum(len(name) + len(value) + 4 for name, value in scope["headers"])
        if size > self._settings.head_bytes:
            raise Problem("head-too-large", KINDS["head-too-large"].meaning)

    def _check_host(self, headers: list[Header]) -> None:
        hosts = [value for name, value in headers if name == b"host"]
        host = _PORT.sub("", hosts[0].decode("latin-1")).strip("[]").lower() if len(hosts) == 1 else ""
        if host not in self._settings.names:
            raise Problem("misdirected", KINDS["misdirected"].meaning)

    @staticmethod
    def _check_type(headers: list[Header]) -> None:
        kind = (_header(headers, b"content-type") or b"").decode("latin-1")
        if not _JSON.fullmatch(kind) or _header(headers, b"content-encoding"):
            accepted = {"Accept-Post": "application/json", "Accept-Patch": "application/merge-patch+json"}
            raise Problem("media-type", KINDS["media-type"].meaning, headers=accepted)

    async def _asked(self, scope: Any, body: bytes) -> _Answer:
        if self._turn.locked() and self._waiting >= self._settings.waiting:
            raise Problem("busy", KINDS["busy"].meaning, headers={"Retry-After": "1"})
        self._waiting += 1
        try:
            await self._turn.acquire()
        finally:
            self._waiting -= 1
        try:
            answer, told = _Answer(), False

            async def receive() -> Message:
                nonlocal told
                if told:
                    # Whoever has gone doesn't end what it has begun: a change is made whole, and is there to be read.
                    await asyncio.Event().wait()
                told = True
                return {"type": "http.request", "body": body, "more_body": False}

            await self._app(scope, receive, answer.send)
            return answer
        finally:
            self._turn.release()

    async def _send(self, scope: Any, answer: _Answer, send: Send, *, close: bool) -> None:
        own = {name for name, _ in _HEADERS}
        headers = [(name.lower(), value) for name, value in answer.headers]
        headers = [
            one
            for one in headers
            if one[0] not in own and one[0] not in (b"content-length", b"x-frame-options")
        ]
        headers += [*_HEADERS, (b"content-length", str(len(answer.body)).encode())]
        if scope.get("scheme") == "https":
            headers.append(_STRICT)
        if close:
            headers.append((b"connection", b"close"))
        with suppress(TimeoutError):
            async with asyncio.timeout(_SEND_S):
                await send({"type": "http.response.start", "status": answer.status, "headers": headers})
                await send({"type": "http.response.body", "body": bytes(answer.body)})


def fault(error: BaseException) -> str:
    """Where a fault of our own was, without its message, which may quote a request."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "headwater" in frame.filename] or frames
    place = f"{Path(ours[-1].filename).name}, line {ours[-1].lineno}" if ours else "an unknown place"
    return f"a fault in Headwater itself ({type(error).__name__} in {place})"


def _told(problem: Problem, instance: str) -> _Answer:
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in problem.headers.items()]
    headers.append((b"content-type", MEDIA_TYPE.encode()))
    return _Answer(problem.status, headers, bytearray(problem.body(instance)))


def _is_problem(answer: _Answer) -> bool:
    return (_header(answer.headers, b"content-type") or b"").startswith(MEDIA_TYPE.encode())


def _header(headers: list[Header], name: bytes) -> bytes | None:
    return next((value for key, value in headers if key.lower() == name), None)


def _too_large(most: int) -> Problem:
    return Problem("too-large", f"The body has more than {most:,} bytes.")
