"""The corpora through the whole relay: what the upstream receives is judged byte for byte, and by h11."""

from __future__ import annotations

import asyncio
import json

import h11
import pytest

from gateway.doors import CHAT, QUICK, Door, get, opened, post, run
from gateway.stub import Request, plain
from gateway.vectors import Case, cases, heads, requests
from headwater.gateway import Ended
from headwater.gateway.wire.reader import END
from headwater.gateway.wire.refusal import Fault

WARM = b"GET /v1/batches HTTP/1.1\r\nHost: gateway\r\n\r\n"


def named(case: Case) -> str:
    return case.name


def received(door: Door) -> list[bytes]:
    """What each upstream connection was sent, without the warming request, the upstream named as in the vectors."""
    warm = b"GET /v1/batches HTTP/1.1\r\nHost: upstream\r\n\r\n"
    sent = []
    for raw in door.stub.connections:
        told = bytes(raw).replace(b"127.0.0.1:%d" % door.stub.port, b"upstream")
        sent.append(told.removeprefix(warm))
    return [told for told in sent if told]


def read_by_h11(raw: bytes) -> list[tuple[bytes, bytes, list[tuple[bytes, bytes]], bytes]]:
    """The whole requests that h11 finds."""
    peer = h11.Connection(h11.SERVER)
    peer.receive_data(raw)
    found = []
    while True:
        told = peer.next_event()
        if not isinstance(told, h11.Request):
            assert told in (h11.NEED_DATA, h11.PAUSED), told
            return found
        body = b""
        while isinstance(part := peer.next_event(), h11.Data):
            body += part.data
        if not isinstance(part, h11.EndOfMessage):
            return found
        found.append((told.method, told.target, list(told.headers), body))
        peer.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
        peer.send(h11.EndOfMessage())
        peer.start_next_cycle()


@pytest.mark.parametrize("case", cases("requests"), ids=named)
def test_nothing_is_forwarded_that_can_be_read_in_two_ways(case: Case) -> None:
    async def test() -> None:
        async with opened() as door:
            await (await door.client()).ask(WARM)  # so that whatever passes finds a connection at once
            client = await door.client()
            client.writer.write(case.data)
            if case.refused is None:
                for _ in case.forwarded:
                    assert (await client.answer())[0] == 200
                assert b"".join(received(door)) == b"".join(case.forwarded)
            else:
                answer = await client.rest()
                fault = Fault[case.refused]
                assert b"HTTP/1.1 %d " % fault.status in answer
                assert b"Connection: close" in answer
                assert json.loads(answer[answer.rindex(b"\r\n\r\n") :])["error"]["message"]
            events = requests(case.data)
            ours = [
                (head.method, head.target)
                for head in heads(events)[: events.count(END)]  # type: ignore[union-attr]
            ]
            theirs = [told for raw in received(door) for told in read_by_h11(raw)]
            assert [told[:2] for told in theirs] == ours
            assert b"/v1/files" not in b"".join(received(door))

    run(test)


@pytest.mark.parametrize("case", cases("responses"), ids=named)
def test_a_response_that_is_not_to_be_believed_is_a_502_or_a_cut(case: Case) -> None:
    async def garbage(request: Request) -> bool:
        if b"/v1/batches" in request.head:
            await request.send(plain(b"fresh"))
            return True
        await request.send(case.data)
        await asyncio.sleep(5)
        return False

    async def test() -> None:
        async with opened(garbage, QUICK) as door:
            client = await door.client()
            client.writer.write(post(b"/v1/chat/completions", CHAT))
            first = await client.reader.read(12)
            if first == b"HTTP/1.1 502":
                rest = await client.reader.readuntil(b"}}")
                assert b"model server" in rest
                assert (await client.ask(get(b"/v1/batches")))[2] == b"fresh"
            else:  # the head was fine, the body wasn't: the client sees that it isn't whole
                assert first == b"HTTP/1.1 200"
                assert not (await client.rest()).endswith(b"0\r\n\r\n")
                assert (await (await door.client()).ask(get(b"/v1/batches")))[2] == b"fresh"
            assert (await door.ended())[0].ended is Ended.UPSTREAM_FAILED

    run(test)


def test_an_answer_nobody_asked_for_is_never_given_to_the_next() -> None:
    async def twice(request: Request) -> bool:
        await request.send(plain(b"mine") + plain(b"poison"))
        return True

    async def test() -> None:
        async with opened(twice) as door:
            client = await door.client()
            for _ in range(3):
                assert (await client.ask(get(b"/v1/models")))[2] == b"mine"
            assert len(door.stub.connections) == 3

    run(test)


def test_an_answer_that_comes_late_is_never_given_to_the_next() -> None:
    async def late(request: Request) -> bool:
        await request.send(plain(b"mine"))
        await asyncio.sleep(0.05)
        await request.send(plain(b"poison"))
        return True

    async def test() -> None:
        async with opened(late) as door:
            client = await door.client()
            for _ in range(3):
                assert (await client.ask(get(b"/v1/models")))[2] == b"mine"
                await asyncio.sleep(0.1)
            assert len(door.stub.connections) == 3

    run(test)
