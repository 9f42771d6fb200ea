"""Redis or Valkey as the store, for doors on asyncio; see `redis`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from headwater.control.budget.lease import Answer, Ask, StoreGone
from headwater.control.budget.stores import redis_wire as wire
from headwater.errors import UsageError

_TIMEOUT_S = 1.0


class AsyncRedisStore:
    """As `RedisStore`, with `await`."""

    def __init__(
        self, url: str, *, tree: str = "headwater", durable: bool = False, timeout_s: float = _TIMEOUT_S
    ) -> None:
        try:
            from redis.asyncio import Redis
            from redis.asyncio.retry import Retry
            from redis.backoff import NoBackoff
        except ImportError:
            raise UsageError(
                "budgets in Redis need its client", hint="pip install 'headwater[redis]'"
            ) from None
        self._tree, self._durable = wire.checked_tree(tree), durable
        self._client: Any = Redis.from_url(
            url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, retry=Retry(NoBackoff(), 0)
        )
        self._script = self._client.register_script(wire.SCRIPT)

    async def exchange(self, replica: str, asks: Sequence[Ask]) -> list[Answer]:
        """See `Store`; more than 256 messages are more than one batch."""
        from redis.exceptions import RedisError

        found: list[Answer] = []
        try:
            for batch in wire.batches(asks):
                said = await self._script(
                    keys=wire.keys(self._tree, batch),
                    args=wire.arguments(replica, batch, durable=self._durable),
                )
                found += wire.answers(said, batch)
        except (RedisError, OSError) as error:
            raise StoreGone(type(error).__name__) from error
        return found

    async def begin(self, *, fresh: bool) -> None:
        """See `Store`."""
        from redis.exceptions import RedisError

        try:
            await self._client.eval(wire.BEGIN, 1, wire.epoch_key(self._tree), int(fresh), int(self._durable))
        except (RedisError, OSError) as error:
            raise StoreGone(type(error).__name__) from error

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()
