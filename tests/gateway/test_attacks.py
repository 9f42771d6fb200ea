"""What an attacker tried on a whole gateway, and what becomes of it now."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from gateway.doors import CHAT, run
from gateway.gates import Gate, gate
from gateway.stub import STREAM_HEAD, Request, chunk, plain

CHATS = "/v1/chat/completions"
RESPONSES = "/v1/responses"
FAKE = {"type": "object", "properties": {}, "usage": {"input_tokens": 1, "output_tokens": 1}}


def quota(tokens: int) -> dict[str, Any]:
    """A gateway whose account has so many tokens a day, and no other limit of tokens."""
    limits = {"tokens_per_day": tokens, "tokens_per_minute": "unlimited", "requests_per_minute": "unlimited"}
    return {"accounts": {"bob": "verified-payment"}, "tiers": {"verified-payment": limits}}


def chat(**more: Any) -> bytes:
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": "Hi"}], **more}).encode()


async def charged(door: Gate, limit: int) -> int:
    """Tokens that are gone of a day's limit: the largest request that still fits tells."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        status, _, _ = await door.ask(
            "bob", "/v1/embeddings", b'{"model": "m", "input": "%b"}' % (b"a" * middle)
        )
        low, high = (middle, high) if status == 200 else (low, middle - 1)
    return limit - low


def test_of_two_lengths_the_least_is_all_that_goes_on(tmp_path: Path) -> None:
    async def test() -> None:
        async with gate(tmp_path / "g") as door:
            await door.ask("alice", CHATS, chat(max_tokens=1, max_completion_tokens=30_000))
            sent = json.loads(door.stub.requests[0].body)
            assert (sent["max_tokens"], sent["max_completion_tokens"]) == (1, 1)

    run(test)


@pytest.mark.parametrize("more", [{"max_tokens": 0}, {"max_completion_tokens": 0, "max_tokens": 40}])
def test_a_length_of_nothing_is_refused(tmp_path: Path, more: dict[str, int]) -> None:
    async def test() -> None:
        async with gate(tmp_path / "g") as door:
            assert (await door.ask("alice", CHATS, chat(**more)))[0] == 400
            assert door.stub.requests == []

    run(test)


def test_no_model_is_no_model(tmp_path: Path) -> None:
    async def test() -> None:
        async with gate(tmp_path / "g", control={"only_listed": True}) as door:
            for model in ("", None):
                status, _, body = await door.ask("alice", CHATS, chat(model=model))
                assert (status, json.loads(body)["error"]["param"]) == (400, "model")

    run(test)


@pytest.mark.parametrize(
    "path", ["/v1/models/..%2Ffiles%2Fa%2Fcontent", "/v1/models/a%2f..%2f..%2fx", "/v1/models/.%2fx"]
)
def test_dots_are_no_models_name(tmp_path: Path, path: str) -> None:
    async def test() -> None:
        async with gate(tmp_path / "g") as door:
            assert (await door.ask("alice", path, None))[0] == 404
            assert door.stub.requests == []

    run(test)


def test_a_stranger_is_answered_before_its_body(tmp_path: Path) -> None:
    async def test() -> None:
        async with gate(tmp_path / "g") as door:
            client = await door.client()
            client.writer.write(
                b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 33000000\r\n\r\n{"
            )
            assert (await asyncio.wait_for(client.answer(), 2))[0] == 401

    run(test)


@pytest.mark.parametrize(
    "body",
    [
        b'{"x": "file_id", "model": "m", "messages": [%b1]}' % (b"1," * 1_000_000),
        b'{"model": "m", "prompt": [%b""]}' % (b'"",' * 1_000_000),
        b'{"model": "m", "include": [%b1]}' % (b"1," * 1_000_000),
        b'{"model": "m", "max_tokens": %b}' % (b"9" * 1_000_000),
    ],
    ids=["values", "prompts", "names", "digits"],
)
def test_a_body_that_would_keep_a_worker_busy_is_refused(tmp_path: Path, body: bytes) -> None:
    async def test() -> None:
        async with gate(tmp_path / "g") as door:
            status, _, _ = await door.ask("alice", "/v1/completions", body)
            assert status in (400, 404)
            assert door.stub.requests == []

    run(test)


def test_a_clients_own_words_are_no_usage(tmp_path: Path) -> None:
    """The server repeats the tools, with a usage in their schema, in its first event; the client leaves early."""
    tools = [{"type": "function", "name": "f", "parameters": FAKE}]

    async def echoes(request: Request) -> bool:
        if not request.wants_stream:
            await request.send(plain(b'{"object": "list", "data": [], "usage": {"prompt_tokens": 0}}'))
            return True
        begun = {"type": "response.created", "response": {"id": "resp_1", "tools": tools}}
        said = {"type": "response.output_text.delta", "output_index": 0, "delta": "word "}
        await request.send(STREAM_HEAD)
        for event in (begun, *[said] * 50):
            await request.send(
                chunk(b"event: %b\ndata: %b\n\n" % (event["type"].encode(), json.dumps(event).encode()))
            )
        await asyncio.sleep(5)
        return False

    async def test() -> None:
        async with gate(tmp_path / "g", echoes, **quota(100_000), control={"bytes_per_token": 1.0}) as door:
            body = {
                "model": "m",
                "input": "a" * 30_000,
                "stream": True,
                "max_output_tokens": 900,
                "tools": tools,
            }
            data = json.dumps(body).encode()
            client = await door.client()
            head = f"POST {RESPONSES} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {door.keys['bob']}\r\n"
            client.writer.write(head.encode() + b"Content-Length: %d\r\n\r\n" % len(data) + data)
            await client.reader.readuntil(b"output_text.delta")
            client.close()
            await asyncio.sleep(0.3)
            assert await charged(door, 100_000) > 15_000

    run(test)


def test_what_isnt_paid_isnt_passed_on(tmp_path: Path) -> None:
    """A server that packs thousands of tokens into one event, for an account that has a few hundred left."""

    async def packs(request: Request) -> bool:
        event = {"choices": [{"index": 0, "delta": {"content": "word " * 2_000}}]}
        small = {"choices": [{"index": 0, "delta": {"content": "w"}}]}
        await request.send(STREAM_HEAD, chunk(b"data: %b\n\n" % json.dumps(small).encode()))
        for _ in range(20):
            await request.send(chunk(b"data: %b\n\n" % json.dumps(event).encode()))
        await request.send(b"0\r\n\r\n")
        return True

    async def test() -> None:
        more = quota(1_000)
        async with gate(tmp_path / "g", packs, **more, control={"slice_tokens": 64}) as door:
            asked = json.dumps({**json.loads(CHAT), "stream": True}).encode()
            _, _, body = await door.ask("bob", CHATS, asked)
            assert len(body) < 10_000

    run(test)
