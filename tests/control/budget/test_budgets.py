"""What a request can rely on: all or nothing, exact waits, refunds on every way out, and how each budget fails."""

from __future__ import annotations

import gc
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.budget.world import DAY_US, HOUR_US, NOW_US, SECOND_US, Clock, Door, Gone, alone, budget
from headwater.control.budget import (
    Amounts,
    Budget,
    Fails,
    Kind,
    MemoryStore,
    Per,
    Refill,
    Refused,
    Reservation,
    Scope,
    Seen,
    Why,
    leaving,
    shared_rate,
)
from headwater.errors import UsageError

RPM = budget(Kind.REQUESTS, 60, burst=3)
TPM = budget(Kind.TOKENS, 6000)
TPD = budget(Kind.TOKEN_QUOTA, 10_000)
SLOTS = budget(Kind.CONCURRENCY, 2)
ONE = Amounts(1, 100)


def admitted(answer: Reservation | Refused) -> Reservation:
    assert isinstance(answer, Reservation), answer
    return answer


def refused(answer: Reservation | Refused) -> Refused:
    assert isinstance(answer, Refused), answer
    return answer


def test_a_rate_alone_is_exact_to_the_microsecond() -> None:
    clock, door, cells = alone(RPM)
    for _ in range(3):
        admitted(door.reserve(cells, ONE))
    no = refused(door.reserve(cells, ONE))
    assert (no.why, no.retry_after_us, no.remaining) == (Why.SPENT, SECOND_US, 0)
    clock.now_us += SECOND_US - 1
    assert refused(door.reserve(cells, ONE)).retry_after_us == 1
    clock.now_us += 1
    admitted(door.reserve(cells, ONE))
    assert door.operations == 0


@given(
    st.integers(1, 10**6),
    st.sampled_from([Per.SECOND, Per.MINUTE, Per.HOUR, Per.DAY]),
    st.integers(1, 1000),
    st.lists(st.tuples(st.integers(0, 10**7), st.integers(1, 50)), max_size=60),
)
def test_a_rate_never_lets_more_through_than_burst_and_time(
    limit: int, per: Per, burst: int, steps: list[tuple[int, int]]
) -> None:
    clock, door, cells = alone(Budget("r", Kind.REQUESTS, Scope.ACCOUNT, limit, per, burst))
    window = {Per.SECOND: 1, Per.MINUTE: 60, Per.HOUR: 3600, Per.DAY: 86_400}[per] * SECOND_US
    taken: list[tuple[int, int]] = []
    for later, amount in steps:
        clock.now_us += later
        answer = door.reserve(cells, Amounts(amount))
        if isinstance(answer, Reservation):
            taken.append((clock.now_us, amount))
        elif answer.retry_after_us is None:
            assert amount > burst
        else:
            # Neither sooner nor later than it says.
            clock.now_us += answer.retry_after_us - 1
            refused(door.reserve(cells, Amounts(amount)))
            clock.now_us += 1
            admitted(door.reserve(cells, Amounts(amount)))
            taken.append((clock.now_us, amount))
    for first, (begin, _) in enumerate(taken):
        total = 0
        for at, amount in taken[first:]:
            total += amount
            assert total * window <= burst * window + (at - begin) * limit


def test_a_later_refusal_leaves_no_trace_in_the_earlier_cells() -> None:
    clock, door, cells = alone(RPM, TPM, SLOTS, replace(TPD, limit=150))
    admitted(door.reserve(cells, ONE))
    before = door.budgets.standing(cells, clock())
    for _ in range(5):
        assert refused(door.reserve(cells, ONE)).budget.kind is Kind.TOKEN_QUOTA
    assert door.budgets.standing(cells, clock()) == before


def test_the_refusal_that_lasts_longest_is_told() -> None:
    rate = replace(RPM, burst=2)
    clock, door, cells = alone(rate, replace(TPD, limit=100))
    admitted(door.reserve(cells, ONE))
    refused(door.reserve(cells, ONE))
    admitted(door.reserve(door.budgets.cells([(rate, "acct-1")]), ONE))
    no = refused(door.reserve(cells, ONE))
    assert no.budget.kind is Kind.TOKEN_QUOTA
    assert no.retry_after_us == DAY_US - clock() % DAY_US == no.resets_us


