"""What the rules of documents say of a use, in three values: a use that isn't fully said is asked in every way.

`ask` tries each completion of a use on some documents and keeps every verdict that can come out, so that knowing
more can only narrow an answer. A permission of the same document that names the same action under a condition, or
a narrower action, is an exception to a prohibition. Which documents are asked, and when, is `chain`'s business.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import msgspec

from headwater.provenance.terms.document import Constraint, Rule, Terms
from headwater.provenance.terms.model import NO_SERVICE, THE_PROVIDER, Use, Verdict, worst
from headwater.provenance.terms.wording import condition, duty_words, exclusion

#: What each action of the profile is about; those not named here say nothing of a use of outputs by itself.
_MATTER = {
    "hw:trainAny": "train",
    "hw:trainGenerative": "train",
    "hw:improveOtherModels": "train",
    "hw:distil": "train",
    "hw:trainCompeting": "train",
    "hw:competeProduct": "train",
    "hw:trainImageGenerator": "train",
    "hw:finetuneOnProvider": "train",
    "hw:evaluate": "evaluate",
    "hw:redistributeOutputs": "redistribute",
}
#: How narrow an action is: only a narrower permission, or one under a condition, is an exception.
_NARROW = {"hw:useOutputs": 0, "hw:trainAny": 1, "hw:trainGenerative": 2, "hw:finetuneOnProvider": 4}
_COMPETING = {"hw:trainCompeting", "hw:competeProduct"}
_GENERATIVE = {"hw:trainGenerative", "hw:improveOtherModels", "hw:distil"}


class Outcome(NamedTuple):
    """What one document says of a fully said use: the rules that decide, duties, conditions that aren't met."""

    verdict: Verdict
    rules: tuple[Rule, ...] = ()
    duties: tuple[str, ...] = ()
    unmet: tuple[str, ...] = ()
    named: bool = False
    passed_on: bool = False


class Asked(NamedTuple):
    """What some documents say together, over all completions of a use.

    `passed_on`: the terms of whoever provides the model apply as well; the chain asks these for themselves.
    """

    verdict: Verdict
    possible: frozenset[Verdict]
    rules: tuple[tuple[Terms, Rule], ...]
    duties: tuple[str, ...]
    conditions: tuple[str, ...]
    passed_on: bool


def ask(documents: Sequence[Terms], use: Use) -> Asked:
    """What `documents` of one provider say of `use`; where they all are silent, "unknown"."""
    seen: list[Verdict] = []
    rules: dict[str, tuple[Terms, Rule]] = {}
    duties: dict[str, None] = {}
    conditions: dict[str, None] = {}
    named = passed_on = False
    for whole in completions(use, documents):
        spoken = [(terms, told) for terms in documents if (told := judge(terms, whole)).verdict != "unknown"]
        seen.append(worst(told.verdict for _, told in spoken) if spoken else "unknown")
        for terms, told in spoken:
            rules |= {rule.uid: (terms, rule) for rule in told.rules}
            duties |= dict.fromkeys(told.duties)
            conditions |= dict.fromkeys(told.unmet)
            named, passed_on = named or told.named, passed_on or told.passed_on
    possible = set(seen)
    mixed = "prohibited-by-contract" in possible and possible & {
        "allowed",
        "allowed-with-duties",
        "restricted-to",
    }
    verdict: Verdict = "restricted-to" if mixed else worst(possible)
    if named and use.model_name is None:
        possible |= {"restricted-to", "allowed", "allowed-with-duties"}
    if mixed or verdict == "restricted-to":
        possible.add("restricted-to")
        conditions = dict.fromkeys(_limits(rules.values())) | conditions
    elif verdict in ("allowed", "allowed-with-duties"):  # it is so only within the limits of its permission
        conditions = dict.fromkeys(_permitted(rules.values()))
    if verdict in ("prohibited-by-contract", "unknown"):
        duties.clear()
    return Asked(
        verdict, frozenset(possible), tuple(rules.values()), tuple(duties), tuple(conditions), passed_on
    )


