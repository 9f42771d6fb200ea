"""Which budgets a request has: its tier's limits, the lower rate of a step, and the operator's own, by scope and key.

What belongs to an account is put together once, and again when its tier, its means of payment or what stands against it
has changed; what belongs to a place is kept beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Final, TypeVar

import msgspec

from headwater.control.budget import Budget, Budgets, Cells, Kind, Per, Scope, Shape, shared_rate
from headwater.control.budget.kinds import MOST, MOST_DISTINCT, MOST_KEY, MOST_SLOTS
from headwater.control.deciding.figures import Shown, shown
from headwater.control.deciding.settings import ControlSettings
from headwater.control.deciding.standings import Stands
from headwater.control.identity import Principal, Source

K = TypeVar("K")
V = TypeVar("V")
_KINDS: Final[Mapping[str, tuple[Kind, Per]]] = {
    "requests_per_minute": (Kind.REQUESTS, Per.MINUTE),
    "requests_per_day": (Kind.REQUEST_QUOTA, Per.DAY),
    "tokens_per_minute": (Kind.TOKENS, Per.MINUTE),
    "tokens_per_day": (Kind.TOKEN_QUOTA, Per.DAY),
    "concurrent_requests": (Kind.CONCURRENCY, Per.NONE),
    "spend_per_month_micros": (Kind.SPEND_QUOTA, Per.MONTH),
    "addresses_per_day": (Kind.ADDRESSES, Per.DAY),
    "asns_per_day": (Kind.NETWORKS, Per.DAY),
}
_RATES: Final = {
    "requests_per_minute": "usual_requests_per_minute",
    "tokens_per_minute": "usual_tokens_per_minute",
}
_DASHED: Final = {name: name.replace("_", "-") for name in _KINDS}
#: Name of a budget → the limit of the tier that it stands for.
LIMIT_OF: Final = {f"{of}.{dashed}": name for name, dashed in _DASHED.items() for of in ("account", "step")}
#: The budget of requests that generate nothing.
FREE: Final = "free.requests-per-minute"
_PLACES: Final = (Scope.ADDRESS, Scope.ASN)
TOKENS: Final = (Kind.TOKENS, Kind.TOKEN_QUOTA)


class Holding(msgspec.Struct, frozen=True, eq=False):
    """Budgets of one account, of one place, or of both together. `stamp`: what they were put together from.

    `lines`: the same for work by the line. `zero`: limits of 0, by name: whatever takes from them is refused.
    `most_tokens`: the most that one request can ever take; `most_lines`: one batch. `shown`: see `figures`.
    """

    stamp: tuple[object, ...]
    cells: Cells
    lines: Cells
    most_tokens: int
    most_lines: int
    zero: frozenset[str] = frozenset()
    shown: tuple[Shown, ...] = ()


class Holdings:
    """Budgets by account and place, each kept at hand up to a bound. Use from one thread."""

    def __init__(self, budgets: Budgets, settings: ControlSettings) -> None:
        self._budgets, self._settings = budgets, settings
        self._own = [(one.budget(), one.only) for one in settings.budgets]
        #: whether some budget is a place's: else what an account has is all that a request has
        self.placed = any(budget.scope in _PLACES for budget, _ in self._own)
        self._accounts: dict[str, Holding] = {}
        self._free: dict[str, Cells] = {}
        self._places: dict[tuple[str, int | None], Holding] = {}
        self._joined: dict[tuple[str, str, int | None], Holding] = {}

    def of(self, name: str, account: Holding, source: Source) -> Holding:
        """The budgets of a request, from those of its account (of this name) and of the place that it comes from."""
        if not self.placed:
            return account
        at = (name, source.prefix, source.asn)
        found = self._joined.get(at)
        if found is None or found.stamp[0] is not account:
            found = self._both(account, self._place(source))
            keep(self._joined, at, found, self._settings.cached)
        return found

    def account(self, principal: Principal, stands: Stands) -> Holding:
        """The budgets of an account, as its tier and what stands against it are now."""
        found = self._accounts.get(principal.account)
        rate = 1.0 if stands.restrictions is None else stands.restrictions.rate
        stamp = (principal.tier, principal.organisation, principal.payment, rate, stands.campaigns)
        if found is None or found.stamp != stamp:
            found = self._account(principal, stands.campaigns, rate, stamp)
            keep(self._accounts, principal.account, found, self._settings.cached)
        return found

    def free(self, account: str) -> Cells | None:
        """The budget of requests that generate nothing; None where there is no limit."""
        limit = self._settings.free_per_minute
        if not limit:
            return None
        found = self._free.get(account)
        if found is None:
            burst = (
                2 if limit == 1 and not self._budgets.alone else None
            )  # replicas can't share a burst of one
            budget = Budget(FREE, Kind.REQUESTS, Scope.ACCOUNT, limit, Per.MINUTE, burst)
            found = self._budgets.cells([(budget, _key(account))])
            keep(self._free, account, found, self._settings.cached)
        return found

    def _account(
        self, principal: Principal, campaigns: tuple[str, ...], rate: float, stamp: tuple[object, ...]
    ) -> Holding:
        tier, zero = [], set()
        for name in _KINDS:
            limit = getattr(principal.tier, name)
            if limit == 0:
                zero.add(name)
            elif limit is not None:
                tier.append(self._limit("account", name, limit))
            if name in _RATES and rate < 1 and limit != 0:
                usual = getattr(self._settings, _RATES[name]) if limit is None else limit
                tier.append(self._limit("step", name, max(1, int(usual * rate))))
        keys = {
            Scope.TIER: (principal.tier.name,),
            Scope.ACCOUNT: (principal.account,),
            Scope.ORGANISATION: (principal.organisation,) if principal.organisation else (),
            Scope.PAYMENT: (principal.payment,) if principal.payment else (),
            Scope.CAMPAIGN: campaigns,
        }
        own = self._matching(keys)
        pairs = [(budget, principal.account) for budget in tier]
        return self._put_together(stamp, pairs, own, frozenset(zero))

    def _place(self, source: Source) -> Holding:
        found = self._places.get((source.prefix, source.asn))
        if found is not None:
            return found
        keys = {Scope.ADDRESS: (source.prefix,), Scope.ASN: () if source.asn is None else (str(source.asn),)}
        found = self._put_together((), [], self._matching(keys), frozenset())
        keep(self._places, (source.prefix, source.asn), found, self._settings.cached)
        return found

    def _both(self, account: Holding, place: Holding) -> Holding:
        return Holding(
            (account,),
            account.cells + place.cells,
            account.lines + place.lines,
            min(account.most_tokens, place.most_tokens),
            min(account.most_lines, place.most_lines),
            account.zero,
            account.shown,
        )

    def _matching(self, keys: Mapping[Scope, Iterable[str]]) -> list[tuple[Budget, str]]:
        return [
            (budget, _key(key))
            for budget, only in self._own
            for key in keys.get(budget.scope, ())
            if not only or key in only
        ]

    def _put_together(
        self,
        stamp: tuple[object, ...],
        tier: list[tuple[Budget, str]],
        own: list[tuple[Budget, str]],
        zero: frozenset[str],
    ) -> Holding:
        cells = self._budgets.cells([*tier, *own])
        # What is handed in by the line is done later: how many of it begin in a minute is not the client's to say.
        slow = [(one, key) for one, key in tier if not (one.shape is Shape.RATE and one.name[:4] != "step")]
        lines = self._budgets.cells([*slow, *own])
        most, most_lines = self._most([*tier, *own]), self._most([*slow, *own])
        return Holding(
            stamp, cells, lines, most, most_lines, zero, shown(self._budgets.cells(tier).all, LIMIT_OF)
        )

    def _most(self, pairs: list[tuple[Budget, str]]) -> int:
        tokens = [budget for budget, _ in pairs if budget.kind in TOKENS]
        shared = not self._budgets.alone
        most = [shared_rate(one)[0] if shared and one.shape is Shape.RATE else one.most for one in tokens]
        return min(most, default=MOST)

    def _limit(self, of: str, name: str, limit: int) -> Budget:
        kind, per = _KINDS[name]
        most = {Kind.CONCURRENCY: MOST_SLOTS, Kind.ADDRESSES: MOST_DISTINCT, Kind.NETWORKS: MOST_DISTINCT}
        limit = min(limit, most.get(kind, MOST))
        # Replicas can't share a burst of one.
        lone = limit == 1 and kind in (Kind.REQUESTS, Kind.TOKENS) and not self._budgets.alone
        return Budget(f"{of}.{_DASHED[name]}", kind, Scope.ACCOUNT, limit, per, 2 if lone else None)


def keep(held: dict[K, V], key: K, value: V, most: int) -> None:
    """Keep `value` at hand; where there are `most` of them, all others are forgotten, and found again."""
    if len(held) >= most and key not in held:
        held.clear()
    held[key] = value


def _key(text: str) -> str:
    """A key that budgets take; what is longer, by its digest."""
    return text if len(text) <= MOST_KEY else sha256(text.encode()).hexdigest()
