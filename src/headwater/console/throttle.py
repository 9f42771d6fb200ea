"""How often somebody may show a wrong admin key: a bucket for each address, and none for keys that were good.

A secret of 192 random bits isn't guessed; this keeps a machine that tries from costing more than a look into a table.
Whoever shares its address goes on with a key that was accepted before.
"""

from __future__ import annotations

import hashlib
import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

_MOST_HELD: Final = 10_000


class Throttle:
    """Counts failures a minute by address; usable from any thread. `clock` gives seconds that only go forward."""

    def __init__(self, per_minute: int, clock: Callable[[], float]) -> None:
        self._most = float(per_minute)
        self._rate = per_minute / 60
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._good: OrderedDict[bytes, None] = OrderedDict()
        self._lock = threading.Lock()

    def wait_s(self, address: str, token: str) -> int:
        """Seconds after which `address` may try again; 0: now."""
        with self._lock:
            if _name(token) in self._good:
                return 0
            left = self._now(address)
            return 0 if left >= 1 else math.ceil((1 - left) / self._rate)

    def failed(self, address: str, token: str) -> None:
        """Note a key that wasn't accepted."""
        with self._lock:
            self._good.pop(_name(token), None)
            left = max(self._now(address) - 1, 0.0)
            self._left[address] = (left, self._clock())
            self._left.move_to_end(address)
            _bound(self._left)

    def passed(self, token: str) -> None:
        """Note a key that was accepted; what is held of it is a digest."""
        with self._lock:
            self._good[_name(token)] = None
            self._good.move_to_end(_name(token))
            _bound(self._good)

    def _now(self, address: str) -> float:
        left, at = self._left.get(address, (self._most, self._clock()))
        return min(self._most, left + (self._clock() - at) * self._rate)


def _bound(held: OrderedDict[str, tuple[float, float]] | OrderedDict[bytes, None]) -> None:
    while len(held) > _MOST_HELD:
        held.popitem(last=False)


def _name(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
