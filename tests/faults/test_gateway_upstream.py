"""A model server that is down, sends garbage or dies, clients that are slow or send too much: nothing stays open."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from faults.gateways import Served, chat, journalled, modelled, numbers, run
from gateway.stub import STREAM_HEAD, Request, chunk, plain
from headwater.control.budget import Answer, Ask, Per, Shape, SqliteStore
from headwater.exchange.journal import Accepted, Outcome
from ports import free_port

pytestmark = pytest.mark.xdist_group("gateway-upstream")

LIMIT, SLOTS = 1_000_000, 3
TOML = f"""
[relay]
head_s = 0.6
body_s = 0.6
body_bytes_s = 1_000_000_000
first_byte_s = 0.6
idle_s = 0.6
[[control.budgets]]
name = "day"
kind = "token-quota"
scope = "account"
limit = {LIMIT}
per = "day"
[[control.budgets]]
name = "at-once"
kind = "concurrency"
scope = "account"
limit = {SLOTS}
"""
EVENT = b'data: {"choices": [{"index": 0, "delta": {"content": "word "}, "finish_reason": null}]}\n\n'


async def garbage(request: Request) -> bool:
    await request.send(b"\x00\x01 this is no HTTP at all\r\n\r\n")
    return False


async def hung_up(request: Request) -> bool:
    return False


async def reset(request: Request) -> bool:
    sock = request.writer.get_extra_info("socket")
    sock.setsockopt(1, 13, struct.pack("ii", 1, 0))  # SO_LINGER: a reset, not an end
    request.writer.transport.abort()
    return False


async def silent(request: Request) -> bool:
    await asyncio.sleep(30)
    return False


async def half_an_answer(request: Request) -> bool:
    whole = plain()
    await request.send(whole[: len(whole) - 40])
    return False


async def half_a_stream(request: Request) -> bool:
    await request.send(STREAM_HEAD, *[chunk(EVENT)] * 5)
    return False


async def stalled_stream(request: Request) -> bool:
    await request.send(STREAM_HEAD, *[chunk(EVENT)] * 5)
    await asyncio.sleep(30)
    return False


async def no_usage(request: Request) -> bool:
    await request.send(
        plain(b'{"id": "c", "choices": [{"message": {"content": "a few words of an answer"}}]}')
    )
    return True


async def broken_json(request: Request) -> bool:
    await request.send(plain(b'{"id": "c", "choices": [{"mess'))
    return True


async def boasting(request: Request) -> bool:
    usage = {"prompt_tokens": -5, "completion_tokens": 10**18}
    await request.send(plain(json.dumps({"id": "c", "choices": [], "usage": usage}).encode()))
    return True


async def failing(request: Request) -> bool:
    body = b'{"error": {"message": "out of memory", "type": "server_error", "code": null}}'
    await request.send(plain(body, b"500 Internal Server Error"))
    return True


Script = Callable[[Request], Awaitable[bool]]


class Switch:
    """A model server that does what it's told to."""

    def __init__(self) -> None:
        self.script: Script = hung_up

    async def __call__(self, request: Request) -> bool:
        return await self.script(request)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Switch]]:
    switch, folder = Switch(), tmp_path_factory.mktemp("upstream")
    with modelled(switch) as upstream, Served(
        folder / "g", upstream, "--no-rotation", toml=TOML, accounts={"bob": "contracted", "eve": "contracted"}
    ) as gateway:  # fmt: skip
        yield gateway, switch
        settled(gateway, switch)


def settled(gateway: Served, switch: Switch) -> None:
    """After whatever tests there were: exchanges have outcomes, slots are free, and what isn't used is given back."""
    switch.script = no_usage
    for number in range(2 * SLOTS):
        assert gateway.now("bob", chat(9_000 + number))[0] == 200
    assert gateway.stop() == 0
    records = journalled(gateway.folder)
    outcomes = {one.id: one for one in records if isinstance(one, Outcome)}
    assert len(outcomes) == len(numbers(records)) >= 2 * SLOTS
    used = sum((one.input_tokens or 0) + (one.output_tokens or 0) for one in outcomes.values())
    assert spent(gateway, "bob") + spent(gateway, "eve") == used
    for one in records:
        if isinstance(one, Accepted) and one.account == "eve":
            assert 40 < (outcomes[one.id].input_tokens or 0) < 100
            assert 5 < (outcomes[one.id].output_tokens or 0) <= 50
    assert {0, 200, 500, 502, 504} >= {one.status or 0 for one in outcomes.values()}
    assert slots(gateway, "bob") == slots(gateway, "eve") == SLOTS
    assert "Traceback" not in gateway.log
    assert " failed" not in gateway.log


def in_stream(body: bytes) -> dict[str, Any]:
    """The error that a stream ends with."""
    told: dict[str, Any] = json.loads(body.strip().split(b"\n\n")[-1].removeprefix(b"data: "))["error"]
    return told


