"""Two accounts of one gateway: neither sees, lists, names, changes or removes what the other's are, by no spelling."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import openai
import pytest

from gateway.clients import Shop
from gateway.doors import run
from gateway.gates import AT_US, BY, gate
from gateway.platform import Platform
from gateway.test_sdk import SAY, everything, through
from headwater.control.identity import IdentitySettings, open_identity
from headwater.gateway.stages.owners import Owned, Owners

LINE = {"custom_id": "1", "method": "POST", "url": "/v1/chat/completions",
        "body": {"model": "m", "max_tokens": 5, "messages": SAY}}  # fmt: skip
PARAMS = {"model": "m", "max_tokens": 5, "messages": SAY}


UNLIMITED = {"tokens_per_minute": "unlimited", "tokens_per_day": "unlimited"}


def lines(*more: Any, count: int = 1) -> bytes:
    told = [{**LINE, "custom_id": f"{at}"} for at in range(count)]
    return b"".join(json.dumps(one).encode() + b"\n" for one in (*told, *more))


async def batch(client: openai.AsyncOpenAI, data: bytes, **more: Any) -> Any:
    """A file and its batch."""
    file = await client.files.create(file=("in.jsonl", data), purpose="batch")
    given: Any = {"endpoint": "/v1/chat/completions", "completion_window": "24h", **more}
    return await client.batches.create(input_file_id=file.id, **given)


async def message_batch(client: Any, *more: Any) -> Any:
    return await client.messages.batches.create(requests=[{"custom_id": "1", "params": PARAMS}, *more])


async def nothing(asked: Awaitable[Any]) -> None:
    """What is asked about isn't there, in the client's words."""
    with pytest.raises(Exception, match="There is no such object") as refused:
        await asked
    assert type(refused.value).__name__ == "NotFoundError"


def test_what_one_account_has_made_isnt_there_for_another(tmp_path: Path) -> None:
    async def test(shop: Shop) -> None:
        alice, bob = shop.openai["alice"], shop.openai["bob"]
        file = await alice.files.create(file=("a.jsonl", lines()), purpose="batch")
        made = await batch(alice, lines())
        answer = await alice.responses.create(model="m", input="Hi")
        messages = await message_batch(shop.anthropic["alice"])
        results = (await alice.batches.retrieve(made.id)).output_file_id
        before = len(shop.platform.requests)
        for name in (file.id, results):
            await nothing(bob.files.retrieve(name))
            await nothing(bob.files.content(name))
            await nothing(bob.files.delete(name))
        await nothing(bob.batches.retrieve(made.id))
        await nothing(bob.batches.cancel(made.id))
        await nothing(bob.responses.retrieve(answer.id))
        await nothing(bob.responses.delete(answer.id))
        await nothing(bob.responses.cancel(answer.id))
        await nothing(bob.responses.input_items.list(answer.id))
        await nothing(bob.responses.create(model="m", input="Hi", previous_response_id=answer.id))
        batches = shop.anthropic["bob"].messages.batches
        for asked in (batches.retrieve, batches.cancel, batches.delete):
            await nothing(asked(messages.id))
        await nothing(
            shop.anthropic["bob"].get(f"/v1/messages/batches/{messages.id}/results", cast_to=object)
        )
        with pytest.raises(openai.NotFoundError, match="There is no such file"):
            await bob.batches.create(
                input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
            )
        assert await everything(bob.files.list()) == []
        assert await everything(bob.batches.list()) == []
        assert await everything(batches.list()) == []
        assert len(shop.platform.requests) == before
        assert (await alice.files.retrieve(file.id)).id == file.id

    through(tmp_path / "g", test)


#: A part of a message that names a file, by spellings that hide it; MINE stands for the name.
PARTS = [
    b'{"type":"file","file":{"file\\u005fid":"MINE"}}',
    b'{"type":"file","file":{"file_id":"\\u0066INE"}}',
    b'{"type":"file","file":{"file_id":"MINE","file_id":"none"}}',
    b'{"type":"file","file":{"file_id":"none","file_id":"MINE"}}',
    b'{"type":"file","x":1e999,"file":{"file_id":"MINE"}}',
    b'{"type":"file","x":"\xff","file":{"file_id":"MINE"}}',
]


def spelt(name: str) -> list[bytes]:
    """Bodies that name a file."""
    parts = [part.replace(b"MINE", name.encode()).replace(b"INE", name[1:].encode()) for part in PARTS]
    return [b'{"model":"m","messages":[{"role":"user","content":[%b]}]}' % part for part in parts]


def test_a_name_is_hidden_by_no_spelling(tmp_path: Path) -> None:
    async def test(shop: Shop) -> None:
        made = await shop.openai["alice"].files.create(file=("a", b"a"), purpose="user_data")
        answer = await shop.openai["alice"].responses.create(model="m", input="Hi")
        before = len(shop.platform.requests)
        asked = [("/v1/chat/completions", body) for body in spelt(made.id)]
        asked += [
            (
                "/v1/responses",
                b'{"model":"m","input":"Hi","previous_response\\u005fid":"%b"}' % answer.id.encode(),
            ),
            ("/v1/responses", b'{"model":"m","input":"Hi","conversation":"conv_1"}'),
            ("/v1/responses", b'{"model":"m","input":[{"id":"%b"}]}' % answer.output[0].id.encode()),
            ("/v1/responses", b'{"model":"m","tools":[{"type":"file_search","vector_store_ids":["vs_1"]}]}'),
            ("/v1/messages", b'{"model":"m","max_tokens":5,"container":"container_1","messages":[]}'),
        ]
        for path, body in asked:
            status, _, told = await shop.door.ask("bob", path, body)
            assert (status, b"There is no such object" in told) == (404, True), body
        for name in (b"Previous_Response_Id", b"PREVIOUS_RESPONSE_ID"):
            status, _, _ = await shop.door.ask("bob", "/v1/responses", b'{"model":"m","%b":"r"}' % name)
            assert status == 400
        assert len(shop.platform.requests) == before

    through(tmp_path / "g", test)


def test_a_line_of_a_batch_names_only_ones_own(tmp_path: Path) -> None:
    """Lines are read by the gateway: what they name passes none that a request's body wouldn't."""

    async def test(shop: Shop) -> None:
        theirs = await shop.openai["alice"].files.create(file=("a", b"a"), purpose="user_data")
        mine = await shop.openai["bob"].files.create(file=("b", b"b"), purpose="user_data")
        for name, status in ((theirs.id, 404), (mine.id, None)):
            part = {"type": "file", "file": {"file_id": name}}
            body = {**LINE["body"], "messages": [{"role": "user", "content": [part]}]}
            plain = lines({**LINE, "custom_id": "x", "body": body})
            for data in (plain, plain.replace(b"file_id", b"file\\u005fid")):
                if status is None:
                    assert (await batch(shop.openai["bob"], data)).id
                    continue
                with pytest.raises(openai.NotFoundError, match="Line 2 of the batch names an object"):
                    await batch(shop.openai["bob"], data)
        source = {"type": "document", "source": {"type": "file", "file_id": theirs.id}}
        params = {**PARAMS, "messages": [{"role": "user", "content": [source]}]}
        with pytest.raises(Exception, match="Line 2 of the batch names an object"):
            await message_batch(shop.anthropic["bob"], {"custom_id": "2", "params": params})
        assert len(shop.platform.batches) == 2
        assert shop.platform.message_batches == {}

    through(tmp_path / "g", test)


def test_lists_page_through_ones_own_where_most_are_others(tmp_path: Path) -> None:
    async def test(shop: Shop) -> None:
        platform, alice, bob = shop.platform, shop.openai["alice"], shop.openai["bob"]
        platform.page = 7
        mine: dict[str, list[str]] = {"files": [], "batches": [], "messages": []}
        for at in range(9):
            for _ in range(4):
                await alice.files.create(file=("a", b"a"), purpose="user_data")
            await batch(alice, lines())
            await message_batch(shop.anthropic["alice"])
            mine["batches"].append((await batch(bob, lines())).id)
            mine["messages"].append((await message_batch(shop.anthropic["bob"])).id)
            if at % 3 == 0:
                mine["files"].append((await bob.files.create(file=("b", b"b"), purpose="user_data")).id)
        newest = {kind: names[::-1] for kind, names in mine.items()}
        assert [one.id async for one in bob.batches.list(limit=2)] == newest["batches"]
        page = await bob.batches.list(limit=4)
        assert ([one.id for one in page.data], page.has_more) == (newest["batches"][:4], True)
        page = await bob.batches.list(limit=5, after=newest["batches"][3])
        assert ([one.id for one in page.data], page.has_more) == (newest["batches"][4:], False)
        assert [one.id async for one in bob.files.list(purpose="user_data", limit=1)] == newest["files"]
        assert [one.id async for one in bob.files.list(purpose="user_data", order="asc")] == mine["files"]
        batches = shop.anthropic["bob"].messages.batches
        assert [one.id async for one in batches.list(limit=2)] == newest["messages"]
        back = await batches.list(limit=3, before_id=newest["messages"][5])
        assert ([one.id for one in back.data], back.has_more) == (newest["messages"][2:5], True)
        assert [one.id for one in (await back.get_next_page()).data] == newest["messages"][:2]
        foreign = (await alice.batches.list(limit=1)).data[0].id
        await nothing(bob.batches.list(after=foreign))
        status, _, told = await shop.door.ask("bob", "/v1/batches?limit=%C2%B2", None)
        assert (status, len(json.loads(told)["data"])) == (200, 9)

    through(tmp_path / "g", test)


def test_a_list_asks_for_what_it_must_and_leaves_out_what_is_gone(tmp_path: Path) -> None:
    async def test(shop: Shop) -> None:
        platform, bob = shop.platform, shop.openai["bob"]
        platform.quick = False
        first, second = await batch(bob, lines()), await batch(bob, lines())
        platform.finish(first.id)
        for _ in range(2):
            assert [one.status async for one in bob.batches.list()] == ["validating", "completed"]
        seen = [
            target for method, target, _ in platform.requests if method == "GET" and "/v1/batches/" in target
        ]
        assert sorted(seen) == sorted([f"/v1/batches/{first.id}"] + [f"/v1/batches/{second.id}"] * 2)
        # The results of a batch that was only ever listed can be read.
        (listed,) = [one async for one in bob.batches.list() if one.status == "completed"]
        assert b"Hello there." in (await bob.files.content(listed.output_file_id)).content
        del platform.batches[second.id]
        assert [one.id async for one in bob.batches.list()] == [first.id]

    through(tmp_path / "g", test)


def test_who_may_not_read_files_may_not_list_them(tmp_path: Path) -> None:
    async def test() -> None:
        async with gate(tmp_path / "g", Platform(), {"bob": "contracted"}) as door:
            with open_identity(tmp_path / "g" / "identity", IdentitySettings()) as identity:
                door.keys["bob"] = identity.new_key("bob", BY, AT_US, entries={"scopes": ["generate"]}).text
            async with asyncio.timeout(5):
                while (await door.ask("bob", "/v1/files", None))[0] == 401:
                    await asyncio.sleep(0.02)
            for path in ("/v1/files", "/v1/batches", "/v1/messages/batches"):
                status, _, told = await door.ask("bob", path, None)
                assert status == 403
                assert b"scope" in told

    run(test)


def test_whose_an_object_is_never_changes(tmp_path: Path) -> None:
    """Also where a server gives one name twice, in the same process or in another's sight, and after a restart."""

    async def test() -> None:
        owners, other = Owners(tmp_path / "o.sqlite"), Owners(tmp_path / "o.sqlite")
        await owners.own("f-1", Owned("alice", "file"), 1)
        said = owners.own("f-1", Owned("bob", "file"), 2)
        assert owners.known("f-1") == Owned("alice", "file")
        await said
        await other.own("f-1", Owned("bob", "file"), 3)
        for one in (owners, other):
            assert (await one.of("f-1")) == Owned("alice", "file")
        waits = [owners.own(f"r-{at}", Owned("alice", "response"), at) for at in range(500)]
        assert owners.known("r-499") is not None
        await asyncio.gather(*waits)
        assert (await other.of("r-499")) == Owned("alice", "response")
        asked = ["r-7", "none", "f-1", ""]
        assert [one and one.account for one in await other.all_of(asked)] == ["alice", None, "alice", None]
        owners.gone("f-1")
        assert await owners.of("f-1") is None
        assert await owners.all_of(["f-1", "r-7"]) == [None, Owned("alice", "response")]
        await owners.stop()
        await other.stop()
        again = Owners(tmp_path / "o.sqlite")
        assert [one.id for one in await again.page("alice", ["response"], None, 2)] == ["r-499", "r-498"]
        assert await again.of("f-1") is None
        await again.stop()

    run(test)


