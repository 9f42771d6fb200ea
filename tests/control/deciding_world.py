"""One process that decides, for tests: accounts of the shipped tiers, a store in memory, the clock moved by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from control.budget.world import NOW_US, Clock
from headwater.control.budget import Budgets, MemoryStore, Refill
from headwater.control.deciding import (
    Admitted,
    Control,
    ControlSettings,
    Denied,
    OwnBudget,
    Standings,
    Stands,
    Wish,
)
from headwater.control.identity import (
    LIMITS,
    Authenticator,
    Directory,
    IdentitySettings,
    Principal,
    Source,
    Sources,
    Tier,
    shipped_tiers,
)
from headwater.control.ladder import Restrictions

HOME = Sources(find_asn=lambda _: 64500).of("203.0.113.9")


@dataclass
class Desk:
    """A door in a few lines: decides, sends what a refill names, decides again."""

    settings: ControlSettings = field(default_factory=ControlSettings)
    alone: bool = True
    clock: Clock = field(default_factory=Clock)
    name: str = "r1"
    store: MemoryStore | None = None

    def __post_init__(self) -> None:
        self.store = self.store or MemoryStore(self.clock, fresh=True)
        self.budgets = Budgets(self.name, alone=self.alone)
        self.standings = Standings()
        directory = Directory([], shipped_tiers())
        authenticator = Authenticator(directory, IdentitySettings())
        self.control = Control(authenticator, self.budgets, self.settings, self.standings)

    def stands(self, account: str, *campaigns: str, **restrictions: Any) -> None:
        """Something stands against an account from here on."""
        held = Restrictions(**restrictions) if restrictions else None
        self.standings.apply([(account, Stands(held, campaigns))])

    def decide(self, principal: Principal, wish: Wish, source: Source = HOME) -> Admitted | Denied:
        """Admitted or denied, after what it takes."""
        for _ in range(10):
            now_us = self.clock()
            answer = self.control.decide(principal, source, wish, NOW_US, now_us)
            if not isinstance(answer, Refill):
                return answer
            self._send(answer)
        raise AssertionError("asked ten times")

    def extend(self, admitted: Admitted) -> int | Denied:
        """A slice more, after what it takes."""
        for _ in range(10):
            answer = self.control.extend(admitted, NOW_US, self.clock())
            if not isinstance(answer, Refill):
                return answer
            self._send(answer)
        raise AssertionError("asked ten times")

    def _send(self, refill: Refill) -> None:
        assert self.store is not None
        self.budgets.hear(refill.asks, self.store.exchange(self.name, refill.asks), self.clock())


def tier(name: str = "verified-contact", **changes: Any) -> Tier:
    """A shipped tier with some entries changed."""
    return msgspec.structs.replace(shipped_tiers()[name], **changes)


def boundless(name: str = "contracted", **changes: Any) -> Tier:
    """A tier without limits, but for those named."""
    return tier(name, **{**dict.fromkeys(LIMITS), **changes})


def who(of: Tier | None = None, account: str = "acct-1", **more: Any) -> Principal:
    """Who asks."""
    return Principal(account=account, tier=of or tier(), how="key", **more)


def own(**entries: Any) -> OwnBudget:
    """A budget of the operator's, as a file says it."""
    return msgspec.convert(entries, type=OwnBudget)


def asked(**more: Any) -> Wish:
    """A request for one short answer."""
    return Wish(**{"scope": "generate", "model": "m", "input_tokens": 100, "output_tokens": 50, **more})


def admitted(answer: Admitted | Denied) -> Admitted:
    """It is served."""
    assert isinstance(answer, Admitted), answer
    return answer


def denied(answer: object) -> Denied:
    """It isn't."""
    assert isinstance(answer, Denied), answer
    return answer
