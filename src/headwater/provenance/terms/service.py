"""What a provider's documents say of a use, as one link of the chain.

Every situation that may have been (`situations`) is asked; the most restrictive is told, and the link says what
would decide where they differ. A document that says nothing leaves the others to speak.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from headwater.provenance.terms.document import Covers, Rule, Terms
from headwater.provenance.terms.model import ORDER, Clause, Link, Origin, Use, Verdict, in_order, worst
from headwater.provenance.terms.names import Model
from headwater.provenance.terms.providers import possessive, provider_name
from headwater.provenance.terms.rules import Asked, ask
from headwater.provenance.terms.situations import Situation, called, pairs_of, situations
from headwater.provenance.terms.wording import action_words, link_sentence, listed

if TYPE_CHECKING:
    from headwater.provenance.terms.versions import Registry

Kind = Literal["vendor", "router", "model"]


class Judged(NamedTuple):
    """A situation, what its documents said, and the verdict of that."""

    situation: Situation
    asked: Asked
    verdict: Verdict


def service(
    registry: Registry,
    kind: Literal["vendor", "router"],
    provider: str,
    origin: Origin,
    use: Use,
    model: Model | None = None,
) -> Link:
    """What a provider's terms of service say of `use`, as a link."""
    name = provider_name(provider)
    slugs = registry.of(provider)
    if not slugs:
        return _nothing_known(kind, name, f"No terms of {name} are in the registry.")
    product, account = origin.product, origin.account_type
    pairs = pairs_of(registry, slugs, product, account, model.products if model else ())
    if not pairs:
        return _nothing_known(
            kind, name, f"No terms of {name} for this product and account are in the registry."
        )
    if kind == "router" and use.competing and not _about_models(registry, slugs):
        use = msgspec.structs.replace(
            use, competing=None
        )  # a model isn't a service that competes with a router
    decides = [] if origin.at else ["the day"]
    if len(pairs) > 1:
        decides += [
            what for what, known in (("the product", product), ("the type of account", account)) if not known
        ]
    return _link(registry, kind, name, slugs, pairs, origin, use, decides)


def _about_models(registry: Registry, slugs: tuple[str, ...]) -> bool:
    """Whether a router's terms speak of competing models, and not only of competing services."""
    versions = (version for slug in slugs for version in registry.versions(slug))
    return any(rule.action == "hw:trainCompeting" for version in versions for _, rule in version.rules())


def licence_of_weights(
    registry: Registry, name: str, terms: tuple[str, ...], origin: Origin, use: Use
) -> Link:
    """What the registry's licences of some weights say of `use`, as a link."""
    slugs = registry.licences(terms)
    if not slugs:
        return _nothing_known("model", name, f"The licence of {name} isn't in the registry.")
    return _link(registry, "model", name, slugs, [Covers()], origin, use, [] if origin.at else ["the day"])


def _link(
    registry: Registry,
    kind: Kind,
    name: str,
    slugs: tuple[str, ...],
    pairs: list[Covers],
    origin: Origin,
    use: Use,
    decides: list[str],
) -> Link:
    judged = [
        Judged(situation, asked, _verdict(asked.verdict, situation, kind))
        for situation in situations(registry, slugs, pairs, origin.at)
        for asked in (ask(situation.documents, use),)
    ]
    if not judged:
        return _nothing_known(kind, name, f"What {possessive(name)} terms said at that time isn't known.")
    verdicts = {each.verdict for each in judged}
    verdict = worst(verdicts)
    deciding = [each for each in judged if each.verdict == verdict]
    possible = verdicts | {_verdict(v, each.situation, kind) for each in judged for v in each.asked.possible}
    if decides or (kind != "model" and not (origin.product and origin.account_type)):
        possible.add("unknown")  # a day before the first version, or a product that no document covers
    unknown = dict.fromkeys(_unknown(deciding, name, use))
    if kind == "vendor" and any(each.asked.passed_on for each in deciding):
        unknown |= {
            f"{name} passes on the terms of the model's own provider, and which model it was isn't known": None
        }
    if len(verdicts) > 1 and decides:
        unknown |= {f"{listed(decides)} would decide what {possessive(name)} terms say of this use": None}
    clauses = _clauses(deciding, verdict)
    sentence = link_sentence(
        name, kind, verdict, clauses, differ=len(verdicts) > 1, permitted=_permitted(deciding)
    )
    if not any(each.situation.documents for each in deciding):
        sentence = f"{possessive(name)} terms of that day aren't known here."
    if origin.at is None and verdict == "unknown" and any(each.situation.early for each in deciding):
        sentence = _without_a_day(registry, name, slugs, judged) or sentence
    return Link(
        kind=kind,
        name=name,
        verdict=verdict,
        sentence=sentence,
        duties=tuple(dict.fromkeys(text for each in deciding for text in each.asked.duties)),
        conditions=tuple(dict.fromkeys(text for each in deciding for text in each.asked.conditions)),
        clauses=clauses,
        binds="licensee" if kind == "model" else "account-holder",
        unknown=tuple(unknown),
        possible=in_order(possible),
    )


