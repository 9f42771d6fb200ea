"""The store that budgets are kept in killed and started again under load, and shared by gateways: never over."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from control.budget.servers import Postgres, Redis
from faults.gateways import Load, Model, Served, chat, headwater, journalled, modelled, run
from headwater.control.budget import Ask, Per, RedisStore, Shape
from headwater.exchange.journal import Accepted, Outcome

pytest.importorskip("redis")
pytest.importorskip("psycopg")
pytestmark = pytest.mark.xdist_group("gateway-stores")

LIMIT = 12_000
BUDGETS = """
[[control.budgets]]
name = "day"
kind = "token-quota"
scope = "account"
limit = {limit}
per = "day"
only = ["hard"]
{lease}
[[control.budgets]]
name = "pace"
kind = "requests"
scope = "account"
limit = 100_000
per = "minute"
only = ["soft"]
"""
ACCOUNTS = {"hard": "contracted", "soft": "contracted"}


class Kept:
    """One store for budgets: its server, and how a gateway is told of it."""

    def __init__(self, server: Any, url: str) -> None:
        self.server, self.url = server, url

    def begin(self) -> None:
        done = headwater("budget", "begin", "--budgets", self.url, "--forget")
        assert done.returncode == 0, done.stderr

    def hang_up(self) -> None:
        """End all connections; who comes again is served."""
        if isinstance(self.server, Redis):
            import redis

            redis.Redis.from_url(self.url).client_kill_filter(_type="normal", skipme=True)
        else:
            import psycopg

            with psycopg.connect(self.url, autocommit=True) as own:
                own.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
                )


@pytest.fixture(params=["redis", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    """A store that keeps what it was told over a kill, begun."""
    if request.param == "redis":
        server: Any = Redis(tmp_path / "redis", durable=True)
        kept = Kept(server, server.url)
    else:
        server = Postgres(tmp_path / "postgres" / "cluster")
        kept = Kept(server, f"postgresql://headwater@127.0.0.1:{server.port}/postgres")
    kept.begin()
    yield kept
    server.kill()


def test_a_store_killed_under_load(store: Kept, tmp_path: Path) -> None:
    """Hard budgets refuse, rates go on, all is well again once it is back; never over."""
    model = Model()
    toml = "redis_durable = true\n" + BUDGETS.format(limit=LIMIT, lease="")
    with modelled(model) as upstream, Served(
        tmp_path / "g", upstream, "--budgets", store.url, toml=toml, accounts=ACCOUNTS
    ) as gateway:  # fmt: skip

        async def test() -> None:
            hard, soft = Load(gateway, "hard", 4, 1_000_000), Load(gateway, "soft", 2, 2_000_000)
            await until(lambda: len(hard.with_status(200)) > 20 and len(soft.with_status(200)) > 20)
            await asyncio.to_thread(store.server.kill)
            await until(lambda: len(hard.with_status(503)) > 20)
            said, fields, body = hard.last
            assert said == 503
            assert int(fields["retry-after"]) >= 1
            assert body["error"]["type"] == "server_error"
            assert "limits can't be checked" in body["error"]["message"].lower()
            before = len(soft.with_status(200))
            await until(lambda: len(soft.with_status(200)) > before + 50)
            assert soft.with_status(503) == []
            served = len(hard.with_status(200))
            await asyncio.to_thread(store.server.start)
            await until(lambda: len(hard.with_status(200)) > served + 20)
            await until(lambda: hard.with_status(429))
            assert hard.last[2]["error"]["code"] == "insufficient_quota"
            await hard.stop()
            await soft.stop()
            assert {said for said, _ in soft.answered.values()} == {200}
            assert LIMIT * 0.98 < model.tokens[1] <= LIMIT

        run(test)
        assert gateway.stop() == 0
        assert gateway.log.count("doesn't answer") <= 4
        assert "answers again" in gateway.log
        assert "Traceback" not in gateway.log


async def until(true: Any) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.02)


def test_a_gateway_starts_without_its_store(store: Kept, tmp_path: Path) -> None:
    toml = "redis_durable = true\n" + BUDGETS.format(limit=LIMIT, lease="")
    store.server.kill()
    with modelled(Model()) as upstream, Served(
        tmp_path / "g", upstream, "--budgets", store.url, toml=toml, accounts=ACCOUNTS
    ) as gateway:  # fmt: skip
        assert gateway.now("soft", chat(1))[0] == 200
        assert gateway.now("hard", chat(2))[0] == 503
        store.server.start()
        gateway.wait_for(lambda: gateway.now("hard", chat(3))[0] == 200)


def test_a_connection_to_the_store_that_was_closed_while_idle_is_nobodys_503(
    store: Kept, tmp_path: Path
) -> None:
    toml = "redis_durable = true\n" + BUDGETS.format(limit=LIMIT, lease="lease = 200")
    with modelled(Model()) as upstream, Served(
        tmp_path / "g", upstream, "--budgets", store.url, toml=toml, accounts=ACCOUNTS
    ) as gateway:  # fmt: skip
        for at in range(12):
            if at % 3 == 0:
                store.hang_up()
            assert [gateway.now("hard", chat(4 * at + each))[0] for each in range(4)] == [200] * 4
        assert gateway.stop() == 0
        assert "doesn't answer" not in gateway.log


def test_two_gateways_share_one_budget_exactly(tmp_path: Path) -> None:
    """What the model server served never passes the limit; what is left over is less than a hundredth."""
    server, model, limit = Redis(tmp_path / "redis"), Model(), 30_000
    kept = Kept(server, server.url)
    kept.begin()
    toml = BUDGETS.format(limit=limit, lease="lease = 200")
    with modelled(model) as upstream:
        first = Served(tmp_path / "g", upstream, "--budgets", server.url, toml=toml, accounts=ACCOUNTS)
        second = Served(tmp_path / "h", upstream, "--budgets", server.url, toml=toml, accounts=ACCOUNTS)
        with first, second:

            async def test() -> None:
                loads = [Load(first, "hard", 4, 1_000_000), Load(second, "hard", 4, 1_500_000)]
                await until(lambda: all(len(load.with_status(429)) > 50 for load in loads))
                for load in loads:
                    await load.stop()
                assert all(len(load.with_status(200)) > 100 for load in loads)
                assert limit * 0.99 <= model.tokens[1] <= limit

            run(test)
            assert (first.stop(), second.stop()) == (0, 0)
    server.kill()


def test_clients_that_go_away_at_random_leave_nothing_taken(tmp_path: Path) -> None:
    """2,000 of them, at any moment of a request or its answer: no slot, no reservation, no exchange stays."""
    draw, model, slots = random.Random(3), Model(words=6, pause_s=0.01), 40
    limit, toml = 4_000_000, BUDGETS.format(limit=4_000_000, lease="")
    toml = f"{toml}\n[[control.budgets]]\nname = 'at-once'\nkind = 'concurrency'\nscope = 'account'\nlimit = {slots}\n"
    server = Redis(tmp_path / "redis")
    Kept(server, server.url).begin()
    with modelled(model) as upstream, Served(
        tmp_path / "g", upstream, "--budgets", server.url, toml=toml, accounts=ACCOUNTS
    ) as gateway:  # fmt: skip

        async def go_away(number: int) -> None:
            client = await gateway.client()
            data = gateway.request("hard", chat(1_000_000 + number, 6, stream=number % 2 == 0))
            cut = draw.randrange(1, len(data)) if number % 5 == 0 else len(data)
            client.writer.write(data[:cut])
            await asyncio.sleep(draw.random() * 0.12)
            if number % 3:
                client.writer.transport.abort()
            else:
                client.close()

        async def test() -> None:
            for at in range(0, 2_000, 40):
                await asyncio.gather(*(go_away(number) for number in range(at, at + 40)))
            async with asyncio.timeout(60):
                while model.running:
                    await asyncio.sleep(0.05)
            # All slots are there again: so many at once are served, and one more isn't.
            model.pause_s = 0.5
            async with asyncio.timeout(60):
                while True:
                    asked = [gateway.ask("hard", chat(2_000_000 + at, 6)) for at in range(slots)]
                    if {status for status, _, _ in await asyncio.gather(*asked)} == {200}:
                        break
            asked = [gateway.ask("hard", chat(3_000_000 + at, 6)) for at in range(slots + 5)]
            said = sorted(status for status, _, _ in await asyncio.gather(*asked))
            assert said == [200] * slots + [429] * 5

        run(test)
        assert gateway.stop() == 0
        assert "Traceback" not in gateway.log
        assert "failed" not in gateway.log
    records = journalled(gateway.folder)
    asked = {one.id for one in records if isinstance(one, Accepted)}
    assert len(asked) > 1_000
    assert {one.id for one in records if isinstance(one, Outcome)} == asked
    # The model server wrote what was cancelled a moment too late; all that it did else was paid for.
    assert spent(server, limit) > 0.9 * sum(model.tokens.values())
    server.kill()


def spent(server: Redis, limit: int) -> int:
    """What was taken of the day's budget, as the next replica finds it."""
    ask = Ask(
        "day.token-quota.day:hard",
        Shape.QUOTA,
        Per.DAY,
        limit,
        limit,
        1,
        1,
        10**9,
        1,
        0,
        0,
        0,
        0,
        0,
        0,
        "",
        0,
    )
    (answer,) = RedisStore(server.url).exchange("test", [ask])
    return limit - answer.balance
