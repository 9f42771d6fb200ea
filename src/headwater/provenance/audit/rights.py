"""What those who own a text say of its use: columns of a row, and signals of the site that it came from.

Sites are read from a folder that somebody saved, one folder a host with its robots.txt, tdmrep.json and rsl.xml;
nothing is fetched. Hosts that say the same are told as one, so that a crawl of a million sites has few origins.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from headwater.errors import HeadwaterError
from headwater.provenance.terms import Signal
from headwater.provenance.terms.signals import (
    read_content_usage,
    read_robots,
    read_rsl,
    read_tdm_headers,
    read_tdmrep,
    row_signals,
)

#: Bytes of one file that are read, and answers that are remembered.
_MOST: Final = 1 << 20
_REMEMBERED: Final = 50_000
_NOT_SAVED: Final = Signal(
    kind="site", says="unsaid", where="the row's site", quote="nothing saved of this host"
)


def of_column(path: str, value: object) -> list[Signal]:
    """What a column on rights says; nothing for a value that says nothing."""
    name = path.rpartition(".")[2].lower().replace("-", "_")
    where = f"column {path}"[:80]
    if isinstance(value, str) and name == "content_usage":
        return [read_content_usage(value, where=where)]
    if isinstance(value, str) and name == "content_signal":
        return list(read_robots(f"User-agent: *\nContent-Signal: {_one_line(value)}", where=where))
    if name == "tdm_reservation" and value is not None:
        found = read_tdm_headers(
            {"tdm-reservation": str(int(value) if isinstance(value, bool) else value)}, where=where
        )
        return [found] if found is not None else []
    return list(row_signals({name: value}))


class Rights:
    """Signals of sites, from a folder of saved ones."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._told: dict[tuple[str, str], tuple[Signal, ...]] = {}

    def of_url(self, url: str) -> tuple[Signal, ...]:
        """What the site of a URL says of it; an unsaid signal where nothing of that host was saved."""
        try:
            parts = urlsplit(url)
            host, path = (parts.hostname or "").lower(), parts.path or "/"
        except ValueError:
            return ()
        if not host or "/" in host or host.startswith("."):
            return ()
        key = host, path
        if key not in self._told:
            if len(self._told) >= _REMEMBERED:
                self._told.clear()
            self._told[key] = self._read(host, path)
        return self._told[key]

    def _read(self, host: str, path: str) -> tuple[Signal, ...]:
        folder = self._folder / host
        if not folder.is_dir():
            return (_NOT_SAVED,)
        readers: tuple[tuple[str, Callable[[bytes], tuple[Signal, ...]]], ...] = (
            ("robots.txt", lambda data: read_robots(data, path=path, where="the site's robots.txt")),
            ("tdmrep.json", lambda data: read_tdmrep(data, path=path, where="the site's tdmrep.json")),
            ("rsl.xml", lambda data: read_rsl(data, path=path, where="the site's RSL")),
        )
        found: list[Signal] = []
        for name, read in readers:
            try:
                with (folder / name).open("rb") as file:
                    found += read(file.read(_MOST))
            except OSError:
                continue
            except HeadwaterError as error:
                found.append(
                    Signal(kind="site", says="unsaid", where=f"the site's {name}", quote=error.what[:80])
                )
        return tuple(found)


def _one_line(text: str) -> str:
    return " ".join(text.split())
