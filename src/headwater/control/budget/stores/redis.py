"""Redis or Valkey as the store, for callers that may wait; the extra is `headwater[redis]`.

A server that doesn't keep every write over a restart (appendonly with appendfsync always) must not be called durable:
it is then told apart by its run id, and what it has forgotten stays closed. It must not evict keys (noeviction).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from headwater.control.budget.lease import Answer, Ask, StoreGone
from headwater.control.budget.stores import redis_wire as wire
from headwater.errors import UsageError

_TIMEOUT_S = 1.0


class RedisStore:
    """`url`: as `redis.Redis.from_url` takes it. `durable`: no write is lost over a restart or failover."""

    def __init__(
        self, url: str, *, tree: str = "headwater", durable: bool = False, timeout_s: float = _TIMEOUT_S
    ) -> None:
        try:
            from redis import Redis
        except ImportError:
            raise UsageError(
                "budgets in Redis need its client", hint="pip install 'headwater[redis]'"
            ) from None
        self._tree, self._durable = wire.checked_tree(tree), durable
        # Without the client's own retries: a message is sent again by its number, after the caller has decided so.
        self._client: Any = Redis.from_url(
            url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, retry=_no_retry()
        )
        self._script = self._client.register_script(wire.SCRIPT)

    def exchange(self, replica: str, asks: Sequence[Ask]) -> list[Answer]:
        """See `Store`; more than 256 messages are more than one batch."""
        from redis.exceptions import RedisError

        found: list[Answer] = []
        try:
            for batch in wire.batches(asks):
                said = self._script(
                    keys=wire.keys(self._tree, batch),
                    args=wire.arguments(replica, batch, durable=self._durable),
                )
                found += wire.answers(said, batch)
        except (RedisError, OSError) as error:
            raise StoreGone(type(error).__name__) from error
        return found

    def look(self, asks: Sequence[Ask]) -> list[Answer]:
        """See `Store`."""
        return self.exchange(wire.LOOKER, asks)

    def begun(self) -> bool:
        """Whether anybody has said what was spent before; raises `StoreGone`."""
        from redis.exceptions import RedisError

        try:
            return bool(self._client.exists(wire.epoch_key(self._tree)))
        except (RedisError, OSError) as error:
            raise StoreGone(type(error).__name__) from error

    def begin(self, *, fresh: bool) -> None:
        """See `Store`."""
        from redis.exceptions import RedisError

        try:
            if fresh:  # what was spent is forgotten
                self._client.delete(
                    wire.epoch_key(self._tree), *self._client.scan_iter(wire.all_keys(self._tree))
                )
            self._client.eval(wire.BEGIN, 1, wire.epoch_key(self._tree), int(fresh), int(self._durable))
        except (RedisError, OSError) as error:
            raise StoreGone(type(error).__name__) from error

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _no_retry() -> Any:
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return Retry(NoBackoff(), 0)
