"""The operator's own tables, named by path: networks, mail domains, what others report, items of benchmarks.

Each is optional; evidence that needs one is ruled out without it, and the report says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headwater.detect.indicators import load_benchmarks, load_outside
from headwater.detect.mail_domains import load_domains
from headwater.detect.networks import load_networks
from headwater.keys import ImprintKey


@dataclass(frozen=True)
class Tables:
    """Paths of tables: `networks` and `mail_domains` (CSV or TSV), `outside` (TOML), `benchmark_items` (texts)."""

    networks: Path | None = None
    mail_domains: Path | None = None
    outside: Path | None = None
    benchmark_items: tuple[Path, ...] = ()

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that are named."""
        named = (self.networks, self.mail_domains, self.outside, *self.benchmark_items)
        return tuple(path for path in named if path is not None)

    def load(self, key: ImprintKey) -> dict[str, Any]:
        """The tables by the names under which evidence asks for them (`given.NAME` on a card).

        Raises `UnreadableInput` and `ConfigurationError`, which name file, row and field.
        """
        given: dict[str, Any] = {}
        if self.networks is not None:
            given["networks"] = load_networks(self.networks)
        if self.mail_domains is not None:
            given["domains"] = load_domains(self.mail_domains)
        if self.outside is not None:
            outside = load_outside(self.outside)
            given |= {"indicators": outside.indicators, "sightings": outside.sightings}
        if self.benchmark_items:
            given["benchmarks"] = load_benchmarks(self.benchmark_items, key)
        return given
