"""One request inside vLLM's server: decided about, changed to what is granted, followed to its end, and settled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

import msgspec

from headwater.exchange import ENDPOINTS, Asked, UnreadableRequestError, read_request
from headwater.exchange.answer import Answering
from headwater.integrations.decision_client import (
    Decision,
    DecisionClient,
    ServiceGoneError,
    native_error,
    told_headers,
)

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]

_MOST_ANSWER: Final = 4 << 20
#: Slices are asked for when so many of the tokens paid for are left.
_MARGIN: Final = 32
_CREDENTIALS: Final = frozenset((b"authorization", b"x-api-key", b"api-key"))
_THEIRS: Final = (b"x-ratelimit-", b"anthropic-ratelimit-", b"ratelimit")
_GONE: Final = "Requests can't be decided at the moment."
#: With these a stream has ended, though some clients go before its last byte. No text of a model holds a line's end.
_ENDS: Final = (b"data: [DONE]\n", b"event: message_stop\n", b"event: response.completed\n")
_JSON: Final = (b"content-type", b"application/json")


class _CutError(OSError):
    """The answer ends here. For an application it is as if the client had gone."""


class Request:
    """One request on its way through the middleware."""

    def __init__(
        self,
        app: App,
        client: DecisionClient,
        scope: Message,
        receive: Receive,
        send: Send,
        path: str,
        body: bytes,
        *,
        records: bool,
    ) -> None:
        """`records`: whether the answer's text is told to the service."""
        self._app, self._client, self._sends = app, client, records
        self._scope, self._receive, self._send = scope, receive, send
        self._path, self._body, self._given = path, body, False
        self._asked: Asked | None = None
        self._decision: Decision | None = None
        self._answer: Answering | None = None
        self._pieces: list[bytes] = []
        self._size = self._status = self._paid = 0
        self._whole = self._failed = False
        self._cut = asyncio.Event()
        self._began = time.monotonic()

    async def serve(self) -> None:
        """Ask, and let it through or answer it."""
        if self._body and self._path in ENDPOINTS:
            try:
                self._asked = read_request(self._body, ENDPOINTS[self._path])
            except UnreadableRequestError as error:
                await answer(self._send, 400, native_error(400, f"{error.what}.", self._path), [])
                return
        try:
            decision = await self._client.decide(self._question())
        except ServiceGoneError as error:
            self._client.say(str(error))
            if not self._client.fails_open:
                again = [(b"retry-after", b"1")]
                await answer(self._send, 503, native_error(503, _GONE, self._path), again)
                return
            decision = None
        if decision is not None and not decision.allowed:
            await answer(self._send, decision.status, bytes(decision.body), _fields(decision.headers))
            return
        await self._through(decision)

    async def _through(self, decision: Decision | None) -> None:
        self._decision = decision
        sent = False
        try:
            if decision is not None:
                if bytes(decision.body):
                    self._body = bytes(decision.body)
                if decision.terms.delay_ms:
                    await asyncio.sleep(decision.terms.delay_ms / 1000)
            sent = True
            await self._app(self._inner_scope(), self._inner_receive, self._inner_send)
        except BaseException as error:
            if not (self._cut.is_set() and _is_cut(error)):
                self._failed = isinstance(error, Exception)
                raise
        finally:
            if decision is not None and decision.settle:
                self._client.later(self._client.settle(decision.decision, self._told(sent=sent)))

    def _question(self) -> dict[str, Any]:
        scope = self._scope
        client = scope.get("client")
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        question: dict[str, Any] = {
            "path": self._path,
            "method": scope["method"],
            "address": client[0] if client else "",
            "headers": told_headers(headers),
        }
        if self._asked is not None:
            question["body"] = msgspec.Raw(self._body)
        return question

    def _inner_scope(self) -> Message:
        """The request as the application sees it: no credentials, no packed answers, the length of its own body."""
        gone = _CREDENTIALS | {b"content-length", b"transfer-encoding", b"accept-encoding"}
        kept = [
            (name, value)
            for name, value in self._scope["headers"]
            if name not in gone and not name.startswith(b"x-headwater-")
        ]
        if self._body or self._scope["method"] == "POST":
            kept.append((b"content-length", b"%d" % len(self._body)))
        if self._decision is not None:
            kept.append((b"x-headwater-account", self._decision.account.encode()))
        return {**self._scope, "headers": kept}

    async def _inner_receive(self) -> Message:
        if not self._given:
            self._given = True
            return {"type": "http.request", "body": self._body, "more_body": False}
        receiving = asyncio.ensure_future(self._receive())
        cutting = asyncio.ensure_future(self._cut.wait())
        try:
            await asyncio.wait((receiving, cutting), return_when=asyncio.FIRST_COMPLETED)
            return {"type": "http.disconnect"} if self._cut.is_set() else receiving.result()
        finally:
            receiving.cancel()
            cutting.cancel()

    async def _inner_send(self, message: Message) -> None:
        if self._cut.is_set():
            self._stopped()
            return
        if message["type"] == "http.response.start":
            await self._send(self._started(message))
        elif message["type"] == "http.response.body":
            await self._passed(message)
        else:
            await self._send(message)

    def _started(self, message: Message) -> Message:
        self._status = message["status"]
        decision, asked = self._decision, self._asked
        if decision is None:
            return message
        headers = [pair for pair in message["headers"] if not pair[0].lower().startswith(_THEIRS)]
        if asked is not None:
            self._answer = answer = Answering(
                _Head(self._status, headers),
                asked.endpoint,
                hide_usage=asked.stream and not asked.tells_usage,
                hide_reasoning="raw_reasoning" in decision.terms.drop,
                length=_length(headers),
            )
            if answer.changes:
                headers = [pair for pair in headers if pair[0].lower() != b"content-length"]
        return {**message, "headers": [*headers, *_fields(decision.headers)]}

    async def _passed(self, message: Message) -> None:
        data, more = message.get("body", b""), message.get("more_body", False)
        answer = self._answer
        if answer is not None and data:
            if self._sends and self._size <= _MOST_ANSWER:
                self._pieces.append(data)
            self._size += len(data)
            self._whole = self._whole or (answer.streams and any(end in data for end in _ENDS))
            changed = answer.feed(data)
            data = data if changed is None else changed
            if answer.streams and more and not await self._pay(answer):
                return
        self._whole = self._whole or not more
        if data or not more:
            await self._send({"type": "http.response.body", "body": data, "more_body": more})

    async def _pay(self, answer: Answering) -> bool:
        """Whether a stream goes on that is paid slice by slice; where not, it has ended with an error."""
        decision = self._decision
        if decision is None or not decision.terms.slice_tokens:
            return True
        if answer.written + _MARGIN <= self._paid + decision.terms.slice_tokens:
            return True
        try:
            more = await self._client.extend(decision.decision)
        except ServiceGoneError as error:
            self._client.say(str(error))
            if self._client.fails_open:
                self._paid += decision.terms.slice_tokens
                return True
            more = Decision(allowed=False, body=msgspec.Raw(native_error(503, _GONE, self._path)))
        if more.allowed:
            self._paid += more.tokens
            return True
        named = b"" if self._path.endswith("completions") else b"event: error\n"
        event = b"%bdata: %b\n\n" % (named, bytes(more.body))
        await self._send({"type": "http.response.body", "body": event, "more_body": False})
        self._cut.set()
        self._stopped()
        return False

    def _stopped(self) -> None:
        """The application learns that nobody reads on, as its server tells it of clients that have gone.

        Before ASGI 2.4 by what it receives: it's cancelled then, where it waits for the model, and what it still
        sends is nothing. From 2.4 on sending raises.
        """
        told = str(self._scope.get("asgi", {}).get("spec_version", "2.0"))
        if tuple(int(part) for part in told.split(".")) >= (2, 4):
            raise _CutError("the answer has ended")

    def _told(self, *, sent: bool) -> dict[str, Any]:
        """How it ended, for the settlement."""
        told: dict[str, Any] = {
            "sent": sent,
            "status": self._status or (500 if self._failed else None),
            "cancelled": not self._whole and not self._cut.is_set(),
            "latency_ms": round((time.monotonic() - self._began) * 1000, 3),
        }
        answer = self._answer
        if answer is None:
            if self._asked is not None and not self._status:
                told["output_tokens"] = 0  # nothing had come when the client went
            return told
        usage = answer.usage
        if usage is not None and usage[0]:
            told["input_tokens"] = usage[0]
        if usage is not None and self._whole:
            told["output_tokens"] = usage[1]
        elif answer.streams:
            told["output_tokens"] = max(answer.written, usage[1] if usage else 0)
        elif not self._whole:
            told["output_tokens"] = answer.written
        if self._sends and self._size <= _MOST_ANSWER:
            _with_answer(told, b"".join(self._pieces), streams=answer.streams)
        return told


