"""A small client of the decision service, for programs that other people run: HTTP/1.1 with kept connections.

On asyncio alone, so that nothing else is needed inside LiteLLM or vLLM, and because a general client costs more than
the decision itself. One client belongs to one event loop.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import ssl
import time
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from headwater.errors import ConfigurationError, Where

URL: Final = "HEADWATER_DECISIONS_URL"
TOKEN_FILE: Final = "HEADWATER_DECISIONS_TOKEN_FILE"
FAIL: Final = "HEADWATER_DECISIONS_FAIL"
TIMEOUT: Final = "HEADWATER_DECISIONS_TIMEOUT_S"
_LOG: Final = logging.getLogger("headwater.decisions")
_LOCAL: Final = "http://127.0.0.1:8081"
_TIMEOUT_S: Final = 15.0
_SAY_S: Final = 10.0
_MOST_HEAD: Final = 65_536
#: Connections that wait for use are closed after this, before the service closes them.
_KEPT_S: Final = 30.0
_OK: Final = 200
_NOT_OPEN: Final = 404
Raw = msgspec.Raw


class ServiceGoneError(Exception):
    """The service can't be asked, or doesn't answer as it should; the text holds nothing of a request."""


class Terms(msgspec.Struct, kw_only=True):
    """Under which terms a request is served; see the reference of the decision service."""

    max_tokens: int | None = None
    drop: tuple[str, ...] = ()
    answers: int = 1
    delay_ms: int = 0
    slice_tokens: int = 0


class Decision(msgspec.Struct, kw_only=True):
    """What was decided. Allowed: `decision`, `account`, `terms`, `body`, `headers`, `settle`, and of an extension

    `tokens`. Not allowed: `status`, `headers` and `body` are what the client is answered.
    """

    allowed: bool
    decision: str = ""
    account: str = ""
    organisation: str | None = None
    terms: Terms = msgspec.field(default_factory=Terms)
    headers: list[tuple[str, str]] = []
    settle: bool = False
    lasts_s: int = 0
    tokens: int = 0
    status: int = 0
    body: Raw = Raw(b"")


_DECODE: Final = msgspec.json.Decoder(Decision).decode
_ENCODE: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class ServiceSettings:
    """Where the service is, and what happens where it can't be asked. `fails_open`: requests pass undecided."""

    url: str
    token: str
    fails_open: bool = False
    timeout_s: float = _TIMEOUT_S

    @classmethod
    def of(
        cls,
        url: str | None = None,
        token_file: str | None = None,
        token: str | None = None,
        fail: str | None = None,
        environment: Mapping[str, str] = os.environ,
    ) -> ServiceSettings:
        """What is given, and for the rest what the environment says; `ConfigurationError` where that can't be used."""
        fail = fail or environment.get(FAIL) or "closed"
        if fail not in ("closed", "open"):
            raise ConfigurationError("is closed or open", where=Where(field=FAIL))
        file = token_file or environment.get(TOKEN_FILE)
        if not token and not file:
            hint = f"{TOKEN_FILE}=…/gateway/decisions.token"
            raise ConfigurationError("the decision service's token isn't named", hint=hint)
        told = environment.get(TIMEOUT) or str(_TIMEOUT_S)
        try:
            timeout_s = float(told)
        except ValueError:
            raise ConfigurationError("is no number of seconds", where=Where(field=TIMEOUT)) from None
        return cls(
            url or environment.get(URL) or _LOCAL,
            token or _token(Path(str(file))),
            fail == "open",
            timeout_s,
        )


