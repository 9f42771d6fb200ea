"""Health without a key, and metrics of all workers on a listener of their own, which name nobody."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from faults.gateways import Model, Served, chat, modelled
from gateway.deciders import deciding
from gateway.doors import CHAT, Client, get, post, run
from gateway.gates import gate
from headwater.gateway.metrics.board import Board
from headwater.gateway.metrics.figures import SERIES
from headwater.gateway.metrics.page import page
from ports import free_port

CHATS = "/v1/chat/completions"
LINE = re.compile(r"(headwater_[a-z_]+)(?:\{([a-z]+)=\"([a-z0-9_]+)\"\})? (\d+)")


def read(text: str) -> dict[str, int]:
    """Series → value; the text has to be Prometheus' format: help, type, then the metric's series."""
    found: dict[str, int] = {}
    name = ""
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name = line.split(" ")[2]
        elif line.startswith("# TYPE "):
            assert line.split(" ")[2:] in ([name, "counter"], [name, "gauge"])
            assert (line.split(" ")[3] == "counter") == name.endswith("_total")
        else:
            held = LINE.fullmatch(line)
            assert held is not None, line
            assert held[1] == name
            found[f"{held[1].removeprefix('headwater_')}{'.' if held[3] else ''}{held[3] or ''}"] = int(
                held[4]
            )
    return found


def test_health_needs_no_key_and_is_never_forwarded(tmp_path: Path) -> None:
    async def test() -> None:
        async with gate(tmp_path / "g") as door:
            client = await door.client()
            for _ in range(2):  # the connection goes on
                status, fields, body = await client.ask(get(b"/healthz"))
                assert (status, body, fields["cache-control"]) == (200, b"ok\n", "no-store")
            status, _, _ = await (await door.client()).ask(post(b"/healthz", b"{}"))
            assert status == 404
            assert (await (await door.client()).ask(get(b"/metrics")))[0] == 404
            assert door.stub.requests == []
            door.relay.draining = True
            status, fields, body = await client.ask(get(b"/healthz"))
            assert (status, body, fields["connection"]) == (503, b"stopping\n", "close")
            door.relay.draining = False
        async with deciding(tmp_path / "d") as service:
            assert (await service.send(get(b"/healthz")))[0] == 200

    run(test)


def test_what_a_relay_counts(tmp_path: Path) -> None:
    async def test() -> None:
        tiers = {"verified-contact": {"requests_per_minute": 1}}
        async with gate(tmp_path / "g", accounts={"bob": "verified-contact"}, tiers=tiers) as door:
            for wanted in (200, 429):
                assert (await door.ask("bob", CHATS, CHAT))[0] == wanted
            nobody = await door.client()
            assert (await nobody.ask(post(CHATS.encode(), CHAT)))[0] == 401
            assert (await nobody.ask(get(b"/nowhere")))[0] == 404
            await door.stub.stop()
            for each in [*door.relay.pool._all]:
                each.abort()
            found = door.relay.counted()
            assert found["requests_total.complete"] == 1
            assert found["requests_total.answered"] == 2
            assert [found[f"responses_total.{one}"] for one in (200, 401, 404, 429)] == [1, 1, 1, 1]
            assert (found["tokens_total.input"], found["tokens_total.output"]) == (11, 3)
            assert found["journal_records_total.unrecorded"] == found["budget_store_gone"] == 0
            assert found["requests_running"] == 0
            assert found["connections"] == 3
            assert set(found) <= {one.key for one in SERIES}

    run(test)


def test_a_worker_that_takes_anothers_place_goes_on_counting() -> None:
    board = Board(2)
    first, second = board.row(0), board.row(1)
    first.show({"requests_total.complete": 5, "connections": 3})
    second.show({"requests_total.complete": 7, "connections": 4})
    again = board.row(0)
    again.show({"requests_total.complete": 1, "connections": 1})
    told = read(page(board.total()).decode())
    assert (told["requests_total.complete"], told["connections"]) == (13, 5)
    assert "responses_total.200" not in told
    assert told["budget_store_gone"] == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_metrics_are_those_of_all_workers_and_name_nobody(tmp_path: Path, workers: str) -> None:
    port = free_port()
    toml = f"[metrics]\nport = {port}"
    with (
        modelled(Model()) as upstream,
        Served(tmp_path / "g", upstream, "--workers", workers, toml=toml) as gateway,
    ):

        def told() -> str:
            async def ask() -> str:
                client = Client(*await asyncio.open_connection("127.0.0.1", port))
                status, fields, body = await client.ask(get(b"/metrics"))
                client.close()
                assert (status, fields["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
                return body.decode()

            return asyncio.run(ask())

        for number in range(12):
            assert gateway.now("alice", chat(number))[0] == 200
        gateway.wait_for(lambda: read(told())["requests_total.complete"] == 12)
        gateway.wait_for(lambda: read(told())["journal_records_total.recorded"] == 24)
        assert read(told())["responses_total.200"] == 12
        for hidden in ("alice", "127.0.0.1", *gateway.keys.values()):
            assert hidden not in told()
        if workers == "2":
            for each in gateway.workers():
                each.kill()
            gateway.wait_for(lambda: len(gateway.workers()) == 2 and gateway.now("alice", chat(99))[0] == 200)
            gateway.wait_for(lambda: read(told())["requests_total.complete"] >= 13)
        assert gateway.stop() == 0
