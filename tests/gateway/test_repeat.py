"""A request is sent a second time only where the first can't have been processed: connections that went stale."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace

import pytest

from gateway.doors import CHAT, Client, Door, get, opened, post, run
from gateway.stub import Request, model, plain
from headwater.gateway import Ended

linux_only = pytest.mark.skipif(not hasattr(socket, "TCP_INFO"), reason="needs Linux's TCP_INFO")


class Server:
    """A server by hand: what is read, sent and closed happens exactly when the test says so."""

    def __init__(self, door: Door) -> None:
        self.loop = asyncio.get_running_loop()
        self.own = socket.create_server(("127.0.0.1", 0))
        self.own.setblocking(False)
        door.relay.pool._upstream = replace(door.relay.upstream, port=self.own.getsockname()[1])

    async def accept(self) -> socket.socket:
        return (await self.loop.sock_accept(self.own))[0]

    async def read(self, connection: socket.socket) -> bytes:
        return await self.loop.sock_recv(connection, 65_536)

    async def answer(self, connection: socket.socket, body: bytes) -> None:
        await self.loop.sock_sendall(connection, plain(body))


async def warmed(door: Door) -> tuple[Server, socket.socket, Client]:
    """A relay with one pooled connection to a server by hand."""
    server, client = Server(door), await door.client()
    client.writer.write(get(b"/v1/models"))
    connection = await server.accept()
    await server.read(connection)
    await server.answer(connection, b"warm")
    assert (await client.answer())[2] == b"warm"
    return server, connection, client


def speak(door: Door, data: bytes) -> None:
    """Let the relay have a request now, before its loop looks at what else has happened."""
    (client,) = door.relay.clients
    client.data_received(data)


@linux_only
def test_a_post_on_a_connection_that_the_server_has_just_closed_is_sent_again() -> None:
    async def test() -> None:
        async with opened() as door:
            server, connection, client = await warmed(door)
            connection.close()  # the relay doesn't know yet
            speak(door, post(b"/v1/chat/completions", CHAT))
            fresh = await server.accept()
            assert (await server.read(fresh)).endswith(CHAT)
            await server.answer(fresh, b"second")
            assert (await client.answer())[2] == b"second"
            assert [outcome.ended for outcome in await door.ended(2)] == [Ended.COMPLETE] * 2

    run(test)


def test_a_post_that_the_server_has_received_is_never_sent_again() -> None:
    async def test() -> None:
        async with opened() as door:
            server, connection, client = await warmed(door)
            client.writer.write(post(b"/v1/chat/completions", CHAT))
            await server.read(connection)
            connection.close()
            status, *_ = await client.answer()
            assert status == 502
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(server.accept(), 0.1)

    run(test)


def test_a_post_that_lies_unread_at_a_server_that_ends_is_not_sent_again() -> None:
    async def test() -> None:
        async with opened() as door:
            _, connection, client = await warmed(door)
            client.writer.write(post(b"/v1/chat/completions", CHAT))
            await asyncio.sleep(0.05)  # in the server's kernel: acknowledged, though nobody read it
            connection.close()
            assert (await client.answer())[0] == 502

    run(test)


def test_a_get_is_sent_again_once() -> None:
    async def test() -> None:
        async with opened() as door:
            server, connection, client = await warmed(door)
            client.writer.write(get(b"/v1/models"))
            await server.read(connection)
            connection.close()
            fresh = await server.accept()
            assert await server.read(fresh)
            fresh.close()
            assert (await client.answer())[0] == 502
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(server.accept(), 0.1)

    run(test)


def test_a_connection_that_was_never_used_before_isnt_repeated() -> None:
    async def once(request: Request) -> bool:
        request.writer.transport.abort()
        return False

    async def test() -> None:
        async with opened(once) as door:
            assert (await (await door.client()).ask(get(b"/v1/models")))[0] == 502
            assert len(door.stub.connections) == 1

    run(test)


def test_a_connection_that_the_server_closed_before_is_not_used() -> None:
    async def closes(request: Request) -> bool:
        await model(request)
        return False

    async def test() -> None:
        async with opened(closes) as door:
            client = await door.client()
            for _ in range(5):
                assert (await client.ask(post(b"/v1/chat/completions", CHAT)))[0] == 200
                await asyncio.sleep(0.02)
            assert len(door.stub.connections) == 5

    run(test)


@linux_only
def test_a_body_that_was_too_large_to_keep_isnt_repeated() -> None:
    async def test() -> None:
        async with opened() as door:
            _, connection, client = await warmed(door)
            head = post(b"/v1/files", b"")[:-5] + b"3000000\r\n\r\n"
            client.writer.write(head + b"x" * 1_000_000)
            await asyncio.sleep(0.1)
            connection.close()
            client.writer.write(b"x" * 2_000_000)
            assert (await client.answer())[0] == 502

    run(test)