def test_the_least_of_all_scopes_holds() -> None:
    """24,000 accounts pass every limit of an account; the campaign that they are has one of its own."""
    _, door, _ = alone()
    campaign = Budget("ring", Kind.TOKEN_QUOTA, Scope.CAMPAIGN, 5000, Per.DAY)
    got = 0
    for account in range(100):
        cells = door.budgets.cells([(TPD, f"acct-{account}"), (campaign, "ring-1")])
        got += isinstance(door.reserve(cells, ONE), Reservation)
    assert got == 50


def test_more_than_there_ever_is_is_told_apart() -> None:
    _, door, cells = alone(TPD)
    no = refused(door.reserve(cells, Amounts(1, 10_001)))
    assert (no.why, no.retry_after_us, no.limit) == (Why.TOO_LARGE, None, 10_000)


def test_settling_gives_back_the_rest_once() -> None:
    clock, door, cells = alone(TPM, TPD, SLOTS)
    held = admitted(door.reserve(cells, Amounts(1, 6000)))
    assert refused(door.reserve(cells, ONE)).budget.kind is Kind.TOKENS
    for _ in range(3):
        door.settle(held, Amounts(1, 1000))
        door.budgets.release(held, clock())
    remaining = [each.remaining for each in door.budgets.standing(cells, clock())]
    assert remaining == [5000, 9000, 2]


def test_a_release_gives_back_the_request_too() -> None:
    clock, door, cells = alone(RPM, TPM, TPD, SLOTS)
    before = door.budgets.standing(cells, clock())
    held = admitted(door.reserve(cells, ONE))
    door.budgets.release(held, clock())
    door.send(door.budgets.asks(clock()))
    after = door.budgets.standing(cells, clock())
    assert [each.remaining for each in after] == [each.remaining for each in before]
    assert not door.budgets.open


def test_a_rate_goes_into_debt_and_a_hard_budget_says_so() -> None:
    clock, door, cells = alone(TPM, TPD)
    held = admitted(door.reserve(cells, ONE))
    door.settle(held, Amounts(1, 8100))
    no = refused(door.reserve(cells, ONE))
    assert no.budget.kind is Kind.TOKENS
    assert no.retry_after_us == 22 * SECOND_US  # 2,100 tokens of debt and 100 wanted, at 100 a second
    assert door.budgets.beyond == 8000
    clock.now_us += 60 * SECOND_US
    assert refused(door.reserve(cells, Amounts(1, 2000))).budget.kind is Kind.TOKEN_QUOTA


@pytest.mark.parametrize("actual", [-1, -(10**30), 10**30])
def test_what_an_upstream_says_mints_nothing_and_stays_bounded(actual: int) -> None:
    clock, door, cells = alone(TPD, TPM)
    held = admitted(door.reserve(cells, ONE))
    door.settle(held, Amounts(1, actual))
    for each in door.budgets.standing(cells, clock()):
        assert 0 <= each.remaining <= each.limit


@pytest.mark.parametrize("amounts", [Amounts(-1), Amounts(1, -5), Amounts(1, 1, -1), Amounts(1, 1, 1, -1)])
def test_a_negative_estimate_is_refused_without_a_trace(amounts: Amounts) -> None:
    clock, door, cells = alone(RPM, TPM, TPD, SLOTS)
    before = door.budgets.standing(cells, clock())
    with pytest.raises(UsageError, match="negative"):
        door.reserve(cells, amounts)
    admitted(door.reserve(cells, ONE))
    held = door.budgets.standing(cells, clock())
    with pytest.raises(UsageError, match="negative"):
        door.reserve(cells, amounts)
    assert door.budgets.standing(cells, clock()) == held != before


def test_a_stream_is_extended_in_slices_until_it_has_to_stop() -> None:
    clock, door, cells = alone(TPD, SLOTS)
    held = admitted(door.reserve(cells, Amounts(1, 256)))
    got = 256
    while isinstance(answer := door.extend(held, Amounts(tokens=256)), Reservation):
        assert answer is held
        got += 256
    assert got == 9984
    assert answer.why is Why.SPENT
    door.settle(held, Amounts(1, got - 100))
    assert [each.remaining for each in door.budgets.standing(cells, clock())] == [116, 2]
    with pytest.raises(UsageError):
        door.extend(held, ONE)


