"""Stages: asked in order, told the end exactly once, able to change, answer, wait, hold and cut."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from gateway.doors import CHAT, QUICK, STREAM, Door, get, opened, post, run
from gateway.stub import ANSWER, STREAM_HEAD, Request, chunk, openai_events, plain
from headwater.errors import UsageError
from headwater.gateway import (
    PASS,
    Answer,
    Cut,
    Ended,
    Exchange,
    Forward,
    Kind,
    Outcome,
    Passing,
    Problem,
    Refuse,
    Route,
    Shape,
    Wait,
    field,
)
from headwater.gateway.wire.head import ResponseHead

BLOCK = Problem(Kind.BLOCKED, "Your access has ended.", extensions=(("appeal_url", "https://example.org/a"),))


class Scripted(Passing):
    """A stage of functions, which writes down what it was asked."""

    def __init__(
        self,
        request: Callable[[Exchange], Any] = lambda _: PASS,
        data: Callable[[Exchange, bytes], Any] = lambda _, __: None,
        head: Callable[[Exchange, ResponseHead], Any] = lambda _, __: None,
        body: bool = False,
    ) -> None:
        self.request, self.data, self.head, self.body = request, data, head, body
        self.said: list[str] = []
        self.outcomes: list[Outcome] = []

    def wants_body(self, route: Route) -> bool:
        return self.body

    def on_request(self, exchange: Exchange) -> Any:
        self.said.append("request")
        return self.request(exchange)

    def on_response_head(self, exchange: Exchange, head: ResponseHead) -> Any:
        self.said.append("head")
        return self.head(exchange, head)

    def on_bytes(self, exchange: Exchange, data: bytes) -> Any:
        self.said.append("bytes")
        return self.data(exchange, data)

    def on_end(self, exchange: Exchange, outcome: Outcome) -> None:
        self.said.append("end")
        self.outcomes.append(outcome)


def asked(
    stages: Sequence[Passing], data: bytes, check: Callable[[Door, tuple[int, dict[str, str], bytes]], None]
) -> None:
    """Ask once through these stages, then look."""

    async def test() -> None:
        async with opened(stages=stages) as door:
            answer = await (await door.client()).ask(data)
            await door.ended()
            check(door, answer)

    run(test)


def test_stages_are_asked_in_order_and_told_the_end_once() -> None:
    first, second = Scripted(), Scripted(request=lambda _: Answer(200, (field(b"X-A", b"b"),), b"own"))
    third = Scripted()

    def check(door: Door, answer: tuple[int, dict[str, str], bytes]) -> None:
        assert (answer[0], answer[1]["x-a"], answer[2]) == (200, "b", b"own")
        assert (first.said, second.said, third.said) == (["request", "end"], ["request", "end"], [])
        assert first.outcomes[0].ended is Ended.ANSWERED
        assert not first.outcomes[0].sent
        assert door.stub.requests == []

    asked([first, second, third], post(b"/v1/chat/completions", CHAT), check)


def test_a_body_is_held_back_only_where_a_stage_asks_and_may_be_replaced() -> None:
    seen = []

    def look(exchange: Exchange) -> Forward:
        seen.append(exchange.body)
        return Forward(body=b'{"model": "other"}')

    for data in (
        post(b"/v1/chat/completions", CHAT),
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n"
        % (len(CHAT), CHAT),
    ):

        def check(door: Door, answer: tuple[int, dict[str, str], bytes]) -> None:
            assert answer[0] == 200
            assert seen.pop() == CHAT
            (request,) = door.stub.requests
            assert request.body == b'{"model": "other"}'
            assert b"Content-Length: 18\r\n" in request.head

        asked([Scripted(request=look, body=True)], data, check)


def test_headers_are_dropped_and_set_and_the_last_stage_wins() -> None:
    one = Scripted(request=lambda _: Forward(frozenset([b"authorization"]), (field(b"X-Key", b"1"),)))
    two = Scripted(
        request=lambda _: Forward(add=(field(b"x-key", b"2"), field(b"Authorization", b"Bearer up")))
    )

    def check(door: Door, answer: tuple[int, dict[str, str], bytes]) -> None:
        head = door.stub.requests[0].head
        assert head.lower().count(b"authorization") == 1
        assert b"\r\nAuthorization: Bearer up\r\n" in head
        assert head.lower().count(b"x-key") == 1
        assert b"\r\nx-key: 2\r\n" in head

    more = b"Authorization: Bearer mine\r\nX-Key: 0\r\n"
    asked([one, two], post(b"/v1/chat/completions", CHAT, more), check)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"X", b"a\r\nY: b"),
        (b"X:", b"a"),
        (b"X", b" a"),
        (b"", b"a"),
        (b"Host", b"a"),
        (b"Content-Length", b"5"),
    ],
)
def test_a_stage_cant_make_a_header_that_is_two_or_frames(name: bytes, value: bytes) -> None:
    with pytest.raises(UsageError):
        field(name, value)


def test_a_refusal_is_in_the_routes_own_words() -> None:
    stage = Scripted(request=lambda _: Refuse(BLOCK, (field(b"X-A", b"b"),)))

    def openai(door: Door, answer: tuple[int, dict[str, str], bytes]) -> None:
        status, fields, body = answer
        assert (status, fields["x-should-retry"], fields["x-a"]) == (403, "false", "b")
        told = json.loads(body)["error"]
        assert told["message"] == "Your access has ended."
        assert told["appeal_url"] == "https://example.org/a"

    def anthropic(door: Door, answer: tuple[int, dict[str, str], bytes]) -> None:
        status, fields, body = answer
        told = json.loads(body)
        assert (status, told["type"], told["error"]["type"]) == (403, "error", "permission_error")
        assert told["request_id"] == fields["request-id"]

    asked([stage], post(b"/v1/chat/completions", CHAT), openai)
    asked([stage], post(b"/v1/messages", CHAT), anthropic)


def test_a_stage_that_waits_is_asked_again() -> None:
    async def test() -> None:
        ready = asyncio.Event()
        stage = Scripted(request=lambda _: PASS if ready.is_set() else Wait(ready.wait()))
        after = Scripted()
        async with opened(stages=[stage, after]) as door:
            client = await door.client()
            client.writer.write(post(b"/v1/chat/completions", CHAT))
            await asyncio.sleep(0.05)
            assert (stage.said, after.said) == (["request"], [])
            ready.set()
            assert (await client.answer())[2] == ANSWER
            await door.ended()
            assert stage.said == ["request", "request", "head", "bytes", "end"]

    run(test)


def test_a_client_that_goes_while_a_stage_waits_ends_the_exchange_and_nobody_elses_wait() -> None:
    async def test() -> None:
        refill: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        stage = Scripted(request=lambda _: PASS if refill.done() else Wait(refill))
        async with opened(stages=[stage]) as door:
            gone, stays = await door.client(), await door.client()
            gone.writer.write(post(b"/v1/chat/completions", CHAT))
            stays.writer.write(post(b"/v1/chat/completions", CHAT))
            await asyncio.sleep(0.05)
            gone.close()
            outcome = (await door.ended())[0]
            assert (outcome.ended, outcome.sent) == (Ended.CLIENT_GONE, False)
            refill.set_result(None)
            assert (await stays.answer())[0] == 200
            assert len(door.stub.requests) == 1

    run(test)


def test_a_wait_has_an_end() -> None:
    async def test() -> None:
        stage = Scripted(request=lambda _: Wait(asyncio.sleep(60)))
        async with opened(settings=type(QUICK)(stage_s=0.1), stages=[stage]) as door:
            status, *_ = await (await door.client()).ask(post(b"/v1/chat/completions", CHAT))
            assert status == 503
            assert (await door.ended())[0].ended is Ended.FAILED

    run(test)


def fails(*_: object) -> None:
    raise ValueError("the prompt was: secret")


@pytest.mark.parametrize("where", ["request", "head", "data"])
def test_a_stage_that_fails_is_a_500_and_its_words_are_not_told(
    where: str, caplog: pytest.LogCaptureFixture
) -> None:
    last = Scripted()

    def check(door: Door, answer: tuple[int, dict[str, str], bytes]) -> None:
        assert answer[0] == 500
        assert b"secret" not in answer[2]
        assert door.watch.outcomes[0].ended is Ended.FAILED

    if where == "data":

        async def test() -> None:
            async with opened(stages=[Scripted(data=fails), last]) as door:
                client = await door.client()
                client.writer.write(post(b"/v1/chat/completions", CHAT))
                got = await client.rest()
                assert got.startswith(b"HTTP/1.1 200")
                assert ANSWER not in got
                assert (await door.ended())[0].ended is Ended.FAILED

        run(test)
    else:
        asked([Scripted(**{where: fails}), last], post(b"/v1/chat/completions", CHAT), check)  # type: ignore[arg-type]
    assert "Scripted failed: ValueError at" in caplog.text
    assert "secret" not in caplog.text
    assert last.said.count("end") == last.said.count("request")


def test_response_heads_are_shaped_and_bodies_changed_in_chunks() -> None:
    stage = Scripted(
        head=lambda _, __: Shape(frozenset([b"server"]), (field(b"x-ratelimit-limit-requests", b"9"),), reframe=True),
        data=lambda _, data: data.upper(),
    )  # fmt: skip

    def check(door: Door, answer: tuple[int, dict[str, str], bytes]) -> None:
        assert answer[2] == ANSWER.upper()
        assert answer[1]["x-ratelimit-limit-requests"] == "9"
        assert "content-length" not in answer[1]

    asked([stage], post(b"/v1/chat/completions", CHAT), check)


def test_a_body_of_fixed_length_cant_be_changed() -> None:
    async def test() -> None:
        async with opened(stages=[Scripted(data=lambda _, data: data + b"x")]) as door:
            client = await door.client()
            client.writer.write(post(b"/v1/chat/completions", CHAT))
            assert ANSWER not in await client.rest()
            assert (await door.ended())[0].ended is Ended.FAILED

    run(test)


async def slow_stream(request: Request) -> bool:
    await request.send(STREAM_HEAD)
    for event in openai_events(3):
        await request.send(chunk(event))
        await asyncio.sleep(0.02)
    await request.send(b"0\r\n\r\n")
    return True


def test_a_stream_is_cut_with_a_native_error() -> None:
    limit = Problem(Kind.TOKENS_LIMITED, "The stream's share is used up.")
    count = [0]

    def third(_: Exchange, data: bytes) -> Cut | None:
        count[0] += 1
        return Cut(limit) if count[0] == 3 else None

    async def test() -> None:
        async with opened(slow_stream, stages=[Scripted(data=third)]) as door:
            _, _, body = await (await door.client()).ask(post(b"/v1/chat/completions", STREAM))
            assert body.startswith(b"".join(openai_events(3)[:2]))
            last = json.loads(body.split(b"data: ")[-1])
            assert last["error"]["message"] == "The stream's share is used up."
            outcome = (await door.ended())[0]
            assert (outcome.ended, outcome.status) == (Ended.CUT, 200)
            await asyncio.sleep(0.1)
            assert door.stub.gone or door.stub.tasks == set()

    run(test)


def test_a_stream_waits_for_a_slice_and_goes_on() -> None:
    async def test() -> None:
        slices = asyncio.Event()
        waited = []

        def look(_: Exchange, data: bytes) -> Wait | None:
            if b"w1" in data and not slices.is_set():
                waited.append(data)
                return Wait(slices.wait())
            return None

        first, after = Scripted(), Scripted()
        async with opened(slow_stream, stages=[first, Scripted(data=look), after]) as door:
            client = await door.client()
            task = asyncio.ensure_future(client.ask(post(b"/v1/chat/completions", STREAM)))
            await asyncio.sleep(0.2)
            assert waited
            assert not task.done()
            slices.set()
            body = (await task)[2]
            assert body == b"".join(openai_events(3)) == b"".join(door.watch.seen)
            assert first.said == after.said  # the one before isn't asked about the same bytes twice
            assert (await door.ended())[0].received_bytes == len(body)

    run(test)


def test_a_body_that_isnt_held_back_cant_be_replaced() -> None:
    def check(door: Door, answer: tuple[int, dict[str, str], bytes]) -> None:
        assert answer[0] == 500
        assert not door.stub.requests

    asked([Scripted(request=lambda _: Forward(body=b"x"))], post(b"/v1/chat/completions", CHAT), check)


def test_an_exchange_is_cut_from_outside() -> None:
    async def test() -> None:
        running: list[Exchange] = []
        stage = Scripted(request=lambda exchange: running.append(exchange) or PASS)  # type: ignore[func-returns-value]
        async with opened(slow_stream, stages=[stage]) as door:
            client = await door.client()
            task = asyncio.ensure_future(client.ask(post(b"/v1/chat/completions", STREAM)))
            await asyncio.sleep(0.03)
            running[0].cut(BLOCK)
            running[0].cut(BLOCK)
            body = (await task)[2]
            assert b"Your access has ended." in body
            assert stage.said.count("end") == 1

    run(test)


def test_what_a_stage_keeps_stays_with_its_exchange() -> None:
    def start(exchange: Exchange) -> Forward:
        exchange.kept["n"] = exchange.head.get(b"x-n")
        return PASS

    seen: list[tuple[object, object]] = []
    stage = Scripted(
        request=start,
        data=lambda exchange, _: seen.append((exchange.kept["n"], exchange.head.get(b"x-n"))),
    )

    async def one(request: Request) -> bool:
        await request.send(plain(b"a"))
        return True

    async def test() -> None:
        async with opened(one, stages=[stage]) as door:
            clients = [await door.client() for _ in range(5)]
            await asyncio.gather(
                *(each.ask(get(b"/v1/models", b"X-N: %d\r\n" % at)) for at, each in enumerate(clients))
            )
            assert sorted(seen) == [(b"%d" % at, b"%d" % at) for at in range(5)]

    run(test)
