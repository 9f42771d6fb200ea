"""A relay over real sockets for one test: `async with opened(script, …) as door`, with a client that speaks bytes."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import uvloop

from gateway.stub import Script, Stub, model
from headwater.gateway import Exchange, Outcome, Passing, RelaySettings
from headwater.gateway.relay.relay import Relay
from headwater.gateway.relay.upstream import Upstream
from headwater.gateway.stage import Stage

CHAT = b'{"model": "m", "messages": [{"role": "user", "content": "Hi"}]}'
STREAM = b'{"model": "m", "stream": true, "messages": [{"role": "user", "content": "Hi"}]}'


class Watch(Passing):
    """A stage that remembers how exchanges ended."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self.seen: list[bytes] = []

    def on_bytes(self, exchange: Exchange, data: bytes) -> None:
        self.seen.append(data)

    def on_end(self, exchange: Exchange, outcome: Outcome) -> None:
        self.outcomes.append(outcome)


@dataclass
class Client:
    """A client's end of a connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, data: bytes) -> tuple[int, dict[str, str], bytes]:
        """Send a request, read its response: status, headers in small letters, body without its framing."""
        self.writer.write(data)
        await self.writer.drain()
        return await self.answer()

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")[:-2]
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = b""
        if "content-length" in fields:
            body = await self.reader.readexactly(int(fields["content-length"]))
        elif fields.get("transfer-encoding") == "chunked":
            while True:
                size = int(await self.reader.readuntil(b"\r\n"), 16)
                data = await self.reader.readexactly(size + 2)
                if not size:
                    break
                body += data[:-2]
        return int(first.split(" ")[1]), fields, body

    async def heard(self) -> tuple[int, bytes]:
        """Status and body of a response; 0 where the connection ends before it has."""
        try:
            status, _, body = await asyncio.wait_for(self.answer(), 10)
        except (asyncio.IncompleteReadError, ConnectionError):
            return 0, b""
        return status, body

    async def rest(self) -> bytes:
        """Everything until the connection ends, by whatever end."""
        got = b""
        with suppress(ConnectionError):
            while data := await self.reader.read(65_536):
                got += data
        return got

    def close(self) -> None:
        self.writer.close()


@dataclass
class Door:
    """What a test has: the relay, the stub behind it, the outcomes, and clients."""

    relay: Relay
    stub: Stub
    watch: Watch
    port: int
    clients: list[Client] = field(default_factory=list)

    async def client(self, context: ssl.SSLContext | None = None) -> Client:
        name = "localhost" if context else None
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.port, ssl=context, server_hostname=name
        )
        self.clients.append(Client(reader, writer))
        return self.clients[-1]

    async def ended(self, count: int = 1) -> list[Outcome]:
        """Outcomes, once there are `count`."""
        async with asyncio.timeout(5):
            while len(self.watch.outcomes) < count:
                await asyncio.sleep(0.005)
        return self.watch.outcomes


QUICK = RelaySettings(drain_s=1, linger_s=0.5)


@asynccontextmanager
async def opened(
    script: Script = model,
    settings: RelaySettings = QUICK,
    stages: Sequence[Stage] = (),
    tls: ssl.SSLContext | None = None,
    base: str = "",
) -> AsyncIterator[Door]:
    """A relay before a stub that answers by `script`; `tls` is what the stub serves with."""
    stub = await Stub(script).start(tls)
    own = socket.create_server(("127.0.0.1", 0))
    own.setblocking(False)
    watch = Watch()
    scheme, host = ("https", "localhost") if tls else ("http", "127.0.0.1")
    upstream = Upstream.parse(f"{scheme}://{host}:{stub.port}{base}")
    relay = Relay(settings, [watch, *stages], upstream)
    await relay.listen(own)
    door = Door(relay, stub, watch, own.getsockname()[1])
    try:
        yield door
    finally:
        for client in door.clients:
            client.close()
        relay.settings = replace(settings, drain_s=0)
        await relay.drain()
        await stub.stop()


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a test in uvloop, with an end to waiting."""

    async def bounded() -> None:
        async with asyncio.timeout(20):
            await test()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(bounded())


def post(path: bytes, body: bytes, more: bytes = b"") -> bytes:
    """A request with a body."""
    return b"POST %b HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\n%bContent-Length: %d\r\n\r\n%b" % (
        path, more, len(body), body,
    )  # fmt: skip


def get(path: bytes, more: bytes = b"") -> bytes:
    """A request without a body."""
    return b"GET %b HTTP/1.1\r\nHost: gateway\r\n%b\r\n" % (path, more)
