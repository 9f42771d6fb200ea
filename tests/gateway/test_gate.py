"""A whole gateway: who asks, what is granted, what is told, what is recorded."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.doors import CHAT, QUICK, STREAM, run
from gateway.gates import AT_US, BY, Gate, gate, recorded
from gateway.stub import STREAM_HEAD, Request, chunk, openai_events, plain
from headwater.control.identity import IdentitySettings, open_identity
from headwater.gateway.composition import IDENTITY

CHATS = "/v1/chat/completions"


def sent(door: Gate) -> list[dict[str, Any]]:
    """The bodies that reached the model server."""
    return [json.loads(request.body) for request in door.stub.requests if request.body]


def test_a_known_key_passes_and_its_credential_goes_no_further(tmp_path: Path) -> None:
    async def test() -> None:
        async with gate(tmp_path / "g") as door:
            status, _, body = await door.ask("alice", CHATS, CHAT)
            assert status == 200
            assert json.loads(body)["choices"][0]["message"]["content"] == "Hello there."
            head = door.stub.requests[0].head.lower()
            assert b"authorization" not in head
            assert door.keys["alice"].encode() not in door.stub.requests[0].head

    run(test)


def test_the_model_server_is_shown_its_own_key(tmp_path: Path) -> None:
    async def test() -> None:
        (tmp_path / "key").write_text("sk-upstream\n")
        async with gate(tmp_path / "g", upstream_key_file=str(tmp_path / "key")) as door:
            await door.ask("alice", CHATS, CHAT)
            await door.ask("alice", "/v1/messages", CHAT, b"anthropic-version: 2023-06-01\r\n")
            first, second = (request.head for request in door.stub.requests)
            assert b"\r\nAuthorization: Bearer sk-upstream\r\n" in first
            assert b"\r\nx-api-key: sk-upstream\r\n" in second
            assert b"uthorization" not in second

    run(test)


@pytest.mark.parametrize(
    "header",
    [b"", b"Authorization: Bearer hw_live_nobody\r\n", b"x-api-key: a\r\nAuthorization: Bearer b\r\n"],
)
def test_nobody_else_is_let_in(tmp_path: Path, header: bytes) -> None:
    async def test() -> None:
        async with gate(tmp_path / "g") as door:
            client = await door.client()
            request = b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n%bContent-Length: %d\r\n\r\n%b"
            status, fields, body = await client.ask(request % (header, len(CHAT), CHAT))
            assert status == 401
            assert json.loads(body)["error"]["code"] == "invalid_api_key"
            assert fields["x-should-retry"] == "false"
            assert door.stub.requests == []

    run(test)


def test_a_revoked_key_ends_within_a_second_and_a_new_one_begins(tmp_path: Path) -> None:
    async def test() -> None:
        async with gate(tmp_path / "g") as door:
            assert (await door.ask("alice", CHATS, CHAT))[0] == 200
            with open_identity(tmp_path / "g" / IDENTITY, IdentitySettings()) as identity:
                (key,) = identity.keys("alice")
                identity.revoke_key(key.id, BY, AT_US)
                door.keys["new"] = identity.new_key("alice", BY, AT_US).text
            async with asyncio.timeout(1):
                while (await door.ask("alice", CHATS, CHAT))[0] != 401:
                    await asyncio.sleep(0.02)
            assert (await door.ask("new", CHATS, CHAT))[0] == 200

    run(test)


def test_requests_of_a_minute_are_counted_and_told_in_both_dialects(tmp_path: Path) -> None:
    async def test() -> None:
        accounts = {"bob": "verified-contact"}
        tiers = {"verified-contact": {"requests_per_minute": 3}}
        body = b'{"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}'
        async with gate(tmp_path / "g", accounts=accounts, tiers=tiers) as door:
            status, fields, _ = await door.ask("bob", CHATS, body)
            assert status == 200
            assert (fields["x-ratelimit-limit-requests"], fields["x-ratelimit-remaining-requests"]) == (
                "3",
                "2",
            )
            assert '"requests";q=3' in fields["ratelimit-policy"]
            status, fields, _ = await door.ask("bob", "/v1/messages", body)
            assert fields["anthropic-ratelimit-requests-remaining"] == "1"
            assert (await door.ask("bob", CHATS, body))[0] == 200
            status, fields, told = await door.ask("bob", CHATS, body)
            assert status == 429
            assert json.loads(told)["error"]["code"] == "rate_limit_exceeded"
            assert json.loads(told)["error"]["violated_policies"] == ["requests_per_minute"]
            assert 1 <= int(fields["retry-after"]) <= 60
            assert fields["x-ratelimit-limit-requests"] == "3"
            assert fields["x-ratelimit-remaining-requests"] == "0"
            assert fields["ratelimit"].startswith('"requests";r=0;t=')
            _, fields, _ = await door.ask("bob", "/v1/messages", body)
            assert fields["anthropic-ratelimit-requests-remaining"] == "0"
            logprobs = json.dumps({**json.loads(body), "logprobs": True}).encode()
            status, fields, _ = await door.ask("bob", CHATS, logprobs)
            assert (status, fields["x-ratelimit-remaining-requests"]) == (403, "0")
            assert len(door.stub.requests) == 3

    run(test)


@pytest.mark.parametrize("workers", [1, 2])
def test_requests_that_generate_nothing_have_a_limit_of_their_own(tmp_path: Path, workers: int) -> None:
    """Also where the tier sets none, and apart from it: who has nothing left may still fetch what was made."""

    async def test() -> None:
        accounts = {"alice": "contracted", "bob": "verified-contact"}
        tiers = {"verified-contact": {"requests_per_minute": 1}}
        relay = replace(QUICK, port=0, workers=workers)
        control = {"free_per_minute": 20}
        async with gate(tmp_path / "g", accounts=accounts, tiers=tiers, control=control, relay=relay) as door:
            assert (await door.ask("bob", CHATS, CHAT))[0] == 200
            assert (await door.ask("bob", CHATS, CHAT))[0] == 429
            assert (await door.ask("bob", "/v1/models", None))[0] == 200
            told = [(await door.ask("alice", "/v1/models", None))[0] for _ in range(21)]
            assert told[:15] == [200] * 15
            assert told[-1] == 429
            status, fields, body = await door.ask("alice", "/v1/files", None)
            assert (status, json.loads(body)["error"]["code"]) == (429, "rate_limit_exceeded")
            assert 1 <= int(fields["retry-after"]) <= 60
            assert (await door.ask("alice", CHATS, CHAT))[0] == 200
            assert (await door.ask("bob", "/v1/files", None))[0] == 200
        none = {"free_per_minute": 0}
        async with gate(tmp_path / "h", control=none, relay=relay) as door:
            assert {(await door.ask("alice", "/v1/models", None))[0] for _ in range(30)} == {200}

    run(test)


def test_what_was_reserved_comes_back_and_what_was_used_stays(tmp_path: Path) -> None:
    """A tier with 1,000 tokens a day: each request reserves up to 200 and uses 14, so that far more than five pass."""

    async def test() -> None:
        tiers = {
            "verified-contact": {
                "tokens_per_day": 1000,
                "tokens_per_minute": "unlimited",
                "requests_per_minute": "unlimited",
            }
        }
        body = b'{"model": "m", "max_tokens": 200, "messages": [{"role": "user", "content": "Hi"}]}'
        async with gate(tmp_path / "g", accounts={"bob": "verified-contact"}, tiers=tiers) as door:
            served = 0
            while (answer := await door.ask("bob", CHATS, body))[0] == 200:
                served += 1
            assert answer[0] == 429
            assert 40 <= served <= 1000 // 14
        async with gate(
            tmp_path / "g", accounts={"bob": "verified-contact"}
        ) as door:  # a restart forgets nothing
            assert (await door.ask("bob", CHATS, body))[0] == 429

    run(test)


def test_an_answer_without_a_length_is_held_to_one_and_a_stream_tells_its_usage(tmp_path: Path) -> None:
    async def test() -> None:
        async with gate(tmp_path / "g", control={"answer_tokens": 77}) as door:
            await door.ask("alice", CHATS, CHAT)
            _, _, body = await door.ask("alice", CHATS, STREAM)
            assert [one.get("max_tokens") for one in sent(door)] == [77, 77]
            assert sent(door)[1]["stream_options"] == {"include_usage": True}
            events = [
                json.loads(line[6:]) for line in body.decode().split("\n\n") if line.startswith("data: {")
            ]
            assert len(events) == 5  # the usage, which the client hadn't asked for, isn't among them
            assert all(event["choices"] for event in events)
            assert body.endswith(b"data: [DONE]\n\n")
            asked = json.dumps({**json.loads(STREAM), "stream_options": {"include_usage": True}}).encode()
            assert b'"completion_tokens": 3' in (await door.ask("alice", CHATS, asked))[2]

    run(test)


def test_what_a_tier_lacks_is_refused_and_what_nobody_asked_for_is_left_out(tmp_path: Path) -> None:
    thoughts = {
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "4", "reasoning_content": "2+2"}}
        ]
    }

    async def thinks(request: Request) -> bool:
        if request.wants_stream:
            delta = {"choices": [{"index": 0, "delta": {"reasoning_content": "2+2"}}]}
            said = b"data: %b\n\n" % json.dumps(delta).encode()
            await request.send(
                STREAM_HEAD, chunk(said[:20]), chunk(said[20:]), chunk(openai_events(1)[0]), b"0\r\n\r\n"
            )
        else:
            await request.send(plain(json.dumps(thoughts).encode()))
        return True

    async def test() -> None:
        accounts = {"bob": "verified-payment", "alice": "contracted"}
        async with gate(tmp_path / "g", thinks, accounts=accounts) as door:
            asks = json.dumps({**json.loads(CHAT), "logprobs": True}).encode()
            status, _, body = await door.ask("bob", CHATS, asks)
            assert (status, json.loads(body)["error"]["code"]) == (403, "feature_not_available")
            for asked in (CHAT, STREAM):
                body = (await door.ask("bob", CHATS, asked))[2]
                assert b"2+2" not in body
                assert b"2+2" in (await door.ask("alice", CHATS, asked))[2]

    run(test)


def test_a_low_tiers_stream_is_paid_slice_by_slice_and_stops_where_nothing_is_left(tmp_path: Path) -> None:
    """The server sends 400 events; the day's tokens allow for about 100 of them."""

    async def talks(request: Request) -> bool:
        event = openai_events(1)[0]
        await request.send(STREAM_HEAD)
        for _ in range(400):
            await request.send(chunk(event))
            await asyncio.sleep(0.001)
        await request.send(b"0\r\n\r\n")
        return True

    async def test() -> None:
        tiers = {"verified-contact": {"tokens_per_day": 180, "tokens_per_minute": "unlimited"}}
        accounts = {"bob": "verified-contact"}
        async with gate(
            tmp_path / "g", talks, accounts=accounts, tiers=tiers, control={"slice_tokens": 32}
        ) as door:
            status, _, body = await door.ask("bob", CHATS, STREAM)
            assert status == 200
            told = body.decode().strip().split("\n\n")
            assert 32 <= len(told) <= 180
            assert json.loads(told[-1][6:])["error"]["code"] == "insufficient_quota"
            assert (await door.ask("bob", CHATS, STREAM))[0] == 429

    run(test)


