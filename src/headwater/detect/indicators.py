"""What others reported: indicators with source and expiry, sightings in the wild, and benchmark items.

The operator keeps the first two in `outside.toml`, and lists of items in files of their own. An indicator that has
expired is still read, so that a report can say that it matched and doesn't weigh. Nothing here matches anything: that
is for `evidence/outside` and `evidence/content/benchmarks`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from headwater.detect.objects import LEAST_WORDS
from headwater.errors import ConfigurationError, Where, unreadable
from headwater.imprint import imprint
from headwater.keys import ImprintKey
from headwater.toml import load_toml

KINDS = ("ip", "tls", "ja4h", "email_domain", "user_agent", "account", "organisation", "template")
_INDICATOR = ("kind", "value", "source", "expires", "confidence", "note")
_SIGHTING = ("account", "exchange", "where", "found_on", "source")
#: Names under which a line of JSON may hold an item's text, the first that is there.
TEXT_NAMES = ("prompt", "question", "text", "input", "instruction")
#: Texts that are hashed at once.
BLOCK = 10_000


@dataclass(frozen=True)
class Indicator:
    """One reported indicator: `confidence` is the reporter's chance (0 to 1] that it is right."""

    kind: str
    value: str
    source: str
    expires: date
    confidence: float
    note: str = ""

    def holds(self, at_us: int) -> bool:
        """Whether it is still valid at this time (µs UTC)."""
        return datetime.fromtimestamp(at_us / 1e6, UTC).date() <= self.expires


@dataclass(frozen=True)
class Sighting:
    """Something that one exchange, or one account, was answered, found elsewhere (a canary, a mark)."""

    account: str | None
    exchange: str | None
    where: str
    found_on: date
    source: str


@dataclass(frozen=True)
class Outside:
    """What `outside.toml` holds; each part is given to evidence by its own name (`given.indicators`, …)."""

    indicators: tuple[Indicator, ...]
    sightings: tuple[Sighting, ...]


