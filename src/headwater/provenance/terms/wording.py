"""The words of an answer: what a rule excludes, what it is limited to, what it asks in return, who is bound.

Every sentence says what a text says, since when and of whom. None says that something is lawful or unlawful.
"""

from __future__ import annotations

from collections.abc import Iterable

from headwater.provenance.terms.document import Constraint, Duty, Rule, Terms
from headwater.provenance.terms.model import Binds, Clause, Verdict
from headwater.provenance.terms.providers import possessive, provider_name

CAUTION = "This says what texts say; it is not legal advice."

_ACTIONS = {
    "hw:useOutputs": "using outputs at all",
    "hw:trainAny": "training any model on outputs",
    "hw:trainGenerative": "training any language model or generative system on outputs",
    "hw:improveOtherModels": "improving any other language model with outputs",
    "hw:distil": "distilling models of {provider}",
    "hw:trainCompeting": "developing a model that competes with {provider}",
    "hw:competeProduct": "building a product that competes with {provider}",
    "hw:trainImageGenerator": "training an image generator on outputs",
    "hw:finetuneOnProvider": "fine-tuning on the own service of {provider}",
    "hw:collectSystematically": "collecting outputs systematically",
    "hw:evaluate": "evaluating models with outputs",
    "hw:redistributeOutputs": "passing outputs on",
    "hw:stripMarks": "removing marks from outputs",
}
_VERBS: dict[Verdict, tuple[str, str]] = {
    "allowed": ("allow this use", "allows this use"),
    "allowed-with-duties": (
        "allow this use and ask something in return",
        "allows this use and asks something in return",
    ),
    "restricted-to": ("allow this use only within limits", "allows this use only within limits"),
    "prohibited-by-contract": ("prohibit this use", "prohibits this use"),
    "unknown": ("say nothing known here that decides this use", "says nothing that decides this use"),
}
_NOTHING_AGAINST = ("have nothing against this use", "has nothing against this use")
_CONFIDENCE = ("high", "medium", "low")
_SURE = {"high": "", "medium": " This reading is fairly sure.", "low": " This reading is not sure."}
_CLASSES = {
    "generative": "a generative model",
    "classifier": "a classifier",
    "embedding": "an embedding model",
    "image-generator": "an image generator",
}


def listed(words: Iterable[str], last: str = "and") -> str:
    """ "a, b and c"."""
    every = list(words)
    return f" {last} ".join(filter(None, (", ".join(every[:-1]), every[-1] if every else "")))


def action_words(terms: Terms, rule: Rule) -> str:
    """What a rule is about: "developing a model that competes with OpenAI"."""
    return _ACTIONS[rule.action].format(provider=provider_name(terms.provider))


def exclusion(terms: Terms, rule: Rule) -> str:
    """A use outside of a prohibition: "not for developing a model that competes with OpenAI"."""
    return f"not for {action_words(terms, rule)}{_where(terms, rule)}"


def condition(terms: Terms, rule: Rule) -> str:
    """What a permission is limited to."""
    return f"allowed for {action_words(terms, rule)}{_where(terms, rule)}"


def _where(terms: Terms, rule: Rule) -> str:
    told = [
        _constraint(terms, c)
        for c in rule.constraint
        if not (
            rule.action == "hw:finetuneOnProvider" and c.left_operand == "hw:onService"
        )  # the action says it
    ]
    return f" where {listed(told)}" if told else ""


def _constraint(terms: Terms, constraint: Constraint) -> str:
    if constraint.and_ or constraint.or_:
        last = "and" if constraint.and_ else "or"
        inner = listed((_constraint(terms, each) for each in (*constraint.and_, *constraint.or_)), last)
        return f"({inner})"
    positive = constraint.operator in ("eq", "isAnyOf")
    provider = provider_name(terms.provider)
    values = constraint.values()
    named = [str(value) for value in values]
    if constraint.left_operand in ("hw:priorAuthorization", "hw:commercial"):
        true = (values[0] is True) == positive
        if constraint.left_operand == "hw:commercial":
            return "the use is commercial" if true else "the use isn't commercial"
        return (
            f"{provider} authorised it in writing" if true else f"{provider} hasn't authorised it in writing"
        )
    are = "is" if positive else "isn't"
    if constraint.left_operand == "hw:modelClass":
        return f"the model {are} {listed((_CLASSES[name] for name in named), 'or')}"
    if constraint.left_operand == "hw:distribution":
        kept = ("internal" in named) == positive
        return "the model isn't given to others" if kept else "the model is given to others"
    if constraint.left_operand == "hw:competesWith":
        what = "its services" if "services" in named else listed(map(provider_name, named), "or")
        return f"the model {'competes' if positive else 'does not compete'} with {what}"
    if constraint.left_operand == "hw:onService":
        return f"it {are} on the service of {listed(map(provider_name, named), 'or')}"
    if constraint.left_operand == "hw:modality":
        return f"the outputs {'are' if positive else 'are not'} {listed(named, 'or')}"
    return f"the model's name {'begins' if positive else 'does not begin'} with {listed(named, 'or')}"


