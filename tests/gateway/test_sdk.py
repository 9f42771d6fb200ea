"""The official Python clients through a whole gateway: they can't tell that it is there."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from gateway.answers import THOUGHT
from gateway.clients import Shop, shop
from gateway.doors import run

SAY: list[Any] = [{"role": "user", "content": "Hi"}]
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOL: Any = {"type": "function", "function": {"name": "f", "parameters": PARAMETERS}}
PICTURE = "data:image/png;base64," + base64.b64encode(bytes(range(256)) * 800).decode()
SAID = "Hello there."


def through(folder: Path, test: Any, **given: Any) -> None:
    async def inside() -> None:
        async with shop(folder, **given) as held:
            await test(held)

    run(inside)


def test_chat_with_tools_over_several_turns(tmp_path: Path) -> None:
    async def test(shop: Shop) -> None:
        client = shop.openai["alice"]
        first = await client.chat.completions.create(model="calls", messages=SAY, tools=[TOOL])
        call = first.choices[0].message.tool_calls[0]
        assert (first.choices[0].finish_reason, call.function.arguments) == ("tool_calls", '{"city": "Bern"}')
        turns = [
            *SAY,
            first.choices[0].message,
            {"role": "tool", "tool_call_id": call.id, "content": '{"file_id": "x"}'},
        ]
        second = await client.chat.completions.create(model="m", messages=turns, tools=[TOOL])
        assert second.choices[0].message.content == SAID
        assert shop.platform.bodies("/v1/chat/completions")[1]["messages"][2]["content"] == '{"file_id": "x"}'
        parts = [
            part
            async for part in await client.chat.completions.create(
                model="calls", messages=SAY, tools=[TOOL], stream=True
            )
        ]
        pieces = [part.choices[0].delta.tool_calls for part in parts if part.choices[0].delta.tool_calls]
        assert "".join(piece[0].function.arguments for piece in pieces) == '{"city": "Bern"}'

    through(tmp_path / "g", test)


def test_pictures_and_long_prompts(tmp_path: Path) -> None:
    async def test(shop: Shop) -> None:
        client = shop.openai["alice"]
        for url in (PICTURE, "https://example.org/a.png"):
            content = [
                {"type": "text", "text": "What is it?"},
                {"type": "image_url", "image_url": {"url": url}},
            ]
            answer = await client.chat.completions.create(
                model="m", messages=[{"role": "user", "content": content}]
            )
            assert answer.choices[0].message.content == SAID
        long = "é" * 500_000
        await client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": long}], max_tokens=5
        )
        assert shop.platform.bodies("/v1/chat/completions")[-1]["messages"][0]["content"] == long
        block = {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": PICTURE[22:]},
        }
        told = await shop.anthropic["alice"].messages.create(
            model="m",
            max_tokens=5,
            messages=[{"role": "user", "content": [block, {"type": "text", "text": long}]}],
        )
        assert told.content[0].text == SAID
        assert shop.platform.bodies("/v1/messages")[0]["messages"][0]["content"][0] == block

    through(tmp_path / "g", test)


def test_streams_with_and_without_usage(tmp_path: Path) -> None:
    async def test(shop: Shop) -> None:
        client = shop.openai["alice"]
        plain = [
            part async for part in await client.chat.completions.create(model="m", messages=SAY, stream=True)
        ]
        assert all(part.choices for part in plain)
        assert "".join(part.choices[0].delta.content or "" for part in plain) == SAID
        asked = await client.chat.completions.create(
            model="m", messages=SAY, stream=True, stream_options={"include_usage": True}
        )
        parts = [part async for part in asked]
        assert parts[-1].choices == []
        assert parts[-1].usage.completion_tokens == 3
        async with client.chat.completions.stream(model="m", messages=SAY) as stream:
            final = await stream.get_final_completion()
        assert final.choices[0].message.content == SAID
        completions = await client.completions.create(model="m", prompt="a", stream=True)
        assert "".join([part.choices[0].text async for part in completions]) == SAID

    through(tmp_path / "g", test)


def test_a_stream_that_is_left_ends_upstream_and_its_place_comes_back(tmp_path: Path) -> None:
    async def test(shop: Shop) -> None:
        for client, create in (
            (
                shop.openai["bob"],
                lambda one: one.chat.completions.create(model="endless", messages=SAY, stream=True),
            ),
            (
                shop.anthropic["bob"],
                lambda one: one.messages.create(model="endless", max_tokens=9, messages=SAY, stream=True),
            ),
        ):
            shop.platform.gone.clear()
            for _ in range(3):  # as many as the account may have at a time, each time
                streams = [await create(client) for _ in range(2)]
                for stream in streams:
                    await anext(aiter(stream))
                    await stream.close()
                async with asyncio.timeout(5):
                    while len(shop.platform.gone) < 2:
                        await asyncio.sleep(0.01)
                shop.platform.gone.clear()

    accounts = {"bob": "verified-contact"}
    tiers = {
        "verified-contact": {
            "concurrent_requests": 2,
            "tokens_per_minute": "unlimited",
            "tokens_per_day": "unlimited",
        }
    }
    through(tmp_path / "g", test, accounts=accounts, tiers=tiers, control={"answer_tokens": 100})


def test_completions_with_several_prompts_and_embeddings(tmp_path: Path) -> None:
    async def test(shop: Shop) -> None:
        client = shop.openai["alice"]
        told = await client.completions.create(model="m", prompt=["a", "b", "c"], n=2)
        assert [choice.text for choice in told.choices] == [SAID] * 6
        found = await client.embeddings.create(model="m", input=["a", "b"], encoding_format="float")
        assert [one.embedding for one in found.data] == [[0.5, 0.0], [0.5, 1.0]]
        assert shop.platform.bodies("/v1/embeddings") == [
            {"input": ["a", "b"], "model": "m", "encoding_format": "float"}
        ]

    through(tmp_path / "g", test)


def test_models_and_tokens_of_both(tmp_path: Path) -> None:
    async def test(shop: Shop) -> None:
        assert [one.id async for one in shop.openai["alice"].models.list()] == ["m", "thinks"]
        assert (await shop.openai["alice"].models.retrieve("m")).owned_by == "us"
        assert [one.id async for one in shop.anthropic["alice"].models.list()] == ["m", "thinks"]
        assert (await shop.anthropic["alice"].models.retrieve("m")).display_name == "m"
        counted = await shop.anthropic["alice"].messages.count_tokens(model="m", messages=SAY)
        assert counted.input_tokens == 14

    through(tmp_path / "g", test)


def test_messages_with_tools_thinking_and_streams(tmp_path: Path) -> None:
    async def test(shop: Shop) -> None:
        client = shop.anthropic["alice"]
        tool: Any = {"name": "f", "input_schema": PARAMETERS}
        first = await client.messages.create(model="calls", max_tokens=9, messages=SAY, tools=[tool])
        assert (first.stop_reason, first.content[0].input) == ("tool_use", {"city": "Bern"})
        result = {"type": "tool_result", "tool_use_id": first.content[0].id, "content": "cold"}
        turns = [*SAY, {"role": "assistant", "content": first.content}, {"role": "user", "content": [result]}]
        second = await client.messages.create(model="m", max_tokens=9, messages=turns, tools=[tool])
        assert second.content[0].text == SAID
        thinking: Any = {"type": "enabled", "budget_tokens": 1024}
        async with client.messages.stream(
            model="thinks", max_tokens=2000, messages=SAY, thinking=thinking
        ) as stream:
            final = await stream.get_final_message()
        assert [block.type for block in final.content] == ["thinking", "text"]
        assert (final.content[1].text, final.usage.input_tokens, final.usage.output_tokens) == (SAID, 9, 3)

    through(tmp_path / "g", test)


def test_a_tier_without_reasoning_sees_none_wherever_it_looks(tmp_path: Path) -> None:
    async def test(shop: Shop) -> None:
        bob, alice = shop.openai["bob"], shop.openai["alice"]
        told = await bob.chat.completions.create(model="thinks", messages=SAY)
        assert not hasattr(told.choices[0].message, "reasoning_content")
        parts = [
            part
            async for part in await bob.chat.completions.create(model="thinks", messages=SAY, stream=True)
        ]
        assert THOUGHT not in str(parts)
        made = await bob.responses.create(model="thinks", input="Hi", background=True)
        for _ in range(2):
            events = [event async for event in await bob.responses.retrieve(made.id, stream=True)]
            whole = await bob.responses.retrieve(made.id)
            assert THOUGHT not in str(events)
            assert THOUGHT not in str(whole)
            assert "A greeting." in str(whole)
            assert any(event.type == "response.reasoning_summary_text.delta" for event in events)
        streamed = [
            event async for event in await bob.responses.create(model="thinks", input="Hi", stream=True)
        ]
        assert THOUGHT not in str(streamed)
        assert streamed[-1].response.output_text == SAID
        async with shop.anthropic["bob"].messages.stream(
            model="thinks", max_tokens=9, messages=SAY
        ) as stream:
            final = await stream.get_final_message()
        assert [block.type for block in final.content] == ["text"]
        with pytest.raises(openai.PermissionDeniedError) as refused:
            await bob.responses.retrieve(made.id, include=["message.output_text.logprobs"])
        assert refused.value.code == "feature_not_available"
        assert THOUGHT in str(await alice.responses.create(model="thinks", input="Hi"))

    through(tmp_path / "g", test, accounts={"alice": "contracted", "bob": "verified-payment"})


def test_responses_are_made_carried_on_read_and_removed(tmp_path: Path) -> None:
    async def test(shop: Shop) -> None:
        client = shop.openai["alice"]
        first = await client.responses.create(model="m", input="Hi", metadata={"id": "resp_other"})
        assert first.output_text == SAID
        events = [event async for event in await client.responses.create(
            model="calls", input="And?", previous_response_id=first.id, stream=True,
            tools=[{"type": "function", "name": "f", "parameters": PARAMETERS, "strict": False}],
        )]  # fmt: skip
        assert events[0].type == "response.created"
        assert events[-1].response.previous_response_id == first.id
        second = events[-1].response
        given = [
            *second.output,
            {"type": "function_call_output", "call_id": second.output[0].call_id, "output": "cold"},
        ]
        third = await client.responses.create(model="m", input=given)
        reference: Any = [
            {"type": "item_reference", "id": third.output[0].id},
            {"role": "user", "content": "Why?"},
        ]
        assert (await client.responses.create(model="m", input=reference)).output_text == SAID
        assert (await client.responses.retrieve(first.id)).output_text == SAID
        assert [one async for one in client.responses.input_items.list(second.id)]
        await client.responses.delete(first.id)
        with pytest.raises(openai.NotFoundError):
            await client.responses.retrieve(first.id)
        made = await client.responses.create(model="m", input="Hi", background=True)
        assert made.status == "queued"
        assert (await client.responses.retrieve(made.id)).status == "completed"
        assert (await client.responses.cancel(made.id)).status == "cancelled"

    through(tmp_path / "g", test)


def test_files_on_both(tmp_path: Path) -> None:
    async def test(shop: Shop) -> None:
        client = shop.openai["alice"]
        made = await client.files.create(file=("a.jsonl", b"{}\n" * 100_000), purpose="batch")
        assert made.bytes == 300_000
        assert (await client.files.retrieve(made.id)).filename == "a.jsonl"
        assert (await client.files.content(made.id)).content == b"{}\n" * 100_000
        other = await client.files.create(file=("b.txt", b"b"), purpose="user_data")
        assert [one.id async for one in client.files.list()] == [other.id, made.id]
        assert [one.id async for one in client.files.list(purpose="batch", order="asc")] == [made.id]
        part: Any = {"type": "file", "file": {"file_id": other.id}}
        await client.chat.completions.create(model="m", messages=[{"role": "user", "content": [part]}])
        assert (await client.files.delete(made.id)).deleted
        assert [one.id async for one in client.files.list()] == [other.id]
        files = shop.anthropic["alice"].files
        held = await files.upload(file=("c.txt", b"c"))
        assert held.size_bytes == 1
        source: Any = {"type": "document", "source": {"type": "file", "file_id": held.id}}
        await shop.anthropic["alice"].messages.create(
            model="m", max_tokens=5, messages=[{"role": "user", "content": [source]}]
        )
        assert held.id in [one.id async for one in files.list()]
        await files.delete(held.id)

    through(tmp_path / "g", test)


@pytest.mark.parametrize(
    ("model", "kind", "code"),
    [
        ("limited", openai.RateLimitError, "rate_limit_exceeded"),
        ("broken", openai.InternalServerError, "server_error"),
        ("unknown", openai.NotFoundError, "model_not_found"),
        ("overloaded", openai.InternalServerError, "overloaded"),
    ],
)
def test_errors_of_the_model_server_come_as_they_are(
    tmp_path: Path, model: str, kind: type[openai.APIStatusError], code: str
) -> None:
    async def test(shop: Shop) -> None:
        with pytest.raises(kind) as failed:
            await shop.openai["alice"].chat.completions.create(model=model, messages=SAY)
        assert f"The model {model} fails." in failed.value.message
        assert failed.value.code == code
        with pytest.raises(anthropic.APIStatusError) as other:
            await shop.anthropic["alice"].messages.create(model=model, max_tokens=5, messages=SAY)
        assert other.value.body["error"]["message"] == f"The model {model} fails."
        with pytest.raises(kind):
            await shop.openai["alice"].responses.create(model=model, input="Hi")

    through(tmp_path / "g", test)


def test_a_stream_that_dies_is_told_in_the_clients_words(tmp_path: Path) -> None:
    async def test(shop: Shop) -> None:
        client = shop.openai["alice"]
        stream = await client.chat.completions.create(model="dies", messages=SAY, stream=True)
        with pytest.raises(openai.APIError, match="ended the connection"):
            await everything(stream)
        events = await everything(await client.responses.create(model="dies", input="Hi", stream=True))
        assert (events[-1].type, events[-1].message) == ("error", "The model server ended the connection.")
        told = await shop.anthropic["alice"].messages.create(
            model="dies", max_tokens=5, messages=SAY, stream=True
        )
        with pytest.raises(anthropic.APIStatusError, match="ended the connection"):
            await everything(told)

    through(tmp_path / "g", test)


async def everything(stream: Any) -> list[Any]:
    return [one async for one in stream]
