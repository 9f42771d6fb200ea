"""Batches through a whole gateway: paid whole or not at all, recorded line by line, read as the server reads them."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import openai
import pyarrow.parquet as pq
import pytest

from casework.books import SETTINGS, pack, report
from gateway.answers import THOUGHT
from gateway.clients import Shop, shop
from gateway.doors import run
from gateway.gates import AT_US, BY, Gate, recorded
from gateway.platform import Platform
from gateway.test_objects import LINE, PARAMS, batch, lines, message_batch
from gateway.test_sdk import SAY, everything, through
from headwater.casework import new_casebook, open_casebook
from headwater.control import ControlSettings
from headwater.control.deciding.settings import Model
from headwater.control.identity import Credential, IdentitySettings, Principal, Sources, open_identity
from headwater.exchange.journal import RotationSettings, follow, relays, rotate
from headwater.gateway.composition import IDENTITY, JOURNAL
from headwater.gateway.stages.batches import Batches
from headwater.gateway.stages.leases import steady_us
from headwater.gateway.stages.lines import LineError, summed

LINES = "/v1/chat/completions"


def line(name: str, url: str = LINES, **body: Any) -> dict[str, Any]:
    return {"custom_id": name, "method": "POST", "url": url, "body": {"model": "m", "messages": SAY, **body}}


def file(*held: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in held)


def given(platform: Platform, which: int = -1) -> list[dict[str, Any]]:
    """The lines that a batch has upstream."""
    name = list(platform.batches.values())[which]["input_file_id"]
    return [json.loads(one) for one in platform.files[name][1].splitlines()]


def left(door: Gate, account: str) -> tuple[int, int]:
    """What an account has left of its day: requests, tokens."""
    (batches,) = [stage for stage in door.relay._stages if isinstance(stage, Batches)]
    control = batches._control
    who = control.who(
        Credential(door.keys[account].encode()), Sources((), None).of("127.0.0.1", ""), time.time_ns() // 1000
    )
    assert isinstance(who, Principal)
    figures = {one.name: one.remaining for one in control.standing(who, steady_us())}
    return figures["requests_per_day"], figures["tokens_per_day"]


LIMITS = {"requests_per_day": 2_000, "tokens_per_day": 1_000_000}
BATCHING = {"verified-payment": LIMITS}


def test_a_thousand_lines_take_a_thousand_requests_and_their_tokens(tmp_path: Path) -> None:
    async def test(shop: Shop) -> None:
        before = left(shop.door, "bob")
        data = file(*(line(str(at), max_tokens=7 if at % 2 else 9) for at in range(1000)))
        await batch(shop.openai["bob"], data)
        after = left(shop.door, "bob")
        assert before[0] - after[0] == 1000
        # Each line is at most its bytes over 1.5 of input, and 8 tokens of output in the mean.
        size = sum(-(-len(json.dumps(line("0", max_tokens=7)["body"])) * 2 // 3) for _ in range(1000))
        assert before[1] - after[1] == pytest.approx(size + 8_000, rel=0.02)
        # The file that the client named went on: nothing in it had to change.
        (held,) = shop.platform.batches.values()
        assert shop.platform.files[held["input_file_id"]][1] == data

    through(tmp_path / "g", test, accounts={"bob": "verified-payment"}, tiers=BATCHING)


@pytest.mark.parametrize("kind", ["requests", "tokens"])
def test_a_batch_that_doesnt_fit_is_refused_whole_and_takes_nothing(tmp_path: Path, kind: str) -> None:
    async def test(shop: Shop) -> None:
        before = left(shop.door, "bob")
        count, tokens = (2500, 5) if kind == "requests" else (100, 20_000)
        with pytest.raises(openai.BadRequestError) as refused:
            await batch(shop.openai["bob"], file(*(line(str(at), max_tokens=tokens) for at in range(count))))
        assert refused.value.code == "request_too_large_for_limits"
        with pytest.raises(Exception, match="larger than this account may make") as other:
            await shop.anthropic["bob"].messages.batches.create(
                requests=[
                    {"custom_id": str(at), "params": {**PARAMS, "max_tokens": tokens}} for at in range(count)
                ]
            )
        assert type(other.value).__name__ == "BadRequestError"
        assert left(shop.door, "bob") == before
        assert shop.platform.batches == shop.platform.message_batches == {}

    through(tmp_path / "g", test, accounts={"bob": "verified-payment"}, tiers=BATCHING)
    assert [one for one in recorded(tmp_path / "g")[0] if one.batch] == []


def test_what_the_server_refuses_comes_back(tmp_path: Path) -> None:
    async def test(shop: Shop) -> None:
        before = left(shop.door, "bob")
        with pytest.raises(openai.BadRequestError, match="Invalid completion_window"):
            await batch(shop.openai["bob"], file(line("1"), line("2")), completion_window="1h")
        async with asyncio.timeout(5):  # the file that was made for it goes, too
            while len(shop.platform.files) > 1:
                await asyncio.sleep(0.01)
        assert left(shop.door, "bob") == before

    through(tmp_path / "g", test, accounts={"bob": "verified-payment"}, tiers=BATCHING)
    assert [one for one in recorded(tmp_path / "g")[0] if one.batch] == []


def test_what_a_batch_didnt_use_comes_back_with_its_results_once(tmp_path: Path) -> None:
    """Ten lines that may use 50 tokens of output each use 9 and 3 in truth; the requests were made all the same."""

    async def test(shop: Shop) -> None:
        client, before = shop.openai["bob"], left(shop.door, "bob")

        async def comes_to(tokens: int) -> None:
            async with asyncio.timeout(5):
                while left(shop.door, "bob")[1] != before[1] - tokens:
                    await asyncio.sleep(0.01)

        made = await batch(client, file(*(line(str(at), max_tokens=50) for at in range(10))))
        charged = before[1] - left(shop.door, "bob")[1]
        assert charged > 500
        told = await client.batches.retrieve(made.id)
        assert before[1] - left(shop.door, "bob")[1] == charged  # how much it used isn't known yet
        for _ in range(2):
            await client.files.content(told.output_file_id)
            await comes_to(120)
        assert before[0] - left(shop.door, "bob")[0] == 10
        failing = await batch(client, file(line("a", model="broken"), line("b", model="broken")))
        assert before[1] - left(shop.door, "bob")[1] > 120
        await client.batches.retrieve(failing.id)  # it has no answers: nothing was used
        await comes_to(120)
        many = [{"custom_id": str(at), "params": {**PARAMS, "max_tokens": 50}} for at in range(4)]
        other = await message_batch(shop.anthropic["bob"], *many)
        assert before[1] - left(shop.door, "bob")[1] > 300
        used = [
            one.result.message.usage
            for one in await everything(await shop.anthropic["bob"].messages.batches.results(other.id))
        ]
        await comes_to(120 + sum(one.input_tokens + one.output_tokens for one in used))

    through(tmp_path / "g", test, accounts={"bob": "verified-payment"}, tiers=BATCHING)


def test_a_client_that_goes_while_its_batch_is_read_takes_nothing(tmp_path: Path) -> None:
    async def test(shop: Shop) -> None:
        made = await shop.openai["bob"].files.create(file=("a", lines(count=1500)), purpose="batch")
        before = left(shop.door, "bob")
        body = json.dumps({"input_file_id": made.id, "endpoint": LINES, "completion_window": "24h"}).encode()
        for _ in range(12):
            client = await shop.door.client()
            head = (
                f"POST /v1/batches HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {shop.door.keys['bob']}\r\n"
            )
            client.writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            await client.writer.drain()
            await asyncio.sleep(0.01 * (1 + len(shop.door.clients) % 6))
            client.close()
        async with asyncio.timeout(10):
            while len(shop.door.watch.outcomes) < 13:
                await asyncio.sleep(0.01)
        taken = sum(
            outcome.upstream_status == 200 or outcome.sent for outcome in shop.door.watch.outcomes[1:]
        )
        after = left(shop.door, "bob")
        assert before[0] - after[0] == 1500 * taken

    tiers = {"verified-payment": {**LIMITS, "requests_per_day": 50_000, "tokens_per_day": 10**9}}
    through(tmp_path / "g", test, accounts={"bob": "verified-payment"}, tiers=tiers)


def test_lines_without_a_length_are_held_to_one_and_the_client_sees_its_own_file(tmp_path: Path) -> None:
    async def test(shop: Shop) -> None:
        client, platform = shop.openai["bob"], shop.platform
        platform.quick = False
        data = file(line("1"), line("2", max_tokens=5), line("3", max_completion_tokens=50_000))
        made = await batch(client, data)
        bodies = [one["body"] for one in given(platform)]
        assert [one.get("max_tokens", one.get("max_completion_tokens")) for one in bodies] == [60, 5, 60]
        (own,) = [one async for one in client.files.list()]
        assert made.input_file_id == own.id != platform.batches[made.id]["input_file_id"]
        for told in (await client.batches.retrieve(made.id), (await client.batches.list()).data[0]):
            assert told.input_file_id == own.id
        theirs = platform.batches[made.id]["input_file_id"]
        with pytest.raises(openai.NotFoundError):
            await client.files.content(theirs)
        platform.finish(made.id)
        assert (await client.batches.retrieve(made.id)).input_file_id == own.id
        async with asyncio.timeout(5):  # the file that was made for it isn't needed any more
            while theirs in platform.files:
                await asyncio.sleep(0.01)
        assert (await client.batches.cancel(made.id)).input_file_id == own.id
        assert (await client.batches.list()).data[0].input_file_id == own.id
        batches = shop.anthropic["bob"].messages.batches
        made_too = await batches.create(requests=[{"custom_id": "1", "params": PARAMS}])
        assert platform.message_batches[made_too.id][1][0]["params"]["max_tokens"] == 5

    through(tmp_path / "g", test, accounts={"bob": "verified-payment"}, control={"answer_tokens": 60})


def test_a_reduced_accounts_lines_are_rewritten(tmp_path: Path) -> None:
    """A step stands against the account: answers of 1,024 tokens at most, no probabilities and no reasoning."""

    async def test() -> None:
        begun = time.time_ns() // 1000 - 1_000_000
        new_casebook(tmp_path / "desk", SETTINGS, pack("reduce"), begun)
        with open_casebook(tmp_path / "desk", SETTINGS) as book:
            book.propose(report(1), "alice", begun)
            book.confirm("birch-harvest", "bob", begun)
        name = "birch-00000"
        async with shop(tmp_path / "g", {name: "contracted"}, casebook=str(tmp_path / "desk")) as held:
            data = file(line("1", max_tokens=30), line("2", max_tokens=5000, logprobs=True), line("3"))
            await batch(held.openai[name], data)
            bodies = [one["body"] for one in given(held.platform)]
            assert [one["max_tokens"] for one in bodies] == [30, 1024, 1024]
            assert "logprobs" not in bodies[1]
            await batch(held.openai[name], file(line("1", max_tokens=30), line("2", max_tokens=5000)))
            assert [one["body"]["max_tokens"] for one in given(held.platform)] == [30, 1024]
            thinking = {"type": "enabled", "budget_tokens": 2000}
            params = {**PARAMS, "max_tokens": 3000, "thinking": thinking}
            await message_batch(held.anthropic[name], {"custom_id": "2", "params": params})
            (_, sent) = next(iter(held.platform.message_batches.values()))
            assert [one["params"]["max_tokens"] for one in sent] == [5, 1024]
            assert "thinking" not in sent[1]["params"]

    run(test)


def test_anthropics_lines_may_ask_several_models_of_which_the_dearest_is_counted(tmp_path: Path) -> None:
    async def test(shop: Shop) -> None:
        batches = shop.anthropic["bob"].messages.batches

        def asks(*models: str) -> list[Any]:
            return [
                {"custom_id": str(at), "params": {**PARAMS, "model": one}} for at, one in enumerate(models)
            ]

        assert (await batches.create(requests=asks("cheap", "dear"))).id
        for models, why in ((("cheap", "odd"), "batch of its own"), (("cheap", "hidden"), "isn't offered"),
                            (tuple(f"m{at}" for at in range(33)), "too many models")):  # fmt: skip
            with pytest.raises(Exception, match=why):
                await batches.create(requests=asks(*models))
        with pytest.raises(openai.BadRequestError, match="too many models"):
            await batch(shop.openai["bob"], file(line("1"), line("2", model="dear")))

    prices = (
        Model(name="cheap", input=10, output=10),
        Model(name="dear", input=20, output=20),
        Model(name="odd", input=5, output=30),
        Model(name="m*"),
    )
    control = {"models": prices, "only_listed": True}
    through(tmp_path / "g", test, accounts={"bob": "verified-payment"}, control=control)


@pytest.mark.parametrize("code", ["feature_not_available", "insufficient_scope"])
def test_who_may_hand_in_no_batches_has_no_file_read(tmp_path: Path, code: str) -> None:
    async def test(shop: Shop) -> None:
        client = shop.openai["bob"]
        if code == "insufficient_scope":
            with open_identity(tmp_path / "g" / IDENTITY, IdentitySettings()) as identity:
                client.api_key = identity.new_key("bob", BY, AT_US, entries={"scopes": ["files"]}).text
            async with asyncio.timeout(5):
                while True:
                    with suppress(openai.AuthenticationError):
                        await client.files.list()
                        break
        made = await client.files.create(file=("a", lines()), purpose="batch")
        before = len(shop.platform.requests)
        with pytest.raises(openai.PermissionDeniedError) as refused:
            await client.batches.create(input_file_id=made.id, endpoint=LINES, completion_window="24h")
        assert refused.value.code == code
        assert len(shop.platform.requests) == before

    tier = "verified-contact" if code == "feature_not_available" else "contracted"
    through(tmp_path / "g", test, accounts={"bob": tier})


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (b"{", "no request"),
        (b"[1]", "no request"),
        (b'{"custom_id": 5, "url": "/v1/chat/completions", "body": {}}', "no request"),
        (b'{"custom_id": "x", "url": "/v1/chat/completions"}', "no body"),
        (b'{"custom_id": "", "url": "/v1/chat/completions", "body": {}}', "custom_id"),
        (b'{"custom_id": "x", "url": "/v1/embeddings", "body": {"model": "m", "messages": []}}', "endpoint"),
        (b'{"custom_id": "x", "url": "/v1/chat/completions", "body": {"model": "m", "max_tokens": "5"}}', "max_tokens"),
        (b'{"custom_id": "x", "url": "/v1/chat/completions", "Body": {"model": "m"}, "body": {"model": "m"}}', "spelt"),
        (b'{"custom_id": "x", "url": "/v1/chat/completions", "body": {"model": "m", "n": 0}}', "n is out of range"),
    ],
)  # fmt: skip
def test_a_line_that_cant_be_read_is_refused_by_its_number(tmp_path: Path, bad: bytes, why: str) -> None:
    async def test(shop: Shop) -> None:
        with pytest.raises(openai.BadRequestError, match="Line 3 of the batch can't be read") as refused:
            await batch(shop.openai["alice"], lines(count=2) + b"\n" + bad + b"\n" + lines())
        assert why in refused.value.message
        assert shop.platform.batches == {}

    through(tmp_path / "g", test)


def test_each_apis_lines_are_read_as_its_server_reads_them(tmp_path: Path) -> None:
    """A line with the other API's fields, or with one name twice: what is counted is what runs."""

    async def test(shop: Shop) -> None:
        cheap: dict[str, Any] = {"model": "m", "max_tokens": 1, "messages": SAY}
        dear = {**cheap, "max_tokens": 9_999}
        double = {**line("1"), "body": dear, "params": cheap}
        twice = json.dumps({**line("2"), "body": dear}).replace("{", f'{{"body":{json.dumps(cheap)},', 1)
        inner = json.dumps({**line("3"), "body": {**dear}}).replace(
            '"max_tokens"', '"max_tokens":1,"max_tokens"'
        )
        nested = {**line("4"), "body": dear, "requests": [{"custom_id": "a", "url": LINES, "body": cheap}]}
        alias = {**line("5"), "body": {**cheap, "n_predict": 9_999}}
        before = left(shop.door, "bob")
        for at, one in enumerate((json.dumps(double), twice, inner, json.dumps(nested), json.dumps(alias))):
            await batch(shop.openai["bob"], one.encode() + b"\n")
            (sent,) = given(shop.platform, at)
            name = shop.platform.batches[list(shop.platform.batches)[at]]["input_file_id"]
            raw = shop.platform.files[name][1]
            assert raw.count(b'"max_tokens"') == 1 or at in (0, 3)
            assert raw.count(b'"body"') == 1 or at == 3
            assert b"n_predict" not in raw
            after = left(shop.door, "bob")
            spent, before = before[1] - after[1], after
            assert spent >= sent["body"]["max_tokens"]
        both = {"custom_id": "1", "params": dear, "body": cheap, "url": LINES}
        await shop.anthropic["bob"].messages.batches.create(requests=[both])
        after = left(shop.door, "bob")
        assert before[1] - after[1] >= 9_999

    through(tmp_path / "g", test, accounts={"bob": "verified-payment"}, tiers=BATCHING)