def _limits(rules: Iterable[tuple[Terms, Rule]]) -> Iterator[str]:
    """What a use has to keep to, so that none of these rules stands against it."""
    for terms, rule in rules:
        if rule in terms.prohibition:
            yield exclusion(terms, rule)
    yield from _permitted(rules)


def _permitted(rules: Iterable[tuple[Terms, Rule]]) -> Iterator[str]:
    """What permissions under a condition are limited to."""
    for terms, rule in rules:
        if rule.constraint and rule in terms.permission:
            yield condition(terms, rule)


def completions(use: Use, documents: Sequence[Terms]) -> Iterator[Use]:
    """Every way to say what `use` leaves unsaid, as far as a rule of the documents asks for it."""
    asked = frozenset[str]().union(*(_asked(terms) for terms in documents)) if documents else frozenset[str]()
    provider = documents[0].provider if documents else ""
    service = provider if use.on_service == THE_PROVIDER else use.on_service
    train = use.action == "train"

    def values(name: str, said: object, every: tuple[object, ...]) -> tuple[object, ...]:
        return every if said is None and name in asked else (said,)

    if not train:  # what is trained, and where, says nothing of other uses
        use = msgspec.structs.replace(use, competing=False, model_class=None)
        service = NO_SERVICE

    classes = ("generative", "classifier", "embedding", "image-generator")
    for competing, kind, distributed, commercial, on_service in product(
        values("competing", use.competing, (True, False)),
        values("class", use.model_class, classes if train else (None,)),
        values("distribution", use.distributed, (True, False)),
        values("commercial", use.commercial, (True, False)),
        values("service", service, (NO_SERVICE, provider)),
    ):
        yield msgspec.structs.replace(
            use,
            competing=competing,
            model_class=kind,
            distributed=distributed,
            commercial=commercial,
            on_service=on_service,
        )


@lru_cache(maxsize=2048)
def _asked(terms: Terms) -> frozenset[str]:
    """Which of a use's fields the rules of a document depend on."""
    asked = set()
    operands = {
        "hw:modelClass": "class",
        "hw:distribution": "distribution",
        "hw:competesWith": "competing",
        "hw:commercial": "commercial",
        "hw:onService": "service",
    }
    for _, rule in terms.rules():
        asked |= {"competing"} if rule.action in _COMPETING else set()
        asked |= {"class"} if rule.action in {*_GENERATIVE, "hw:trainImageGenerator"} else set()
        asked |= {"service"} if rule.action == "hw:finetuneOnProvider" else set()
        for constraint in _leaves((*rule.constraint, *(c for duty in rule.duty for c in duty.constraint))):
            asked.add(operands.get(constraint.left_operand, ""))
    return frozenset(asked)


def _leaves(constraints: Iterable[Constraint]) -> Iterator[Constraint]:
    for constraint in constraints:
        inner = (*constraint.and_, *constraint.or_)
        yield from _leaves(inner) if inner else (constraint,)


@lru_cache(maxsize=16384)
def judge(terms: Terms, use: Use) -> Outcome:
    """What one document says of a use that leaves nothing unsaid which its rules ask for."""
    permitted = [rule for rule in terms.permission if _reaches(rule.action, use, terms.provider)]
    holding = [rule for rule in permitted if _holds(rule.constraint, use, terms.provider)]
    against = [
        rule
        for rule in terms.prohibition
        if _reaches(rule.action, use, terms.provider)
        and _holds(rule.constraint, use, terms.provider)
        and not any(_is_exception(each, rule) for each in holding)
    ]
    if against:
        return Outcome("prohibited-by-contract", tuple(against))
    if holding:
        return _with_duties(terms, holding, use)
    if permitted:
        return Outcome("restricted-to", tuple(permitted))
    owed = tuple(rule for rule in terms.obligation if _holds(rule.constraint, use, terms.provider))
    if owed:
        return _with_duties(terms, list(owed), use)
    about = tuple(rule for kind, rule in terms.rules() if kind != "obligation" and _about(rule, use))
    return Outcome("allowed", about) if about else Outcome("unknown")