def _without_a_day(registry: Registry, name: str, slugs: tuple[str, ...], judged: list[Judged]) -> str | None:
    """What is known since the first version, where only the time before it leaves a use unknown."""
    later = worst(each.verdict for each in judged if not each.situation.early)
    starts = [day for slug in slugs for day in registry.starts(slug) if day > datetime.date.min]
    if later not in ("allowed", "allowed-with-duties") or not starts:
        return None
    allows = "allow this use" if later == "allowed" else "allow this use with duties"
    return (
        f"{possessive(name)} terms {allows} since {max(min(registry.starts(s), default=min(starts)) for s in slugs)}; "
        "what they said before isn't known here, and no day is given."
    )


def _verdict(verdict: Verdict, situation: Situation, kind: Kind) -> Verdict:
    """The verdict of one situation; a document that wasn't known yet leaves it unknown at best."""
    if situation.early:
        return worst((verdict, "unknown"))
    if kind == "router" and verdict == "unknown" and situation.documents:
        return "allowed"  # a router that says nothing of its own adds nothing to the model's terms
    return verdict


def _permitted(deciding: list[Judged]) -> bool:
    """Whether a permission says so, and not only that no prohibition reaches the use."""
    return any(rule in terms.permission for each in deciding for terms, rule in each.asked.rules)


def _unknown(deciding: list[Judged], name: str, use: Use) -> Iterator[str]:
    """What isn't known of the situations that decide, and clauses that don't decide and may matter."""
    for each in deciding:
        yield from (*each.situation.cautions, *each.situation.lacking)
        for slug in each.situation.early:
            yield f"what {possessive(name)} {slug.partition('/')[2]} said before its first version known here"
        for terms in each.situation.documents if use.action == "train" else ():
            if any(rule.action == "hw:improveOtherModels" for rule in terms.prohibition):
                yield f"{called(terms)} excepts improving {name} itself and what derives from it"
            if any(rule.action == "hw:collectSystematically" for rule in terms.prohibition):
                yield (
                    f"{called(terms)} also has a clause on collecting outputs systematically; "
                    "how these were collected isn't known"
                )


def _clauses(deciding: list[Judged], verdict: Verdict) -> tuple[Clause, ...]:
    """The clauses that the verdict rests on; of silent documents, where that was read."""
    found: dict[str, Clause] = {}
    for each in deciding:
        for terms, rule in each.asked.rules:
            restricts = rule in terms.prohibition or bool(
                verdict == "restricted-to" and (rule.constraint or rule.duty)
            )
            if restricts or verdict not in ("prohibited-by-contract", "restricted-to"):
                found.setdefault(rule.uid, clause_of(terms, rule))
        for terms in each.situation.documents if verdict == "unknown" else ():
            if terms.evidence is not None:
                found.setdefault(terms.uid, clause_of(terms, None))
    return tuple(found[uid] for uid in sorted(found))


def clause_of(terms: Terms, rule: Rule | None) -> Clause:
    """A rule, or what was read of a document that is silent, as a clause of an answer."""
    evidence = rule.evidence if rule is not None else terms.evidence
    said = evidence.paraphrase if evidence else ""
    if not said and rule is not None:
        said = f"{'Prohibits' if rule in terms.prohibition else 'Allows'} {action_words(terms, rule)}."
    return Clause(
        document=f"{provider_name(terms.provider)}, {terms.document.name}",
        version=terms.version,
        uid=rule.uid if rule is not None else terms.uid,
        says=said,
        quote=evidence.quote if evidence else "",
        section=evidence.section if evidence else "",
        valid_from=terms.valid_from,
        valid_from_basis=terms.valid_from_basis,
        valid_to=terms.valid_to,
        last_seen=terms.last_seen,
        source=evidence.source if evidence else terms.document.url,
        commit=evidence.commit if evidence else "",
        confidence=evidence.confidence if evidence else "low",
        rule=_signature(rule) if rule is not None else "",
    )


def _signature(rule: Rule) -> str:
    """A rule without its words: action, constraints and duties."""
    parts = [rule.action, *(msgspec.json.encode(each).decode() for each in (*rule.constraint, *rule.duty))]
    return " ".join(parts)


def _nothing_known(kind: Kind, name: str, sentence: str) -> Link:
    return Link(
        kind=kind,
        name=name,
        verdict="unknown",
        sentence=sentence,
        unknown=(sentence,),
        binds="licensee" if kind == "model" else "account-holder",
        possible=ORDER,
    )