def test_each_exchange_is_recorded_with_what_was_used(tmp_path: Path) -> None:
    async def test() -> None:
        async with gate(tmp_path / "g") as door:
            await door.ask("alice", CHATS, CHAT, b"User-Agent: probe/1\r\n")
            await door.ask("alice", CHATS, STREAM)
            await door.ask("alice", "/v1/models", None)
            await door.ask("alice", "/v1/nothing", None)

    run(test)
    accepted, outcomes = recorded(tmp_path / "g")
    assert [(one.account, one.body, one.ip) for one in accepted] == [
        ("alice", CHAT, "127.0.0.1"), ("alice", STREAM, "127.0.0.1"),
    ]  # fmt: skip
    assert accepted[0].user_agent == "probe/1"
    assert {one.id for one in outcomes} == {one.id for one in accepted}
    assert [(one.status, one.input_tokens, one.output_tokens) for one in outcomes] == [(200, 11, 3)] * 2


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"{", None), (b"[]", None), (b'{"max_tokens": "many"}', "max_tokens"), (b'{"n": 0}', "n"),
        (b'{"stream": 1}', "stream"),
    ],
)  # fmt: skip
def test_a_body_that_says_nothing_clear_is_refused_by_name(
    tmp_path: Path, body: bytes, param: str | None
) -> None:
    async def test() -> None:
        async with gate(tmp_path / "g") as door:
            status, _, told = await door.ask("alice", CHATS, body)
            assert (status, json.loads(told)["error"]["param"]) == (400, param)
            assert door.stub.requests == []

    run(test)


