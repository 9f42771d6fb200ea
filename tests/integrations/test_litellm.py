"""A real LiteLLM proxy with the guardrail, a stub model server behind it, and the official clients in front.

The proxy lives in an environment of its own (`make .venv/.litellm`); all tests of this file share one.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from gateway.deciders import recorded
from gateway.stub import ANSWER, STREAM_HEAD, Request, chunk, model, openai_events, plain
from headwater.exchange.journal import Outcome
from integrations.places import (
    AT_US,
    BY,
    Model,
    Service,
    decision_service,
    running,
    stub_model,
    until,
)
from ports import free_port

APART = Path(sys.prefix) / "litellm" / "bin"
pytestmark = [
    pytest.mark.litellm,
    pytest.mark.slow,
    pytest.mark.xdist_group("litellm"),
    pytest.mark.skipif(
        not (APART / "litellm").exists(), reason="LiteLLM isn't installed (make .venv/.litellm)"
    ),
]
ACCOUNTS = {
    "alice": "contracted",
    "bob": "verified-contact",
    "carol": "verified-payment",
    "dora": "verified-organisation",
    "eve": "anonymous",
}
LIMIT = 3000
TIERS: dict[str, dict[str, Any]] = {
    "verified-contact": {"requests_per_minute": 4, "tokens_per_minute": 900, "concurrent_requests": 9},
    "verified-payment": {"concurrent_requests": 1},
    "anonymous": {
        "requests_per_minute": 10_000, "requests_per_day": 10_000, "tokens_per_minute": 10**6, "tokens_per_day": LIMIT,
        "concurrent_requests": 500, "asns_per_day": 9, "addresses_per_day": 9,
    },
}  # fmt: skip
CONFIG = """
model_list:
  - model_name: m
    litellm_params: {{model: openai/m, api_base: "http://127.0.0.1:{model}/v1", api_key: upstream-key}}
  - model_name: claude
    litellm_params: {{model: anthropic/m, api_base: "http://127.0.0.1:{model}", api_key: upstream-key}}
general_settings:
  master_key: sk-{master}
  custom_auth: headwater.integrations.litellm_auth.user_api_key_auth
  cancel_on_disconnect: true
litellm_settings: {{num_retries: 0}}
router_settings: {{num_retries: 0, allowed_fails: 100000}}
guardrails:
  - guardrail_name: headwater
    litellm_params:
      guardrail: headwater.integrations.litellm.Headwater
      mode: [pre_call, post_call]
      default_on: true
      api_base: {service}
      token_file: {token_file}
      account_from: credential
"""


async def scripted(request: Request) -> bool:
    """Answers as the first message says: `words 500`, `slow`, `fails`, `waits`."""
    said = request.body.decode()
    if "fails" in said:
        await request.send(
            plain(b'{"error": {"message": "no", "type": "server_error"}}', b"500 Internal Server Error")
        )
        return True
    if "waits" in said:
        await request.reader.read(1)  # until who asked has gone
        raise ConnectionResetError
    found = re.search(r"words (\d+)", said)
    if not request.wants_stream or found is None:
        return await model(request)
    events = openai_events(int(found[1]))
    await request.send(STREAM_HEAD)
    for event in events:
        await request.send(chunk(event))
        if "slow" in said:
            await asyncio.sleep(0.02)
    await request.send(b"0\r\n\r\n")
    return True


@dataclass
class Proxy:
    """LiteLLM's proxy, the service that it asks, and the model server behind it."""

    port: int
    service: Service
    model: Model
    folder: Path
    counted: set[str] = field(default_factory=set)

    def client(self, account: str, **more: Any) -> openai.OpenAI:
        key = self.service.keys.get(account, account)
        base = f"http://127.0.0.1:{self.port}/v1"
        return openai.OpenAI(api_key=key, base_url=base, max_retries=0, timeout=60, **more)

    def chat(self, account: str, content: str = "Hi", **more: Any) -> Any:
        return self.client(account).chat.completions.create(
            model="m", messages=[{"role": "user", "content": content}], **more
        )

    def ask(self, method: str, path: str, key: str, body: Any = None) -> int:
        """The status of a plain request, for what no client library would send."""
        own = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        own.request(method, path, None if body is None else json.dumps(body), headers)
        try:
            return own.getresponse().status
        finally:
            own.close()

    def ends(self, account: str, count: int) -> list[Outcome]:
        """How the requests of an account ended that no test has looked at yet, once there are `count`."""

        def found() -> list[Outcome]:
            accepted, outcomes = recorded(self.service.folder)
            mine = {one.id for one in accepted if one.account == account} - self.counted
            return [one for one in outcomes if one.id in mine]

        until(lambda: len(found()) >= count, f"{count} ends of {account}")
        ends = found()
        self.counted |= {one.id for one in ends}
        return ends


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("litellm")
    port = free_port()
    settings = "[control]\nslice_tokens = 200\n"
    with (
        stub_model(scripted) as behind,
        decision_service(folder / "gateway", ACCOUNTS, TIERS, settings) as service,
    ):
        text = CONFIG.format(
            model=behind.port,
            master="0123456789abcdef" * 3,
            service=service.url,
            token_file=service.token_file,
        )
        (folder / "config.yaml").write_text(text, "utf-8")
        environment = {
            **os.environ,
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "HEADWATER_DECISIONS_URL": service.url,
            "HEADWATER_DECISIONS_TOKEN_FILE": str(service.token_file),
        }
        environment.pop("DATABASE_URL", None)
        words = [str(APART / "litellm"), "--config", str(folder / "config.yaml"), "--host", "127.0.0.1"]
        with running([*words, "--port", str(port)], port, folder / "litellm.log", env=environment):
            yield Proxy(port, service, behind, folder)


