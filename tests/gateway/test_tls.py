"""TLS on both sides, verified; certificates of an authority that is made for the test."""

from __future__ import annotations

import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.certificates import Authority
from gateway.doors import CHAT, QUICK, STREAM, get, opened, post, run
from gateway.stub import ANSWER, openai_events
from headwater.errors import ConfigurationError
from headwater.gateway import PASS, Exchange, Forward, Passing, RelaySettings
from headwater.gateway.relay.tls import for_clients


class Sees(Passing):
    """Remembers who the clients' certificates say they are."""

    def __init__(self) -> None:
        self.names: list[object] = []

    def on_request(self, exchange: Exchange) -> Forward:
        shown = exchange.certificate
        self.names.append(shown and dict(shown["subjectAltName"]))
        return PASS


def test_tls_on_both_sides(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    settings = replace(
        QUICK,
        certificate=str(authority.certify("localhost")),
        client_ca=str(authority.file),
        upstream_ca=str(authority.file),
    )
    sees = Sees()

    async def test() -> None:
        async with opened(settings=settings, stages=[sees], tls=authority.server()) as door:
            client = await door.client(authority.trusting())
            for _ in range(3):
                assert (await client.ask(post(b"/v1/chat/completions", CHAT)))[2] == ANSWER
            _, _, body = await client.ask(post(b"/v1/chat/completions", STREAM))
            assert body == b"".join(openai_events())
            assert len(door.stub.connections) == 1
            shown = authority.trusting()
            shown.load_cert_chain(authority.certify("customer", client=True))
            assert (await (await door.client(shown)).ask(get(b"/v1/models")))[0] == 200
            assert sees.names == [None] * 4 + [{"DNS": "customer"}]
            large = b"x" * 3_000_000
            assert (await client.ask(post(b"/v1/files", large)))[0] == 200
            assert door.stub.requests[-1].body == large

    run(test)


@pytest.mark.parametrize("wrong", ["name", "authority", "purpose"])
def test_an_upstream_that_cant_be_verified_is_a_502_and_learns_nothing(tmp_path: Path, wrong: str) -> None:
    known, other = Authority(tmp_path), Authority(tmp_path, "another")
    made = {
        "name": lambda: known.certify("elsewhere"),
        "authority": lambda: other.certify("localhost"),
        "purpose": lambda: known.certify("localhost", client=True),
    }[wrong]()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(made)

    async def test() -> None:
        async with opened(settings=replace(QUICK, upstream_ca=str(known.file)), tls=context) as door:
            status, *_ = await (await door.client()).ask(post(b"/v1/chat/completions", CHAT))
            assert status == 502
            assert not any(door.stub.connections)

    run(test)


def test_files_that_cant_be_used_are_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    for file in (str(broken), str(tmp_path / "missing.pem")):
        with pytest.raises(ConfigurationError) as caught:
            for_clients(RelaySettings(certificate=file))
        assert caught.value.where.file == file