def test_a_reservation_that_nobody_settles_is_spent_and_gives_its_slot_back() -> None:
    clock, door, cells = alone(TPD, SLOTS)
    forgotten = [admitted(door.reserve(cells, ONE)) for _ in range(2)]
    assert refused(door.reserve(cells, ONE)).budget.kind is Kind.CONCURRENCY
    clock.now_us += 601 * SECOND_US
    assert set(door.tick()) == set(forgotten)
    assert door.budgets.forgotten == 2
    admitted(door.reserve(cells, ONE))
    door.settle(forgotten[0], Amounts(1, 0))
    assert door.budgets.standing(cells, clock())[0].remaining == 10_000 - 300


def test_the_store_isnt_asked_over_and_over_while_all_slots_are_in_use_here() -> None:
    clock, door, cells = alone(SLOTS)
    running = [admitted(door.reserve(cells, ONE)) for _ in range(2)]
    refused(door.reserve(cells, ONE))
    later = clock() + 5_000
    assert isinstance(door.budgets.reserve(cells, ONE, later), Refused)
    door.budgets.settle(running[0], ONE, later)
    assert isinstance(
        door.budgets.reserve(cells, ONE, later), Reservation
    )  # and is seen at once when one is back


def test_members_are_counted_once_and_never_for_who_is_refused() -> None:
    distinct = budget(Kind.ADDRESSES, 2)
    clock, door, cells = alone(distinct, replace(TPD, limit=1000))
    for address in ["a", "b", "a", "b"]:
        admitted(door.reserve(cells, ONE, Seen(address)))
    no = refused(door.reserve(cells, ONE, Seen("c")))
    assert (no.budget.kind, no.retry_after_us) == (Kind.ADDRESSES, DAY_US - clock() % DAY_US)
    other = door.budgets.cells([(distinct, "acct-2"), (replace(TPD, name="small", limit=50), "acct-2")])
    for address in "abcdef":
        assert refused(door.reserve(other, ONE, Seen(address))).budget.name == "small"
    assert other.members[0].balance == 2
    clock.now_us += DAY_US
    admitted(door.reserve(cells, ONE, Seen("c")))
    with pytest.raises(UsageError, match="128 characters"):
        door.reserve(cells, ONE, Seen("x" * 1000))


def test_periods_roll_over_by_the_time_of_the_store() -> None:
    clock, door, cells = alone(budget(Kind.TOKEN_QUOTA, 1000, Per.HOUR))
    held = admitted(door.reserve(cells, Amounts(1, 1000)))
    wait = refused(door.reserve(cells, ONE)).retry_after_us
    assert wait == HOUR_US - clock() % HOUR_US
    clock.now_us += wait
    admitted(door.reserve(cells, Amounts(1, 900)))
    door.settle(held, Amounts(1, 0))  # of the hour before: void
    assert refused(door.reserve(cells, Amounts(1, 101))).budget.per is Per.HOUR
    admitted(door.reserve(cells, ONE))


def two(one: Budget, *, fresh: bool = True) -> tuple[Clock, Gone, Door, Door]:
    clock = Clock()
    store = Gone(MemoryStore(clock, fresh=fresh))
    return clock, store, Door(store, clock, "r1"), Door(store, clock, "r2")


def test_what_a_killed_replica_had_is_spent() -> None:
    one = budget(limit=1000, lease=100)
    _, _, first, second = two(one)
    cells = first.budgets.cells([(one, "k")])
    admitted(first.reserve(cells, Amounts(1, 10)))
    del first
    cells = second.budgets.cells([(one, "k")])
    got = 0
    while isinstance(second.reserve(cells, Amounts(1, 10)), Reservation):
        got += 10
    assert got == 900


def test_what_a_leaving_replica_had_is_there_for_others() -> None:
    one = budget(limit=1000, lease=100)
    clock, _, first, second = two(one)
    admitted(first.reserve(first.budgets.cells([(one, "k")]), Amounts(1, 10)))
    first.send(leaving(first.budgets, clock()))
    cells = second.budgets.cells([(one, "k")])
    got = 0
    while isinstance(second.reserve(cells, Amounts(1, 10)), Reservation):
        got += 10
    assert got == 990


