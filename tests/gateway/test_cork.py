"""What is written together leaves together, and all of it leaves: from many connections, and where one ends."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.certificates import Authority
from gateway.doors import CHAT, QUICK, opened, post, run
from headwater.gateway.relay.cork import Cork, Writing
from headwater.gateway.relay.upstream import UpstreamConnection
from headwater.gateway.wire.reader import Event

TEXT = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: gateway\r\n\r\n"


class Wire:
    """A transport that keeps what it is given, and may break."""

    def __init__(self, broken: bool = False) -> None:
        self.sent: list[bytes] = []
        self.broken, self.aborted = broken, False

    def get_extra_info(self, _name: str) -> None:
        return None

    def is_closing(self) -> bool:
        return self.aborted

    def write(self, data: bytes) -> None:
        if self.broken:
            raise RuntimeError("broken")
        self.sent.append(data)

    def writelines(self, pieces: list[bytes]) -> None:
        self.write(b"".join(pieces))

    def abort(self) -> None:
        self.aborted = True


class Line(Writing):
    """One connection's side that writes."""

    def __init__(self, cork: Cork, broken: bool = False) -> None:
        self._cork, self._out = cork, []
        self.wire = Wire(broken)
        self.transport = self.wire  # type: ignore[assignment]


@given(st.lists(st.tuples(st.integers(0, 99), st.binary(min_size=1, max_size=40)), max_size=400))
def test_all_that_is_written_leaves_in_its_order(writes: list[tuple[int, bytes]]) -> None:
    async def test() -> None:
        cork = Cork(asyncio.get_running_loop())
        lines = [Line(cork) for _ in range(100)]
        for at, data in writes:
            if len(data) % 2:
                lines[at].put(data)
            else:
                lines[at].put_all([data[:1], data[1:]])
        await asyncio.sleep(0)
        for number, line in enumerate(lines):
            assert b"".join(line.wire.sent) == b"".join(data for at, data in writes if at == number)
            assert not line._out

    asyncio.run(test())


def test_one_call_a_connection_and_none_is_held_up_by_one_that_breaks(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def test() -> None:
        cork = Cork(asyncio.get_running_loop())
        lines = [Line(cork, broken=at == 3) for at in range(10)]
        for line in lines:
            line.put(b"head")
            line.put(b"body")
        assert not any(line.wire.sent for line in lines)
        await asyncio.sleep(0)
        assert [line.wire.sent for line in lines] == [[] if at == 3 else [b"headbody"] for at in range(10)]
        assert [line.wire.aborted for line in lines] == [at == 3 for at in range(10)]

    with caplog.at_level(logging.ERROR):
        asyncio.run(test())
    assert caplog.messages == ["a connection can't be written to: RuntimeError"]


def test_what_is_large_isnt_kept() -> None:
    """Else a reader's slowness would be seen only after all that a look at the sockets can bring."""

    async def test() -> None:
        cork = Cork(asyncio.get_running_loop())
        large, many = Line(cork), Line(cork)
        large.put(b"x" * 20_000)
        for _ in range(40):
            many.put(b"y" * 1000)
        assert b"".join(large.wire.sent) == b"x" * 20_000
        assert sum(map(len, many.wire.sent)) >= 20_000

    asyncio.run(test())


@pytest.mark.parametrize("request_", [HEALTH, post(b"/v1/chat/completions", CHAT)])
def test_more_clients_than_are_kept_waiting_all_get_their_answers(request_: bytes) -> None:
    async def test() -> None:
        async with opened() as door:
            clients = [await door.client() for _ in range(150)]
            for client in clients:  # nothing of this yields: the relay finds all of them at its next look
                client.writer.write(request_)
            answers = await asyncio.gather(*(asyncio.wait_for(one.answer(), 10) for one in clients))
            assert [status for status, _, _ in answers] == [200] * 150

    run(test)


class Waits:
    """An exchange that waits for an answer."""

    def __init__(self) -> None:
        self.heard: list[list[Event]] = []

    def whole_response(self, events: list[Event]) -> bool:
        self.heard.append(events)
        return True


@pytest.mark.parametrize("left", [False, True])
def test_what_comes_before_the_request_has_left_answers_nobody(left: bool) -> None:
    """Bytes that a server sends unasked on a pooled connection, at the moment that the next request takes it."""

    async def test() -> None:
        async with opened() as door:
            pool, cork = door.relay.pool, door.relay.cork
            line = UpstreamConnection(pool, QUICK.response_limits, cork, tls=False)
            wire = Wire()
            line.connection_made(wire)  # type: ignore[arg-type]
            line.reused, asks = True, Waits()
            line.begin(asks, b"POST")  # type: ignore[arg-type]
            line.write_all([b"POST / HTTP/1.1\r\n", b"\r\n"])
            if left:
                await asyncio.sleep(0)
            line.data_received(TEXT + b"Content-Length: 2\r\n\r\nno")
            await asyncio.sleep(0)
            assert (len(asks.heard), wire.aborted, bool(wire.sent)) == (int(left), not left, left)
            assert line.untouched is not left  # and so it is sent again, on another connection

    run(test)


def test_an_answer_to_what_came_with_the_end_of_a_tls_connection_is_sent(tmp_path: Path) -> None:
    authority = Authority(tmp_path)

    def ask(port: int) -> bytes:
        """Ask and say goodbye (close_notify) in one packet; what comes back."""
        inward, outward, got = ssl.MemoryBIO(), ssl.MemoryBIO(), b""
        end = authority.trusting().wrap_bio(inward, outward, server_hostname="localhost")
        with socket.create_connection(("127.0.0.1", port), timeout=5) as plain:
            while True:
                try:
                    end.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    plain.sendall(outward.read())
                    inward.write(plain.recv(65_536))
            end.write(HEALTH)
            with pytest.raises(ssl.SSLWantReadError):
                end.unwrap()
            plain.sendall(outward.read())
            while data := plain.recv(65_536):
                inward.write(data)
                try:
                    got += end.read(65_536)
                except ssl.SSLError:
                    continue
        return got

    async def test() -> None:
        served = replace(QUICK, certificate=str(authority.certify("localhost")))
        async with opened(settings=served) as door:
            assert (await asyncio.to_thread(ask, door.port)).startswith(b"HTTP/1.1 200 OK")

    run(test)