def duty_words(terms: Terms, duty: Duty, prefix: str | None = None) -> str:
    """A duty as somebody would be told it."""
    text = f" “{duty.text}”" if duty.text else ""
    return {
        "hw:nameModelWithPrefix": f"begin the trained model's name with “{prefix or duty.text}”",
        "attribute": f"show{text}" if text else "name the source",
        "hw:includeNotice": f"pass on{text or ' a copy of the terms or their notice'}",
        "hw:inheritLicence": f"give the trained model under the same terms ({terms.document.name})",
        "hw:obtainAuthorization": f"written authorization of {provider_name(terms.provider)}",
        "hw:passThrough": "keep to the terms of the model's own provider too",
        "hw:shareAlike": "share adaptations under the same licence",
    }[duty.action]


def link_sentence(
    name: str, kind: str, verdict: Verdict, clauses: tuple[Clause, ...], *, differ: bool, permitted: bool
) -> str:
    """What documents say of a use, in which versions, and how sure that is.

    `differ`: not every situation that may have been gives this verdict. `permitted`: a permission says so.
    """
    if verdict == "allowed" and kind == "router" and not clauses:
        return f"{name} passes requests on to others' models; its own terms add nothing on this use."
    one = kind == "model"
    verb = (_VERBS[verdict] if verdict != "allowed" or permitted else _NOTHING_AGAINST)[one]
    subject = f"the licence of {name}" if one else f"{possessive(name)} terms"
    if differ and verdict in ("prohibited-by-contract", "restricted-to"):
        text = f"in the strictest case that may apply, {subject} {verb}"
    else:
        text = f"{subject} {verb}"
    text = text if text.startswith(name) else f"{text[0].upper()}{text[1:]}"
    documents = "; ".join(_dated(clauses))
    sure = [_CONFIDENCE.index(clause.confidence) for clause in clauses]
    # One sure clause carries a restriction; that nothing restricts is as sure as the least sure reading.
    how = (min if verdict in ("prohibited-by-contract", "restricted-to") else max)(sure, default=0)
    return f"{text}{f' ({documents})' if documents else ''}.{_SURE[_CONFIDENCE[how]]}"


def _dated(clauses: Iterable[Clause]) -> Iterable[str]:
    """Each document with the days of its versions, once."""
    versions: dict[str, dict[str, Clause]] = {}
    for clause in clauses:
        versions.setdefault(clause.document.split(", ", 1)[-1], {}).setdefault(clause.version, clause)
    for document, each in versions.items():
        known = sorted(
            (clause for clause in each.values()), key=lambda c: (c.valid_from is not None, c.version)
        )
        first = known[0]
        stated = "since" if first.valid_from_basis == "stated" else "seen since"
        since = f"{stated} {first.valid_from}" if first.valid_from else "since a day that isn't known"
        if len(known) > 1:
            yield f"{document}, in {len(known)} versions {since}"
        else:
            yield f"{document}, {since}{f' until {first.valid_to}' if first.valid_to else ''}"


def bound_words(binds: Binds, provider: str, third_party: bool) -> str:
    """Who is bound by what decides the answer."""
    if binds == "account-holder":
        text = f"The contract is between {provider} and whoever held the account that the outputs came from."
        if third_party:
            text += " Whoever got the data from others isn't party to it and may not be bound by it."
        return text
    return {
        "licensee": "A licence binds whoever uses what it licenses.",
        "anyone": "The statement addresses anyone who uses the text.",
        "crawler": "The statement addresses crawlers that fetch the text, by name or all of them.",
        "nobody": "Nothing was found that binds anybody.",
        "unknown": "Who is bound isn't known.",
    }[binds]
