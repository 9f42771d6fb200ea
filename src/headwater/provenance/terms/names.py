"""Which model a string in a column or card names, and whose: provider, family, licence, what it derives from.

A name that isn't known is None, never a guess: every word of it must be the family's or one that leaves a model what
it is ("instruct", "70b", a date). A name with foreign words that holds the name of published weights ("dolphin-2.5-
mixtral-8x7b") is taken for something derived from them by somebody unknown.
"""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from headwater.provenance.terms.providers import Family, shipped

#: Characters of the longest name that is looked at.
LONGEST = 200
_HUMAN = re.compile(
    r"(?:human(?:s|[-_ ](?:written|annotat(?:ed|ors?)|generated|expert|labell?er))?|crowd(?:[-_ ]?"
    r"(?:source[ds]?|workers?))?|annotators?|expert(?:s|[-_ ]written)?|people|volunteers?|mturk|"
    r"amazon mechanical turk|user(?:s|[-_ ]written)?|person)",
    re.IGNORECASE,
)
_URL = re.compile(r"https?://(?:www\.)?(?:huggingface\.co|hf\.co|openrouter\.ai)/(?:models/)?", re.IGNORECASE)
_CLOUD = re.compile(
    r"(?:(?:us|eu|apac|global|us-gov)\.)?(?P<vendor>anthropic|meta|amazon|mistral|cohere|ai21|deepseek|openai|qwen|"
    r"stability|moonshot|minimax|nvidia|google)\.(?P<name>.+)"
)
_WORD = re.compile(
    r"\d[\d.]*[bkmt]?|\d+x\d+b|a\d+b|e\d+b?|v\d[\d.]*|r\d|\d+e|q\d\w*|hf\d?|\d+bit|chat\d?|\d+h|"
    r"\d{4}-\d{2}-\d{2}"
)


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A model as far as its name tells: `served` as a service, `weights` published, or both.

    `licences`: ids of the weights' licences. `terms`: slugs of licences in the registry (`hw:models`). `bases`: what
    it derives from. `family` is "" where only what it derives from is known. `router`: the name of the service before
    the slash that passed the request on.
    """

    name: str
    family: str
    provider: str | None = None
    served: bool = False
    weights: bool = False
    licences: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    bases: tuple[Model, ...] = ()
    products: tuple[str, ...] = ()
    router: str | None = None


def is_human(name: str) -> bool:
    """Whether a generator column says that people wrote the text."""
    return _HUMAN.fullmatch(name.strip()) is not None


@lru_cache(maxsize=4096)
def identify(name: str) -> Model | None:
    """The model that `name` names, or None where it isn't known."""
    if not name or len(name) > LONGEST:
        return None
    parts = [_normal(part) for part in _URL.sub("", name.strip()).split("/") if part.strip()]
    router = None
    while len(parts) > 1 and parts[0] in shipped().routers:
        router = parts.pop(0)
    if parts[:1] == ["accounts"] and len(parts) == 4:  # accounts/<account>/models/<name>
        router, parts = router or "fireworks", parts[-1:]
        parts[0] = re.sub(r"(?<=-)v(?=\d)", "", re.sub(r"(?<=\d)p(?=\d)", ".", parts[0]))
    organisation = parts[-2] if len(parts) > 1 else None
    last = parts[-1] if parts else ""
    if cloud := _CLOUD.fullmatch(last):
        router, organisation, last = router or "bedrock", cloud["vendor"], cloud["name"]
    last = re.sub(r"-v\d+-\d+\Z", "", last) if cloud else last
    found = _published(last, organisation)
    return msgspec.structs.replace(found, name=name, router=router) if found else None


def _normal(part: str) -> str:
    """Lower case, one dash between words."""
    return re.sub(r"[\s_:@()\[\]-]+", "-", part.strip().lower()).strip("-")


def _published(name: str, organisation: str | None) -> Model | None:
    """The model of this normal form, published by `organisation` (the word before the slash) if that is known."""
    names = shipped()
    owner = names.organisations.get(organisation) if organisation else None
    for family in names.families:
        found = family.pattern.match(name)
        if found is None or not all(map(_harmless, found["rest"].strip("-.").split("-"))):
            continue
        if organisation and not _theirs(family, owner):
            break
        weights = family.weights
        served = family.served and not (weights and organisation in names.hub)
        return _model(name, family, served=served, weights=weights)
    return _derived(name)


def _theirs(family: Family, owner: str | None) -> bool:
    """Whether a model of this family may stand under the name of `owner` (None: somebody unknown).

    Copies of weights (quantised, mirrored) are under the same licence; a service's name isn't somebody else's.
    """
    return owner == family.provider or family.provider is None or (family.weights and owner is None)


def _harmless(word: str) -> bool:
    return not word or word in shipped().words or _WORD.fullmatch(word) is not None


def _derived(name: str) -> Model | None:
    """Something derived from weights whose name stands in `name`, whole; the longest where several begin alike."""
    found: dict[int, tuple[int, Family]] = {}
    for family in shipped().families:
        if not family.weights:
            continue
        for match in family.inside.finditer(name):
            start, length = match.start("name"), len(match["name"])
            if start not in found or length > found[start][0]:
                found[start] = (length, family)
    bases = [family for _, (_, family) in sorted(found.items())]
    if not bases:
        return None
    return Model(
        name=name,
        family="",
        weights=True,
        bases=tuple(_model(each.family, each, served=False, weights=True) for each in dict.fromkeys(bases)),
    )


def _model(name: str, family: Family, *, served: bool, weights: bool) -> Model:
    bases = (shipped().family(base) for base in family.bases)
    return Model(
        name=name,
        family=family.family,
        provider=family.provider,
        served=served,
        weights=weights,
        licences=family.licences,
        terms=family.terms,
        products=family.products,
        bases=tuple(_model(base.family, base, served=False, weights=True) for base in bases),
    )
