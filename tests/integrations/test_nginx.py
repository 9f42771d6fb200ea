"""The real nginx with the configuration that the documentation shows: who passes, and what the others are told."""

from __future__ import annotations

import json
import shutil
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from gateway.deciders import recorded
from gateway.stub import STREAM_HEAD, Request, Script, chunk, model, openai_events
from integrations.places import (
    AT_US,
    BY,
    CHAT,
    Model,
    Service,
    decision_service,
    running,
    stub_model,
    until,
)
from ports import free_port

CONFIGURATION = Path(__file__).parents[2] / "examples" / "nginx" / "headwater.conf"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx isn't installed"),
]
ACCOUNTS = {"alice": "verified-organisation", "bob": "verified-contact"}
MAIN = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/headwater.conf;
}}
"""


@dataclass
class Front:
    """nginx, the service that it asks, and the model server behind it."""

    port: int
    service: Service
    model: Model
    log: Path

    def client(self, account: str, **more: Any) -> openai.OpenAI:
        return openai.OpenAI(
            api_key=self.service.keys.get(account, account),
            base_url=f"http://127.0.0.1:{self.port}/v1",
            max_retries=0,
            **more,
        )

    def get(self, path: str, account: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """A plain request, for what no client library would send."""
        given = {"Authorization": f"Bearer {self.service.keys[account]}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        asked = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=given)
        try:
            with urllib.request.urlopen(asked, timeout=20) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            return error.code, dict(error.headers), error.read()


@contextmanager
def fronted(
    folder: Path, script: Script = model, tiers: dict[str, dict[str, Any]] | None = None
) -> Iterator[Front]:
    """The configuration as it is shipped, with other ports and another place for the token."""
    port = free_port()
    own = folder / "nginx"
    own.mkdir()
    with stub_model(script) as behind, decision_service(folder / "gateway", ACCOUNTS, tiers) as service:
        text = CONFIGURATION.read_text("utf-8")
        for shipped, here in (
            ("127.0.0.1:8081", f"127.0.0.1:{service.port}"),
            ("127.0.0.1:8000", f"127.0.0.1:{behind.port}"),
            ("listen 8080;", f"listen 127.0.0.1:{port};"),
            ("/etc/nginx/headwater-token.conf", f"{own}/token.conf"),
        ):
            assert text.count(shipped) == 1, shipped
            text = text.replace(shipped, here)
        (own / "headwater.conf").write_text(text, "utf-8")
        (own / "token.conf").write_text(f'proxy_set_header X-Headwater-Token "{service.token}";\n')
        (own / "nginx.conf").write_text(MAIN.format(folder=own))
        words = ["nginx", "-e", "stderr", "-p", str(own), "-c", str(own / "nginx.conf")]
        with running(words, port, folder / "nginx.log"):
            yield Front(port, service, behind, folder / "nginx.log")


def test_who_is_known_passes_and_the_model_server_sees_no_key(tmp_path: Path) -> None:
    with fronted(tmp_path) as front:
        raw = front.client("alice").chat.completions.with_raw_response.create(**CHAT)
        assert raw.parse().choices[0].message.content == "Hello there."
        assert raw.headers["x-ratelimit-limit-requests"] == "3000"
        assert raw.headers["x-ratelimit-remaining-requests"] == "2999"
        assert raw.headers["ratelimit"].startswith('"requests";r=2999')
        head = front.model.stub.requests[-1].head.lower()
        assert b"x-headwater-account: alice" in head
        for hidden in (b"authorization", b"hw_live", b"x-headwater-token", service_token(front)):
            assert hidden not in head
        with anthropic.Anthropic(
            api_key=front.service.keys["alice"], base_url=f"http://127.0.0.1:{front.port}", max_retries=0
        ) as client:
            said = client.messages.with_raw_response.create(max_tokens=9, **CHAT)  # type: ignore[call-overload]
            assert said.headers["anthropic-ratelimit-requests-limit"] == "3000"
        assert b"hw_live" not in front.model.stub.requests[-1].head


def service_token(front: Front) -> bytes:
    return front.service.token.encode()


def test_who_isnt_let_in_reads_a_native_error_with_its_status(tmp_path: Path) -> None:
    tiers = {"verified-contact": {"requests_per_minute": 2}}
    with fronted(tmp_path, tiers=tiers) as front:
        with pytest.raises(openai.AuthenticationError) as unknown:
            front.client("hw_live_nobody").chat.completions.create(**CHAT)
        assert unknown.value.code == "invalid_api_key"
        bob = front.client("bob")
        for _ in range(2):
            bob.chat.completions.create(**CHAT)
        with pytest.raises(openai.RateLimitError) as limited:
            bob.chat.completions.create(**CHAT)
        assert int(limited.value.response.headers["retry-after"]) > 0
        assert limited.value.body["violated_policies"] == ["requests_per_minute"]  # type: ignore[index]
        assert limited.value.response.headers["x-ratelimit-remaining-requests"] == "0"
        assert limited.value.response.headers["ratelimit-policy"].startswith('"requests";q=2')
        with (
            anthropic.Anthropic(
                api_key=front.service.keys["bob"], base_url=f"http://127.0.0.1:{front.port}", max_retries=0
            ) as client,
            pytest.raises(anthropic.RateLimitError) as other,
        ):
            client.messages.create(max_tokens=9, **CHAT)  # type: ignore[call-overload]
        assert other.value.body["error"]["type"] == "rate_limit_error"  # type: ignore[index]
        front.service.change(
            lambda identity: identity.change_account("alice", BY, AT_US, {"state": "suspended"})
        )
        with pytest.raises(openai.PermissionDeniedError) as suspended:
            front.client("alice").chat.completions.create(**CHAT)
        assert suspended.value.code == "account_inactive"
        assert suspended.value.response.headers["x-should-retry"] == "false"
        assert len(front.model.stub.requests) == 2


def test_paths_outside_of_the_api_never_reach_the_model_server(tmp_path: Path) -> None:
    with fronted(tmp_path) as front:
        for path in ("/metrics", "/invocations", "/v1/load_lora_adapter", "/v1/../metrics", "/v1/%2e%2e/metrics",
                     "/_headwater", "//v1/models", "/v1//models", "/v1/files"):  # fmt: skip
            status, _, body = front.get(path, "alice")
            assert status in (403, 404), path
            assert status == 404 or json.loads(body)["error"]["code"] == "feature_not_available"
        assert front.get("/v1/models", "alice")[0] == 200
        assert len(front.model.stub.requests) == 1


def test_what_a_client_says_of_itself_doesnt_count(tmp_path: Path) -> None:
    with fronted(tmp_path) as front:
        status, _, _ = front.get(
            "/v1/models", "alice", X_Headwater_Account="bob", X_Original_URI="/v1/files", X_Original_Method="DELETE",
            X_Headwater_Token="x", X_Forwarded_For="198.51.100.1", X_Headwater_Address="198.51.100.1",
        )  # fmt: skip
        assert status == 200
        assert b"x-headwater-account: alice" in front.model.stub.requests[-1].head.lower()
        spoofed = {"X-Forwarded-For": "198.51.100.1", "X-Headwater-Address": "198.51.100.1"}
        front.client("alice").chat.completions.create(extra_headers=spoofed, **CHAT)
    assert {one.ip for one in recorded(tmp_path / "gateway")[0]} == {"127.0.0.1"}


def test_a_stream_passes_event_by_event(tmp_path: Path) -> None:
    read = threading.Event()

    async def waits(request: Request) -> bool:
        import asyncio

        first, *rest = openai_events(3)
        await request.send(STREAM_HEAD, chunk(first))
        await asyncio.to_thread(read.wait, 20)  # the rest comes only once the client has read the first
        await request.send(*(chunk(event) for event in rest), b"0\r\n\r\n")
        return True

    with fronted(tmp_path, waits) as front:
        words = []
        for event in front.client("alice", timeout=30).chat.completions.create(stream=True, **CHAT):
            read.set()
            words += [choice.delta.content for choice in event.choices]
        assert words == ["w0 ", "w1 ", "w2 "]


def test_nobody_passes_while_the_service_is_gone_and_its_operator_is_told(tmp_path: Path) -> None:
    with fronted(tmp_path) as front:
        process = front.service.process
        assert process is not None
        process.terminate()
        process.wait(15)
        with pytest.raises(openai.InternalServerError) as gone:
            front.client("alice").chat.completions.create(**CHAT)
        assert gone.value.status_code == 503
        assert gone.value.response.headers["retry-after"] == "1"
        assert front.model.stub.requests == []
        until(lambda: b"auth request" in front.log.read_bytes(), "nginx says why")
