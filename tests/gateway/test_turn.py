"""Many requests that come at one look are worked through together, and each ends as it would alone."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import time
from collections import Counter

import pytest

from gateway.doors import opened, post, run
from gateway.stub import Request
from headwater.gateway import Exchange, Outcome, Passing
from headwater.gateway.relay.exchange import RelayedExchange
from headwater.gateway.stage import PASS, Answer, Cut, Forward, OnBytes, OnRequest, Refuse, Wait
from headwater.gateway.wire.errors import Kind, Problem
from headwater.gateway.wire.head import ResponseHead

PATHS = {"chat": b"/v1/chat/completions", "embeddings": b"/v1/embeddings", "messages": b"/v1/messages"}
#: What a stage is told to do → the status that the client sees (0: its connection ends).
DOES = {
    "pass": 200, "answer": 204, "refuse": 403, "wait": 200, "raise": 500, "change": 200, "cut late": 0,
    "wait late": 200, "raise late": 0,
}  # fmt: skip


class Told(Passing):
    """Does what the body says, and remembers what it was told."""

    def __init__(self, place: str) -> None:
        self.place, self.waited = place, set[str]()
        self.ends: list[tuple[str, Outcome]] = []

    def wants_body(self, route: object) -> bool:
        return True

    def on_request(self, exchange: Exchange) -> OnRequest:
        what = json.loads(exchange.body)
        exchange.kept[self] = what
        if what["stage"] != self.place:
            return PASS
        match what["do"]:
            case "answer":
                return Answer(204)
            case "refuse":
                return Refuse(Problem(Kind.BLOCKED, "No."))
            case "raise":
                raise ValueError
            case "change":
                return Forward(body=json.dumps({**what, "changed": True}).encode())
            case "wait" if what["name"] not in self.waited:
                self.waited.add(what["name"])
                return Wait(asyncio.sleep(0.01))
        return PASS

    def on_bytes(self, exchange: Exchange, data: bytes) -> OnBytes:
        what = exchange.kept[self]
        if what["stage"] == self.place:
            if what["do"] == "cut late":
                return Cut(Problem(Kind.BLOCKED, "No."))
            if what["do"] == "raise late":
                raise ValueError
            if what["do"] == "wait late" and what["name"] not in self.waited:
                self.waited.add(what["name"])
                return Wait(asyncio.sleep(0.01))
        return None

    def on_end(self, exchange: Exchange, outcome: Outcome) -> None:
        self.ends.append((exchange.kept[self]["name"], outcome))


async def echoes(request: Request) -> bool:
    await request.send(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
        % (len(request.body), request.body)
    )
    return True


@pytest.mark.parametrize("seed", range(4))
def test_each_ends_as_it_would_alone(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    rng = random.Random(seed)
    asks = [
        {
            "name": f"r{at}", "stage": rng.choice("ab"), "do": rng.choice([*DOES, "pass", "gone"]),
            "path": rng.choice([*PATHS]),
        }
        for at in range(150)
    ]  # fmt: skip

    async def test() -> None:
        first, second = Told("a"), Told("b")
        async with opened(echoes, stages=[first, second]) as door:
            clients = [await door.client() for _ in asks]
            for client, ask in zip(clients, asks, strict=True):
                client.writer.write(post(PATHS[ask["path"]], json.dumps(ask).encode()))
                if ask["do"] == "gone":
                    client.writer.transport.abort()
            left = [(one, ask) for one, ask in zip(clients, asks, strict=True) if ask["do"] != "gone"]
            answers = await asyncio.gather(*(one.heard() for one, _ in left))
            for (status, body), (_, ask) in zip(answers, left, strict=True):
                assert status == DOES[ask["do"]], ask
                if status == 200:
                    assert json.loads(body) == {**ask, **({"changed": True} if ask["do"] == "change" else {})}
            await asyncio.sleep(0.05)
            assert door.relay.running == 0
        for stage in (first, second):
            assert max(Counter(name for name, _ in stage.ends).values()) == 1
        reached = {ask["name"] for _, ask in left}
        assert {name for name, _ in first.ends} >= reached
        passed = {
            a["name"] for _, a in left if not (a["stage"] == "a" and a["do"] in ("answer", "refuse", "raise"))
        }
        assert {name for name, _ in second.ends} >= passed

    run(test)


def test_a_whole_response_counts_though_its_connection_ends_at_once() -> None:
    async def closes(request: Request) -> bool:
        await request.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        return False

    async def test() -> None:
        async with opened(closes, stages=[Passing()]) as door:
            clients = [await door.client() for _ in range(80)]
            for client in clients:
                client.writer.write(post(PATHS["chat"], b"{}"))
            await asyncio.sleep(0)
            time.sleep(0.05)  # answers and ends of connections come at the same look
            assert await asyncio.gather(*(one.heard() for one in clients)) == [(200, b"ok")] * 80
            assert [one.ended.value for one in await door.ended(80)] == ["complete"] * 80

    run(test)


@pytest.mark.parametrize(
    "step",
    ["ask_connection", "shape_head", "write_head", "pass_data", "finish", "tell", "leave"],
)
def test_a_fault_of_the_relays_own_costs_one_exchange(
    step: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    works = getattr(RelayedExchange, step)

    def breaks(self: RelayedExchange, *words: object) -> object:
        if b"broken" in self.body:
            raise RuntimeError("secret")
        return works(self, *words)

    class Holds(Passing):
        def wants_body(self, route: object) -> bool:
            return True

        def on_response_head(self, exchange: Exchange, head: ResponseHead) -> None:
            return None

        def on_end(self, exchange: Exchange, outcome: Outcome) -> None:
            return None

    monkeypatch.setattr(RelayedExchange, step, breaks)

    async def test() -> None:
        async with opened(echoes, stages=[Holds()]) as door:
            clients = [await door.client() for _ in range(9)]
            for at, client in enumerate(clients):
                client.writer.write(post(PATHS["chat"], b'"broken"' if at == 4 else b'"whole"'))
            answers = await asyncio.gather(*(one.heard() for one in clients))
            assert answers[:4] + answers[5:] == [(200, b'"whole"')] * 8
            assert answers[4][0] == 0 or step in ("finish", "tell", "leave")
            await asyncio.sleep(0.05)
            assert door.relay.running == 0

    with caplog.at_level(logging.ERROR):
        run(test)
    assert set(caplog.messages) == {"an exchange failed: RuntimeError"}


class Counts(Passing):
    """Counts what it is asked; `on_data` may do something to others."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.exchanges: list[Exchange] = []
        self.cuts = False

    def on_request(self, exchange: Exchange) -> OnRequest:
        self.asked.append("request")
        self.exchanges.append(exchange)
        return PASS

    def on_bytes(self, exchange: Exchange, data: bytes) -> OnBytes:
        self.asked.append("bytes")
        if self.cuts:
            for other in self.exchanges:
                if other is not exchange:
                    other.cut(Problem(Kind.BLOCKED, "No."))
        return None

    def on_end(self, exchange: Exchange, outcome: Outcome) -> None:
        self.asked.append(outcome.ended.value)


