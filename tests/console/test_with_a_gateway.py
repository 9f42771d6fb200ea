"""A gateway that serves, and the admin API beside it over the same accounts: what one changes, the other goes by."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from console.offices import served
from gateway.gates import Gate, gate
from headwater.gateway.composition import IDENTITY

BODY = b'{"model": "m", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 5}'


async def until(found: Callable[[], Awaitable[bool]]) -> None:
    """Wait until the gateway has looked."""
    async with asyncio.timeout(30):
        while not await found():
            await asyncio.sleep(0.02)


async def status(door: Gate, account: str) -> int:
    """The status that an account's request gets."""
    return (await door.ask(account, "/v1/chat/completions", BODY, b"Content-Type: application/json\r\n"))[0]


def test_a_running_gateway_goes_by_what_the_api_changes(tmp_path: Path) -> None:
    async def run() -> None:
        folder = tmp_path / "gateway"
        async with gate(folder) as door:
            assert await status(door, "alice") == 200
            with served(folder / IDENTITY) as server:
                admin = server.client(name="ann")

                async def ask(method: str, path: str, body: object) -> object:
                    answer = await asyncio.to_thread(admin.ask, method, path, body)
                    assert answer.status < 400, answer.body
                    return answer.told

                await ask("POST", "/v1/accounts", {"id": "fresh", "tier": "contracted"})
                made = await ask("POST", "/v1/accounts/fresh/keys", {})
                assert isinstance(made, dict)
                door.keys["fresh"] = made["api_key"]

                async def serves() -> bool:
                    return await status(door, "fresh") == 200

                async def refuses() -> bool:
                    return await status(door, "fresh") == 401

                await until(serves)
                revoked = await ask("POST", f"/v1/keys/{made['id']}/revoke", {})
                await until(refuses)
                assert isinstance(revoked, dict)
                await ask("POST", f"/v1/changes/{revoked['change']}/undo", {})
                await until(serves)
                assert await status(door, "alice") == 200

    asyncio.run(run())


def test_what_is_left_of_an_accounts_budgets_is_told_while_a_gateway_serves(tmp_path: Path) -> None:
    async def run() -> None:
        folder = tmp_path / "gateway"
        tiers = {"verified-contact": {"requests_per_day": 1000, "requests_per_minute": 500}}
        accounts = {"bot": "verified-contact", "other": "verified-contact"}
        async with gate(folder, accounts=accounts, tiers=tiers) as door:
            with served(folder / IDENTITY, settings=f'gateway = "{folder}"') as server:
                reads = server.client("accounts:read")

                async def left(account: str) -> dict[str, int | None]:
                    answer = await asyncio.to_thread(reads.get, f"/v1/accounts/{account}/budgets")
                    return {one["name"]: one["left"] for one in answer["items"]}

                assert (await left("bot"))["requests_per_day"] == 1000
                assert (await left("bot"))["requests_per_minute"] is None, "one process counts it itself"
                assert await status(door, "bot") == 200
                used = (await left("bot"))["requests_per_day"]
                assert used is not None
                assert used < 1000, "what is out in a lease counts as used"
                assert (await left("other"))["requests_per_day"] == 1000
                refused = await asyncio.to_thread(reads.ask, "GET", "/v1/accounts/nobody/budgets")
                assert refused.problem == "not-found"
                lacks = server.client("keys:read")
                assert (
                    await asyncio.to_thread(lacks.ask, "GET", "/v1/accounts/bot/budgets")
                ).problem == "scope"

    asyncio.run(run())


def test_budgets_are_not_there_without_a_gateway_and_its_store_may_be_gone(tmp_path: Path) -> None:
    with served(tmp_path / "identity") as server:
        admin = server.client()
        admin.made("/v1/accounts", {"id": "bot"})
        assert admin.ask("GET", "/v1/accounts/bot/budgets").problem == "not-found"
    (tmp_path / "gateway").mkdir()
    url = "redis://:hunter2@127.0.0.1:1/0"
    (tmp_path / "gateway/gateway.toml").write_text(f'budgets = "{url}"\n')
    with served(tmp_path / "identity", settings=f'gateway = "{tmp_path}/gateway"') as server:
        answer = server.client().ask("GET", "/v1/accounts/bot/budgets")
        assert (answer.status, answer.problem) == (503, "store")
        assert b"hunter2" not in answer.body
