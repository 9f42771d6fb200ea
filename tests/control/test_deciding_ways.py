"""The short way of `decide` and the long one: the same answers, and the same budgets after, whatever is asked."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from control.budget.world import NOW_US, Clock
from control.cells import ids, state
from control.deciding_world import Desk, own, tier
from headwater.control.budget import Refill, tick
from headwater.control.deciding import (
    Admitted,
    Control,
    ControlSettings,
    Model,
    Stands,
    Used,
    Wish,
)
from headwater.control.identity import SCOPES, TIERS, Principal, Source, Sources, Tier
from headwater.control.ladder import Restrictions

ACCOUNTS = ("acct-1", "acct-2")
PLACES = [Sources(find_asn=lambda _: 64500).of(f"203.0.{net}.9") for net in (113, 114)]
MODELS = (
    Model(name="dear-*", input=2_000_000, output=9_000_000, answer_tokens=40),
    Model(name="best", tier="contracted"),
    Model(name="m?"),
)
OWN = {
    "camp": own(name="camp", kind="token-quota", scope="campaign", limit=900, per="day"),
    "net": own(name="net", kind="requests", scope="address", limit=6, per="minute"),
    "asn": own(name="asn", kind="token-quota", scope="asn", limit=5000, per="day"),
    "few": own(name="few", kind="tokens", scope="account", limit=300, per="minute", only=["acct-2"]),
}
flags = st.booleans()
limits = st.sampled_from([*[None] * 8, 0, 1, 3, 20, *[400] * 4, *[3000] * 8])
tiers = st.builds(
    tier,
    st.sampled_from(list(TIERS)),
    requests_per_minute=limits,
    tokens_per_minute=limits,
    tokens_per_day=limits,
    concurrent_requests=limits,
    spend_per_month_micros=limits,
    addresses_per_day=limits,
    context_tokens=st.sampled_from([None, None, 0, 60]),
    logprobs=flags,
    several_answers=flags,
    raw_reasoning=flags,
    long_context=flags,
    batch=flags,
    unsliced_streams=flags,
)
everything = frozenset(SCOPES)
scopes = st.sampled_from(
    [everything, everything, everything, everything - {"generate"}, frozenset({"generate"})]
)
often = st.sampled_from(["generate"] * 12 + ["embed", "batch", "models"])
once = st.sampled_from([1] * 12 + [0, 2])
seldom = st.sampled_from([False] * 9 + [True])
wishes = st.builds(
    Wish,
    scope=often,
    model=st.sampled_from(["m1", "m1", "m2", "dear-1", "dear-2", "best", "other", ""]),
    input_tokens=st.one_of(st.integers(0, 80), st.sampled_from([-1, 60, 61, 300, 399, 400, 400, 899])),
    output_tokens=st.sampled_from(
        [None, None, None, None, -1, 0, 1, 5, 19, 20, 20, 21, 49, 50, 51, 300, 3000]
    ),
    answers=once,
    logprobs=seldom,
    raw_reasoning=seldom,
    stream=flags,
    requests=once,
    counts=st.sampled_from([True] * 9 + [False]),
)
restrictions = st.builds(
    Restrictions,
    step_ids=st.just(("step-1",)),
    rate=st.sampled_from([1.0, 0.5, 0.1]),
    delay_ms=st.integers(0, 2),
    max_tokens=st.one_of(st.none(), st.integers(1, 60)),
    logprobs=flags,
    reasoning=flags,
    proof=seldom,
    held=seldom,
    served=st.sampled_from([True, True, True, True, False]),
)
stands = st.one_of(
    st.none(),
    st.none(),
    st.builds(Stands, st.one_of(st.none(), restrictions), st.sampled_from([(), ("camp-7",)])),
)
used = st.builds(
    Used, input_tokens=st.integers(0, 90), output_tokens=st.integers(0, 90), requests=st.integers(0, 1)
)
KINDS = ["wish"] * 9 + ["end"] * 4 + ["extend", "stands", "who", "time"]


@st.composite
def moves(draw: st.DrawFn) -> tuple[str, int, Any]:
    """A move: what, at which of those that there are, and what is given."""
    what = draw(st.sampled_from(KINDS))
    given = {"wish": wishes, "end": used, "stands": stands, "who": st.tuples(tiers, scopes)}
    most = {"time": 70_000_000, "stands": 1, "who": 1, "wish": 3}
    return what, draw(st.integers(0, most.get(what, 9))), draw(given.get(what, st.none()))


class LongWay(Control):
    """Looks at every question, always."""

    def decide(self, principal: Principal, source: Source, wish: Wish, wall_us: int, steady_us: int) -> Any:
        """See `Control`."""
        return self._the_long_way(principal, source, wish, steady_us)


class Twin:
    """A desk, with what runs at it and what it said; both ways are led through the same moves."""

    def __init__(self, made: ControlSettings, alone: bool, how: type[Control]) -> None:
        self.desk = Desk(made, alone=alone, clock=Clock())
        desk = self.desk
        self.control = desk.control = how(desk.control._authenticator, desk.budgets, made, desk.standings)
        self.running: list[Admitted] = []
        self.who: dict[str, Principal] = {}

    def move(self, what: str, at: int, given: Any) -> object:
        """Make one move; what it came to, in words that can be compared."""
        desk, clock = self.desk, self.desk.clock
        if what == "who":
            of, allowed = given
            account = ACCOUNTS[at]
            self.who[account] = Principal(account=account, tier=of, how="key", scopes=allowed)
        elif what == "stands":
            desk.standings.apply([(ACCOUNTS[at], given)])
        elif what == "time":
            clock.now_us += at
            self.send(Refill(tick(desk.budgets, clock()).asks))
        elif what == "wish":
            return self.wish(self.who[ACCOUNTS[at % 2]], PLACES[at // 2], given)
        elif self.running:
            held = self.running[at % len(self.running)]
            if what == "extend":
                return self.control.extend(held, NOW_US, clock())
            self.running.remove(held)
            self.control.settle(held, given, clock())
        return None

    def wish(self, principal: Principal, place: Source, wish: Wish) -> object:
        """Decide, sending what has to be asked; every answer on the way."""
        said: list[object] = []
        for _ in range(4):
            now_us = self.desk.clock()
            answer = self.control.decide(principal, place, wish, NOW_US, now_us)
            if isinstance(answer, Admitted):
                held = answer.reservation
                self.running.append(answer)
                paid = None if held is None else (held.taken, held.stamp, held.until_us, ids(held.cells.all))
                return [*said, answer.principal, answer.restrictions, answer.terms, answer.model, paid]
            said.append(answer)
            if not isinstance(answer, Refill):
                break
            self.send(answer)
        return said

    def send(self, refill: Refill) -> None:
        """What the store says to it."""
        self.desk._send(refill)

    def state(self) -> object:
        """All that the budgets hold."""
        shown = [self.control.standing(one, self.desk.clock()) for one in self.who.values()]
        return state(self.desk.budgets), shown


@given(
    st.lists(moves(), min_size=20, max_size=40),
    st.tuples(tiers, tiers),
    st.frozensets(st.sampled_from(sorted(OWN))),
    st.booleans(),
    st.booleans(),
    st.sampled_from([1, 20, 50]),
)
@settings(max_examples=300, deadline=None)
def test_the_short_way_and_the_long_way_come_to_the_same(
    led: list[tuple[str, int, Any]],
    first: tuple[Tier, Tier],
    budgets: frozenset[str],
    alone: bool,
    listed: bool,
    slice_tokens: int,
) -> None:
    made = ControlSettings(
        budgets=tuple(OWN[name] for name in sorted(budgets)), models=MODELS, only_listed=listed,
        slice_tokens=slice_tokens, answer_tokens=70,
    )  # fmt: skip
    short, long = Twin(made, alone, Control), Twin(made, alone, LongWay)
    begin = [("who", at, (of, frozenset(SCOPES))) for at, of in enumerate(first)]
    for move in [*begin, *led]:
        assert short.move(*move) == long.move(*move)
        assert short.state() == long.state()
