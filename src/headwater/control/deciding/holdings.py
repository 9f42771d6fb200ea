"""Which budgets a request has: its tier's limits, the lower rate of a step, and the operator's own, by scope and key.

What belongs to an account is put together once, and again when its tier, its means of payment or what stands against it
has changed; what belongs to a place is kept beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Final, NamedTuple

from headwater.control.budget import Budget, Budgets, Cells, Kind, Per, Scope, Shape, shared_rate
from headwater.control.budget.calendar import LENGTH_US
from headwater.control.budget.kinds import MOST, MOST_DISTINCT, MOST_KEY, MOST_SLOTS
from headwater.control.deciding.settings import ControlSettings
from headwater.control.deciding.standings import Stands
from headwater.control.identity import Principal, Source

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
_PLACES: Final = (Scope.ADDRESS, Scope.ASN)
_TOKENS: Final = (Kind.TOKENS, Kind.TOKEN_QUOTA)


class Figure(NamedTuple):
    """A tier's limit as it stands, for rate headers; `window_us` is 0 for what is counted at one moment."""

    name: str
    unit: str
    limit: int
    remaining: int
    resets_us: int
    window_us: int


class Part(NamedTuple):
    """What one account, or one place, adds: its budgets, and the same for work by the line (`lines`)."""

    stamp: object
    cells: Cells
    lines: Cells
    #: limits of 0, by name: whatever takes from them is refused
    zero: frozenset[str] = frozenset()
    #: the tier's limits and a step's rates, for figures
    tier: Cells = Cells(())
    #: the most tokens that one request can ever take, and one batch
    most_tokens: int = MOST
    most_lines: int = MOST


class Holding(NamedTuple):
    """All budgets of a request, put together."""

    account: Part
    place: Part
    cells: Cells
    lines: Cells

    def most_tokens(self, *, lines: bool) -> int:
        """The most tokens that one request can ever take; with `lines`: one batch."""
        if lines:
            return min(self.account.most_lines, self.place.most_lines)
        return min(self.account.most_tokens, self.place.most_tokens)


class Holdings:
    """Budgets by account and place, each kept at hand up to a bound. Use from one thread."""

    def __init__(self, budgets: Budgets, settings: ControlSettings) -> None:
        self._budgets, self._settings = budgets, settings
        self._own = [(one.budget(), one.only) for one in settings.budgets]
        self._accounts: dict[str, Part] = {}
        self._places: dict[tuple[str, int | None], Part] = {}
        self._joined: dict[tuple[str, str, int | None], Holding] = {}

    def of(self, principal: Principal, stands: Stands, source: Source) -> Holding:
        """The budgets of a request."""
        account = self.account(principal, stands)
        place = self._places.get((source.prefix, source.asn))
        if place is None:
            place = self._place(source)
            self._keep(self._places, (source.prefix, source.asn), place)
        at = (principal.account, source.prefix, source.asn)
        found = self._joined.get(at)
        if found is None or found.account is not account or found.place is not place:
            found = Holding(account, place, account.cells + place.cells, account.lines + place.lines)
            self._keep(self._joined, at, found)
        return found

    def account(self, principal: Principal, stands: Stands) -> Part:
        """The budgets of an account, as its tier and what stands against it are now."""
        found = self._accounts.get(principal.account)
        rate = 1.0 if stands.restrictions is None else stands.restrictions.rate
        stamp = (principal.tier, principal.organisation, principal.payment, rate, stands.campaigns)
        if found is None or found.stamp != stamp:
            found = self._account(principal, stands.campaigns, rate, stamp)
            self._keep(self._accounts, principal.account, found)
        return found

    def figures(self, part: Part, steady_us: int) -> list[Figure]:
        """How the tier's limits stand; of a step nothing is seen but that less remains."""
        found: dict[str, Figure] = {}
        for one in self._budgets.standing(part.tier, steady_us):
            name, budget = LIMIT_OF[one.budget.name], one.budget
            known = found.get(name)
            if known is None and not budget.name.startswith("step."):
                window_us = LENGTH_US[budget.per]
                found[name] = Figure(name, budget.unit, budget.limit, one.remaining, one.resets_us, window_us)
            elif known is not None and one.remaining < known.remaining:
                found[name] = known._replace(remaining=one.remaining, resets_us=one.resets_us)
        return list(found.values())

    def _keep(self, held: dict, key: object, value: object) -> None:  # type: ignore[type-arg]
        if len(held) >= self._settings.cached and key not in held:
            held.clear()
        held[key] = value

    def _account(self, principal: Principal, campaigns: tuple[str, ...], rate: float, stamp: object) -> Part:
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
        return self._part(stamp, pairs, own, frozenset(zero))

    def _place(self, source: Source) -> Part:
        keys = {Scope.ADDRESS: (source.prefix,), Scope.ASN: () if source.asn is None else (str(source.asn),)}
        return self._part(None, [], self._matching(keys), frozenset())

    def _matching(self, keys: Mapping[Scope, Iterable[str]]) -> list[tuple[Budget, str]]:
        return [
            (budget, _key(key))
            for budget, only in self._own
            for key in keys.get(budget.scope, ())
            if not only or key in only
        ]

    def _part(
        self,
        stamp: object,
        tier: list[tuple[Budget, str]],
        own: list[tuple[Budget, str]],
        zero: frozenset[str],
    ) -> Part:
        cells = self._budgets.cells([*tier, *own])
        # What is handed in by the line is done later: how many of it begin in a minute is not the client's to say.
        slow = [(one, key) for one, key in tier if not (one.shape is Shape.RATE and one.name[:4] != "step")]
        lines = self._budgets.cells([*slow, *own])
        most = self._most([*tier, *own])
        return Part(stamp, cells, lines, zero, self._budgets.cells(tier), most, self._most([*slow, *own]))

    def _most(self, pairs: list[tuple[Budget, str]]) -> int:
        tokens = [budget for budget, _ in pairs if budget.kind in _TOKENS]
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


def _key(text: str) -> str:
    """A key that budgets take; what is longer, by its digest."""
    return text if len(text) <= MOST_KEY else sha256(text.encode()).hexdigest()