def test_an_idle_lease_is_given_back() -> None:
    one = budget(limit=1000, lease=100)
    clock, _, first, second = two(one)
    cells = first.budgets.cells([(one, "k")])
    first.settle(admitted(first.reserve(cells, Amounts(1, 10))), Amounts(1, 10))
    first.tick()
    assert cells.pots[0].free == 90
    clock.now_us += one.lasts_us
    first.tick()
    first.tick()
    assert (cells.pots[0].free, first.budgets.kept) == (0, {})
    second_cells = second.budgets.cells([(one, "k")])
    admitted(second.reserve(second_cells, Amounts(1, 990)))


def test_a_stopped_replica_spends_nothing_from_a_lease_that_is_over() -> None:
    one = budget(limit=1000, per=Per.HOUR, lease=100, lifetime_us=10 * SECOND_US)
    clock, store, first, _ = two(one)
    cells = first.budgets.cells([(one, "k")])
    admitted(first.reserve(cells, Amounts(1, 10)))
    clock.now_us += 30 * SECOND_US
    store.away = True
    answer = first.budgets.reserve(cells, Amounts(1, 10), clock())
    assert isinstance(answer, Refill)  # 90 lie there, and may not be touched before the store has answered
    first.send(answer.asks)
    assert refused(first.reserve(cells, Amounts(1, 10))).why is Why.UNAVAILABLE
    store.away = False
    clock.now_us += 2 * SECOND_US
    admitted(first.reserve(cells, Amounts(1, 90)))
    clock.now_us += 2 * HOUR_US
    admitted(first.reserve(cells, Amounts(1, 1000)))  # another hour: what was left of the first is void
    refused(first.reserve(cells, Amounts(1, 1)))


def test_the_local_deadline_is_earlier_than_the_stores() -> None:
    one = budget(limit=1000, lease=100, lifetime_us=16 * SECOND_US)
    clock, store, first, _ = two(one)
    cells = first.budgets.cells([(one, "k")])
    asks = first.budgets.reserve(cells, Amounts(1, 10), clock()).asks  # type: ignore[union-attr]
    clock.now_us += 3 * SECOND_US  # on its way to the store
    answers = store.exchange("r1", asks)
    clock.now_us += 2 * SECOND_US  # and back
    first.budgets.hear(asks, answers, clock())
    assert cells.pots[0].deadline_us == NOW_US + 15 * SECOND_US


def test_slots_of_a_dead_replica_come_back_and_a_stopped_one_is_told() -> None:
    one = budget(Kind.CONCURRENCY, 2)
    clock, _, first, second = two(one)
    cells = first.budgets.cells([(one, "k")])
    running = [admitted(first.reserve(cells, ONE)) for _ in range(2)]
    others = second.budgets.cells([(one, "k")])
    assert refused(second.reserve(others, ONE)).retry_after_us == 30 * SECOND_US
    clock.now_us += 31 * SECOND_US
    admitted(second.reserve(others, ONE))
    assert first.tick() == ()  # it asks first: one of its two may still be there
    (lapsed,) = first.tick()
    assert lapsed in running
    assert first.tick() == ()
    first.settle(lapsed, ONE)
    assert first.tick() == ()
    refused(first.reserve(cells, ONE))
    refused(second.reserve(others, ONE))


def test_running_slots_are_kept_alive_without_requests() -> None:
    one = budget(Kind.CONCURRENCY, 2)
    clock, _, first, second = two(one)
    admitted(first.reserve(first.budgets.cells([(one, "k")]), ONE))
    admitted(first.reserve(first.budgets.cells([(one, "k")]), ONE))
    others = second.budgets.cells([(one, "k")])
    for _ in range(100):
        clock.now_us += 2 * SECOND_US
        assert first.tick() == ()
        refused(second.reserve(others, ONE))
    assert first.operations < 25


def test_slots_of_who_asks_all_the_time_stay_though_none_is_in_use_whenever_it_is_looked() -> None:
    clock = Clock()
    door = Door(MemoryStore(clock, fresh=True), clock)
    cells = door.budgets.cells([(budget(Kind.CONCURRENCY, 64), "acct-1")])
    for _ in range(10):
        for _ in range(3):
            door.settle(admitted(door.reserve(cells, Amounts())), Amounts(slots=0))
        clock.now_us += SECOND_US // 5
        door.tick()
    assert door.operations == 1
    for _ in range(2):
        clock.now_us += SECOND_US // 5
        door.tick()
    assert door.operations == 2  # nobody asks any more: they are another's
    (slot,) = cells.slots
    assert (slot.held, slot.free) == (0, 0)


