"""The table of names that comes with Headwater, read once: providers, routers, publishers, families of models.

What a name in a column means is `names`' business.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from headwater.toml import parsed


@dataclass(frozen=True)
class Family:
    """A family of models: `served` by its provider, weights under `licences` and `terms`, derived from `bases`."""

    family: str
    pattern: re.Pattern[str]
    inside: re.Pattern[str]
    provider: str | None = None
    served: bool = False
    licences: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    products: tuple[str, ...] = ()

    @property
    def weights(self) -> bool:
        """Whether weights are published under this name."""
        return bool(self.licences or self.terms or self.bases) or not self.served


@dataclass(frozen=True)
class Router:
    """A service that passes requests on to others' models: whose terms, for which product and type of account."""

    provider: str
    product: str | None = None
    account: str | None = None


@dataclass(frozen=True)
class Names:
    """Everything that models.toml holds."""

    providers: dict[str, str]
    routers: dict[str, Router]
    organisations: dict[str, str]
    hub: frozenset[str]
    words: frozenset[str]
    families: tuple[Family, ...]

    def family(self, name: str) -> Family:
        """The family of this name in the table (`KeyError`)."""
        return _by_name()[name]


@cache
def shipped() -> Names:
    """The table that comes with Headwater."""
    text = files("headwater.provenance.terms").joinpath("models.toml").read_text("utf-8")
    raw = parsed(text, "models.toml")
    return Names(
        providers=raw["providers"],
        routers={name: Router(**each) for name, each in raw["routers"].items()},
        organisations=raw["organisations"],
        hub=frozenset(raw["hub"]["organisations"]),
        words=frozenset(raw["suffixes"]["words"]),
        families=tuple(_family(each) for each in raw["family"]),
    )


@cache
def _by_name() -> dict[str, Family]:
    return {each.family: each for each in shipped().families}


def _family(raw: dict[str, Any]) -> Family:
    match = raw["match"]
    return Family(
        family=raw["family"],
        pattern=re.compile(rf"(?:{match})(?P<rest>(?:[-.].*)?)\Z"),
        inside=re.compile(rf"(?:\A|-)(?P<name>{match})(?=-|\Z)"),
        provider=raw.get("provider"),
        served=raw.get("served", False),
        licences=tuple(raw.get("licence", ())),
        terms=tuple(raw.get("terms", ())),
        bases=tuple(raw.get("base", ())),
        products=tuple(raw.get("products", ())),
    )


def provider_name(slug: str) -> str:
    """A provider as people write it; of an unknown one its slug."""
    return shipped().providers.get(slug, slug)


def possessive(name: str) -> str:
    """A name that something belongs to: "OpenAI's", "AI21 Labs'"."""
    return f"{name}'" if name.endswith("s") else f"{name}'s"
