"""Tiers: what is known of who an account is, from nothing to a contract, and what each may use. One closed table.

The shipped table is data (`tiers.toml`); an operator's own is laid over it. How much of a limit is left is the
budgets' business, and what a request asks for is a door's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any, Final, Literal, TypeAlias

import msgspec

from headwater.errors import ConfigurationError, UsageError, Where
from headwater.toml import parsed

#: A limit; None: this tier sets none.
Limit: TypeAlias = int | None
TierName: TypeAlias = Literal[
    "anonymous", "verified-contact", "verified-payment", "verified-organisation", "contracted"
]
ANONYMOUS: Final = "anonymous"
CONTRACTED: Final = "contracted"
#: Tier → what it says of an account, from the lowest to the highest.
TIERS: Final[Mapping[str, str]] = {
    "anonymous": "Nothing is known of who it is.",
    "verified-contact": "An address answered: mail or telephone.",
    "verified-payment": "A means of payment was charged.",
    "verified-organisation": "A provider or a person has checked which organisation it is.",
    "contracted": "There is a contract with it, signed by persons.",
}
RANK: Final = {name: at for at, name in enumerate(TIERS)}
UNLIMITED: Final = "unlimited"
_MOST: Final = 2**53 - 1
_LARGEST_FILE: Final = 65_536


class Tier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an account of one tier may use. Numbers are upper limits; tokens are input and output together."""

    name: TierName
    requests_per_minute: Limit = 0
    requests_per_day: Limit = 0
    tokens_per_minute: Limit = 0
    tokens_per_day: Limit = 0
    concurrent_requests: Limit = 0
    spend_per_month_micros: Limit = 0
    context_tokens: Limit = 0
    addresses_per_day: Limit = 0
    asns_per_day: Limit = 0
    logprobs: bool = False
    several_answers: bool = False
    raw_reasoning: bool = False
    long_context: bool = False
    batch: bool = False
    unsliced_streams: bool = False

    def __post_init__(self) -> None:
        for name in LIMITS:
            value = getattr(self, name)
            if value is not None and not 0 <= value <= _MOST:
                raise UsageError(f"a limit is from 0 to {_MOST:,}", where=Where(field=f"{self.name}.{name}"))

    def may(self, feature: str) -> bool:
        """Whether the tier has a feature of `FEATURES`."""
        return bool(getattr(self, feature))


#: Limit → its meaning, with its unit.
LIMITS: Final[Mapping[str, str]] = {
    "requests_per_minute": "Requests that begin within a minute.",
    "requests_per_day": "Requests that begin within a day.",
    "tokens_per_minute": "Tokens within a minute, of input and output together.",
    "tokens_per_day": "Tokens within a day, of input and output together.",
    "concurrent_requests": "Requests that are being answered at one moment.",
    "spend_per_month_micros": "Spend within a calendar month, in millionths of the operator's currency.",
    "context_tokens": "Tokens of one request's input from which its context counts as long.",
    "addresses_per_day": "Distinct addresses that it is used from within a day (IPv6: networks of 64 bits).",
    "asns_per_day": "Distinct networks (autonomous systems) that it is used from within a day.",
}
#: Feature → its meaning.
FEATURES: Final[Mapping[str, str]] = {
    "logprobs": "Token probabilities.",
    "several_answers": "More than one answer to a request (`n` > 1).",
    "raw_reasoning": "Reasoning as the model wrote it, not a summary of it.",
    "long_context": "Requests longer than `context_tokens`.",
    "batch": "Batch endpoints.",
    "unsliced_streams": "Streams whose whole answer is reserved at once; others are extended slice by slice.",
}


@cache
def shipped_tiers() -> Mapping[str, Tier]:
    """The table that Headwater ships, by name, from the lowest to the highest."""
    text = files("headwater.control.identity").joinpath("tiers.toml").read_text("utf-8")
    return overlaid({}, text, "tiers.toml")


