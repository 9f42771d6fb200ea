"""Every way an exchange can end: by the client, the upstream, a limit. Nothing is lost, nothing stays behind."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Callable
from dataclasses import replace

import pytest

from gateway.doors import CHAT, QUICK, STREAM, Door, get, opened, post, run
from gateway.stub import ANSWER, STREAM_HEAD, Request, chunk, model, openai_events, plain
from headwater.gateway import Ended, Passing, RelaySettings, Route
from headwater.gateway.relay.relay import place_of

TEXT = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


async def endless(request: Request) -> bool:
    """A stream that goes on until somebody hangs up."""
    await request.send(STREAM_HEAD)
    while True:
        await request.send(chunk(openai_events(1)[0]))
        await asyncio.sleep(0.01)


async def silent(request: Request) -> bool:
    await asyncio.sleep(30)
    return False


async def hung_up(door: Door) -> None:
    """Wait until the upstream has noticed that nobody waits for it."""
    async with asyncio.timeout(5):
        while door.stub.tasks:
            await asyncio.sleep(0.01)


def test_a_client_that_goes_mid_stream_cancels_the_upstream() -> None:
    async def test() -> None:
        async with opened(endless) as door:
            client = await door.client()
            client.writer.write(post(b"/v1/chat/completions", STREAM))
            await client.reader.readuntil(b"w0")
            client.close()
            outcome = (await door.ended())[0]
            assert (outcome.ended, outcome.status, outcome.sent) == (Ended.CLIENT_GONE, 200, True)
            assert outcome.received_bytes > 0
            await hung_up(door)
            assert not door.relay.clients

    run(test)


@pytest.mark.parametrize("how", ["close", "half", "reset"])
def test_a_client_that_goes_before_the_answer_cancels_the_upstream(how: str) -> None:
    async def gone(request: Request) -> bool:
        return bool(await request.reader.read(1))  # ends when the relay hangs up

    async def test() -> None:
        async with opened(gone) as door:
            client = await door.client()
            client.writer.write(post(b"/v1/chat/completions", CHAT))
            await asyncio.sleep(0.05)
            if how == "half":
                client.writer.write_eof()
            elif how == "reset":
                own = client.writer.get_extra_info("socket")
                own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.writer.transport.abort()
            else:
                client.close()
            outcome = (await door.ended())[0]
            assert (outcome.ended, outcome.status, outcome.upstream_status) == (Ended.CLIENT_GONE, 0, 0)
            await hung_up(door)

    run(test)


def test_a_slow_reader_slows_the_upstream_down_and_gets_everything() -> None:
    size, written = 60_000_000, [0]  # far beyond what the kernel's buffers hold

    async def large(request: Request) -> bool:
        await request.send(TEXT + b"Content-Length: %d\r\n\r\n" % size)
        for _ in range(size // 100_000):
            await request.send(b"x" * 100_000)
            written[0] += 100_000
        return True

    async def test() -> None:
        async with opened(large) as door:
            client = await door.client()
            client.writer.transport.pause_reading()  # type: ignore[attr-defined]
            client.writer.write(get(b"/v1/files/f/content"))
            await asyncio.sleep(0.3)
            stuck = written[0]
            assert stuck < size / 2
            await asyncio.sleep(0.1)
            assert written[0] == stuck
            client.writer.transport.resume_reading()  # type: ignore[attr-defined]
            assert len((await client.answer())[2]) == size
            assert (await door.ended())[0].ended is Ended.COMPLETE

    run(test)


def test_a_client_that_never_reads_is_let_go() -> None:
    async def flood(request: Request) -> bool:
        await request.send(STREAM_HEAD)
        while True:
            await request.send(chunk(b"x" * 60_000))

    async def test() -> None:
        async with opened(flood, replace(QUICK, stall_s=0.2)) as door:
            client = await door.client()
            client.writer.transport.pause_reading()  # type: ignore[attr-defined]
            client.writer.write(post(b"/v1/chat/completions", STREAM))
            assert (await door.ended())[0].ended is Ended.CLIENT_FAULT
            await hung_up(door)

    run(test)


async def dies_before(request: Request) -> bool:
    request.writer.transport.abort()
    return False


async def dies_between(request: Request) -> bool:
    await request.send(STREAM_HEAD, chunk(openai_events(1)[0]))
    return False


async def dies_within(request: Request) -> bool:
    await request.send(STREAM_HEAD, chunk(openai_events(1)[0][:20]))
    return False


async def dies_in_json(request: Request) -> bool:
    await request.send(plain()[:-10])
    return False


def test_an_upstream_that_dies_before_its_answer_is_a_502() -> None:
    async def test() -> None:
        async with opened(dies_before) as door:
            for path, kind in ((b"/v1/chat/completions", "server_error"), (b"/v1/messages", "api_error")):
                status, fields, body = await (await door.client()).ask(post(path, CHAT))
                assert status == 502
                assert json.loads(body)["error"]["type"] == kind
                assert "x-should-retry" not in fields
            outcome = (await door.ended(2))[0]
            assert (outcome.ended, outcome.status, outcome.sent) == (Ended.UPSTREAM_FAILED, 502, True)

    run(test)


@pytest.mark.parametrize(
    ("path", "begins"),
    [
        (b"/v1/chat/completions", b'data: {"error":{"message":"The model server ended'),
        (b"/v1/responses", b'event: error\ndata: {"type":"error","code":"server_error","message":'),
        (b"/v1/messages", b'event: error\ndata: {"type":"error","error":{"type":"api_error","message":'),
    ],
)
def test_an_upstream_that_dies_between_events_is_told_within_the_stream(path: bytes, begins: bytes) -> None:
    async def test() -> None:
        async with opened(dies_between) as door:
            client = await door.client()
            status, _, body = await client.ask(post(path, STREAM))
            assert status == 200
            first = openai_events(1)[0]
            assert body.startswith(first + begins)
            assert body.endswith(b"}\n\n")
            assert await client.rest() == b""
            assert (await door.ended())[0].ended is Ended.UPSTREAM_FAILED

    run(test)


@pytest.mark.parametrize("script", [dies_within, dies_in_json])
def test_an_upstream_that_dies_within_something_is_a_cut(script: Callable[[Request], object]) -> None:
    async def test() -> None:
        async with opened(script) as door:  # type: ignore[arg-type]
            client = await door.client()
            client.writer.write(post(b"/v1/chat/completions", STREAM))
            got = await client.rest()
            assert got.startswith(b"HTTP/1.1 200")
            assert not got.endswith(b"0\r\n\r\n")
            assert b"error" not in got
            assert (await door.ended())[0].ended is Ended.UPSTREAM_FAILED

    run(test)


def test_an_upstream_that_isnt_there_is_a_502() -> None:
    async def test() -> None:
        async with opened() as door:
            await door.stub.stop()
            client = await door.client()
            for _ in range(2):
                status, _, body = await client.ask(post(b"/v1/chat/completions", CHAT))
                assert (status, "can't be reached" in json.loads(body)["error"]["message"]) == (502, True)
            outcome = (await door.ended(2))[0]
            assert (outcome.ended, outcome.sent) == (Ended.UPSTREAM_FAILED, False)

    run(test)


@pytest.mark.parametrize(
    ("changes", "status", "ended"),
    [({"first_byte_s": 0.1}, 504, Ended.UPSTREAM_SLOW), ({"total_s": 0.1}, 0, Ended.UPSTREAM_SLOW)],
)
def test_a_slow_upstream_has_an_end(changes: dict[str, float], status: int, ended: Ended) -> None:
    async def test() -> None:
        script = silent if status else endless
        async with opened(script, replace(QUICK, **changes)) as door:  # type: ignore[arg-type]
            client = await door.client()
            got, _, body = await client.ask(post(b"/v1/messages", STREAM))
            if status:
                assert (got, json.loads(body)["error"]["type"]) == (status, "timeout_error")
            else:
                assert b"event: error" in body
            assert (await door.ended())[0].ended is ended
            await hung_up(door) if script is endless else None

    run(test)


def test_a_stream_that_falls_silent_has_an_end() -> None:
    async def falls(request: Request) -> bool:
        await request.send(STREAM_HEAD, chunk(openai_events(1)[0]))
        return await silent(request)

    async def test() -> None:
        async with opened(falls, replace(QUICK, idle_s=0.1)) as door:
            _, _, body = await (await door.client()).ask(post(b"/v1/chat/completions", STREAM))
            assert b"took too long" in body
            assert (await door.ended())[0].ended is Ended.UPSTREAM_SLOW

    run(test)


@pytest.mark.parametrize(
    ("sent", "dripped"),
    [(b"", b"GET /v1/models HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 100),
     (post(b"/v1/completions", b"x" * 500)[:-490], b"x" * 100)],
)  # fmt: skip
def test_slow_loris_is_a_408(sent: bytes, dripped: bytes) -> None:
    async def test() -> None:
        settings = replace(QUICK, head_s=0.2, body_s=0.2, body_bytes_s=1_000_000)
        async with opened(settings=settings) as door:
            client = await door.client()
            client.writer.write(sent)
            for byte in dripped:
                client.writer.write(bytes([byte]))
                await asyncio.sleep(0.01)
                if client.reader.at_eof() or client.reader._buffer:  # type: ignore[attr-defined]
                    break
            assert (await client.rest()).startswith(b"HTTP/1.1 408")
            client.close()
            await asyncio.sleep(0.05)
            assert not door.relay.clients

    run(test)


def test_idle_connections_are_closed_without_a_word() -> None:
    async def test() -> None:
        async with opened(settings=replace(QUICK, head_s=0.1, keep_alive_s=0.1, upstream_keep_s=0.1)) as door:
            mute, used = await door.client(), await door.client()
            assert (await used.ask(get(b"/v1/models")))[0] == 200
            assert await mute.rest() == b""
            assert await used.rest() == b""
            await hung_up(door)  # upstream connections go too

    run(test)


def test_bodies_pass_as_they_come_and_slowly_where_the_upstream_reads_slowly() -> None:
    size, seen = 40_000_000, 0

    async def test() -> None:
        nonlocal seen
        own = socket.create_server(("127.0.0.1", 0))
        own.setblocking(False)
        loop = asyncio.get_running_loop()
        async with opened() as door:
            door.relay.pool._upstream = replace(door.relay.upstream, port=own.getsockname()[1])
            client = await door.client()
            client.writer.write(post(b"/v1/files", b"")[:-5] + b"%d\r\n\r\n" % size)
            for _ in range(size // 100_000):
                client.writer.write(b"x" * 100_000)
            upstream, _ = await loop.sock_accept(own)
            await asyncio.sleep(0.2)
            held = client.writer.transport.get_write_buffer_size()  # type: ignore[attr-defined]
            assert held > 1_000_000  # the relay takes no more than it can hand on
            while seen < size:
                seen += len(await loop.sock_recv(upstream, 1 << 20))
            await loop.sock_sendall(upstream, plain())
            assert (await client.answer())[0] == 200
            upstream.close()
        own.close()

    run(test)


class Wants(Passing):
    """A stage that wants bodies whole."""

    def wants_body(self, route: Route) -> bool:
        return True

    def on_request(self, exchange):  # type: ignore[no-untyped-def]
        from headwater.gateway import PASS

        return PASS


def test_fifty_megabytes_are_refused_in_words_that_the_client_reads() -> None:
    async def test() -> None:
        async with opened(stages=[Wants()]) as door:
            for head in (b"Content-Length: 50000000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n"):
                client = await door.client()
                client.writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n" + head)
                for _ in range(50):
                    data = b"x" * 1_000_000
                    client.writer.write(chunk(data) if b"chunked" in head else data)
                    await client.writer.drain()  # a client that writes everything before it reads
                status, fields, body = await client.answer()
                assert (status, fields["connection"]) == (413, "close")
                assert json.loads(body)["error"]["code"] == "request_too_large"
            assert not door.stub.requests
            assert not any(one.sent for one in door.watch.outcomes)

    run(test)


def test_an_answer_that_comes_before_the_request_is_whole() -> None:
    async def test() -> None:
        own = socket.create_server(("127.0.0.1", 0))
        own.setblocking(False)
        loop = asyncio.get_running_loop()
        async with opened() as door:
            door.relay.pool._upstream = replace(door.relay.upstream, port=own.getsockname()[1])
            client = await door.client()
            client.writer.write(post(b"/v1/files", b"x" * 1000)[:-500])
            upstream, _ = await loop.sock_accept(own)
            assert (await loop.sock_recv(upstream, 4096)).endswith(b"x" * 500)
            await loop.sock_sendall(upstream, plain(b"no", b"413 Too Large"))
            status, fields, body = await client.answer()
            assert (status, fields["connection"], body) == (413, "close", b"no")
            client.writer.write(b"x" * 500)
            assert (await door.ended())[0].ended is Ended.COMPLETE
            upstream.close()
        own.close()

    run(test)


def test_a_client_that_expects_to_be_told_to_go_on_is() -> None:
    async def test() -> None:
        async with opened() as door:
            client = await door.client()
            data = post(b"/v1/chat/completions", CHAT, b"Expect: 100-continue\r\n")
            client.writer.write(data[: -len(CHAT)])
            assert (await client.answer())[0] == 100
            status, *_ = await client.ask(CHAT)
            assert status == 200
            assert b"xpect" not in door.stub.requests[0].head
            over = b"POST /v1/files HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 999999999999\r\n\r\n"
            assert (await client.ask(over))[0] == 413  # before a byte of it is sent

    run(test)


@pytest.mark.parametrize(
    ("request_line", "answer", "body", "framing"),
    [
        (b"HEAD", plain(b"x" * 9)[:-9], b"", None),
        (b"GET", b"HTTP/1.1 204 No Content\r\n\r\n", b"", None),
        (b"GET", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + plain(b"ok"), b"ok", "content-length"),
        (
            b"GET",
            TEXT + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            b"ok",
            "transfer-encoding",
        ),
    ],
)
def test_bodies_that_are_none(request_line: bytes, answer: bytes, body: bytes, framing: str | None) -> None:
    async def script(request: Request) -> bool:
        await request.send(answer)
        return True

    async def test() -> None:
        async with opened(script) as door:
            client = await door.client()
            for _ in range(2):
                client.writer.write(get(b"/v1/models").replace(b"GET", request_line))
                head = await client.reader.readuntil(b"\r\n\r\n")
                if framing:
                    assert framing in head.decode().lower()
                elif request_line == b"HEAD":
                    assert b"Transfer-Encoding" not in head
                if body:
                    await client.reader.readuntil(body)
                    if framing == "transfer-encoding":
                        await client.reader.readexactly(7)
            assert len(door.stub.connections) == 1

    run(test)


def test_a_body_without_length_goes_out_in_chunks() -> None:
    async def until_close(request: Request) -> bool:
        await request.send(TEXT + b"Connection: close\r\n\r\n", b"first ", b"second")
        return False

    async def test() -> None:
        async with opened(until_close) as door:
            client = await door.client()
            for _ in range(2):
                _, fields, body = await client.ask(get(b"/v1/models"))
                assert (fields["transfer-encoding"], body) == ("chunked", b"first second")
            assert len(door.stub.connections) == 2

    run(test)


def test_requests_that_come_at_once_are_answered_in_order() -> None:
    async def numbered(request: Request) -> bool:
        at = int(request.head.split(b"X-N: ")[1].split(b"\r\n")[0])
        await asyncio.sleep(0.02 * (3 - at % 3))
        await request.send(plain(b"%d" % at))
        return True

    async def test() -> None:
        async with opened(numbered) as door:
            client = await door.client()
            wanted = [b"GET /v1/models HTTP/1.1\r\nHost: a\r\nX-N: %d\r\n\r\n" % at for at in range(6)]
            wanted.insert(3, get(b"/nowhere"))
            client.writer.write(b"".join(wanted))
            got = [await client.answer() for _ in wanted]
            assert [body for status, _, body in got if status == 200] == [b"%d" % at for at in range(6)]
            assert got[3][0] == 404

    run(test)


def test_a_flood_of_requests_at_once_is_held_back_and_answered() -> None:
    async def test() -> None:
        async with opened() as door:
            client = await door.client()
            count = 3000
            client.writer.write(get(b"/nowhere") * count + get(b"/v1/models") * 20)
            assert {(await client.answer())[0] for _ in range(count)} == {404}
            assert {(await client.answer())[0] for _ in range(20)} == {200}

    run(test)


def test_upstream_connections_are_bounded_and_waited_for_in_order() -> None:
    async def test() -> None:
        settings = replace(QUICK, upstream_connections=2, upstream_waiting=3)
        async with opened(slow_answer, settings) as door:
            clients = [await door.client() for _ in range(6)]
            tasks = []
            for each in clients:
                tasks.append(asyncio.ensure_future(each.ask(post(b"/v1/chat/completions", CHAT))))
                await asyncio.sleep(0.01)
            statuses = [(await task)[0] for task in tasks]
            assert statuses == [200] * 5 + [503]
            assert len(door.stub.connections) == 2

    async def slow_answer(request: Request) -> bool:
        await asyncio.sleep(0.1)
        return await model(request)

    run(test)


def test_client_connections_are_bounded() -> None:
    async def test() -> None:
        async with opened(settings=replace(QUICK, connections=2)) as door:
            first, second = await door.client(), await door.client()
            assert (await first.ask(get(b"/v1/models")))[0] == 200
            third = await door.client()
            status, fields, _ = await third.answer()
            assert (status, fields["connection"]) == (503, "close")
            second.close()
            await third.rest()
            await asyncio.sleep(0.05)
            assert (await (await door.client()).ask(get(b"/v1/models")))[0] == 200

    run(test)


def test_one_address_cannot_take_all_connections_unless_a_proxy_has_it() -> None:
    async def test() -> None:
        async with opened(settings=replace(QUICK, connections_per_address=2)) as door:
            first, second = await door.client(), await door.client()
            assert (await first.ask(get(b"/v1/models")))[0] == 200
            status, fields, _ = await (await door.client()).answer()
            assert (status, fields["connection"], fields["retry-after"]) == (429, "close", "1")
            assert door.relay.counted()["connections_refused_total.address"] == 1
            second.close()
            await second.rest()
            await asyncio.sleep(0.05)
            assert (await (await door.client()).ask(get(b"/v1/models")))[0] == 200
            door.relay._trusts = lambda address: address == "127.0.0.1"
            for _ in range(4):
                assert (await (await door.client()).ask(get(b"/v1/models")))[0] == 200

    run(test)


def test_what_one_address_is() -> None:
    assert place_of("203.0.113.7") != place_of("203.0.113.8")
    assert place_of("2001:db8::1") == place_of("2001:db8::2") != place_of("2001:db8:0:1::1")
    assert place_of("::ffff:203.0.113.7") != place_of("::ffff:203.0.113.8")


def test_a_drain_lets_streams_end_and_takes_nothing_new() -> None:
    async def slow(request: Request) -> bool:
        await request.send(STREAM_HEAD)
        for event in openai_events(5):
            await asyncio.sleep(0.03)
            await request.send(chunk(event))
        await request.send(b"0\r\n\r\n")
        return True

    async def test() -> None:
        async with opened(slow) as door:
            idle, busy = await door.client(), await door.client()
            task = asyncio.ensure_future(busy.ask(post(b"/v1/chat/completions", STREAM)))
            await asyncio.sleep(0.05)
            drained = asyncio.ensure_future(door.relay.drain())
            assert await idle.rest() == b""
            assert (await task)[2] == b"".join(openai_events(5))
            assert await busy.rest() == b""
            await asyncio.wait_for(drained, 2)
            with pytest.raises(OSError):
                await door.client()

    run(test)


def test_a_drain_has_an_end() -> None:
    async def test() -> None:
        async with opened(endless, RelaySettings(drain_s=0.1)) as door:
            client = await door.client()
            task = asyncio.ensure_future(client.ask(post(b"/v1/chat/completions", STREAM)))
            await asyncio.sleep(0.05)
            await asyncio.wait_for(door.relay.drain(), 2)
            assert b"The gateway is stopping." in (await task)[2]
            assert (await door.ended())[0].ended is Ended.STOPPED

    run(test)


def test_ten_thousand_rough_ends_leave_nothing_behind() -> None:
    async def test() -> None:
        import random

        draw = random.Random(8)
        async with opened(settings=replace(QUICK, upstream_connections=8)) as door:

            async def one() -> None:
                client = await door.client()
                client.writer.write(post(b"/v1/chat/completions", draw.choice([CHAT, STREAM])))
                if draw.random() < 0.5:
                    await asyncio.sleep(draw.random() * 0.004)
                else:
                    await client.reader.read(draw.choice([1, 100, 100_000]))
                if draw.random() < 0.5:
                    client.writer.transport.abort()
                else:
                    client.close()
                door.clients.remove(client)

            for _ in range(20):
                await asyncio.gather(*(one() for _ in range(25)))
            async with asyncio.timeout(5):
                while door.relay.clients:
                    await asyncio.sleep(0.01)
            pool = door.relay.pool
            await asyncio.sleep(0.05)
            assert len(pool._all) == len(pool._free) <= 8
            assert (pool._opening, list(pool._waiting)) == ({}, [])
            assert {outcome.ended for outcome in door.watch.outcomes} <= {Ended.COMPLETE, Ended.CLIENT_GONE}
            assert (await (await door.client()).ask(post(b"/v1/chat/completions", CHAT)))[2] == ANSWER

    run(test)