def test_slots_that_are_used_while_a_renewal_is_under_way_stay_held() -> None:
    one = budget(Kind.CONCURRENCY, 32)
    clock, store, first, _ = two(one)
    cells = first.budgets.cells([(one, "k")])
    running = [admitted(first.reserve(cells, ONE)) for _ in range(5)]
    (pot,) = cells.slots
    for each in running[1:]:
        first.budgets.settle(each, ONE, clock())
    first.budgets.asks(clock())
    pot.out = None
    pot.held, pot.free = 5, 4
    clock.now_us = pot.deadline_us - 1
    ask = pot.ask(0, first.budgets.next_seq(), clock())
    for _ in range(4):
        admitted(first.reserve(cells, ONE))
    first.budgets.hear([ask], store.exchange("r1", [ask]), clock())
    assert pot.used == 5 <= pot.held


def test_streams_go_on_where_the_store_has_forgotten_their_slots() -> None:
    one = budget(Kind.CONCURRENCY, 2)
    clock, store, first, second = two(one)
    cells = first.budgets.cells([(one, "k")])
    admitted(first.reserve(cells, ONE))
    others = second.budgets.cells([(one, "k")])
    store.begin(fresh=False)
    refused(second.reserve(others, ONE))  # the store can't know whether both are taken
    for _ in range(20):
        clock.now_us += 3 * SECOND_US
        assert first.tick() == ()
        assert first.tick() == ()
    admitted(second.reserve(others, ONE))
    refused(second.reserve(others, ONE))


@pytest.mark.parametrize(("limit", "burst"), [(600, 80), (6000, 6000), (60_000, 3000)])
def test_leases_of_a_rate_that_are_spent_late_stay_within_the_burst(limit: int, burst: int) -> None:
    """Every replica takes what it can get and waits until just before its lease ends; then all is spent at once."""
    one = budget(Kind.REQUESTS, limit, burst=burst, fails=Fails.CLOSED, lease=burst)
    clock, store, *_ = two(one)
    doors = [Door(store, clock, f"r{at}") for at in range(6)]
    cells = [door.budgets.cells([(one, "k")]) for door in doors]
    held = []
    for door, own in zip(doors, cells, strict=True):
        answer = door.reserve(own, Amounts(1))
        held += [(door, answer)] if isinstance(answer, Reservation) else []
    clock.now_us += shared_rate(one)[1] * 15 // 16 * 3 // 4 - 1
    at_once = 0
    for door, own in zip(doors, cells, strict=True):
        while isinstance(door.reserve(own, Amounts(1)), Reservation):
            at_once += 1
    assert burst // 2 <= at_once <= burst


@pytest.mark.parametrize(
    "kind", [Kind.REQUESTS, Kind.TOKENS, Kind.REQUEST_QUOTA, Kind.CONCURRENCY, Kind.ADDRESSES]
)
def test_each_budget_fails_as_it_says(kind: Kind) -> None:
    for fails in Fails:
        one = budget(kind, 20, fails=fails)
        clock, store, first, _ = two(one)
        store.away = True
        cells = first.budgets.cells([(one, "k")])
        got = 0
        for each in range(40):
            answer = first.reserve(cells, Amounts(1, 1), Seen(f"10.0.{each}"))
            got += isinstance(answer, Reservation)
        assert got == (20 if fails is Fails.OPEN else 0)
        if fails is Fails.CLOSED:
            assert refused(first.reserve(cells, Amounts(1, 1), Seen("x"))).why is Why.UNAVAILABLE
        store.away = False
        clock.now_us += 2 * SECOND_US
        if (kind, fails) == (Kind.REQUEST_QUOTA, Fails.OPEN):
            assert refused(first.reserve(cells, ONE)).why is Why.SPENT  # what was served meanwhile is charged


def test_while_the_store_is_gone_it_is_tried_once_a_second() -> None:
    one = budget(Kind.REQUESTS, 1000)
    clock, store, first, _ = two(one)
    store.away = True
    cells = first.budgets.cells([(one, "k")])
    for _ in range(300):
        clock.now_us += SECOND_US // 100
        admitted(first.reserve(cells, ONE))
    assert first.operations <= 4