def overlaid(under: Mapping[str, Tier], text: str, file: str) -> Mapping[str, Tier]:
    """All tiers, with what the TOML `text` says laid over `under`.

    Raises `ConfigurationError` naming `file` and the field for an unknown tier or entry, or a value of another type.
    """
    if len(text) > _LARGEST_FILE:
        raise ConfigurationError("is too large for a table of tiers", where=Where(file))
    return _laid_over(under, parsed(text, file), file)


def with_entries(written: Mapping[str, Any]) -> Mapping[str, Tier]:
    """All tiers as Headwater ships them, with entries (by tier, values as in TOML) laid over; raises as `overlaid`."""
    return _laid_over(shipped_tiers(), written, None)


def changed(tier: Tier, entries: Mapping[str, Any], file: str | None = None) -> Tier:
    """`tier` with some entries changed; values are as in TOML. Raises `ConfigurationError` as `overlaid` does."""
    return _tier(tier.name, tier, entries, file)


def highest(*names: str) -> str:
    """The highest of these tiers."""
    return max(names, key=RANK.__getitem__)


def oddities(tiers: Mapping[str, Tier]) -> Iterator[str]:
    """Where a higher tier may use less than the one below it: allowed, and seldom meant."""
    ordered = [tiers[name] for name in TIERS]
    for low, high in pairwise(ordered):
        for name in LIMITS:
            below, above = getattr(low, name), getattr(high, name)
            if above is not None and (below is None or above < below):
                yield f"{high.name} has less {name} than {low.name}"
        for name in FEATURES:
            if low.may(name) and not high.may(name):
                yield f"{high.name} lacks {name}, which {low.name} has"


def plain(value: Limit | bool) -> str:
    """A limit or feature as a person reads it, and as TOML takes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{UNLIMITED}"' if value is None else f"{value:_}"


def reference_rows() -> list[tuple[str, ...]]:
    """The shipped table for the reference page: a row an entry, of entry, meaning and its value in each tier."""
    rows = []
    for name, meaning in ({**LIMITS, **FEATURES}).items():
        values = [getattr(tier, name) for tier in shipped_tiers().values()]
        rows.append((f"`{name}`", meaning, *map(_shown, values)))
    return rows


def _laid_over(under: Mapping[str, Tier], written: Mapping[str, Any], file: str | None) -> Mapping[str, Tier]:
    for name, entries in written.items():
        if name not in TIERS:
            hint = f"tiers: {', '.join(TIERS)}"
            raise ConfigurationError("there is no such tier", where=Where(file, None, name[:80]), hint=hint)
        if not isinstance(entries, Mapping):
            raise ConfigurationError(f"a table [{name}] is expected", where=Where(file, None, name))
    return {name: _tier(name, under.get(name), written.get(name, {}), file) for name in TIERS}


def _shown(value: Limit | bool) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "unlimited" if value is None else f"{value:,}"


def _tier(name: str, under: Tier | None, entries: Mapping[str, Any], file: str | None) -> Tier:
    whole = msgspec.to_builtins(under) if under is not None else {}
    for entry, value in entries.items():
        where = Where(file, None, f"{name}.{entry[:80]}")
        if entry not in LIMITS and entry not in FEATURES:
            raise ConfigurationError("there is no such entry", where=where, hint=_near(entry))
        if entry in FEATURES and not isinstance(value, bool):
            raise ConfigurationError("a feature is true or false", where=where)
        if entry in LIMITS:
            whole[entry] = _limit(value, where)
        else:
            whole[entry] = value
    return msgspec.convert({**whole, "name": name}, type=Tier)


def _limit(value: object, where: Where) -> Limit:
    if value == UNLIMITED:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MOST:
        what = f'a limit is a whole number from 0 to {_MOST:,}, or "{UNLIMITED}"'
        raise ConfigurationError(what, where=where)
    return value


def _near(entry: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(entry, [*LIMITS, *FEATURES], n=1)
    return f"did you mean {near[0]}?" if near else f"entries: {', '.join((*LIMITS, *FEATURES))}"
