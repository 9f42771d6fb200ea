"""A gateway's processes killed under load: replaced, gone with each other, and nothing that was accepted is lost."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from faults.gateways import (
    Load,
    Model,
    Served,
    chat,
    headwater,
    in_parquet,
    journalled,
    modelled,
    numbers,
    run,
)
from headwater.control.budget import Ask, Per, Shape, SqliteStore
from headwater.exchange.journal import Outcome, journal_files, relays
from headwater.gateway.composition import EXCHANGES, JOURNAL

pytestmark = pytest.mark.xdist_group("gateway-killed")

#: The journal's window is 10 ms while the disk keeps up; this disk is given more time than that.
WINDOW_S = 0.3
BUDGETS = """
[[control.budgets]]
name = "day"
kind = "token-quota"
scope = "account"
limit = {limit}
per = "day"
only = ["bob"]
"""


def test_workers_killed_under_load(tmp_path: Path) -> None:
    """Each is replaced, what was accepted is in the journal, and a budget isn't overrun."""
    draw, limit, model = random.Random(1), 20_000, Model()
    with modelled(model) as upstream:
        gateway = Served(
            tmp_path / "g", upstream, "--workers", "2", "--budgets", "node", "--no-rotation",
            toml=BUDGETS.format(limit=limit), accounts={"alice": "contracted", "bob": "contracted"},
        )  # fmt: skip
        kills: list[float] = []

        async def test() -> None:
            alice, bob = Load(gateway, "alice", 6), Load(gateway, "bob", 6, 1_000_000)
            for _ in range(4):
                await asyncio.sleep(0.4 + draw.random() * 0.4)
                draw.choice(gateway.workers()).kill()
                kills.append(time.monotonic())
                await asyncio.to_thread(gateway.wait_for, lambda: len(gateway.workers()) == 2)
            async with asyncio.timeout(60):
                while not bob.with_status(429):
                    await asyncio.sleep(0.05)
            await alice.stop()
            await bob.stop()
            loads.extend([alice, bob])

        loads: list[Load] = []
        with gateway:
            run(test)
            assert gateway.stop() == 0
        bob = loads[1]
        written = Counter(numbers(journalled(gateway.folder)))
        assert set(written.values()) == {1}
        served = [
            (number, at) for load in loads for number, (status, at) in load.answered.items() if status == 200
        ]
        # What was answered just before a kill may be read just after it.
        early = [(number, at) for number, at in served if all(abs(kill - at) > WINDOW_S for kill in kills)]
        lost = [number for number, _ in early if number not in written]
        assert (lost, len(early) > 300) == ([], True)
        assert bob.last[2]["error"]["code"] == "insufficient_quota"
        assert limit * 0.9 < model.tokens[1] <= limit


@pytest.mark.parametrize("workers", ["1", "2"])
def test_who_watches_is_killed_and_a_new_one_begins(tmp_path: Path, workers: str) -> None:
    """Workers and rotation end by themselves, the port is free at once, and the next life serves."""
    with modelled(Model()) as upstream, Served(tmp_path / "g", upstream, "--workers", workers) as gateway:
        gateway.wait_for(gateway.rotating)

        async def test() -> None:
            load = Load(gateway, "alice", 6)
            await asyncio.sleep(0.5)
            old = {each.pid for each in gateway.all()}
            assert len(old) == (2 if workers == "1" else 4)
            gateway.kill()
            await asyncio.to_thread(gateway.start)
            before = len(load.with_status(200))
            async with asyncio.timeout(60):
                while len(load.with_status(200)) < before + 100:
                    await asyncio.sleep(0.02)
            await load.stop()
            await asyncio.to_thread(gateway.wait_for, lambda: not old & {each.pid for each in gateway.all()})
            await asyncio.to_thread(gateway.wait_for, gateway.rotating)

        run(test)
        assert gateway.stop() == 0
        assert gateway.all() == []
        assert "Traceback" not in gateway.log


@pytest.mark.parametrize("workers", ["1", "2"])
def test_told_to_end_it_lets_streams_end_and_gives_back_what_it_leased(tmp_path: Path, workers: str) -> None:
    limit, model = 100_000, Model(words=30, pause_s=0.05)
    with modelled(model) as upstream, Served(
        tmp_path / "g", upstream, "--workers", workers,
        toml=BUDGETS.format(limit=limit), accounts={"bob": "contracted"},
    ) as gateway:  # fmt: skip

        async def test() -> None:
            clients = [await gateway.client() for _ in range(8)]
            asks = [
                asyncio.ensure_future(client.ask(gateway.request("bob", chat(number, 100, stream=True))))
                for number, client in enumerate(clients)
            ]
            async with asyncio.timeout(60):
                while model.tokens[0] < 200:
                    await asyncio.sleep(0.02)
            code = asyncio.to_thread(gateway.stop)
            for status, _, body in await asyncio.gather(*asks):
                assert status == 200
                assert body.count(b"data: ") == 31
                assert body.endswith(b"data: [DONE]\n\n")
            assert await code == 0

        run(test)
        assert gateway.all() == []
    records = journalled(gateway.folder)
    assert sorted(numbers(records)) == list(range(8))
    assert [(one.status, one.output_tokens) for one in records if isinstance(one, Outcome)] == [(200, 30)] * 8
    # What a month has beside what was used is there for the next life: nothing lies in leases.
    assert left_of(gateway, limit) == limit - model.tokens[0]


def left_of(gateway: Served, limit: int) -> int:
    """What is left of bob's budget of the day, as the next replica finds it."""
    store = SqliteStore(gateway.folder / "budgets.sqlite")
    ask = Ask(
        "day.token-quota.day:bob", Shape.QUOTA, Per.DAY, limit, limit, 1, 1, 10**9, 1, 0, 0, 0, 0, 0, 0, "", 0
    )
    (answer,) = store.exchange("test", [ask])
    store.close()
    return answer.balance


def test_a_rotation_killed_again_and_again_loses_and_doubles_nothing(tmp_path: Path) -> None:
    draw = random.Random(2)
    toml = "rotate_s = 1\n[journal]\nfile_bytes = 20_000\nfile_age_us = 1_000_000\n"
    with (
        modelled(Model()) as upstream,
        Served(tmp_path / "g", upstream, "--workers", "2", toml=toml) as gateway,
    ):
        loads: list[Load] = []

        async def test() -> None:
            load = Load(gateway, "alice", 3, pause_s=0.03)
            for _ in range(6):
                # The one that goes round, and one that it has begun.
                await asyncio.to_thread(gateway.wait_for, lambda: len(gateway.rotating()) == 2)
                await asyncio.sleep(draw.random() * 0.6)
                for each in draw.sample(gateway.rotating(), 1):
                    with suppress(psutil.NoSuchProcess):
                        each.kill()
            await load.stop()
            loads.append(load)

        run(test)
        assert gateway.stop() == 0
        gateway.wait_for(lambda: not gateway.all())  # one that had lost its parent may still be at it
        (load,) = loads
        done = headwater("journal", "rotate", "--folder", gateway.folder)
        assert done.returncode == 0, done.stderr
        found = Counter(in_parquet(gateway.folder))
        assert set(found.values()) == {1}
        assert set(load.with_status(200)) == set(found)
        assert not [file for relay in relays(gateway.folder / JOURNAL) for file in journal_files(relay)]
        read = headwater("investigate", gateway.folder / EXCHANGES, "--output", tmp_path / "report")
        assert read.returncode in (0, 1), read.stderr
        assert f"{len(found):,}" in read.stdout + read.stderr
