"""The relay over real sockets: what is passed on, in which shape, and what each kind of end leads to."""

from __future__ import annotations

import asyncio
import json

from gateway.doors import CHAT, STREAM, get, opened, post, run
from gateway.stub import ANSWER, openai_events
from headwater.gateway import Ended


def test_a_request_and_its_answer_pass() -> None:
    async def test() -> None:
        async with opened() as door:
            client = await door.client()
            for _ in range(3):
                status, fields, body = await client.ask(
                    post(b"/v1/chat/completions", CHAT, b"X-Thing: a\r\n")
                )
                assert (status, body) == (200, ANSWER)
                assert fields["content-type"] == "application/json"
            assert len(door.stub.connections) == 1  # kept alive on both sides
            (sent,) = {request.head for request in door.stub.requests}
            assert sent == (
                b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
                b"X-Thing: a\r\nContent-Length: %d\r\n\r\n" % (door.stub.port, len(CHAT))
            )
            outcome = (await door.ended(3))[0]
            assert (outcome.ended, outcome.status, outcome.received_bytes) == (
                Ended.COMPLETE,
                200,
                len(ANSWER),
            )
            assert outcome.began_us <= outcome.first_byte_us <= outcome.ended_us

    run(test)


def test_a_stream_passes_as_it_comes() -> None:
    async def test() -> None:
        async with opened() as door:
            client = await door.client()
            status, fields, body = await client.ask(post(b"/v1/chat/completions", STREAM))
            assert (status, fields["content-type"]) == (200, "text/event-stream")
            assert body == b"".join(openai_events()) == b"".join(door.watch.seen)

    run(test)


def test_unknown_paths_never_reach_the_upstream() -> None:
    async def test() -> None:
        async with opened() as door:
            client = await door.client()
            status, _, body = await client.ask(post(b"/v1/audio/speech", CHAT))
            assert status == 404
            assert json.loads(body)["error"]["code"] == "unknown_url"
            status, _, body = await client.ask(
                get(b"/v1/messages/../models", b"anthropic-version: 2023-06-01\r\n")
            )
            assert (status, json.loads(body)["error"]["type"]) == (404, "not_found_error")
            status, fields, _ = await client.ask(get(b"/v1/chat/completions"))
            assert (status, fields["allow"]) == (405, "POST")
            status, *_ = await client.ask(get(b"/v1/models"))
            assert status == 200
            assert len(door.stub.requests) == 1
            await asyncio.sleep(0)

    run(test)