def test_anthropics_results_are_read_here(tmp_path: Path) -> None:
    async def test(shop: Shop) -> None:
        batches = shop.anthropic["bob"].messages.batches
        made = await message_batch(
            shop.anthropic["bob"], {"custom_id": "2", "params": {**PARAMS, "model": "broken"}}
        )
        assert made.processing_status == "in_progress"
        assert (await batches.retrieve(made.id)).results_url == f"/v1/messages/batches/{made.id}/results"
        assert (await batches.list()).data[0].results_url == f"/v1/messages/batches/{made.id}/results"
        told = await everything(await batches.results(made.id))
        assert [(one.custom_id, one.result.type) for one in told] == [("1", "succeeded"), ("2", "errored")]
        other = await message_batch(shop.anthropic["bob"])
        assert (await batches.cancel(other.id)).processing_status == "canceling"
        assert (await batches.delete(made.id)).type == "message_batch_deleted"
        assert [one.id async for one in batches.list()] == [other.id]

    through(tmp_path / "g", test, accounts={"bob": "verified-payment"})


@pytest.mark.parametrize("tier", ["verified-payment", "contracted"])
def test_results_without_reasoning_for_who_lacks_it(tmp_path: Path, tier: str) -> None:
    async def test(shop: Shop) -> None:
        client, seen = shop.openai["bob"], tier == "contracted"
        for url, body in ((LINES, {"messages": SAY}), ("/v1/responses", {"input": "Hi"})):
            one = {
                **LINE,
                "url": url,
                "body": {"model": "thinks", "max_tokens": 9, "max_output_tokens": 9, **body},
            }
            made = await batch(client, file(one), endpoint=url)
            name = (await client.batches.retrieve(made.id)).output_file_id
            whole = (await client.files.content(name)).content
            assert (THOUGHT.encode() in whole) is seen
            assert b"Hello there." in whole
            _, _, some = await shop.door.ask(
                "bob", f"/v1/files/{name}/content", None, b"Range: bytes=100-\r\n"
            )
            assert some == whole
        await message_batch(
            shop.anthropic["bob"], {"custom_id": "2", "params": {**PARAMS, "model": "thinks"}}
        )
        (made,) = (await shop.anthropic["bob"].messages.batches.list()).data
        told = await everything(await shop.anthropic["bob"].messages.batches.results(made.id))
        assert (THOUGHT in str(told)) is seen
        assert told[1].result.message.content[-1].text == "Hello there."

    through(tmp_path / "g", test, accounts={"bob": tier})