@dataclass(frozen=True)
class Benchmarks:
    """Items of benchmarks as whole-text hashes under the log's key: `exact` (uint64, ascending, each once).

    `short` counts items of too few words to be told from what anybody asks.
    """

    exact: npt.NDArray[np.uint64]
    short: int = 0

    def __len__(self) -> int:
        return len(self.exact)

    def has(self, exact: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        """Which of these hashes (n) are an item's."""
        if not len(self.exact):
            return np.zeros(len(exact), bool)
        at = np.minimum(np.searchsorted(self.exact, exact), len(self.exact) - 1)
        return np.asarray(self.exact[at] == exact)


def load_outside(path: Path) -> Outside:
    """Read `outside.toml`: lists of [[indicator]] and [[sighting]].

    Raises `UnreadableInput` where the file can't be read, `ConfigurationError` for what it holds.
    """
    data = load_toml(path)
    rows = {name: data.get(name, []) for name in ("indicator", "sighting")}
    if set(data) - set(rows) or not all(isinstance(held, list) for held in rows.values()):
        raise ConfigurationError(
            "holds something else than lists of [[indicator]] and [[sighting]] tables",
            where=Where(str(path)),
            hint="write one table for each indicator or sighting",
        )
    return Outside(
        tuple(_indicator(row, Where(str(path), at)) for at, row in enumerate(rows["indicator"], 1)),
        tuple(_sighting(row, Where(str(path), at)) for at, row in enumerate(rows["sighting"], 1)),
    )


def load_benchmarks(paths: tuple[Path, ...], key: ImprintKey) -> Benchmarks:
    """Items from files of one prompt a line, or of JSON lines (`.jsonl`: a text, or an object with one of TEXT_NAMES).

    Raises `UnreadableInput` where a file can't be read, `ConfigurationError` for a line that holds no text.
    """
    found, short, waiting = [np.empty(0, np.uint64)], 0, list[str]()
    for text in (item for path in paths for item in _items(path)):
        waiting.append(text)
        if len(waiting) == BLOCK:
            short += _hash(waiting, key, found)
            waiting.clear()
    short += _hash(waiting, key, found)
    return Benchmarks(np.unique(np.concatenate(found)), short)


def _hash(texts: list[str], key: ImprintKey, found: list[npt.NDArray[np.uint64]]) -> int:
    """Add the hashes of the texts that are long enough to `found`; how many are not."""
    made = imprint(texts, key)
    long = made.field("words").to_numpy() >= LEAST_WORDS
    found.append(made.field("exact").to_numpy()[long])
    return int((~long).sum())


def _items(path: Path) -> Iterator[str]:
    in_json = path.suffix.lower() in (".jsonl", ".ndjson")
    try:
        with path.open(encoding="utf-8-sig", newline="\n") as file:
            for row, line in enumerate(file, 1):
                if text := line.strip():
                    yield _text(text, Where(str(path), row)) if in_json else text
    except OSError as error:
        raise unreadable(path, error) from None
    except UnicodeDecodeError:
        raise ConfigurationError("is not valid UTF-8", where=Where(str(path))) from None


def _text(line: str, where: Where) -> str:
    try:
        held = json.loads(line)
    except (ValueError, RecursionError):
        raise ConfigurationError("is not JSON", where=where, hint="one JSON value a line") from None
    if isinstance(held, dict):
        held = next((held[name] for name in TEXT_NAMES if name in held), None)
    if not isinstance(held, str) or not held.strip():
        raise ConfigurationError(
            "holds no text", where=where, hint=f"a text, or an object with one of: {', '.join(TEXT_NAMES)}"
        )
    return held.encode("utf-8", "replace").decode()  # JSON can name half of a surrogate pair


def _indicator(row: object, where: Where) -> Indicator:
    held = _table(row, _INDICATOR, where)
    kind, value = held.get("kind"), _said(held, "value", where)
    if kind not in KINDS:
        raise ConfigurationError(
            "has no known kind", where=_at(where, "kind"), hint=f"one of: {', '.join(KINDS)}"
        )
    if kind == "template":
        value = _hex(value, where)
    confidence = held.get("confidence", 1.0)
    if isinstance(confidence, bool) or not isinstance(confidence, int | float) or not 0 < confidence <= 1:
        raise ConfigurationError(
            "is no chance above 0 and up to 1", where=_at(where, "confidence"), hint="confidence = 0.9"
        )
    source, expires = _said(held, "source", where), _date(held, "expires", where)
    return Indicator(kind, value, source, expires, float(confidence), _note(held, where))


def _sighting(row: object, where: Where) -> Sighting:
    held = _table(row, _SIGHTING, where)
    who = {name: _said(held, name, where) for name in ("account", "exchange") if name in held}
    if len(who) != 1:
        raise ConfigurationError(
            "names neither an account nor an exchange, or both",
            where=where,
            hint='add account = "…" or exchange = "…"',
        )
    place, source = _said(held, "where", where), _said(held, "source", where)
    return Sighting(who.get("account"), who.get("exchange"), place, _date(held, "found_on", where), source)


def _table(row: object, fields: tuple[str, ...], where: Where) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise ConfigurationError("is no table", where=where)
    for name in row:
        if name not in fields:
            raise ConfigurationError(
                "is no field of this table", where=_at(where, str(name)), hint=f"fields: {', '.join(fields)}"
            )
    return row


def _at(where: Where, name: str) -> Where:
    return Where(where.file, where.row, name)


def _said(held: dict[str, Any], name: str, where: Where) -> str:
    value = held.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError("is missing or no text", where=_at(where, name), hint=f'{name} = "…"')
    return value.strip()


def _note(held: dict[str, Any], where: Where) -> str:
    if not isinstance(held.get("note", ""), str):
        raise ConfigurationError("is no text", where=_at(where, "note"))
    return str(held.get("note", ""))


def _date(held: dict[str, Any], name: str, where: Where) -> date:
    value = held.get(name)
    if isinstance(value, datetime):
        value = value.date()
    if not isinstance(value, date):
        raise ConfigurationError("is missing or no date", where=_at(where, name), hint=f"{name} = 2027-01-31")
    return value


def _hex(value: str, where: Where) -> str:
    """A template's hash as 16 hex digits."""
    digits = value.lower().removeprefix("0x")
    if not 0 < len(digits) <= 16 or not set(digits) <= set("0123456789abcdef"):
        raise ConfigurationError(
            "is no imprint value",
            where=_at(where, "value"),
            hint="up to 16 hex digits, as imprints print them",
        )
    return digits.zfill(16)
