"""Clients, servers and stages that do all they may, at once: each answer is its request's, and nothing stays behind.

Drawn from a seed: requests in pieces, pipelined or cut off; servers that close, reset, answer twice or send something
else; stages that wait, refuse, raise, reframe and cut, in between and from outside. Faults of the relay's turns were
found by this and mended (`docs/explanation/decisions/0030`).
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import socket
import struct
from collections import Counter
from dataclasses import replace

import pytest

from gateway.doors import QUICK, Client, Door, get, opened, post, run
from gateway.stub import Request, Script
from headwater.gateway import Exchange, Outcome, Passing
from headwater.gateway.relay.relay import Relay
from headwater.gateway.routes import Route
from headwater.gateway.stage import PASS, Answer, Cut, OnBytes, OnRequest, Refuse, Shape, Wait
from headwater.gateway.wire.errors import Kind, Problem
from headwater.gateway.wire.head import ResponseHead

PATHS = (b"/v1/chat/completions", b"/v1/embeddings", b"/v1/messages", b"/v1/completions")
NO = Problem(Kind.BLOCKED, "No.")
CLIENTS, CUTS = 150, 20
#: How a server answers; the request says which.
WAYS = (
    *("plain",) * 3, *("late",) * 2, *("closing",) * 2,
    "twice", "chunked", "in pieces", "nothing", "to the end", "cut off", "garbage", "reset",
)  # fmt: skip


def whole(body: bytes, more: bytes = b"") -> bytes:
    return b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (more, len(body), body)


def chunked(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


def server(draw: random.Random) -> Script:
    """A model server that answers as it is asked to."""

    async def script(request: Request) -> bool:
        asked = json.loads(request.body) if request.body else {"name": "get", "way": "plain"}
        body, write, way = json.dumps({"name": asked["name"]}).encode(), request.writer.write, asked["way"]
        if way == "late":
            await asyncio.sleep(draw.random() * 0.02)
        if way in ("plain", "late"):
            write(whole(body))
        elif way == "twice":
            write(whole(body) + whole(b"another"))
        elif way == "chunked":
            write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(body))
        elif way == "in pieces":
            data = whole(body)
            at = draw.randrange(1, len(data))
            write(data[:at])
            await asyncio.sleep(0.001)
            write(data[at:])
        elif way == "nothing":
            write(b"HTTP/1.1 204 No Content\r\n\r\n")
        else:
            _write_and_end(request, way, body)
            return False
        return True

    return script


def _write_and_end(request: Request, way: str, body: bytes) -> None:
    write = request.writer.write
    if way == "closing":
        write(whole(body, b"Connection: close\r\n"))
    elif way == "to the end":
        write(b"HTTP/1.1 200 OK\r\n\r\n" + body)
    elif way == "cut off":
        write(whole(body)[:-2])
    elif way == "garbage":
        write(b"\x00\x01garbage\r\n\r\n")
    else:
        write(whole(body))
        own = request.writer.get_extra_info("socket")
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.writer.transport.abort()


class Moody(Passing):
    """A stage that does anything that a stage may do, and notes what it is asked."""

    def __init__(self, draw: random.Random, *, holds: bool) -> None:
        self._draw, self._holds = draw, holds
        self.asked: Counter[int] = Counter()
        self.ends: Counter[int] = Counter()
        self.live: dict[int, Exchange] = {}
        self.faults: Counter[str] = Counter()
        self._every: list[Exchange] = []  # held, so that none takes another one's identity

    def wants_body(self, route: Route) -> bool:
        return self._holds and route.has_body

    def on_request(self, exchange: Exchange) -> OnRequest:
        self._look(exchange, "asked")
        self._every.append(exchange)
        self.asked[id(exchange)] += 1
        self.live[id(exchange)] = exchange
        drawn = self._draw.random()
        if self.asked[id(exchange)] < 3:
            if drawn < 0.1:
                return Wait(asyncio.ensure_future(asyncio.sleep(self._draw.random() * 0.01)))
            if drawn < 0.13:
                return Refuse(NO)
            if drawn < 0.15:
                raise ValueError
            if drawn < 0.17:
                return Answer(204)
        return PASS

    def on_response_head(self, exchange: Exchange, head: ResponseHead) -> Shape | None:
        self._look(exchange, "told of a head")
        if self._draw.random() < 0.02:
            raise ValueError
        return Shape(reframe=True) if head.status != 204 and self._draw.random() < 0.2 else None

    def on_bytes(self, exchange: Exchange, data: bytes) -> OnBytes:
        self._look(exchange, "told of bytes")
        drawn = self._draw.random()
        if drawn < 0.1:
            return Wait(asyncio.ensure_future(asyncio.sleep(self._draw.random() * 0.01)))
        if drawn < 0.12:
            return Cut(NO)
        if drawn < 0.14:
            raise ValueError
        return None

    def on_end(self, exchange: Exchange, outcome: Outcome) -> None:
        self.ends[id(exchange)] += 1
        self.live.pop(id(exchange), None)

    def cut_one(self) -> None:
        """End one of those that run, from outside."""
        if self.live:
            self._draw.choice([*self.live.values()]).cut(NO)

    def _look(self, exchange: Exchange, what: str) -> None:
        if id(exchange) in self.ends:
            self.faults[f"{what} after the end"] += 1


async def asks(door: Door, draw: random.Random, number: int, faults: list[str]) -> None:
    """One client: some rounds of requests, whole, in pieces or abandoned."""
    client = await door.client()
    for turn in range(draw.randrange(1, 8)):
        names = [f"{number}.{turn}.{at}" for at in range(draw.choice([1, 1, 1, 2, 4]))]
        data = b"".join([_request(draw, name) for name in names])
        if draw.random() < 0.25:
            at = draw.randrange(1, len(data))
            client.writer.write(data[:at])
            await asyncio.sleep(draw.random() * 0.003)
            data = data[at:]
        client.writer.write(data)
        drawn = draw.random()
        if drawn < 0.1:
            if drawn < 0.04:
                await asyncio.sleep(draw.random() * 0.004)
            client.writer.transport.abort()
            return
        if drawn < 0.12:
            client.writer.write_eof()
            await asyncio.sleep(0.02)
            return
        if not await _reads(client, names, faults):
            return
    if client.reader._buffer:  # type: ignore[attr-defined]
        faults.append(f"{number}: more came than was asked for")


def _request(draw: random.Random, name: str) -> bytes:
    if draw.random() < 0.1:
        return get(b"/v1/models")
    body, path = json.dumps({"name": name, "way": draw.choice(WAYS)}).encode(), draw.choice(PATHS)
    if draw.random() < 0.2:
        head = b"POST %b HTTP/1.1\r\nHost: gateway\r\nTransfer-Encoding: chunked\r\n\r\n" % path
        return head + chunked(body)
    return post(path, body)


async def _reads(client: Client, names: list[str], faults: list[str]) -> bool:
    """Read an answer for each name; whether the connection stays."""
    for name in names:
        try:
            status, fields, body = await asyncio.wait_for(client.answer(), 8)
        except TimeoutError:
            faults.append(f"{name}: no answer")
            return False
        except (asyncio.IncompleteReadError, ConnectionError):
            return False
        told = json.loads(body)["name"] if status == 200 and body else name
        if told not in (name, "get"):
            faults.append(f"{name}: the answer of {told}")
        if fields.get("connection") == "close":
            return False
    return True


def left_behind(relay: Relay) -> list[str]:
    """What a relay without clients should have nothing of."""
    pool, turn = relay.pool, relay.turn
    has = {
        "exchanges": relay.running,
        "bytes held back": relay.buffered,
        "requests in a turn": len(turn._asked) + len(turn._answered) + turn._soon,
        "writes": len(relay.cork.waiting),
        "connections being opened": len(pool._opening) + len(pool._waiting),
        "connections in use": sum(connection.exchange is not None for connection in pool._all),
    }
    return [what for what, count in has.items() if count]


@pytest.mark.parametrize("seed", range(12))
def test_everything_at_once(seed: int) -> None:
    draw = random.Random(seed)
    faults: list[str] = []
    stages = [Moody(draw, holds=seed % 3 != 0), Moody(draw, holds=False)]
    settings = replace(QUICK, upstream_connections=draw.choice([3, 20, 512]), upstream_waiting=1000)

    async def cuts() -> None:
        for _ in range(CUTS):  # more would free whatever is stuck
            await asyncio.sleep(draw.random() * 0.01)
            stages[0].cut_one()

    async def test() -> None:
        async with opened(server(draw), settings, stages) as door:
            cutting = asyncio.create_task(cuts())
            await asyncio.gather(*(asks(door, draw, number, faults) for number in range(CLIENTS)))
            if seed % 2:  # the gateway stops in the middle of it
                for number in range(CLIENTS):
                    client = await door.client()
                    client.writer.write(_request(draw, f"last {number}"))
                await asyncio.sleep(draw.random() * 0.01)
                for each in [*door.relay.clients]:
                    each.kill()
            cutting.cancel()
            for client in door.clients:
                client.close()
            async with asyncio.timeout(5):
                while left_behind(door.relay):
                    await asyncio.sleep(0.01)
            assert not left_behind(door.relay)

    logging.disable(logging.ERROR)  # stages that fail are told of, and here they often do
    try:
        run(test)
    finally:
        logging.disable(logging.NOTSET)
    assert not faults
    for stage in stages:
        assert not stage.faults
        assert set(stage.asked) == set(stage.ends), "whoever was asked is told the end"
        assert set(stage.ends.values()) == {1}
