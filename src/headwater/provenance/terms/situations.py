"""Which documents of a provider may have applied: by product, type of account and day, as far as these are known.

Each way in which things may have been is a situation with its documents; what they say is asked elsewhere.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from headwater.provenance.terms.document import Covers, Terms
from headwater.provenance.terms.providers import possessive, provider_name

if TYPE_CHECKING:
    from headwater.provenance.terms.versions import Registry

#: Documents that one incorporates and that it brings along.
_MOST_INCORPORATED = 6


class Situation(NamedTuple):
    """The documents that applied together; slugs of those that weren't known yet; what is missing; cautions."""

    documents: tuple[Terms, ...]
    early: tuple[str, ...]
    lacking: tuple[str, ...]
    cautions: tuple[str, ...]


def called(terms: Terms) -> str:
    """A document as a sentence names it: "OpenAI's Terms of Use"."""
    return f"{possessive(provider_name(terms.provider))} {terms.document.name}"


def pairs_of(
    registry: Registry,
    slugs: tuple[str, ...],
    product: str | None,
    account: str | None,
    products: tuple[str, ...] = (),
) -> list[Covers]:
    """The products and accounts that outputs may be of: those that the documents themselves tell apart.

    `products`: those that serve a model of this name, where only some do.
    """
    every = {(c.product, c.account_type) for slug in slugs for v in registry.versions(slug) for c in v.covers}
    named = {pair for pair in every if pair != ("any", "any")} or every
    fitting = {
        (p, a)
        for p, a in every
        if (product is None or p in (product, "any")) and (account is None or a in (account, "any"))
    }
    fitting = {pair for pair in fitting if pair in named} or fitting
    if product is None and products:
        fitting = {pair for pair in fitting if pair[0] in (*products, "any")} or fitting
    exact = {(product or p, account or a) for p, a in fitting}
    return [Covers(product=p, account_type=a) for p, a in sorted(exact)]


def situations(
    registry: Registry, slugs: tuple[str, ...], pairs: list[Covers], at: datetime.date | None
) -> tuple[Situation, ...]:
    """Every distinct situation that may have been on the day `at`, or on any day where that isn't known."""
    found: dict[tuple[str, ...], Situation] = {}
    days = [at] if at else sorted({day for slug in slugs for day in registry.starts(slug)})
    # Outputs without a day may be from before the first version known; weights are no older than their licence.
    early = at is not None or any(
        registry.versions(slug)[0].document.kind != "model-licence" for slug in slugs
    )
    if at is None and early and days:
        days.insert(0, days[0] - datetime.timedelta(days=1) if days[0] > datetime.date.min else days[0])
    for pair in pairs:
        for day in days:
            for situation in _on(registry, slugs, pair, day, known=early):
                key = tuple(t.uid for t in situation.documents) + situation.early
                if key:
                    found.setdefault(key, situation)
    return tuple(found.values())


def _covers(terms: Terms, pair: Covers) -> bool:
    return any(
        ("any" in (c.product, pair.product) or c.product == pair.product)
        and ("any" in (c.account_type, pair.account_type) or c.account_type == pair.account_type)
        for c in terms.covers
    )


def _on(
    registry: Registry, slugs: tuple[str, ...], pair: Covers, day: datetime.date, *, known: bool
) -> Iterator[Situation]:
    """What may have applied to a product and account on a day; two where a day falls between two versions."""
    documents: list[Terms] = []
    others: list[Terms] = []
    early: list[str] = []
    lacking: list[str] = []
    cautions: list[str] = []
    waiting = [(slug, False) for slug in slugs]
    included: set[str] = set()
    while waiting:
        slug, brought = waiting.pop(
            0
        )  # what others bring along applies with them, whatever it is written for
        if slug in included:
            continue
        force = registry.in_force(slug, day)
        if force.early and known and (brought or _covers(registry.versions(slug)[0], pair)):
            early.append(slug)
        versions = tuple(v for v in force.versions if brought or _covers(v, pair))
        if not versions:
            continue
        included.add(slug)
        version = versions[0]
        documents.append(version)
        others += versions[1:]
        if known:
            cautions += _cautions(versions, day)
        for more in version.incorporates if len(included) < len(slugs) + _MOST_INCORPORATED else ():
            if registry.versions(more):
                waiting.append((more, True))
            else:
                lacking.append(f"{called(version)} incorporates {more}, which isn't in the registry")
    told = tuple(dict.fromkeys(early)), tuple(lacking), tuple(cautions)
    yield Situation(tuple(documents), *told)
    if others:
        replaced = {t.slug for t in others}
        yield Situation((*(t for t in documents if t.slug not in replaced), *others), *told)


def _cautions(versions: tuple[Terms, ...], day: datetime.date) -> Iterator[str]:
    """What makes it unsure that a version was in force on a day."""
    version = versions[0]
    if len(versions) > 1:
        yield f"which version of {called(version)} was in force on {day} isn't known"
    elif version.valid_from is None:
        yield f"since when this version of {called(version)} was in force isn't known"
    if version.last_seen and not version.valid_to and day > version.last_seen:
        yield f"{called(version)} was last seen on {version.last_seen}"