class _Head:
    """The head of an answer as `Answering` looks at it."""

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.status = status
        self._headers = headers

    def get(self, name: bytes) -> bytes | None:
        """See `AnswerHead`."""
        return next((value for own, value in self._headers if own.lower() == name), None)


def _length(headers: list[tuple[bytes, bytes]]) -> int:
    told = next((value for name, value in headers if name.lower() == b"content-length"), b"")
    return int(told) if told.isdigit() else -1


def _with_answer(told: dict[str, Any], data: bytes, *, streams: bool) -> None:
    """The answer's text, where it can be told."""
    if streams:
        told["events"] = data.decode("utf-8", "replace")
        return
    try:
        msgspec.json.decode(data)
    except (msgspec.MsgspecError, RecursionError):
        return
    told["response"] = msgspec.Raw(data)


async def answer(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    """Answer a client without the application."""
    named = {name for name, _ in headers}
    own = [] if b"content-type" in named else [_JSON]
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [*own, *headers, length]})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _fields(headers: list[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in headers]


def _is_cut(error: BaseException) -> bool:
    """Whether an exception says nothing but that we ended the answer; applications wrap it."""
    if isinstance(error, BaseExceptionGroup):
        return all(_is_cut(one) for one in error.exceptions)
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, _CutError):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