def test_each_line_is_a_row_with_its_answer(tmp_path: Path) -> None:
    """Both APIs' batches in the journal, followed as it is written and rotated to what an investigation reads."""

    async def test(shop: Shop) -> None:
        client = shop.openai["alice"]
        say: Any = {"messages": [{"role": "user", "content": "Line a"}]}
        made = await batch(client, file(line("a", **say), line("b"), line("c", model="m", max_tokens=5)))
        failing = await batch(client, file(line("a", model="broken")))
        told = [await client.batches.retrieve(one.id) for one in (made, failing)]
        for name in (told[0].output_file_id, told[1].error_file_id, told[0].output_file_id):
            await client.files.content(name)
        other = await message_batch(
            shop.anthropic["alice"], {"custom_id": "2", "params": {**PARAMS, "model": "broken"}}
        )
        await everything(await shop.anthropic["alice"].messages.batches.results(other.id))
        unread = await batch(client, file(line("z")))
        assert unread.id

    through(tmp_path / "g", test, accounts={"alice": "contracted"})
    accepted, outcomes = recorded(tmp_path / "g")
    assert len(outcomes) == 6  # a second download says nothing new
    for folder in relays(tmp_path / "g" / JOURNAL):
        assert len([one for _, one in follow(folder, None)]) == 13
        rotate(folder, tmp_path / "out", accepted[0].at_us + 10**9, RotationSettings(patience_us=0))
    rows = [
        row for part in (tmp_path / "out").glob("day=*/*.parquet") for row in pq.read_table(part).to_pylist()
    ]
    assert len(rows) == 7
    assert all(row["batch"] is True and row["account"] == "alice" for row in rows)
    served = [row for row in rows if row["status"] == 200 and row["endpoint"] == "chat"]
    by_name = {row["id"].partition("/")[2]: row for row in served}
    assert by_name.keys() == {"a", "b", "c"}
    assert (by_name["a"]["prompt"], by_name["a"]["response"]) == ("Line a", "Hello there.")
    assert (by_name["a"]["input_tokens"], by_name["a"]["output_tokens"]) == (9, 3)
    assert sorted((row["endpoint"], row["status"] or 0) for row in rows) == [
        ("chat", 0), ("chat", 200), ("chat", 200), ("chat", 200), ("chat", 500), ("messages", 200), ("messages", 500),
    ]  # fmt: skip
    assert len({one.batch_id for one in accepted}) == 4
    assert all(one.id == f"{one.batch_id}/{one.id.partition('/')[2]}" for one in accepted)


