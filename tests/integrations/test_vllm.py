"""The middleware for vLLM under uvicorn, around an application that behaves like vLLM's server."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
import pytest

from gateway.deciders import recorded
from headwater.keys import TicketKey, load_ticket_keys, save_ticket_key
from headwater.mark import TicketVerifier
from integrations.places import AT_US, BY, Service, decision_service, running, until
from ports import free_port

pytestmark = pytest.mark.slow
ACCOUNTS = {"alice": "verified-organisation", "carol": "verified-contact"}
TESTS = Path(__file__).parents[1]
APART = Path(sys.prefix) / "litellm" / "bin" / "python"


def chat(content: str, **more: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": content}], **more}


@dataclass
class Server:
    """uvicorn with the application in the middleware, and the service that it asks."""

    port: int
    service: Service
    file: Path

    def client(self, account: str) -> openai.OpenAI:
        key = self.service.keys.get(account, account)
        return openai.OpenAI(
            api_key=key, base_url=f"http://127.0.0.1:{self.port}/v1", max_retries=0, timeout=30
        )

    @property
    def seen(self) -> list[Any]:
        """What the application saw."""
        return [json.loads(line) for line in self.file.read_text().splitlines()] if self.file.exists() else []

    def ask(self, method: str, path: str, account: str = "", body: bytes | None = None) -> tuple[int, bytes]:
        own = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"Authorization": f"Bearer {self.service.keys[account]}"} if account else {}
        own.request(method, path, body, headers)
        answer = own.getresponse()
        try:
            return answer.status, answer.read()
        finally:
            own.close()


@contextmanager
def served(
    folder: Path,
    tiers: dict[str, dict[str, Any]] | None = None,
    settings: str = "",
    python: str = sys.executable,
    app: str = "made",
    **more: str,
) -> Iterator[Server]:
    port = free_port()
    with decision_service(folder / "gateway", ACCOUNTS, tiers, settings) as service:
        environment = {
            **os.environ,
            "PYTHONPATH": str(TESTS),
            "SEEN": str(folder / "seen.jsonl"),
            "HEADWATER_DECISIONS_URL": service.url,
            "HEADWATER_DECISIONS_TOKEN_FILE": str(service.token_file),
            **more,
        }
        words = [python, "-m", "uvicorn", "--factory", f"integrations.vllm_like:{app}", "--port", str(port)]
        with running(words, port, folder / "server.log", env=environment):
            yield Server(port, service, folder / "seen.jsonl")


def test_who_is_known_passes_and_the_server_sees_no_key(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        raw = server.client("alice").chat.completions.with_raw_response.create(**chat("Hi", max_tokens=50))
        assert raw.parse().choices[0].message.content == "w w w "
        assert raw.headers["x-ratelimit-limit-requests"] == "3000"
        asked = server.seen[-1]
        assert asked["headers"]["x-headwater-account"] == "alice"
        assert int(asked["headers"]["content-length"]) == len(asked["body"])
        assert "authorization" not in asked["headers"]
        assert "hw_live" not in json.dumps(asked)
    (accepted,), (outcome,) = recorded(tmp_path / "gateway")
    assert (accepted.account, accepted.ip, outcome.input_tokens, outcome.output_tokens) == (
        "alice", "127.0.0.1", 11, 3,
    )  # fmt: skip
    assert b"w w w " in (outcome.body or b"")


def test_the_engine_gets_the_services_ticket_and_never_a_clients(tmp_path: Path) -> None:
    save_ticket_key(TicketKey(bytes(32)), tmp_path / "tickets.key")
    settings = f'[marks]\nupstream = "vllm"\nkey_file = "{tmp_path / "tickets.key"}"\nepoch = "q4"\n'
    with served(tmp_path, settings=settings) as server:
        forged = {"vllm_xargs": {"headwater_mark": "HWT2.1.a", "other": 1}}
        server.client("alice").chat.completions.create(**chat("Hi", max_tokens=50, extra_body=forged))
        asked = server.seen[-1]
        assert int(asked["headers"]["content-length"]) == len(asked["body"])
        sent = json.loads(asked["body"])["vllm_xargs"]
        verifier = TicketVerifier(load_ticket_keys(tmp_path / "tickets.key"))
        ticket = verifier.verified(sent.pop("headwater_mark"), time.time())
        assert (ticket.account, ticket.layer, ticket.epoch, sent) == ("alice", "default", "q4", {"other": 1})
    (accepted,), _ = recorded(tmp_path / "gateway")
    assert accepted.id == ticket.request


def test_a_stream_passes_as_it_comes_and_its_own_usage_only_where_it_was_asked_for(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        for more, usages in (({}, 0), ({"stream_options": {"include_usage": True}}, 1)):
            events = list(
                server.client("alice").chat.completions.create(stream=True, **chat("words 9", **more))
            )
            assert sum(event.usage is not None for event in events) == usages
            assert sum(bool(one.delta.content) for event in events for one in event.choices) == 9
        assert json.loads(server.seen[-2]["body"])["stream_options"] == {"include_usage": True}
    _, outcomes = recorded(tmp_path / "gateway")
    assert [(one.input_tokens, one.output_tokens, one.cancelled) for one in outcomes] == [(11, 9, False)] * 2


def test_reasoning_as_the_model_wrote_it_is_left_out_for_tiers_that_dont_have_it(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        for account, there in (("alice", True), ("carol", False)):
            status, body = server.ask(
                "POST", "/v1/chat/completions", account, json.dumps(chat("Hi", max_tokens=50)).encode()
            )
            assert (status, b"hm" in body) == (200, there), account
            streamed = json.dumps(chat("Hi", max_tokens=50, stream=True)).encode()
            status, body = server.ask("POST", "/v1/chat/completions", account, streamed)
            assert (status, b"hm" in body, body.endswith(b"data: [DONE]\n\n")) == (200, there, True)


def test_a_stream_whose_client_goes_is_settled_by_what_was_written(tmp_path: Path) -> None:
    tiers = {"verified-organisation": {"concurrent_requests": 1}}
    with served(tmp_path, tiers) as server:
        client = server.client("alice")
        stream = client.chat.completions.create(stream=True, **chat("slow words 3000", max_tokens=3000))
        for _, _ in zip(range(12), stream, strict=False):
            pass
        with pytest.raises(openai.RateLimitError):
            client.chat.completions.create(**chat("Hi", max_tokens=50))
        stream.close()
        until(lambda: server.seen[-1].get("gone"), "the application is told")

        def free() -> bool:
            try:
                client.chat.completions.create(**chat("Hi", max_tokens=50))
            except openai.RateLimitError:
                return False
            return True

        until(free, "its slot comes back")
    _, outcomes = recorded(tmp_path / "gateway")
    gone = [one for one in outcomes if one.cancelled]
    assert len(gone) == 1
    assert gone[0].output_tokens is not None
    assert 10 <= gone[0].output_tokens < 2000


def test_a_stream_of_a_low_tier_ends_when_its_budget_does(tmp_path: Path) -> None:
    tiers = {"verified-contact": {"tokens_per_minute": 900, "tokens_per_day": 900}}
    with served(tmp_path, tiers, "[control]\nslice_tokens = 200\n") as server:
        events = server.client("carol").chat.completions.create(stream=True, **chat("words 3000"))
        words = 0
        told: Any = None
        try:
            for event in events:
                words += sum(bool(choice.delta.content) for choice in event.choices)
        except openai.APIError as error:
            told = error.body
        assert 500 < words < 900
        assert told["violated_policies"] in (["tokens_per_minute"], ["tokens_per_day"])
    (outcome,) = recorded(tmp_path / "gateway")[1]
    assert outcome.output_tokens is not None
    assert words <= outcome.output_tokens <= 900


@pytest.mark.litellm
@pytest.mark.skipif(not APART.exists(), reason="FastAPI isn't installed (it comes with make .venv/.litellm)")
def test_streams_end_in_fastapi_as_they_do_without_it(tmp_path: Path) -> None:
    tiers = {"verified-contact": {"tokens_per_minute": 900, "tokens_per_day": 900}}
    settings = "[control]\nslice_tokens = 200\n"
    with served(tmp_path, tiers, settings, python=str(APART), app="starlette") as server:
        events = list(server.client("alice").chat.completions.create(stream=True, **chat("words 9")))
        assert sum(bool(one.delta.content) for event in events for one in event.choices) == 9
        told: Any = None
        try:
            list(server.client("carol").chat.completions.create(stream=True, **chat("words 3000")))
        except openai.APIError as error:
            told = error.body
        assert told["violated_policies"]
        stream = server.client("alice").chat.completions.create(stream=True, **chat("slow words 3000"))
        for _, _ in zip(range(5), stream, strict=False):
            pass
        stream.close()
        until(lambda: sum("gone" in one for one in server.seen) == 3, "all streams have ended")
        assert [one["gone"] for one in server.seen if "gone" in one] == [False, True, True]
        assert "Traceback" not in (tmp_path / "server.log").read_text()
    _, outcomes = recorded(tmp_path / "gateway")
    assert [(one.cancelled, (one.output_tokens or 0) < 2000) for one in outcomes] == [
        (False, True), (False, True), (True, True),
    ]  # fmt: skip


def test_who_isnt_let_in_reads_a_native_error(tmp_path: Path) -> None:
    with served(tmp_path, {"verified-contact": {"requests_per_minute": 1}}) as server:
        with pytest.raises(openai.AuthenticationError):
            server.client("hw_live_nobody").chat.completions.create(**chat("Hi"))
        server.client("carol").chat.completions.create(**chat("Hi", max_tokens=50))
        with pytest.raises(openai.RateLimitError) as limited:
            server.client("carol").chat.completions.create(**chat("Hi", max_tokens=50))
        assert int(limited.value.response.headers["retry-after"]) > 0
        server.service.change(
            lambda identity: identity.change_account("alice", BY, AT_US, {"state": "suspended"})
        )
        with pytest.raises(openai.PermissionDeniedError) as suspended:
            server.client("alice").chat.completions.create(**chat("Hi"))
        assert suspended.value.code == "account_inactive"
        status, body = server.ask("POST", "/v1/chat/completions", "carol", b'{"n": 0}')
        assert (status, json.loads(body)["error"]["type"]) == (400, "invalid_request_error")
        assert [one["path"] for one in server.seen] == ["/v1/chat/completions"]


def test_only_paths_that_are_known_pass(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        for method, path in (
            ("GET", "/metrics"), ("GET", "/version"), ("POST", "/invocations"), ("POST", "/v1/load_lora_adapter"),
            ("GET", "/v1/../metrics"), ("GET", "//v1/models"), ("POST", "/health"), ("GET", "/v1/files"),
        ):  # fmt: skip
            assert server.ask(method, path, "alice", b"{}" if method == "POST" else None)[0] in (
                403,
                404,
                405,
            ), path
        assert server.seen == []
        assert server.ask("GET", "/health")[0] == 200
        assert server.ask("GET", "/v1/models", "alice")[0] == 200
        assert server.ask("GET", "/v1/models")[0] == 401
        assert server.ask("GET", "/v1%2Fmodels", "alice")[0] == 200  # as the application's own routes read it
        own = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        own.request("GET", "/v1/realtime", headers={
            "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        })  # fmt: skip
        assert own.getresponse().status in (401, 403, 404)
        own.close()


def test_a_server_that_fails_costs_the_request_and_no_tokens(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        with pytest.raises(openai.InternalServerError):
            server.client("alice").chat.completions.create(**chat("crash", max_tokens=50))
        server.client("alice").chat.completions.create(**chat("Hi", max_tokens=50))
    _, outcomes = recorded(tmp_path / "gateway")
    assert sorted((one.status, one.output_tokens) for one in outcomes) == [(200, 3), (500, 0)]


@pytest.mark.parametrize(("fail", "status"), [("closed", 503), ("open", 200)])
def test_what_happens_while_the_service_is_gone_is_set(tmp_path: Path, fail: str, status: int) -> None:
    with served(tmp_path, HEADWATER_DECISIONS_FAIL=fail) as server:
        body = json.dumps(chat("Hi", max_tokens=50)).encode()
        assert server.ask("POST", "/v1/chat/completions", "alice", body)[0] == 200
        process = server.service.process
        assert process is not None
        process.terminate()
        process.wait(15)
        assert server.ask("POST", "/v1/chat/completions", "alice", body)[0] == status
        assert server.ask("GET", "/health")[0] == 200


def test_a_budget_is_never_over_however_many_ask_at_once(tmp_path: Path) -> None:
    limit = 3000
    tiers = {"verified-organisation": {"tokens_per_day": limit}}
    with served(tmp_path, tiers) as server:

        async def ask(client: openai.AsyncOpenAI, at: int) -> bool:
            try:
                asked = chat("words 40", max_tokens=60, stream=bool(at % 2))
                answer = await client.chat.completions.create(**asked)
                if at % 2:
                    async for event in answer:
                        if at % 5 == 0 and event.choices:
                            break
                    await answer.close()
            except openai.RateLimitError:
                return False
            return True

        async def crowd() -> list[bool]:
            key = server.service.keys["alice"]
            base = f"http://127.0.0.1:{server.port}/v1"
            async with openai.AsyncOpenAI(api_key=key, base_url=base, max_retries=0) as client:
                return [
                    one
                    for _ in range(3)
                    for one in await asyncio.gather(*(ask(client, at) for at in range(40)))
                ]

        served_all = asyncio.run(crowd())
        assert 40 < sum(served_all) < 120
        time.sleep(0.5)
    _, outcomes = recorded(tmp_path / "gateway")
    used = sum((one.input_tokens or 0) + (one.output_tokens or 0) for one in outcomes)
    assert 0.9 * limit < used <= limit


def test_an_environment_that_cant_be_used_keeps_the_server_from_starting(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(TESTS), "SEEN": str(tmp_path / "seen")}
    environment.pop("HEADWATER_DECISIONS_TOKEN_FILE", None)
    words = [sys.executable, "-m", "uvicorn", "--factory", "integrations.vllm_like:made", "--port", "0"]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "token" in done.stderr


def test_the_middleware_needs_msgspec_and_nothing_else_of_ours() -> None:
    program = (
        "import sys\n"
        "class Refuse:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name.split('.')[0] in ('numpy', 'pyarrow', 'duckdb', 'numba', 'scipy', 'rich', 'click', 'jinja2',\n"
        "                                  'yaml', 'cel', 'cryptography', 'uvloop', 'httptools', 'httpx'):\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, Refuse())\n"
        "import headwater.integrations.vllm\n"
        "rooms = {name.split('.')[1] for name in sys.modules if name.startswith('headwater.')}\n"
        "print(sorted(rooms))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.strip() == "['errors', 'exchange', 'integrations']", done.stderr
