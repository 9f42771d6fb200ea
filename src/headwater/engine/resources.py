"""How much of the machine an investigation may take."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields

from headwater.errors import ConfigurationError, Where

#: 16 TiB: more than that is a slip of the hand, in another unit perhaps.
_MOST_MB = 1 << 24


@dataclass(frozen=True)
class Resources:
    """Limits that the engine keeps. Each setting has a unit and one line of documentation."""

    threads: int = field(
        default=0,
        metadata={"doc": "Worker threads (0: as many as there are cores).", "range": "from 0 to 1024"},
    )
    memory_mb: int = field(
        default=2048,
        metadata={
            "doc": "MiB for the embedded engine, and half as many for what evidence keeps; beyond it, they spill.",
            "range": f"from 16 to {_MOST_MB}",
        },
    )

    def __post_init__(self) -> None:
        """Refuse what can't be meant."""
        right = {"threads": 0 <= self.threads <= 1024, "memory_mb": 16 <= self.memory_mb <= _MOST_MB}
        for entry in fields(self):
            if not right[entry.name]:
                what = f"must be {entry.metadata['range']}"
                raise ConfigurationError(what, where=Where(field=f"engine.{entry.name}"))

    @property
    def workers(self) -> int:
        """The number of worker threads meant by `threads`."""
        if self.threads > 0:
            return self.threads
        try:
            return len(os.sched_getaffinity(0))
        except AttributeError:  # not on Linux
            return os.cpu_count() or 1