def test_an_answer_made_in_the_background_is_recorded_when_it_is_read(tmp_path: Path) -> None:
    async def test(shop: Shop) -> None:
        client = shop.openai["alice"]
        first = await client.responses.create(model="m", input="One", background=True)
        second = await client.responses.create(model="m", input="Two", background=True)
        await client.responses.create(model="m", input="Three", background=True)
        one_left = await client.responses.create(model="endless", input="Left", background=True)
        stream = await client.responses.retrieve(one_left.id, stream=True)
        await anext(aiter(stream))
        await stream.close()
        async with asyncio.timeout(5):
            while f"/v1/responses/{one_left.id}" not in [target for _, target, _ in shop.platform.requests]:
                await asyncio.sleep(0.01)
        for _ in range(2):
            await client.responses.retrieve(first.id)
            await everything(await client.responses.retrieve(second.id, stream=True))
        fourth = await client.responses.create(model="m", input="Four", background=True, stream=True)
        await everything(fourth)

    through(tmp_path / "g", test)
    accepted, outcomes = recorded(tmp_path / "g")
    asked = {one.id: json.loads(one.body or b"")["input"] for one in accepted}
    assert sorted(asked[one.id] for one in outcomes) == ["Four", "Left", "One", "Two"]
    assert all(b"Hello there." in (one.body or b"") for one in outcomes)