def test_who_is_known_passes_and_is_settled_by_what_was_used(proxy: Proxy) -> None:
    raw = proxy.client("dora").chat.completions.with_raw_response.create(
        model="m", messages=[{"role": "user", "content": "Hi"}], max_tokens=50
    )
    assert raw.parse().choices[0].message.content == "Hello there."
    assert raw.headers["x-ratelimit-limit-requests"] == "3000"
    assert raw.headers["ratelimit"].startswith('"requests";r=2999')
    (end,) = proxy.ends("dora", 1)
    assert (end.status, end.input_tokens, end.output_tokens, end.cancelled) == (200, 11, 3, False)
    assert json.loads(end.body or b"")["choices"][0]["message"]["content"] == "Hello there."
    request = proxy.model.stub.requests[-1]
    assert b"hw_live" not in request.head + request.body
    assert b"headwater" not in request.head + request.body
    log = (proxy.folder / "litellm.log").read_text()
    assert all(key not in log for key in (*proxy.service.keys.values(), proxy.service.token))


def test_a_stream_passes_and_tells_its_usage_only_where_it_was_asked_for(proxy: Proxy) -> None:
    for more, usages in (({}, 0), ({"stream_options": {"include_usage": True}}, 1)):
        events = list(proxy.chat("alice", "words 9", stream=True, **more))
        assert sum(event.usage is not None for event in events) == usages
        assert sum(bool(choice.delta.content) for event in events for choice in event.choices) == 9
    assert json.loads(proxy.model.stub.requests[-2].body)["stream_options"] == {"include_usage": True}
    ends = proxy.ends("alice", 2)
    assert [(one.input_tokens, one.output_tokens, one.cancelled) for one in ends] == [(11, 3, False)] * 2
    assert all(b"w8" in (one.body or b"") for one in ends)


def test_messages_of_anthropic_pass_whole_and_streamed(proxy: Proxy) -> None:
    base = f"http://127.0.0.1:{proxy.port}"
    asked: dict[str, Any] = {
        "model": "claude",
        "max_tokens": 50,
        "messages": [{"role": "user", "content": "Hi"}],
    }
    with anthropic.Anthropic(api_key=proxy.service.keys["alice"], base_url=base, max_retries=0) as client:
        assert client.messages.create(**asked).content[0].text == "Hello there."  # type: ignore[union-attr]
        with client.messages.stream(**asked) as stream:
            assert "".join(stream.text_stream) == "w0 w1 w2 w3 w4 "
    ends = proxy.ends("alice", 2)
    assert [(one.input_tokens, one.output_tokens) for one in ends] == [(25, 15)] * 2


def test_who_isnt_known_is_let_in_nowhere(proxy: Proxy) -> None:
    with pytest.raises(openai.AuthenticationError):
        proxy.chat("hw_live_nobody")
    for path in ("/key/list", "/key/generate", "/spend/logs", "/model/info", "/config/yaml"):
        assert proxy.ask("GET", path, "hw_live_nobody") in (401, 403, 404, 405), path
    sent = len(proxy.model.stub.requests)
    body = {"model": "m", "prompt": "a river"}
    assert proxy.ask("POST", "/v1/images/generations", proxy.service.keys["alice"], body) == 403
    assert len(proxy.model.stub.requests) == sent


def test_no_client_can_leave_the_guardrail_out(proxy: Proxy) -> None:
    proxy.service.change(lambda identity: identity.change_account("dora", BY, AT_US, {"state": "suspended"}))
    for more in (
        {}, {"guardrails": []}, {"guardrails": ["another"]}, {"metadata": {"guardrails": []}},
        {"disable_global_guardrails": True}, {"metadata": {"disable_global_guardrails": True}},
        {"metadata": {"headwater_decision": "x" * 32}},
    ):  # fmt: skip
        with pytest.raises((openai.PermissionDeniedError, openai.BadRequestError)):
            proxy.chat("dora", extra_body=more)
    proxy.service.change(lambda identity: identity.change_account("dora", BY, AT_US, {"state": "active"}))