def test_what_an_answer_repeats_of_a_request_is_nobodys_object(tmp_path: Path) -> None:
    """A client may write a name where the server repeats it: it comes to own nothing by that."""

    async def test(shop: Shop) -> None:
        shop.platform.files["file-operators"] = ({"id": "file-operators", "object": "file"}, b"secret")
        bob = shop.openai["bob"]
        schema = {"id": "file-operators", "file_id": "file-operators", "output": [{"id": "file-operators"}]}
        tool: Any = {"type": "function", "name": "f", "strict": False, "parameters": schema}
        for stream in (False, True):
            told = await bob.responses.create(
                model="m", input="Hi", metadata={"id": "file-operators"}, tools=[tool], stream=stream
            )
            if stream:
                await everything(told)
        await nothing(bob.files.content("file-operators"))

    through(tmp_path / "g", test)


def test_carrying_on_counts_what_is_carried(tmp_path: Path) -> None:
    """A conversation that is kept upstream is input all the same: an account's context is what it is."""

    async def test(shop: Shop) -> None:
        bob = shop.openai["bob"]
        last = await bob.responses.create(model="m", input="a" * 20_000, max_output_tokens=5)
        more: Any = {"model": "m", "input": "b" * 20_000, "max_output_tokens": 5}
        for _ in range(2):
            last = await bob.responses.create(**more, previous_response_id=last.id)
        with pytest.raises(openai.BadRequestError) as refused:
            await bob.responses.create(**more, previous_response_id=last.id)
        assert refused.value.code == "context_length_exceeded"
        assert len(shop.platform.responses) == 3

    tiers = {
        "verified-contact": {
            "tokens_per_minute": "unlimited",
            "tokens_per_day": "unlimited",
            "context_tokens": 20_000,
        }
    }
    through(tmp_path / "g", test, accounts={"bob": "verified-contact"}, tiers=tiers)
