"""The chain behind an answer: provider, router, model's licence, dataset's licences, rights signals, people.

The most restrictive link wins, and nothing that is added makes an answer less restrictive. What isn't known of an
origin (day, product, account) is asked in every way that may be true, and the answer says what would decide.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from headwater.provenance.terms import wording
from headwater.provenance.terms.licences import ask_licence, licence
from headwater.provenance.terms.model import ORDER, Answer, Link, Origin, Use, Verdict, in_order, worst
from headwater.provenance.terms.names import Model, identify, is_human
from headwater.provenance.terms.providers import Router, shipped
from headwater.provenance.terms.service import licence_of_weights, service
from headwater.provenance.terms.signal_links import signal_link

if TYPE_CHECKING:
    from headwater.provenance.terms.versions import Registry

#: Kinds of links, in the order in which they are told.
_KINDS = ("vendor", "router", "model", "licence", "signal", "source")


def answer(registry: Registry, origin: Origin, use: Use) -> Answer:
    """What the texts that go with `origin` say of `use`, and why."""
    links = tuple(
        sorted(
            _links(registry, origin, use),
            key=lambda link: (_KINDS.index(link.kind), link.name, link.sentence),
        )
    )
    verdict = worst(link.verdict for link in links)
    deciding = next(link for link in links if link.verdict == verdict)
    unknown = dict.fromkeys(text for link in links for text in link.unknown)
    unknown |= dict.fromkeys(
        link.sentence for link in links if link.verdict == "unknown" and link is not deciding
    )
    third_party = origin.holder == "third-party"
    return Answer(
        verdict=verdict,
        sentence=deciding.sentence,
        links=links,
        duties=_together(link.duties for link in links),
        conditions=_together(link.conditions for link in links),
        unknown=tuple(unknown),
        bound=wording.bound_words(deciding.binds, deciding.name, third_party),
        bound_party=deciding.binds,
        possible=_possible(links),
    )


def _together(parts: Iterator[tuple[str, ...]] | tuple[tuple[str, ...], ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for part in parts for text in part))


def _possible(links: tuple[Link, ...]) -> tuple[Verdict, ...]:
    """Every verdict that the most restrictive of the links may turn out to be."""
    floor = worst(min(link.possible, key=ORDER.index) for link in links)
    every = {verdict for link in links for verdict in link.possible}
    return in_order(v for v in every if ORDER.index(v) >= ORDER.index(floor))


def _links(registry: Registry, origin: Origin, use: Use) -> Iterator[Link]:
    human = origin.human or (origin.human is None and origin.model is not None and is_human(origin.model))
    model = identify(origin.model) if origin.model and not human else None
    if model is not None or (origin.provider and not human):
        yield from _provider_links(registry, origin, use, model)
    elif not human:
        yield _nobody_known(origin)
    if human:
        yield from _human_links(origin)
    names = (name for name in (origin.router, model.router if model else None) if name)
    for router in dict.fromkeys(map(_router, names)):
        own = msgspec.structs.replace(origin, product=router.product, account_type=router.account)
        yield service(registry, "router", router.provider, own, use)
    for written in dict.fromkeys(origin.licences):
        yield from _dataset_licence(registry, written, origin, use)
    for signal in dict.fromkeys(origin.signals):
        link = signal_link(signal, use)
        if link is not None:
            yield link


def _router(name: str) -> Router:
    """Whose terms, and for which product, the service is under that passed the request on."""
    slug = name.strip().lower().replace("_", "-").replace(" ", "-")
    return shipped().routers.get(slug, Router(slug))


def _provider_links(registry: Registry, origin: Origin, use: Use, model: Model | None) -> Iterator[Link]:
    """The provider's own terms, and the licence of the weights and of what they derive from."""
    providers = dict.fromkeys(
        slug
        for slug in (origin.provider, model.provider if model and _served(registry, model, origin) else None)
        if slug
    )
    either = model is not None and model.served and model.weights and origin.product is None
    for slug in providers:
        link = service(registry, "vendor", slug.lower(), origin, use, model)
        yield (
            _perhaps(link, f"whether it ran on the service of {link.name} or from published weights")
            if either
            else link
        )
    if model is not None and model.weights and not (model.served and origin.product):
        for link in _weights(registry, model, origin, use):
            yield _perhaps(link) if either else link


def _served(registry: Registry, model: Model, origin: Origin) -> bool:
    """Whether the provider's own service may have answered: by the model's name, or by the product's."""
    if model.served or not (model.provider and origin.product):
        return model.served
    versions = (version for slug in registry.of(model.provider) for version in registry.versions(slug))
    return any(covers.product == origin.product for version in versions for covers in version.covers)


def _perhaps(link: Link, unknown: str | None = None) -> Link:
    """A link that may not be part of the chain."""
    possible = in_order((*link.possible, "allowed"))
    return msgspec.structs.replace(
        link, possible=possible, unknown=(*link.unknown, *((unknown,) if unknown else ()))
    )


def _weights(registry: Registry, model: Model, origin: Origin, use: Use, depth: int = 0) -> Iterator[Link]:
    """The licences of a model's weights, and of the models that it derives from."""
    name = model.family or model.name
    if model.terms and (registry.licences(model.terms) or not model.licences):
        yield licence_of_weights(registry, name, model.terms, origin, use)
    elif model.licences:
        for each in model.licences:
            yield _as_model(ask_licence(each, licence(each), use), name)
    elif not model.bases:
        yield Link(
            kind="model",
            name=name,
            verdict="unknown",
            sentence=f"The licence of {name} isn't known here.",
            unknown=(f"the licence of {name}",),
            possible=ORDER,
        )
    if depth < 4:
        for base in model.bases:
            yield from _weights(registry, base, origin, use, depth + 1)


def _as_model(link: Link, name: str) -> Link:
    return msgspec.structs.replace(link, kind="model", name=f"{name} ({link.name})")


def _dataset_licence(registry: Registry, written: str, origin: Origin, use: Use) -> Iterator[Link]:
    found = licence(written)
    if found is not None and found.terms:
        link = licence_of_weights(registry, found.name, found.terms, origin, use)
        yield msgspec.structs.replace(link, kind="licence")
    elif found is not None and found.provider:
        yield service(registry, "vendor", found.provider, origin, use)
    else:
        yield ask_licence(written, found, use)


def _nobody_known(origin: Origin) -> Link:
    """That it isn't known who or what wrote the text."""
    if origin.model:
        name, sentence = "model", "The name of the model isn't known here, so whose terms apply isn't known."
    else:
        name, sentence = (
            "origin",
            "Nothing says who or what wrote the text, so whose terms apply isn't known.",
        )
    return Link(
        kind="source", name=name, verdict="unknown", sentence=sentence, unknown=(sentence,), possible=ORDER
    )


def _human_links(origin: Origin) -> Iterator[Link]:
    """People's text: no provider's terms, and a licence, a consent or another signal has to say yes."""
    yield Link(
        kind="source",
        name="people",
        verdict="allowed",
        sentence="The text is claimed to be people's own, so no provider's terms on outputs apply.",
        binds="nobody",
        possible=("allowed",),
    )
    if not origin.licences and not any(signal.says == "allowed" for signal in origin.signals):
        sentence = "No licence or consent of the people who wrote the text is stated."
        yield Link(
            kind="licence",
            name="none stated",
            verdict="unknown",
            sentence=sentence,
            unknown=("under which licence or with which consent people's text was given",),
            possible=ORDER,
        )