class DecisionClient:
    """Asks one decision service."""

    def __init__(self, settings: ServiceSettings, connections: int = 200) -> None:
        """`connections`: how many are open at most; further requests wait. `ConfigurationError` for a bad URL."""
        parts = urlsplit(settings.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.username:
            hint = "http://127.0.0.1:8081"
            raise ConfigurationError("is no address of a service", where=Where(field=URL), hint=hint)
        self.fails_open = settings.fails_open
        self._host, self._tls = parts.hostname, parts.scheme == "https"
        self._port = parts.port or (443 if self._tls else 80)
        self._base, self._timeout_s = parts.path.rstrip("/"), settings.timeout_s
        self._head = f"Host: {parts.netloc}\r\nAuthorization: Bearer {settings.token}\r\n".encode()
        self._free: list[tuple[float, asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._slots = asyncio.Semaphore(connections)
        self._tasks: set[asyncio.Task[None]] = set()
        self._said = float("-inf")

    async def decide(self, question: Mapping[str, Any]) -> Decision:
        """What is decided about a request; raises `ServiceGoneError`.

        Whoever stops waiting holds nothing: what the service may have granted meanwhile is given back.
        """
        name = secrets.token_hex(16)
        try:
            return await self._asked("/v1/decisions", {**question, "id": name})
        except BaseException:
            self.later(self.settle(name, {"sent": False}))
            raise

    async def extend(self, decision: str) -> Decision:
        """The next slice of a stream; raises `ServiceGoneError`."""
        return await self._asked(f"/v1/decisions/{decision}/extension", {})

    async def settle(self, decision: str, told: Mapping[str, Any]) -> None:
        """It has ended. What can't be told counts as spent after a while, and its slot comes back then."""
        try:
            status, _ = await self._post(f"/v1/decisions/{decision}/settlement", _ENCODE(told))
        except ServiceGoneError as error:
            self.say(f"an end can't be told ({error})")
            return
        if status not in (_OK, _NOT_OPEN):
            self.say(f"an end isn't taken (status {status})")

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it without anybody waiting for it."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Tell what is still to be told, and close all connections."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._timeout_s)
        for _, _, writer in self._free:
            writer.close()
        self._free.clear()

    def say(self, what: str) -> None:
        """Log a fault, not too often."""
        if time.monotonic() - self._said > _SAY_S:
            self._said = time.monotonic()
            _LOG.error("the decision service: %s", what)

    async def _asked(self, path: str, told: Mapping[str, Any]) -> Decision:
        status, body = await self._post(path, _ENCODE(told))
        if status != _OK:
            raise ServiceGoneError(f"status {status}: {_detail(body)}")
        try:
            return _DECODE(body)
        except (msgspec.MsgspecError, ValueError):
            raise ServiceGoneError("an answer that can't be read") from None

    async def _post(self, path: str, body: bytes) -> tuple[int, bytes]:
        head = f"POST {self._base}{path} HTTP/1.1\r\nContent-Length: {len(body)}\r\n".encode()
        data = b"%b%b\r\n%b" % (head, self._head, body)
        try:
            async with self._slots, asyncio.timeout(self._timeout_s):
                while kept := self._kept():
                    try:
                        return await self._exchanged(*kept, data)
                    except (OSError, asyncio.IncompleteReadError):
                        continue  # it was closed meanwhile: what is asked under one name may be asked again
                return await self._exchanged(*await self._connected(), data)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
            raise ServiceGoneError(type(error).__name__) from None  # a timeout is an OSError, too

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        context = ssl.create_default_context() if self._tls else None
        return await asyncio.open_connection(self._host, self._port, ssl=context, limit=_MOST_HEAD)

    def _kept(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        while self._free:
            since, reader, writer = self._free.pop()
            if time.monotonic() - since < _KEPT_S and not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.close()
        return None

    async def _exchanged(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes
    ) -> tuple[int, bytes]:
        try:
            writer.write(data)
            await writer.drain()
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
            fields = {name: value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
            body = await reader.readexactly(int(fields.get("content-length", "")))
        except BaseException:
            writer.close()
            raise
        if fields.get("connection") == "close":
            writer.close()
        else:
            self._free.append((time.monotonic(), reader, writer))
        return int(head[0].split(" ")[1]), body


def native_error(status: int, message: str, path: str, code: str | None = None) -> bytes:
    """An error of a program's own in the words of OpenAI's or Anthropic's API."""
    if path.startswith("/v1/messages"):
        kind = "invalid_request_error" if status < 500 else "api_error"
        return _ENCODE({"type": "error", "error": {"type": kind, "message": message}})
    kind = "invalid_request_error" if status < 500 else "server_error"
    return _ENCODE({"error": {"message": message, "type": kind, "param": None, "code": code}})


#: Headers whose values say who asks and in whose words; of others only the name goes to the service.
TOLD: Final = frozenset(
    ("authorization", "x-api-key", "api-key", "anthropic-version", "user-agent", "x-forwarded-for")
)


def told_headers(headers: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """A client's headers as the service is told of them."""
    return [(name, value if name.lower() in TOLD else "") for name, value in headers]


def _token(path: Path) -> str:
    try:
        lines = [line.strip() for line in path.read_text("ascii").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        what = f"can't be read ({type(error).__name__})"
        raise ConfigurationError(what, where=Where(str(path)), hint="the decision service's token") from None
    tokens = [line for line in lines if line and not line.startswith("#")]
    if not tokens or len(tokens[-1].split()) != 1:
        raise ConfigurationError(
            "holds no token", where=Where(str(path)), hint="the decision service's token"
        )
    return tokens[-1]


def _detail(body: bytes) -> str:
    """What the service says of itself; its words hold nothing of a request."""
    try:
        held = msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError):
        return "no explanation"
    return str(held.get("detail", "no explanation"))[:200] if isinstance(held, dict) else "no explanation"
