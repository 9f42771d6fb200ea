"""Whatever is asked, extended, settled and settled again: no hard budget is passed, and no slot is lost."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from control.budget.world import Clock
from control.deciding_world import Desk, asked, boundless, own, who
from headwater.control.budget import MemoryStore
from headwater.control.deciding import NOTHING_USED, Admitted, ControlSettings, Used

TOKENS, REQUESTS, SLOTS, TOGETHER = 3000, 40, 3, 4500
OWN = own(name="camp", kind="token-quota", scope="campaign", limit=TOGETHER, per="day")
wishes = st.tuples(
    st.just("wish"),
    st.integers(0, 3),
    st.integers(0, 400),
    st.one_of(st.none(), st.integers(0, 300)),
    st.booleans(),
)
others = st.tuples(
    st.sampled_from(["settle", "release", "again", "extend", "step"]), st.integers(0, 9), st.floats(0, 1)
)


@given(st.lists(st.one_of(wishes, others), max_size=60), st.booleans())
@settings(max_examples=150, deadline=None)
def test_no_hard_budget_is_passed_and_no_slot_is_lost(moves: list[tuple], alone: bool) -> None:  # type: ignore[type-arg]
    clock = Clock()
    store = MemoryStore(clock, fresh=True)
    names = ["r1"] if alone else ["r1", "r2"]
    made = ControlSettings(budgets=(OWN,), slice_tokens=50)
    desks = [Desk(made, alone=alone, clock=clock, name=name, store=store) for name in names]
    limits = boundless(
        "anonymous", tokens_per_day=TOKENS, requests_per_day=REQUESTS, concurrent_requests=SLOTS
    )
    for desk in desks:
        for account in ("acct-0", "acct-1"):
            desk.stands(account, "camp-7")
    running: list[tuple[Desk, str, Admitted, list[int]]] = []
    ended: list[tuple[Desk, str, Admitted, list[int]]] = []
    spent, begun = {"acct-0": 0, "acct-1": 0}, {"acct-0": 0, "acct-1": 0}
    for move in moves:
        clock.now_us += 1000
        if move[0] == "wish":
            _, at, inputs, outputs, stream = move
            desk, account = desks[at // 2 % len(desks)], f"acct-{at % 2}"
            wish = asked(input_tokens=inputs, output_tokens=outputs, stream=stream)
            answer = desk.decide(who(limits, account=account), wish)
            if isinstance(answer, Admitted):
                assert answer.reservation is not None
                running.append((desk, account, answer, [answer.reservation.taken[1]]))
        elif move[0] == "step":
            for desk in desks:
                desk.stands("acct-0", *(["camp-7"] if move[1] % 2 else []), max_tokens=1 + move[1])
        elif move[0] == "again":
            for desk, _, held, _ in ended:
                desk.control.settle(held, NOTHING_USED, clock())
        elif running:
            at = move[1] % len(running)
            desk, account, held, paid = running[at]
            if move[0] == "extend":
                more = desk.extend(held)
                paid[0] += more if isinstance(more, int) else 0
                continue
            ended.append(running.pop(at))
            used = int(paid[0] * move[2]) if move[0] == "settle" else 0
            desk.control.settle(
                held, Used(input_tokens=used) if move[0] == "settle" else NOTHING_USED, clock()
            )
            spent[account] += used
            begun[account] += move[0] == "settle"
        for account, used_up in spent.items():
            mine = [paid[0] for _, name, _, paid in running if name == account]
            assert used_up + sum(mine) <= TOKENS
            assert begun[account] + len(mine) <= REQUESTS
            assert len(mine) <= SLOTS
    for desk, _, held, _ in running:
        desk.control.settle(held, NOTHING_USED, clock())
    for desk in desks:
        assert not desk.budgets.open
        assert desk.budgets.beyond == 0
    if alone:
        for account, used_up in spent.items():
            figures = {
                one.name: one.remaining for one in desks[0].control.standing(who(limits, account), clock())
            }
            assert figures["concurrent_requests"] == SLOTS
            assert figures["tokens_per_day"] == TOKENS - used_up
            assert figures["requests_per_day"] == REQUESTS - begun[account]