def test_a_message_without_an_answer_is_sent_again_as_it_was() -> None:
    one = budget(limit=1000, lease=100)
    clock, store, first, _ = two(one)
    cells = first.budgets.cells([(one, "k")])
    (ask,) = first.budgets.reserve(cells, Amounts(1, 10), clock()).asks  # type: ignore[union-attr]
    store.exchange("r1", [ask])  # done, and the answer is lost
    assert first.budgets.reserve(cells, Amounts(1, 10), clock()) == Refill(())
    first.budgets.gone([ask], clock())
    clock.now_us += 2 * SECOND_US
    (second,) = first.budgets.reserve(cells, Amounts(1, 10), clock()).asks  # type: ignore[union-attr]
    assert second._replace(sent_us=ask.sent_us) == ask
    (answer,) = store.exchange("r1", [second])
    assert answer.balance == 900
    for _ in range(2):  # an answer that comes twice is heard once
        first.budgets.hear([second], [answer], clock())
    assert cells.pots[0].free == 100


def test_a_store_that_forgot_keeps_hard_budgets_closed_until_it_saw_a_period_begin() -> None:
    one = budget(limit=1000, per=Per.HOUR, lease=100)
    clock, store, first, _ = two(one)
    cells = first.budgets.cells([(one, "k")])
    admitted(first.reserve(cells, Amounts(1, 700)))
    store.begin(fresh=False)
    wait = refused(first.reserve(cells, Amounts(1, 200))).retry_after_us
    assert wait == HOUR_US - clock() % HOUR_US
    clock.now_us += wait
    admitted(first.reserve(cells, Amounts(1, 1000)))


def test_a_changed_limit_holds_at_once_and_nothing_is_forgotten() -> None:
    clock, door, cells = alone(TPD, RPM)
    admitted(door.reserve(cells, Amounts(1, 5000)))
    again = door.budgets.cells([(replace(TPD, limit=5050), "acct-1"), (replace(RPM, burst=2), "acct-1")])
    assert again.all == cells.all
    assert refused(door.reserve(cells, Amounts(1, 100))).limit == 5050
    admitted(door.reserve(cells, Amounts(1, 50)))
    assert refused(door.reserve(cells, Amounts(1, 0))).budget.kind is Kind.REQUESTS
    assert clock() == NOW_US


def test_a_cell_is_the_same_whoever_asks_and_idle_ones_are_dropped() -> None:
    clock, door, _ = alone()
    for account in range(1000):
        cells = door.budgets.cells([(RPM, f"a{account}"), (TPD, f"a{account}"), (SLOTS, f"a{account}")])
        assert cells.all == door.budgets.cells((each.budget, each.key) for each in cells.all).all
        door.settle(admitted(door.reserve(cells, ONE)), ONE)
    del cells
    gc.collect()
    assert len(door.budgets.kept) >= 2000
    clock.now_us += DAY_US
    for _ in range(20):
        door.tick()
    gc.collect()
    assert len(door.budgets.kept) == len(door.budgets._cells) == 0


def test_a_rate_that_was_used_is_not_forgotten_by_dropping_its_cell() -> None:
    _, door, cells = alone(RPM)
    for _ in range(3):
        admitted(door.reserve(cells, ONE))
    door.tick()
    del cells
    gc.collect()
    refused(door.reserve(door.budgets.cells([(RPM, "acct-1")]), ONE))


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": "A b"}, "name"),
        ({"limit": 0}, "limit"),
        ({"limit": True}, "limit"),
        ({"limit": 10**16}, "limit"),
        ({"per": Per.MINUTE}, "per"),
        ({"burst": 5}, "burst"),
        ({"lease": 0}, "lease"),
        ({"lifetime_us": 1}, "lifetime_us"),
    ],
)
def test_a_budget_that_cannot_be_names_its_field(wrong: dict, field: str) -> None:
    with pytest.raises(UsageError) as told:
        replace(TPD, **wrong)
    assert field in str(told.value.where)


def test_a_key_that_cannot_be() -> None:
    _, door, _ = alone()
    for key in ("", "x" * 201):
        with pytest.raises(UsageError):
            door.budgets.cells([(TPD, key)])
