"""What an operator sets about metrics: where they are shown, if anywhere."""

from __future__ import annotations

from dataclasses import dataclass

from headwater.errors import ConfigurationError, Where
from headwater.setting import setting


@dataclass(frozen=True)
class MetricsSettings:
    """The settings of metrics."""

    host: str = setting(
        "127.0.0.1", "Address to show metrics on: `/metrics`, without a key, so nowhere where clients come."
    )
    port: int = setting(0, "Port to show them on; 0: they aren't shown.", "0 to 65535")

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65_535:
            raise ConfigurationError("is out of range", where=Where(field="metrics.port"))
