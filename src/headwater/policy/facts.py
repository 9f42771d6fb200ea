"""What a rule may look at: a closed list of figures about one campaign and one account in it.

Nothing about who the customers are is among them: no language, script or payment method can be named in a condition,
because there is no such fact. `region` is there for what protects (limits and overlays), and for nothing else.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from headwater.detect import Campaign, Kind, Member, Word
from headwater.errors import UsageError, Where
from headwater.policy.regions import REGIONS

#: Kinds of customers; `internal` are the operator's own.
Customer = Literal["unknown", "consumer", "business", "enterprise", "programme", "internal"]
Type = Literal["text", "whole number", "number", "true or false"]
_PYTHON: dict[Type, type] = {"text": str, "whole number": int, "number": float, "true or false": bool}
#: The longest text that a fact may be.
MOST_CHARACTERS = 1000


@dataclass(frozen=True)
class Fact:
    """What is known of one fact: its type, the least and the most that it can be, or its closed list of words."""

    name: str
    type: Type
    says: str
    least: float = 0
    most: float = 0
    words: tuple[str, ...] = ()
    #: of the account, not of the campaign
    account: bool = False
    #: may be named in limits and overlays, which protect, and in no rule, which raises
    protects_only: bool = False


#: Every fact, in the order of `Facts`; the reference page is generated from it.
FACTS: dict[str, Fact] = {
    fact.name: fact
    for fact in (
        Fact("word", "text", "the report's word for the campaign", words=get_args(Word)),
        Fact("probability", "number", "probability that it is one", 0, 1),
        Fact(
            "chance",
            "number",
            "rings as strong that the log would show without any campaign; never stated below 0.001",
            0,
            1e6,
        ),
        Fact("kind", "text", "what it looks like", words=get_args(Kind)),
        Fact("accounts", "whole number", "its members", 1, 10**9),
        Fact("exchanges", "whole number", "exchanges attributed to it", 0, 10**12),
        Fact(
            "groups",
            "whole number",
            "kinds of evidence that carry it, a nat or more each",
            0,
            100,
        ),
        Fact(
            "declared",
            "text",
            "kind and name of the declaration that covers it, such as `evaluator: A`; or ''",
        ),
        Fact("firm", "whole number", "members that something beside what they ask for ties to it", 0, 10**9),
        Fact(
            "tier",
            "whole number",
            "how well the account's holder is known: 0 not at all, 3 best",
            0,
            3,
            account=True,
        ),
        Fact("customer", "text", "what kind of customer holds it", words=get_args(Customer), account=True),
        Fact("purpose", "text", "the pack's programme that covers it, or ''", account=True),
        Fact(
            "region",
            "text",
            "the customer's place of establishment (ISO 3166-1 alpha-2), or ''; in limits and overlays only",
            words=("", *REGIONS),
            account=True,
            protects_only=True,
        ),
        Fact(
            "terms_accepted_days",
            "whole number",
            "days since the current terms were accepted; -1 where they never were, or nobody knows",
            -1,
            36_500,
            account=True,
        ),
        Fact("notices", "whole number", "notices that it had in the last 180 days", 0, 10_000, account=True),
        Fact(
            "account_firm",
            "true or false",
            "whether something beside what it asks for ties it to the campaign",
            account=True,
        ),
        Fact("account_share", "number", "share of its exchanges that is attributed", 0, 1, account=True),
        Fact(
            "false_positive_rate",
            "number",
            "upper 95% bound of how often ended steps under the rule that proposes for its campaign were taken back; "
            "1 where none has ended",
            0,
            1,
            account=True,
        ),
        Fact("outcomes", "whole number", "ended steps that this bound rests on", 0, 10**9, account=True),
        Fact(
            "reversals", "whole number", "its own earlier steps that were taken back", 0, 10_000, account=True
        ),
    )
}


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """The facts of one campaign and of one account in it, by the names that conditions use.

    What each means stands in `FACTS`. Those of the account say "nothing is known" where they are left out, by which no
    rule that asks for something fires: `false_positive_rate` is 1 then, which is the upper bound where nothing has been
    seen. `UsageError` names a fact of another type; ranges are checked where a decision rests on them.
    """

    word: str
    probability: float
    chance: float
    kind: str
    accounts: int
    exchanges: int
    groups: int
    declared: str = ""
    firm: int = 0
    tier: int = 0
    customer: str = "unknown"
    purpose: str = ""
    region: str = ""
    terms_accepted_days: int = -1
    notices: int = 0
    account_firm: bool = False
    account_share: float = 0.0
    false_positive_rate: float = 1.0
    outcomes: int = 0
    reversals: int = 0

    def __post_init__(self) -> None:
        # Equal facts must be the same facts: 1, 1.0 and True are equal, and CEL tells them apart.
        values = in_order(self)
        if tuple(map(type, values)) != _TYPES:
            for (name, fact), value in zip(FACTS.items(), values, strict=True):
                object.__setattr__(self, name, _exactly(fact, value))

    # As a record writes them itself, in half the time: whoever decides for many compares many.
    def __eq__(self, other: object) -> bool:
        return in_order(self) == in_order(other) if type(other) is Facts else NotImplemented

    def __hash__(self) -> int:
        return hash(in_order(self))


#: The facts as a tuple, in order.
in_order = operator.attrgetter(*FACTS)
_TYPES = tuple(_PYTHON[fact.type] for fact in FACTS.values())
#: Nothing, of each type: what is as little as nothing is written like it, and -0.0 is 0.0.
NOTHING = tuple(kind() for kind in _TYPES)
assert tuple(field.name for field in fields(Facts)) == tuple(FACTS)


def _exactly(fact: Fact, value: object) -> object:
    """`value` as exactly the type of `fact`: a number of NumPy's is one of Python's."""
    wanted = _PYTHON[fact.type]
    if type(value) is wanted:
        return value
    try:
        if wanted is int and not isinstance(value, bool):
            return operator.index(value)  # type: ignore[arg-type]
        if wanted is float and not isinstance(value, (bool, str, bytes)):
            return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        pass
    if wanted is str and isinstance(value, str):
        return str(value)
    raise UsageError(
        f"the fact {fact.name} is a value of type {type(value).__name__}",
        where=Where(field=fact.name),
        hint=f"a {fact.type} is expected" if wanted is not bool else "true or false is expected",
    )


def by_name(facts: Facts) -> dict[str, object]:
    """The facts by the names that conditions use."""
    return {
        name: value or nothing for name, value, nothing in zip(FACTS, in_order(facts), NOTHING, strict=True)
    }


_BOUNDED = tuple(
    (at, fact.least, fact.most)
    for at, fact in enumerate(FACTS.values())
    if fact.type in ("number", "whole number")
)
_WORDED = tuple((at, frozenset(fact.words)) for at, fact in enumerate(FACTS.values()) if fact.words)
_FREE = tuple((at, fact) for at, fact in enumerate(FACTS.values()) if fact.type == "text" and not fact.words)


def mistaken(facts: Facts) -> UsageError | None:
    """What is wrong with the first fact that has a value it never has; None where all are well."""
    values = in_order(facts)
    if _well(values):
        return None
    fact = next(each for each, value in zip(FACTS.values(), values, strict=True) if not possible(each, value))
    if fact.name == "region":
        hint = "it is an ISO 3166-1 code of two capital letters, or ''"
    elif fact.words:
        hint = f"it is one of: {', '.join(fact.words)}"
    elif fact.type == "text":
        hint = f"it is a text of at most {MOST_CHARACTERS:,} characters"
    else:
        hint = f"it is a number from {fact.least:,g} to {fact.most:,g}"
    return UsageError(
        f"the fact {fact.name} has a value that it never has", where=Where(field=fact.name), hint=hint
    )


def _well(values: tuple[Any, ...]) -> bool:
    """Whether all values are possible; loops, because they are asked for each decision that is new."""
    for at, least, most in _BOUNDED:
        if not least <= values[at] <= most:  # not a number is in no range
            return False
    for at, words in _WORDED:
        if values[at] not in words:
            return False
    return all(possible(fact, values[at]) for at, fact in _FREE)


def possible(fact: Fact, value: Any) -> bool:
    """Whether `fact` can be `value`, which is of its type."""
    if fact.words:
        return value in fact.words
    if fact.type == "text":
        return len(value) <= MOST_CHARACTERS and (value.isascii() or _is_text(value))
    return bool(
        fact.type == "true or false" or fact.least <= value <= fact.most
    )  # not a number is in no range


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # half a character
        return False
    return True


@dataclass(frozen=True)
class AccountFacts:
    """What is known of an account beside its campaign; see `FACTS`. Without anything: nothing is known."""

    tier: int = 0
    customer: str = "unknown"
    purpose: str = ""
    region: str = ""
    terms_accepted_days: int = -1
    notices: int = 0
    false_positive_rate: float = 1.0
    outcomes: int = 0
    reversals: int = 0


def facts_of(campaign: Campaign) -> Facts:
    """The facts of `campaign`; of an account what its members have in common: the firmest tie, and their share."""
    sent = sum(member.exchanges for member in campaign.members)
    return Facts(
        word=campaign.word,
        probability=campaign.probability,
        chance=campaign.chance,
        kind=campaign.kind,
        accounts=len(campaign.members),
        exchanges=campaign.exchanges,
        groups=len(campaign.kinds),
        declared=campaign.declared or "",
        firm=campaign.firm,
        account_firm=campaign.firm > 0,
        account_share=_share(campaign.exchanges, sent),
    )


def facts_of_member(campaign: Facts, member: Member, known: AccountFacts | None = None) -> Facts:
    """The facts of one account: those of its `campaign` (`facts_of`), and what is `known` of the account besides."""
    known = known or AccountFacts()
    return Facts(
        word=campaign.word,
        probability=campaign.probability,
        chance=campaign.chance,
        kind=campaign.kind,
        accounts=campaign.accounts,
        exchanges=campaign.exchanges,
        groups=campaign.groups,
        declared=campaign.declared,
        firm=campaign.firm,
        tier=known.tier,
        customer=known.customer,
        purpose=known.purpose,
        region=known.region,
        terms_accepted_days=known.terms_accepted_days,
        notices=known.notices,
        account_firm=member.firm,
        account_share=_share(member.attributed, member.exchanges),
        false_positive_rate=known.false_positive_rate,
        outcomes=known.outcomes,
        reversals=known.reversals,
    )


def _share(attributed: int, sent: int) -> float:
    return min(1.0, attributed / sent) if sent > 0 else 0.0
