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
