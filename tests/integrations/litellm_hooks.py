"""Run in LiteLLM's own environment: what the guardrail's hooks do, called as LiteLLM calls them.

Says `all is as it should be`, or fails with what isn't. Its first argument is an answer of a model server.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from litellm.proxy._types import ProxyException, UserAPIKeyAuth
from litellm.types.guardrails import GuardrailEventHooks
from litellm.types.utils import ModelResponse, ModelResponseStream

from headwater.errors import ConfigurationError
from headwater.integrations.litellm import Headwater
from headwater.integrations.litellm_answers import Streamed, without_reasoning

CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 50}


def data_of(body: dict[str, Any], address: str = "203.0.113.9", **more: Any) -> dict[str, Any]:
    """What LiteLLM hands to a hook."""
    return {
        **body,
        "proxy_server_request": {"url": "http://x/v1/chat/completions", "body": dict(body)},
        "secret_fields": {"raw_headers": {"authorization": "Bearer sk-litellms-own", "user-agent": "x"}},
        "metadata": {"requester_ip_address": address, "user_api_key_user_id": "x"},
        **more,
    }


async def denied(guard: Headwater, who: UserAPIKeyAuth, data: dict[str, Any], call: str) -> ProxyException:
    try:
        await guard.async_pre_call_hook(who, None, data, call)
    except ProxyException as error:
        return error
    raise AssertionError("it passed")


async def accounts() -> None:
    guard = Headwater("headwater", event_hook=["pre_call"], default_on=True)
    data = data_of({**CHAT, "n": 1, "stream": True}, address="198.51.100.1, 203.0.113.9")
    changed = await guard.async_pre_call_hook(UserAPIKeyAuth(user_id="alice"), None, data, "acompletion")
    assert changed is not None
    assert changed["stream_options"] == {"include_usage": True}
    assert changed["max_tokens"] == 50
    assert "authorization" not in json.dumps(changed["metadata"])
    assert (await denied(guard, UserAPIKeyAuth(user_id="nobody"), data_of(CHAT), "acompletion")).code == "401"
    assert (await denied(guard, UserAPIKeyAuth(), data_of(CHAT), "acompletion")).code == "403"
    assert (
        await denied(guard, UserAPIKeyAuth(user_id="alice"), data_of(CHAT), "aimage_generation")
    ).code == "403"
    bad = {**CHAT, "max_tokens": "many"}
    assert (await denied(guard, UserAPIKeyAuth(user_id="alice"), data_of(bad), "acompletion")).code == "400"
    team = Headwater("headwater", account_from="team_id", others="pass")
    who = UserAPIKeyAuth(user_id="nobody", team_id="alice")
    assert await team.async_pre_call_hook(who, None, data_of(CHAT), "acompletion")
    assert await team.async_pre_call_hook(who, None, data_of(CHAT), "aimage_generation") is None
    await asyncio.sleep(0.2)


def always() -> None:
    guard = Headwater("headwater", event_hook=["pre_call"], default_on=False)
    for data in ({}, {"guardrails": []}, {"metadata": {"disable_global_guardrails": True}}):
        assert guard.should_run_guardrail(data, GuardrailEventHooks.pre_call)
        assert guard.should_run_guardrail(data, GuardrailEventHooks.post_call)
        assert not guard.should_run_guardrail(data, GuardrailEventHooks.logging_only)
    for given in (
        {"account_from": "hair"},
        {"run_in_parallel": True},
        {"answers": "burn"},
        {"token_file": "/none"},
    ):
        try:
            Headwater("headwater", **given)
        except ConfigurationError:
            continue
        raise AssertionError(given)


def hidden() -> None:
    told = json.loads(sys.argv[1])
    told["choices"][0]["message"] |= {"reasoning_content": "hm", "thinking_blocks": [{"type": "thinking"}]}
    answer = without_reasoning(ModelResponse(**told))
    assert "hm" not in answer.model_dump_json()
    assert answer.choices[0].message.content == "Hello there."
    stream = Streamed("chat", hide_usage=True, hide_reasoning=True, keeps=True)
    for delta in ({"reasoning_content": "hm"}, {"content": "Hello"}):
        event = ModelResponseStream(id="c", created=1, model="m", choices=[{"index": 0, "delta": delta}])
        passed = stream.feed(event)
        assert "hm" not in passed.model_dump_json(exclude_none=True)
    usage = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
    last = ModelResponseStream(id="c", created=1, model="m", choices=[], usage=usage)
    assert stream.feed(last) is None
    assert (stream.usage, stream.written, "Hello" in (stream.text or "")) == ((7, 2), 3, True)
    events = Streamed("messages", hide_usage=False, hide_reasoning=True, keeps=False)
    thought = b'data: {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking"}}\n\n'
    words = b'data: {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Hi"}}\n\n'
    assert events.feed(thought) is None
    assert b'"index":0' in events.feed(words)
    message = {"content": [{"type": "thinking"}, {"type": "text", "text": "Hi"}]}
    assert without_reasoning(message) == {"content": [{"type": "text", "text": "Hi"}]}
    item = {
        "type": "response.completed",
        "response": {"output": [{"type": "reasoning", "content": ["hm"], "summary": []}]},
    }
    assert "hm" not in json.dumps(without_reasoning(item))
    assert without_reasoning({"type": "response.reasoning_text.delta", "delta": "hm"}) is None


asyncio.run(accounts())
always()
hidden()
sys.stdout.write("all is as it should be\n")
