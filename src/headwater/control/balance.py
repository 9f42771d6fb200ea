"""How an account's budgets stand in the store, for people who look after it: each limit that applies, what is left.

Which limits apply is what decisions go by (`deciding.holdings`); what is left is looked at, and nothing is taken. What
gateways hold in leases counts as used. Budgets of places (addresses, networks) aren't an account's, and are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple, Protocol

import msgspec

from headwater.control.budget import Answer, Ask, Budget, Budgets, Scope, Shape, ask_nothing
from headwater.control.deciding import ControlSettings, Stands
from headwater.control.deciding.holdings import LIMIT_OF, Holdings
from headwater.control.identity import RANK, Account, Identity, Organisation, Principal

_STEP: Final = "step."


class Counting(msgspec.Struct, frozen=True, kw_only=True):
    """Where and how a gateway counts: its settings of decisions, and its store (see `open_to_look`).

    `alone`: it is one process that counts its rates itself, so that no store knows them.
    """

    settings: ControlSettings
    store: str
    folder: Path
    durable: bool = False
    alone: bool = False


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """One limit as it stands. `of`: the tier's, a step's lower one, or a budget of the operator's own.

    `limit`: of `key`, one of `scope`, per `per`; `left`: what of it is in the store now; None: no store knows.
    `resets_us`: in how many µs all of it is there again; None: at no time (slots come back when requests end).
    `key`: empty where it is a means of payment.
    """

    name: str
    of: Literal["tier", "step", "own"]
    kind: str
    scope: str
    key: str
    limit: int
    per: str
    left: int | None
    resets_us: int | None


class Looks(Protocol):
    """A store as it is looked at."""

    def look(self, asks: Sequence[Ask]) -> list[Answer]:
        """See `budget.Store`."""
        ...


def balances(
    counting: Counting, identity: Identity, account: str, stands: Stands, store: Looks
) -> list[Balance]:
    """How every limit of an account stands; `stands`: what a casebook holds against it.

    `UsageError` where there is no such account, `StoreGone` where the store can't be reached.
    """
    limits = _limits(counting, _principal(identity, account), stands)
    known = [limit for limit in limits if limit.counted]
    answers = store.look([ask_nothing(each.budget, each.key) for each in known]) if known else []
    told = dict(zip((each.budget.cell(each.key) for each in known), answers, strict=True))
    return [_balance(each, told.get(each.budget.cell(each.key))) for each in limits]


class _Limit(NamedTuple):
    """`counted`: whether the store knows of it. `limit`: 0 where the tier allows nothing of it, which nobody counts."""

    budget: Budget
    key: str
    limit: int
    counted: bool


def _limits(counting: Counting, principal: Principal, stands: Stands) -> list[_Limit]:
    """The limits of an account; one of 0 is no budget, so that it is put in as 1 and taken out again."""
    tier = principal.tier
    zero = {name for name in LIMIT_OF.values() if getattr(tier, name) == 0}
    raised = msgspec.structs.replace(tier, **dict.fromkeys(zero, 1))
    holdings = Holdings(Budgets("looks", alone=counting.alone), counting.settings)
    holding = holdings.account(msgspec.structs.replace(principal, tier=raised), stands)
    found = []
    for cell in holding.cells.all:
        budget, nothing = cell.budget, LIMIT_OF.get(cell.budget.name) in zero
        if nothing and budget.name.startswith(_STEP):
            continue
        there = not nothing and not (counting.alone and budget.shape is Shape.RATE)
        found.append(_Limit(budget, cell.key, 0 if nothing else budget.limit, there))
    return found


def _balance(one: _Limit, answer: Answer | None) -> Balance:
    budget, limit = one.budget, LIMIT_OF.get(one.budget.name)
    of: Literal["tier", "step", "own"] = "own"
    if limit is not None:
        of = "step" if budget.name.startswith(_STEP) else "tier"
    left = answer.balance if answer is not None else None
    return Balance(
        name=limit or budget.name,
        of=of,
        kind=budget.kind.value,
        scope=budget.scope.value,
        key="" if budget.scope is Scope.PAYMENT else one.key,
        limit=one.limit,
        per=budget.per.word,
        left=left if one.limit else 0,
        resets_us=None if answer is None or budget.shape is Shape.SLOTS else answer.resets_us,
    )


def _principal(identity: Identity, account: str) -> Principal:
    """Who an account is, whatever its state."""
    row: Account = identity.get("account", account)
    tier, payment = row.tier, row.payment
    if row.organisation is not None:
        shared: Organisation = identity.get("organisation", row.organisation)
        tier, payment = max(tier, shared.tier, key=lambda one: RANK[one]), payment or shared.payment
    return Principal(
        account=row.id, organisation=row.organisation, tier=identity.tiers()[tier], payment=payment, how="key"
    )