def test_an_account_that_is_suspended_reads_a_403(proxy: Proxy) -> None:
    proxy.service.change(lambda identity: identity.change_account("dora", BY, AT_US, {"state": "suspended"}))
    with pytest.raises(openai.PermissionDeniedError) as suspended:
        proxy.chat("dora")
    assert suspended.value.response.headers["x-should-retry"] == "false"
    proxy.service.change(lambda identity: identity.change_account("dora", BY, AT_US, {"state": "active"}))
    proxy.chat("dora", max_tokens=50)


def test_a_stream_whose_client_goes_is_settled_by_what_was_written(proxy: Proxy) -> None:
    stream = proxy.chat("carol", "slow words 3000", stream=True, max_tokens=3000)
    for _, _ in zip(range(12), stream, strict=False):
        pass
    with pytest.raises(openai.RateLimitError):
        proxy.chat("carol", max_tokens=50)
    stream.close()
    (end,) = proxy.ends("carol", 1)
    assert end.cancelled
    assert 10 <= (end.output_tokens or 0) < 2500
    proxy.chat("carol", max_tokens=50)  # its slot has come back
    proxy.ends("carol", 1)


def test_an_answer_whose_client_goes_gives_its_slot_back(proxy: Proxy) -> None:
    asked = {"model": "m", "messages": [{"role": "user", "content": "waits"}], "max_tokens": 50}
    sent = len(proxy.model.stub.requests)
    with pytest.raises(openai.APITimeoutError):
        proxy.client("carol").with_options(timeout=3).chat.completions.create(**asked)  # type: ignore[call-overload]
    assert len(proxy.model.stub.requests) == sent + 1
    (end,) = proxy.ends("carol", 1)
    assert (end.output_tokens, end.cancelled) == (0, True)
    proxy.chat("carol", max_tokens=50)
    proxy.ends("carol", 1)


def test_a_model_server_that_fails_costs_no_tokens(proxy: Proxy) -> None:
    with pytest.raises(openai.InternalServerError):
        proxy.chat("alice", "fails", max_tokens=50)
    (end,) = proxy.ends("alice", 1)
    assert (end.output_tokens, end.input_tokens) == (0, 0)
    assert (end.status or 0) >= 500


def test_a_stream_of_a_low_tier_ends_when_its_budget_does(proxy: Proxy) -> None:
    words = 0
    told: Any = None
    try:
        for event in proxy.chat("bob", "words 3000", stream=True):
            words += sum(bool(choice.delta.content) for choice in event.choices)
    except openai.APIError as error:
        told = error
    assert 400 < words < 900
    assert told is not None
    (end,) = proxy.ends("bob", 1)
    assert words <= (end.output_tokens or 0) <= 900


def test_a_budget_that_is_spent_is_a_429_that_says_when(proxy: Proxy) -> None:
    denied: Any = None
    for _ in range(5):
        try:
            proxy.chat("bob", max_tokens=1)
        except openai.RateLimitError as error:
            denied = error
            break
    assert denied is not None
    assert int(denied.response.headers["retry-after"]) > 0
    assert denied.body["provider_specific_fields"]["violated_policies"]


def test_a_budget_is_never_over_however_many_ask_at_once(proxy: Proxy) -> None:
    async def ask(client: openai.AsyncOpenAI, at: int) -> bool:
        try:
            answer: Any = await client.chat.completions.create(
                model="m",
                messages=[{"role": "user", "content": "words 40"}],
                max_tokens=5,
                stream=bool(at % 2),
            )
            if at % 2:
                async for event in answer:
                    if at % 5 == 0 and event.choices:
                        break
                await answer.close()
        except openai.RateLimitError:
            return False
        return True

    async def crowd() -> int:
        key, base = proxy.service.keys["eve"], f"http://127.0.0.1:{proxy.port}/v1"
        async with openai.AsyncOpenAI(api_key=key, base_url=base, max_retries=0, timeout=60) as client:
            served = 0
            for _ in range(14):
                served += sum(await asyncio.gather(*(ask(client, at) for at in range(30))))
        return served

    served = asyncio.run(crowd())
    assert 150 < served < 420
    ends = proxy.ends("eve", served)
    used = sum((one.input_tokens or 0) + (one.output_tokens or 0) for one in ends)
    assert 0.9 * LIMIT < used <= LIMIT


def test_what_the_hooks_do_without_a_proxy(proxy: Proxy) -> None:
    program = Path(__file__).parent / "litellm_hooks.py"
    environment = {
        **os.environ,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "HEADWATER_DECISIONS_URL": proxy.service.url,
        "HEADWATER_DECISIONS_TOKEN_FILE": str(proxy.service.token_file),
    }
    words = [str(APART / "python"), str(program), ANSWER.decode()]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "all is as it should be" in done.stdout


def test_nobody_passes_while_the_service_is_gone(proxy: Proxy) -> None:
    process = proxy.service.process
    assert process is not None
    process.terminate()
    process.wait(15)
    sent = len(proxy.model.stub.requests)
    with pytest.raises(openai.InternalServerError) as gone:
        proxy.chat("alice", max_tokens=50)
    assert gone.value.status_code == 503
    assert len(proxy.model.stub.requests) == sent
    time.sleep(0.1)