@pytest.mark.parametrize(
    ("script", "stream", "status", "code"),
    [
        (garbage, False, 502, None), (hung_up, False, 502, None), (reset, False, 502, None),
        (silent, False, 504, None), (half_a_stream, True, 200, "server_error"),
        (stalled_stream, True, 200, "server_error"), (failing, False, 500, None), (failing, True, 500, None),
    ],
)  # fmt: skip
def test_what_a_model_server_does_is_told_natively(
    served: tuple[Served, Switch], script: Script, stream: bool, status: int, code: str | None
) -> None:
    gateway, switch = served
    switch.script = script
    # More than there are slots: none of them stays taken.
    for number in range(SLOTS + 1):
        said, fields, body = gateway.now("bob", chat(number, stream=stream))
        assert said == status, body
        if code:
            assert body.count(b"data: ") == 6
            assert in_stream(body)["type"] == code
        else:
            assert fields["content-type"] == "application/json"
            assert body["error"]["type"] == "server_error"


def test_half_an_answer_is_told_by_the_end_of_the_connection(served: tuple[Served, Switch]) -> None:
    gateway, switch = served
    switch.script = half_an_answer

    async def test() -> None:
        for number in range(SLOTS + 1):
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await gateway.ask("bob", chat(number))

    run(test)


@pytest.mark.parametrize("script", [no_usage, broken_json, boasting])
def test_what_cant_be_counted_is_counted_all_the_same(served: tuple[Served, Switch], script: Script) -> None:
    """Nobody gets it for nothing, or is billed what no answer can have been: see `settled`."""
    gateway, switch = served
    switch.script = script
    for number in range(SLOTS + 1):
        assert gateway.now("eve", chat(number, max_tokens=50))[0] == 200


def test_slow_and_large_requests(served: tuple[Served, Switch]) -> None:
    gateway, switch = served
    switch.script = no_usage
    size = 50 << 20

    async def test() -> None:
        for _ in range(SLOTS + 1):
            head = await gateway.client()
            head.writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nHost: gate")
            body = await gateway.client()
            body.writer.write(gateway.request("bob", chat(1))[:-20])
            for client in (head, body):
                status, fields, told = await client.answer()
                assert (status, fields["connection"]) == (408, "close")
                assert json.loads(told)["error"]["code"] == "request_timeout"
        for more in (f"Content-Length: {size}\r\n", "Transfer-Encoding: chunked\r\n"):
            large = await gateway.client()
            line = f"POST /v1/chat/completions HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer {gateway.keys['bob']}\r\n"
            large.writer.write(f"{line}{more}\r\n".encode())
            answering = asyncio.ensure_future(large.answer())
            piece = b"x" * (1 << 20)
            for _ in range(50):
                if answering.done():
                    break
                large.writer.write(piece if "Length" in more else b"100000\r\n" + piece + b"\r\n")
                await large.writer.drain()
            status, _, told = await answering
            assert (status, json.loads(told)["error"]["code"]) == (413, "request_too_large")
        assert (await gateway.ask("bob", chat(1)))[0] == 200

    run(test)


def test_a_model_server_that_is_down_costs_nothing(tmp_path: Path) -> None:
    with Served(
        tmp_path / "g", free_port(), "--no-rotation", toml=TOML, accounts={"bob": "contracted"}
    ) as gateway:
        for number in range(SLOTS + 1):
            status, _, body = gateway.now("bob", chat(number, stream=number % 2 == 0))
            assert (status, body["error"]["message"]) == (502, "The model server can't be reached.")
        assert gateway.stop() == 0
        assert spent(gateway, "bob") == 0
        ended = [one for one in journalled(gateway.folder) if isinstance(one, Outcome)]
        assert [(one.status, one.input_tokens) for one in ended] == [(502, 0)] * (SLOTS + 1)


def spent(gateway: Served, account: str) -> int:
    """What was taken of the day's budget, as the next replica finds it: what lies in leases counts."""
    answer = asked(gateway, f"day.token-quota.day:{account}", Shape.QUOTA, Per.DAY, LIMIT, 0)
    return LIMIT - answer.balance


def slots(gateway: Served, account: str) -> int:
    """How many slots the next replica would be given."""
    return asked(gateway, f"at-once.concurrency.none:{account}", Shape.SLOTS, Per.NONE, SLOTS, SLOTS).granted


def asked(gateway: Served, cell: str, shape: Shape, per: Per, limit: int, need: int) -> Answer:
    """What the store says to another replica."""
    ask = Ask(cell, shape, per, limit, limit, 1, 1, 10**9, 1, 0, 0, need, need, 0, 0, "", 0)
    store = SqliteStore(gateway.folder / "budgets.sqlite")
    (answer,) = store.exchange("test", [ask])
    store.close()
    return answer
