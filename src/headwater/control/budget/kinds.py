"""What can be limited, of whom, and how a budget behaves when the store that replicas share is gone.

One closed table of kinds. A budget says how much of one kind one key of one scope may use; which keys a request has is
known above. Amounts are whole numbers: requests, tokens, millionths of a currency, slots.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final, NamedTuple, TypeAlias

from headwater.control.budget.calendar import LENGTH_US, Per
from headwater.errors import UsageError, Where


class Shape(IntEnum):
    """How a budget is counted; the numbers are what stores are told."""

    #: A rate: refills all the time, up to the burst.
    RATE = 0
    #: An amount for each hour, day or month, then nothing more: the hard budgets.
    QUOTA = 1
    #: So many at once.
    SLOTS = 2
    #: So many different ones in a period.
    DISTINCT = 3


class Kind(StrEnum):
    """What is limited."""

    REQUESTS = "requests"
    TOKENS = "tokens"
    SPEND = "spend"
    REQUEST_QUOTA = "request-quota"
    TOKEN_QUOTA = "token-quota"
    SPEND_QUOTA = "spend-quota"
    CONCURRENCY = "concurrency"
    ADDRESSES = "addresses"
    NETWORKS = "networks"


class Scope(StrEnum):
    """Of whom; the effective limit of a request is the least of all that apply."""

    TIER = "tier"
    ACCOUNT = "account"
    ORGANISATION = "organisation"
    #: fingerprint of a means of payment
    PAYMENT = "payment"
    #: /24 of IPv4, /48 of IPv6
    ADDRESS = "address"
    ASN = "asn"
    CAMPAIGN = "campaign"


class Fails(StrEnum):
    """What happens when the store is gone and nothing that was leased is left."""

    #: Refuse: never over.
    CLOSED = "closed"
    #: Serve, up to the whole limit by every replica on its own, and charge it when the store is back.
    OPEN = "open"


class Amounts(NamedTuple):
    """What a request takes: estimated before (an upper bound), and as it was after.

    `spend` is in millionths of the currency. `slots` is given back when the request ends, whatever is said then.
    """

    requests: int = 1
    tokens: int = 0
    spend: int = 0
    slots: int = 1


class Seen(NamedTuple):
    """Where a request comes from, as it is counted once a period: a prefix, an ASN, or keyed digests of them; ''."""

    address: str = ""
    network: str = ""


#: `Amounts` and `Seen`, or the same plain, which the hot path makes in a fifth of the time.
Taken: TypeAlias = tuple[int, int, int, int]
Sight: TypeAlias = tuple[str, str]
NOBODY: Final = Seen()


class Row(NamedTuple):
    """A line of the table of kinds: how it is counted, which of `Amounts` or `Seen`, how it fails unless told."""

    shape: Shape
    takes: int
    unit: str
    fails: Fails


#: The closed table. Velocity fails open, since it hurts the innocent more than it holds the guilty; money fails closed.
KINDS: Mapping[Kind, Row] = {
    Kind.REQUESTS: Row(Shape.RATE, 0, "requests", Fails.OPEN),
    Kind.TOKENS: Row(Shape.RATE, 1, "tokens", Fails.OPEN),
    Kind.SPEND: Row(Shape.RATE, 2, "spend", Fails.CLOSED),
    Kind.REQUEST_QUOTA: Row(Shape.QUOTA, 0, "requests", Fails.CLOSED),
    Kind.TOKEN_QUOTA: Row(Shape.QUOTA, 1, "tokens", Fails.CLOSED),
    Kind.SPEND_QUOTA: Row(Shape.QUOTA, 2, "spend", Fails.CLOSED),
    Kind.CONCURRENCY: Row(Shape.SLOTS, 3, "requests", Fails.CLOSED),
    Kind.ADDRESSES: Row(Shape.DISTINCT, 0, "addresses", Fails.OPEN),
    Kind.NETWORKS: Row(Shape.DISTINCT, 1, "networks", Fails.OPEN),
}

#: Doubles, which Lua counts in, hold whole numbers up to 2⁵³.
MOST: Final = 10**15
MOST_SLOTS: Final = 10**6
MOST_DISTINCT: Final = 4096
MOST_KEY: Final = 200
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
_SECOND_US: Final = 1_000_000
#: A lease lasts this part of its period or window, unless a budget says so.
_PART: Final = 64
_SLOT_US: Final = 30 * _SECOND_US
PERS: Mapping[Shape, tuple[Per, ...]] = {
    Shape.RATE: (Per.SECOND, Per.MINUTE, Per.HOUR, Per.DAY),
    Shape.QUOTA: (Per.HOUR, Per.DAY, Per.MONTH),
    Shape.SLOTS: (Per.NONE,),
    Shape.DISTINCT: (Per.HOUR, Per.DAY, Per.MONTH),
}


@dataclass(frozen=True)
class Budget:
    """`limit` of one kind for every key of a scope, per second, minute, hour, day or month.

    `burst`: the most of a rate at once (default: `limit`). `fails`: see `Fails` (default: the kind's). `lease`: how
    much a replica takes at once (default: what 32 requests need, at most a 64th of `limit`). `lifetime_us`: how long
    what was leased may be spent (default: a 64th of the period or window; slots 30 s). `UsageError` names what can't.
    """

    name: str
    kind: Kind
    scope: Scope
    limit: int
    per: Per = Per.NONE
    burst: int | None = None
    fails: Fails | None = None
    lease: int | None = None
    lifetime_us: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise UsageError("a budget has a name of a-z, 0-9, '.', '_', '-'", where=Where(field="name"))
        shape = self.shape
        if self.per not in PERS[shape]:
            allowed = ", ".join(each.word for each in PERS[shape])
            self._refuse("per", f"{self.kind} can't be counted per {self.per.word}", f"one of: {allowed}")
        most = {Shape.SLOTS: MOST_SLOTS, Shape.DISTINCT: MOST_DISTINCT}.get(shape, MOST)
        self._whole("limit", self.limit, 1, most)
        if self.burst is not None and shape is not Shape.RATE:
            self._refuse("burst", "only a rate has a burst", "leave it out")
        for name in ("burst", "lease"):
            if getattr(self, name) is not None:
                self._whole(name, getattr(self, name), 1, MOST)
        if self.lifetime_us is not None:
            self._whole("lifetime_us", self.lifetime_us, 1000, LENGTH_US[Per.DAY])

    @property
    def shape(self) -> Shape:
        """How it is counted."""
        return KINDS[self.kind].shape

    @property
    def takes(self) -> int:
        """Which of `Amounts` (or of `Seen`) it counts."""
        return KINDS[self.kind].takes

    @property
    def unit(self) -> str:
        """What it counts, as rate headers call it."""
        return KINDS[self.kind].unit

    @property
    def closed(self) -> bool:
        """Whether it refuses when the store is gone."""
        return (self.fails or KINDS[self.kind].fails) is Fails.CLOSED

    @property
    def most(self) -> int:
        """The most of it at once: the burst of a rate, else the limit."""
        return self.burst or self.limit

    @property
    def lasts_us(self) -> int:
        """How long what was leased may be spent, in µs, by the store's time."""
        if self.shape is Shape.SLOTS:
            return self.lifetime_us or _SLOT_US
        return self.lifetime_us or LENGTH_US[self.per] // _PART

    def cell(self, key: str) -> str:
        """The name of this budget's cell for a key, in stores; another kind or period is another cell."""
        if not isinstance(key, str) or not 0 < len(key) <= MOST_KEY:
            raise UsageError(f"a key of a budget is 1 to {MOST_KEY} characters", where=Where(field=self.name))
        return f"{self.name}.{self.kind.value}.{self.per.word}:{key}"

    def _whole(self, name: str, value: object, least: int, most: int) -> None:
        if type(value) is not int or not least <= value <= most:
            self._refuse(name, f"not a whole number from {least} to {most}", None)

    def _refuse(self, name: str, what: str, hint: str | None) -> None:
        raise UsageError(what, where=Where(field=f"{self.name}.{name}"), hint=hint)