def test_of_a_key_that_comes_twice_one_goes_on(tmp_path: Path) -> None:
    async def test() -> None:
        async with gate(tmp_path / "g") as door:
            await door.ask(
                "alice",
                CHATS,
                b'{"model": "a", "max_tokens": 900000, "model": "b", "max_tokens": 5, "messages": []}',
            )
            assert door.stub.requests[0].body.count(b'"max_tokens"') == 1
            assert sent(door)[0] == {"model": "b", "max_tokens": 5, "messages": []}

    run(test)


def test_a_model_server_isnt_asked_for_packed_answers_nor_told_of_the_clients_own_account(
    tmp_path: Path,
) -> None:
    async def test() -> None:
        (tmp_path / "key").write_text("sk-upstream\n")
        own = b"Accept-Encoding: gzip, br\r\nOpenAI-Organization: org-a\r\nOpenAI-Project: p\r\nOpenAI-Beta: x\r\n"
        async with gate(tmp_path / "g", upstream_key_file=str(tmp_path / "key")) as door:
            await door.ask("alice", CHATS, CHAT, own)
            head = door.stub.requests[0].head.lower()
            assert b"\r\naccept-encoding: identity\r\n" in head
            assert head.count(b"accept-encoding") == 1
            assert b"openai-organization" not in head
            assert b"openai-project" not in head
            assert b"\r\nopenai-beta: x\r\n" in head

    run(test)
