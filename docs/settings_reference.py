"""The reference of settings that an operator writes into a file of their own: the gateway's, and those of identity.

Written from the classes that the files are read by, so that none is left out. `docs/generate.py` makes pages of it.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

Table = Callable[[tuple[str, ...], list[tuple[str, ...]]], str]
Prose = Callable[..., str]

_PLAIN = {str: "text", int: "whole number", float: "number", bool: "true, false"}
#: How a kind of budget is counted.
_SHAPES = {
    "RATE": "a rate: refills all the time, up to `burst`",
    "QUOTA": "an amount for each of these, by UTC",
    "SLOTS": "so many at once",
    "DISTINCT": "so many different ones in each of these, by UTC",
}
_SCOPES = {
    "tier": "all accounts of a tier together",
    "account": "an account",
    "organisation": "an organisation, all its accounts together",
    "payment": "a means of payment, by its fingerprint",
    "address": "a network: /24 of IPv4, /48 of IPv6",
    "asn": "an autonomous system (needs `asn_file`)",
    "campaign": "all accounts whose standing steps name one campaign",
}


def gateway(table: Table, prose: Prose) -> Iterator[str]:
    """The paragraphs and tables of gateway.toml."""
    from headwater.control.deciding import Model, OwnBudget
    from headwater.gateway.composition import GatewaySettings

    yield prose(
        "`gateway.toml` lies in the gateway's folder (`headwater serve`). Every setting has a safe default, and may be",
        "left out. The environment has no say in who is let in and what counts. A setting that isn't known, or of",
        "another type, is refused at the start with its place.",
    )
    yield from _tables(GatewaySettings, table)
    yield from entries("[[control.models]]", Model, table, prose)
    yield from entries("[[control.budgets]]", OwnBudget, table, prose)
    yield prose(
        "A request takes from every budget that it has: its tier's limits (see [tiers](tiers.md)), and these. All of",
        "them pay, or none; the least decides. Until it has ended and its use is known it takes an upper bound.",
    )
    yield from _kinds(table)
    yield from _metrics(table, prose)


def identity(table: Table, prose: Prose) -> Iterator[str]:
    """The paragraphs and tables of identity.toml."""
    from headwater.control.identity import IdentitySettings, Issuer

    yield prose(
        "`identity.toml` lies in the folder of an identity store (`headwater account`; in a gateway's folder it is",
        "`identity/`). Every setting has a safe default, and may be left out. The environment has no say in who is let",
        "in. A setting that isn't known, or of another type, is refused with its place.",
    )
    yield from _tables(IdentitySettings, table)
    yield from entries("[[issuers]]", Issuer, table, prose)


def _tables(kind: type, table: Table) -> Iterator[str]:
    """A table for each table of the file, those without a table's name first."""
    from headwater.cli.settings import paths_of

    rows: dict[str, list[tuple[str, ...]]] = {}
    for path, entry in paths_of(kind):
        value: object = kind()
        for name in path:
            value = getattr(value, name)
        doc = entry.metadata.get("doc")
        if not doc:
            raise ValueError(f"{'.'.join(path)} has no line of documentation")
        bounds = entry.metadata.get("range") or ""
        rows.setdefault(".".join(path[:-1]), []).append((f"`{path[-1]}`", _toml(value), bounds, doc))
    for name, found in rows.items():
        yield f"## [{name}]" if name else "## Before the first table"
        yield table(("setting", "default", "range", "meaning"), found)


def entries(head: str, kind: type[msgspec.Struct], table: Table, prose: Prose) -> Iterator[str]:
    """A table of what one entry of a list may say."""
    hints = get_type_hints(kind, include_extras=True)
    rows: list[tuple[str, ...]] = []
    for entry in msgspec.structs.fields(kind):
        hint, doc = _parted(hints[entry.name])
        default = "required" if entry.required else _toml(entry.default)
        rows.append((f"`{entry.name}`", _taken(hint), default, doc))
    yield f"## {head}"
    yield prose(inspect.getdoc(kind) or "")
    yield table(("entry", "what may be written", "default", "meaning"), rows)


def _kinds(table: Table) -> Iterator[str]:
    from headwater.control.budget import KINDS, Scope
    from headwater.control.budget.kinds import PERS

    yield "### Kinds of budgets"
    rows: list[tuple[str, ...]] = []
    for kind, row in KINDS.items():
        pers = ", ".join(f"`{per.word}`" for per in PERS[row.shape])
        rows.append((f"`{kind.value}`", row.unit, _SHAPES[row.shape.name], pers, f"`{row.fails.value}`"))
    yield table(("kind", "counts", "how", "per", "fails"), rows)
    yield "### Scopes"
    scopes: list[tuple[str, ...]] = [(f"`{scope.value}`", _SCOPES[scope.value]) for scope in Scope]
    yield table(("scope", "each of these has the limit"), scopes)


def _metrics(table: Table, prose: Prose) -> Iterator[str]:
    from headwater.gateway.metrics.figures import FAMILIES

    yield "## What /metrics shows"
    yield prose(
        "Where `metrics.port` is set, in Prometheus' text format, all workers together. No account, key, address or",
        "model is named. Every name begins with `headwater_`.",
    )
    rows: list[tuple[str, ...]] = []
    for family in FAMILIES:
        values = ", ".join(f"`{value}`" for value in family.values) if not family.shy else "as they come"
        label = f"`{family.label}`: {values}" if family.label else ""
        rows.append((f"`{family.name}`", "gauge" if family.gauge else "counter", label, family.says))
    yield table(("metric", "kind", "label", "meaning"), rows)


def _parted(hint: Any) -> tuple[Any, str]:
    """A type, and what is said of it."""
    plain, told = get_args(hint) if get_origin(hint) is Annotated else (hint, None)
    if told is None or not told.description:
        raise ValueError(f"an entry of type {plain} has no line of documentation")
    return plain, told.description


def _taken(hint: Any) -> str:
    """What may be written for a type."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _taken(next(one for one in inner if one is not type(None)))
    if origin is Literal:
        return ", ".join(f"`{one}`" for one in inner)
    if origin in (tuple, frozenset):
        return "texts, in [ ]"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return ", ".join(f"`{one.value}`" for one in hint)
    return _PLAIN[hint]


def _toml(value: object) -> str:
    """A default as the file would say it."""
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, int):
        return f"`{value:_}`" if value >= 10_000 else f"`{value}`"
    if isinstance(value, (tuple, frozenset)):
        inner = ", ".join(f'"{one}"' for one in value)
        return f"`[{inner}]`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value}`"
