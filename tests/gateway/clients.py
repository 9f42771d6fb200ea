"""The official clients in front of a whole gateway, with a platform behind it: `async with shop(folder) as shop`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anthropic
import openai

from gateway.gates import Gate, gate
from gateway.platform import Platform

TWO = {"alice": "contracted", "bob": "contracted"}


@dataclass
class Shop:
    """A gateway that serves, and each account's clients."""

    door: Gate
    platform: Platform
    openai: dict[str, openai.AsyncOpenAI]
    anthropic: dict[str, anthropic.AsyncAnthropic]


@asynccontextmanager
async def shop(
    folder: Path,
    accounts: Mapping[str, str] = TWO,
    tiers: Mapping[str, Mapping[str, Any]] | None = None,
    retries: int = 0,
    **given: Any,
) -> AsyncIterator[Shop]:
    """A gateway in front of a platform; `retries`: how often clients try again. The rest as in `gate`."""
    platform = Platform()
    async with gate(folder, platform, accounts, tiers, **given) as door, AsyncExitStack() as stack:
        first, second = {}, {}
        for name, key in door.keys.items():
            one = openai.AsyncOpenAI(api_key=key, base_url=f"{door.url}/v1", max_retries=retries)
            other = anthropic.AsyncAnthropic(api_key=key, base_url=door.url, max_retries=retries)
            first[name] = await stack.enter_async_context(one)
            second[name] = await stack.enter_async_context(other)
        yield Shop(door, platform, first, second)
