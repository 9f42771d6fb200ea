"""What meets a turn of the loop: limits that pass, clients that never read, connections that close, cuts."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.certificates import Authority
from gateway.doors import CHAT, QUICK, opened, post, run
from gateway.stub import Request
from headwater.gateway import Exchange, Outcome, Passing
from headwater.gateway.stage import PASS, OnBytes, OnRequest, Shape, Wait
from headwater.gateway.wire.errors import Kind, Problem
from headwater.gateway.wire.head import ResponseHead

CHATS = b"/v1/chat/completions"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
NOTHING = b"GET /nothing HTTP/1.1\r\nHost: gateway\r\n\r\n"
NO = Problem(Kind.BLOCKED, "No.")


async def answers(request: Request) -> bool:
    await request.send(OK)
    return True


async def closes(request: Request) -> bool:
    request.writer.write(OK)
    request.writer.close()
    return False


@pytest.mark.parametrize(("asked", "times", "size"), [(post(CHATS, CHAT), 60, 200_000), (NOTHING, 20_000, 0)])
def test_whoever_reads_no_answers_gets_no_further_ones(asked: bytes, times: int, size: int) -> None:
    async def large(request: Request) -> bool:
        await request.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (size, b"x" * size))
        return True

    async def test() -> None:
        async with opened(large) as door:
            client = await door.client()
            client.writer.transport.pause_reading()  # type: ignore[attr-defined]
            sending = asyncio.ensure_future(client.writer.drain())
            client.writer.write(asked * times)
            most = 0
            for _ in range(40):
                await asyncio.sleep(0.01)
                for one in door.relay.clients:
                    most = max(most, one.transport.get_write_buffer_size() + sum(map(len, one._out)))
            assert most < 1_000_000
            assert len(door.stub.requests) < 40
            client.writer.transport.resume_reading()  # type: ignore[attr-defined]
            for _ in range(times):
                status, body = await client.heard()
                assert (status, len(body) if size else 0) == (200 if size else 404, size)
            await sending

    run(test)


def test_whoever_never_reads_is_let_go() -> None:
    async def test() -> None:
        async with opened(answers, replace(QUICK, stall_s=0.5)) as door:
            client = await door.client()
            client.writer.transport.pause_reading()  # type: ignore[attr-defined]
            client.writer.write(NOTHING * 40_000)
            async with asyncio.timeout(15):
                while door.relay.clients:
                    await asyncio.sleep(0.05)

    run(test)


def test_a_request_that_came_in_time_is_served_though_nobody_looked_until_later() -> None:
    async def test() -> None:
        async with opened(answers, replace(QUICK, keep_alive_s=1.0)) as door:
            client = await door.client()
            assert (await client.ask(post(CHATS, CHAT)))[0] == 200
            (own,) = door.relay.clients
            await asyncio.sleep(max(0.0, own.deadline - asyncio.get_running_loop().time() - 0.2))
            client.writer.write(post(CHATS, CHAT))
            time.sleep(0.7)  # the loop is busy while the limit passes
            assert await client.heard() == (200, b"ok")
            assert [one.ended.value for one in door.watch.outcomes] == ["complete"] * 2

    run(test)


class WaitsOnce(Passing):
    """Waits with each answer."""

    def on_bytes(self, exchange: Exchange, data: bytes) -> OnBytes:
        if self in exchange.kept:
            return None
        exchange.kept[self] = True
        return Wait(asyncio.sleep(0.05))


@pytest.mark.parametrize(("stages", "connections"), [([], 1), ([WaitsOnce()], 20)])
@pytest.mark.parametrize("busy", [False, True])
def test_answers_come_whole_though_tls_ends_with_them(
    tmp_path: Path, stages: list[Passing], connections: int, busy: bool
) -> None:
    """Answer and close_notify come in one read: nobody may be given that connection, and no answer is lost."""
    authority = Authority(tmp_path)
    settings = replace(QUICK, upstream_ca=str(authority.file), upstream_connections=connections)

    async def test() -> None:
        async with opened(closes, settings, stages=stages, tls=authority.server()) as door:
            clients = [await door.client() for _ in range(6)]
            for client in clients:
                client.writer.write(post(CHATS, CHAT))
            for _ in range(20 * busy):
                await asyncio.sleep(0.002)
                time.sleep(0.01)
            assert Counter([await one.heard() for one in clients]) == {(200, b"ok"): 6}

    run(test)


class Cuts(Passing):
    """When it is asked about the last of some exchanges, it cuts the others."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.asked: list[Exchange] = []

    def on_request(self, exchange: Exchange) -> OnRequest:
        self.asked.append(exchange)
        if len(self.asked) == self.count:
            for other in self.asked[:-1]:
                other.cut(NO)
        return PASS


class Remembers(Passing):
    def __init__(self) -> None:
        self.told: list[str] = []

    def on_request(self, exchange: Exchange) -> OnRequest:
        self.told.append("asked")
        return PASS

    def on_end(self, exchange: Exchange, outcome: Outcome) -> None:
        self.told.append(outcome.ended.value)


@pytest.mark.parametrize("last", [False, True])
def test_who_is_cut_while_others_are_asked_about_goes_no_further(last: bool) -> None:
    async def test() -> None:
        cuts, other = Cuts(3), Remembers()
        async with opened(answers, stages=[other, cuts] if last else [cuts, other]) as door:
            clients = [await door.client() for _ in range(3)]
            for client in clients:
                client.writer.write(post(CHATS, CHAT))
            assert sorted([(await one.heard())[0] for one in clients]) == [200, 403, 403]
            await asyncio.sleep(0.05)
            assert len(door.stub.requests) == 1
            assert not any(bytes(one.reader._buffer) for one in clients)  # type: ignore[attr-defined]
            ends = {"cut": 2, "complete": 1, "asked": 3} if last else {"complete": 1, "asked": 1}
            assert Counter(other.told) == ends

    run(test)


class Reframes(Passing):
    def on_response_head(self, exchange: Exchange, head: ResponseHead) -> Shape:
        return Shape(reframe=True)


@pytest.mark.parametrize("head", [True, False])
def test_where_there_is_no_body_no_chunk_is_written(head: bool) -> None:
    """A last chunk behind a head without body would be read as the beginning of the next answer."""

    async def bodiless(request: Request) -> bool:
        if request.head.startswith(b"HEAD"):
            await request.send(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n")
        elif b"/v1/models" in request.head:
            await request.send(b"HTTP/1.1 204 No Content\r\n\r\n")
        else:
            await request.send(OK)
        return True

    async def test() -> None:
        async with opened(bodiless, stages=[Reframes()]) as door:
            client = await door.client()
            client.writer.write(
                b"%b /v1/models HTTP/1.1\r\nHost: gateway\r\n\r\n" % (b"HEAD" if head else b"GET")
            )
            told = await client.reader.readuntil(b"\r\n\r\n")
            assert told.startswith(b"HTTP/1.1 200" if head else b"HTTP/1.1 204")
            assert await client.ask(post(CHATS, CHAT)) is not None
            await asyncio.sleep(0.02)
            assert not bytes(client.reader._buffer)  # type: ignore[attr-defined]

    run(test)