async def never(request: Request) -> bool:
    await asyncio.sleep(60)
    return False


WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def test_a_connection_that_ends_behind_a_whole_response_takes_nothing_from_it() -> None:
    async def test() -> None:
        stage = Counts()
        async with opened(never, stages=[stage]) as door:
            client = await door.client()
            client.writer.write(post(PATHS["chat"], b"{}"))
            while not (lines := [one for one in door.relay.pool._all if one.exchange is not None]):
                await asyncio.sleep(0.005)
            lines[0].data_received(WHOLE)
            lines[0].connection_lost(None)  # in the same turn
            assert await client.heard() == (200, b"ok")
            assert stage.asked == ["request", "bytes", "complete"]

    run(test)


def test_nobody_is_asked_for_a_client_that_went_in_the_same_turn() -> None:
    async def test() -> None:
        stage = Counts()
        async with opened(never, stages=[stage]) as door:
            await door.client()
            while not door.relay.clients:
                await asyncio.sleep(0.005)
            door.watch.on_request = stage.on_request  # type: ignore[method-assign]
            (client,) = door.relay.clients
            client.data_received(post(PATHS["chat"], b"{}"))
            client.connection_lost(None)
            await asyncio.sleep(0.05)
            assert (stage.asked, door.stub.requests, door.relay.running) == ([], [], 0)

    run(test)


def test_who_is_cut_by_anothers_stage_is_passed_no_further() -> None:
    async def test() -> None:
        stage = Counts()
        async with opened(never, stages=[stage]) as door:
            clients = [await door.client(), await door.client()]
            for client in clients:
                client.writer.write(post(PATHS["chat"], b"{}"))
            while len(lines := [one for one in door.relay.pool._all if one.exchange is not None]) < 2:
                await asyncio.sleep(0.005)
            stage.cuts = True
            for line in lines:
                line.data_received(WHOLE)
            assert sorted([await one.heard() for one in clients]) == [(0, b""), (200, b"ok")]
            assert stage.asked == ["request", "request", "bytes", "cut", "complete"]
            assert door.watch.seen == [b"ok"]

    run(test)
