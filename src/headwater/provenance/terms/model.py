"""What is asked, and what is answered: a use of outputs, where a text came from, and a chain of links.

Plain data that other rooms keep and write as JSON. Who works an answer out is `chain`; what a file of the registry
says is `document`'s business.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

Verdict = Literal["allowed", "allowed-with-duties", "restricted-to", "prohibited-by-contract", "unknown"]
ModelClass = Literal["generative", "classifier", "embedding", "image-generator"]
Binds = Literal["account-holder", "licensee", "anyone", "crawler", "nobody", "unknown"]
Says = Literal["allowed", "not-allowed", "conditional", "unsaid"]

#: From the least to the most restrictive. What is unknown weighs more than a duty and less than a restriction.
ORDER: tuple[Verdict, ...] = (
    "allowed",
    "allowed-with-duties",
    "unknown",
    "restricted-to",
    "prohibited-by-contract",
)

#: `Use.on_service` of a training that runs on no provider's own fine-tuning service.
NO_SERVICE = ""
#: `Use.on_service` that stands for whoever provided the outputs.
THE_PROVIDER = "the-provider"


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The most restrictive of some verdicts; "allowed" of none."""
    return max(verdicts, key=ORDER.index, default="allowed")


def in_order(verdicts: Iterable[Verdict]) -> tuple[Verdict, ...]:
    """Some verdicts, each once, from the least restrictive to the most."""
    return tuple(sorted(set(verdicts), key=ORDER.index))


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants to do with outputs. None: not said.

    `on_service`: slug of the provider on whose own service a model is fine-tuned, `NO_SERVICE` where on none.
    `authorised`: slugs of the providers that authorised it in writing. `model_name`: the trained model's name, for
    duties of naming. `modality`: what kind the outputs are.
    """

    action: Literal["train", "evaluate", "redistribute"] = "train"
    competing: bool | None = None
    model_class: ModelClass | None = None
    distributed: bool | None = None
    commercial: bool | None = None
    on_service: str | None = None
    authorised: tuple[str, ...] = ()
    model_name: str | None = None
    modality: Literal["text", "image"] = "text"


#: Named uses, as the command line knows them.
USES: Mapping[str, Use] = {
    "train": Use(),
    "train-competing": Use(
        competing=True, model_class="generative", distributed=True, commercial=True, on_service=NO_SERVICE
    ),
    "train-internal": Use(model_class="generative", distributed=False, on_service=NO_SERVICE),
    "train-classifier": Use(model_class="classifier", distributed=False, on_service=NO_SERVICE),
    "finetune-on-provider": Use(model_class="generative", distributed=False, on_service=THE_PROVIDER),
    "evaluate": Use(action="evaluate"),
    "redistribute": Use(action="redistribute", distributed=True),
}


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """A rights signal: whether it lets a model be trained on the text, whom it addresses, and its words.

    `kind`: "robots", "aipref", "content-signal", "rsl", "tdmrep", "consent", "attribution", …
    `scope`: the path, agent or rows it is about. `where`: the file, header or column it stood in.
    """

    kind: str
    says: Says
    scope: str = ""
    where: str = ""
    quote: str = ""
    binds: Binds = "anyone"
    duties: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a text came from, as far as it is known; `model` as it is claimed, `at` the day it was generated.

    `holder`: whether who holds the text now also held the account that generated it.
    """

    model: str | None = None
    provider: str | None = None
    product: str | None = None
    account_type: str | None = None
    router: str | None = None
    at: datetime.date | None = None
    licences: tuple[str, ...] = ()
    signals: tuple[Signal, ...] = ()
    human: bool | None = None
    holder: Literal["account-holder", "third-party"] | None = None


class Clause(msgspec.Struct, frozen=True, kw_only=True):
    """One clause that an answer rests on: where it stands, since when, in which words, how sure.

    `says`: our paraphrase. `quote`: the document's own words, "" where they could not be read. `rule`: what the rule
    is in the profile's words, the same in two versions where the rule is.
    """

    document: str
    version: str
    uid: str
    says: str
    quote: str = ""
    section: str = ""
    valid_from: datetime.date | None = None
    valid_from_basis: str = "unknown"
    valid_to: datetime.date | None = None
    last_seen: datetime.date | None = None
    source: str = ""
    commit: str = ""
    confidence: str = "low"
    rule: str = ""


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """One element of the chain: whose terms, what they say of the use, and on whom they bind.

    `possible`: every verdict that may turn out, once what isn't known is known.
    """

    kind: Literal["vendor", "router", "model", "licence", "signal", "source"]
    name: str
    verdict: Verdict
    sentence: str
    duties: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    clauses: tuple[Clause, ...] = ()
    binds: Binds = "unknown"
    unknown: tuple[str, ...] = ()
    possible: tuple[Verdict, ...] = ()


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The most restrictive of the links, and what it rests on. It says what texts say; it is no legal advice.

    `unknown`: what isn't known and may matter. `bound`: a sentence on who is bound; `bound_party` in one word.
    """

    verdict: Verdict
    sentence: str
    links: tuple[Link, ...] = ()
    duties: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    bound: str = ""
    bound_party: Binds = "unknown"
    possible: tuple[Verdict, ...] = ()