def test_a_large_batch_leaves_others_their_turn(tmp_path: Path) -> None:
    """Its lines are read, written anew and recorded; chats that begin meanwhile are answered before it ends."""

    async def test() -> None:
        async with shop(tmp_path / "g", {"alice": "contracted"}) as held:
            data = lines({**line("last")}, count=10_000)
            client = held.openai["alice"]
            made = await client.files.create(file=("in.jsonl", data), purpose="batch")
            held.platform.quick = False
            asked: Any = {"input_file_id": made.id, "endpoint": LINES, "completion_window": "24h"}
            begun = asyncio.ensure_future(client.with_options(timeout=100).batches.create(**asked))
            served = 0
            while not begun.done():
                await client.chat.completions.create(model="m", messages=SAY)
                served += not begun.done()
            await begun
            assert served >= 10
            assert len(given(held.platform)) == 10_001

    async def longer() -> None:
        async with asyncio.timeout(100):
            await test()

    asyncio.run(longer())
    accepted, _ = recorded(tmp_path / "g")
    assert sum(one.batch is True for one in accepted) == 10_001


def test_a_batch_has_a_hundred_thousand_lines_at_most() -> None:
    settings, one = ControlSettings(), json.dumps(line("1", max_tokens=3)).encode()
    sums = summed([one] * 1_000, LINES, settings)
    assert (len(sums), sums.outputs(None), sums.outputs(2)) == (1_000, 3_000, 2_000)
    with pytest.raises(LineError, match="100,000 lines at most"):
        summed([one] * 100_001, LINES, settings)
    part = {"type": "file", "file": {"file_id": "f-%d"}}
    naming = json.dumps(line("1", messages=[{"role": "user", "content": [part]}], max_tokens=3))
    with pytest.raises(LineError, match=r"Line 10001 .* too many objects"):
        summed([(naming % at).encode() for at in range(10_001)], LINES, settings)
    with pytest.raises(LineError, match="no lines"):
        summed([], LINES, settings)
    with pytest.raises(LineError, match="longer than 16 MiB"):
        summed([b"{" + b" " * (16 << 20) + b"}"], LINES, settings)
