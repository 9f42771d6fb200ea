"""A model server for tests: it speaks the protocol over real sockets, keeps what it was sent, and answers by script.

A script is a coroutine that is given the connection (reader, writer, the bytes of each request so far); the ready ones
answer like OpenAI's and Anthropic's servers do, or misbehave on purpose.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

Script = Callable[["Request"], Awaitable[bool]]

USAGE = {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14}
ANSWER = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "Hello there."}, "finish_reason": "stop"}
        ],
        "usage": USAGE,
    }
).encode()


@dataclass
class Request:
    """One request as the server sees it, with its connection."""

    head: bytes
    body: bytes
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def wants_stream(self) -> bool:
        return b'"stream": true' in self.body or b'"stream":true' in self.body

    async def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()


@dataclass
class Stub:
    """The server. `connections` holds what each connection was sent, byte for byte, in order."""

    script: Script
    connections: list[bytearray] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    port: int = 0
    server: asyncio.Server | None = None
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self, context: ssl.SSLContext | None = None) -> Stub:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        assert self.server is not None
        self.server.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        at = len(self.connections)
        self.connections.append(bytearray())
        try:
            while await self._one(reader, writer, at):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            self.gone.append(at)
        except asyncio.CancelledError:
            return  # the test is over
        finally:
            self.tasks.discard(task)
            with suppress(Exception):
                writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, at: int) -> bool:
        raw = self.connections[at]
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            raw += error.partial
            return False
        raw += head
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)\r\n", head)
        body = b""
        if length:
            body = await reader.readexactly(int(length[1]))
            raw += body
        elif re.search(rb"(?i)\r\ntransfer-encoding: chunked\r\n", head):
            while True:
                line = await reader.readuntil(b"\r\n")
                data = await reader.readexactly(int(line, 16) + 2)
                raw += line + data
                body += data[:-2]
                if line == b"0\r\n":
                    break
        request = Request(head, body, reader, writer)
        self.requests.append(request)
        return await self.script(request)


def plain(body: bytes = ANSWER, status: bytes = b"200 OK", more: bytes = b"") -> bytes:
    """A whole response with a length."""
    return b"HTTP/1.1 %b\r\nContent-Type: application/json\r\n%bContent-Length: %d\r\n\r\n%b" % (
        status, more, len(body), body,
    )  # fmt: skip


STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def openai_events(words: int = 5) -> list[bytes]:
    """A chat's stream as OpenAI's servers write it, usage last."""
    told: list[dict[str, object]] = [
        {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "usage": None,
         "choices": [{"index": 0, "delta": {"role": "assistant", "content": f"w{at} "}, "finish_reason": None}]}
        for at in range(words)
    ]  # fmt: skip
    told.append(
        {
            "id": "c",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "m",
            "choices": [],
            "usage": USAGE,
        }
    )
    return [b"data: %b\n\n" % json.dumps(one).encode() for one in told] + [b"data: [DONE]\n\n"]


def anthropic_events(words: int = 5) -> list[bytes]:
    """A message's stream as Anthropic's servers write it."""
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [],
               "stop_reason": None, "stop_sequence": None,
               "usage": {"input_tokens": 25, "output_tokens": 1}}  # fmt: skip
    told: list[dict[str, object]] = [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": f"w{at} "}}
            for at in range(words)
        ),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None},
         "usage": {"output_tokens": 15}},
        {"type": "message_stop"},
    ]  # fmt: skip
    return [f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in told]


async def model(request: Request) -> bool:
    """Answers like a well-behaved model server: streams where asked to."""
    if request.wants_stream:
        events = anthropic_events() if b"/v1/messages" in request.head else openai_events()
        await request.send(STREAM_HEAD, *(chunk(event) for event in events), b"0\r\n\r\n")
    elif b"/v1/messages" in request.head:
        body = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m",
                "content": [{"type": "text", "text": "Hello there."}], "stop_reason": "end_turn",
                "stop_sequence": None, "usage": {"input_tokens": 25, "output_tokens": 15}}  # fmt: skip
        await request.send(plain(json.dumps(body).encode()))
    else:
        await request.send(plain())
    return True