def _about(rule: Rule, use: Use) -> bool:
    return rule.action == "hw:useOutputs" or _MATTER.get(rule.action) == use.action


def _with_duties(terms: Terms, holding: list[Rule], use: Use) -> Outcome:
    """What is asked in return for permissions that hold, and by the document's obligations."""
    verdict: Verdict = "allowed"
    open_duties: list[str] = []
    unmet: list[str] = []
    named = passed_on = False
    owed = [rule for rule in terms.obligation if _holds(rule.constraint, use, terms.provider)]
    for duty in (duty for rule in dict.fromkeys((*holding, *owed)) for duty in rule.duty):
        prefix = next(
            (str(c.right_operand) for c in duty.constraint if c.left_operand == "hw:namePrefix"), None
        )
        when = tuple(c for c in duty.constraint if c.left_operand != "hw:namePrefix")
        if not _holds(when, use, terms.provider):
            continue
        if duty.action == "hw:passThrough":
            passed_on = True
            continue
        words = duty_words(terms, duty, prefix)
        if duty.action == "hw:nameModelWithPrefix" and prefix:
            named = True
            if use.model_name is not None:
                if not use.model_name.lower().startswith(prefix.lower()):
                    unmet.append(f"{words}; the name given does not")
                continue
        if duty.action == "hw:obtainAuthorization":
            if terms.provider not in use.authorised:
                unmet.append(words)
            continue
        open_duties.append(words)
    if unmet:
        verdict = "restricted-to"
    elif open_duties:
        verdict = "allowed-with-duties"
    return Outcome(verdict, tuple(holding), tuple(dict.fromkeys(open_duties)), tuple(unmet), named, passed_on)


def _is_exception(permission: Rule, prohibition: Rule) -> bool:
    """Whether a permission that holds is an exception to a prohibition of the same document."""
    if any(c.left_operand == "hw:priorAuthorization" for c in _leaves(permission.constraint)):
        return True
    narrow, wide = (_NARROW.get(rule.action, 3) for rule in (permission, prohibition))
    return narrow > wide or (narrow == wide and bool(permission.constraint))


def _reaches(action: str, use: Use, provider: str) -> bool:
    """Whether an action of the profile is (part of) what a fully said use does."""
    if action == "hw:useOutputs":
        return True
    if _MATTER.get(action) != use.action:
        return False
    if action in _COMPETING:
        return use.competing is True
    if action in _GENERATIVE:
        return use.model_class == "generative"
    if action == "hw:trainImageGenerator":
        return use.model_class == "image-generator"
    if action == "hw:finetuneOnProvider":
        return use.on_service == provider
    return True


def _holds(constraints: Iterable[Constraint], use: Use, provider: str) -> bool:
    return all(_true(constraint, use, provider) for constraint in constraints)


def _true(constraint: Constraint, use: Use, provider: str) -> bool:
    """Whether one constraint holds for a fully said use."""
    if constraint.and_:
        return all(_true(each, use, provider) for each in constraint.and_)
    if constraint.or_:
        return any(_true(each, use, provider) for each in constraint.or_)
    operand = constraint.left_operand
    values = constraint.values()
    if operand == "hw:competesWith":
        found: object = values[0] if use.competing else None
    else:
        found = {
            "hw:modelClass": use.model_class,
            "hw:distribution": "distributed" if use.distributed else "internal",
            "hw:priorAuthorization": provider in use.authorised,
            "hw:commercial": bool(use.commercial),
            "hw:onService": use.on_service,
            "hw:modality": use.modality,
            "hw:namePrefix": next(
                (v for v in values if (use.model_name or "").lower().startswith(str(v).lower())), None
            ),
        }[operand]
    inside = found in values
    return inside if constraint.operator in ("eq", "isAnyOf") else not inside
