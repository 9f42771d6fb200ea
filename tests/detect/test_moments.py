"""Times of members by customer: what counts, what is known of durations."""

from __future__ import annotations

import numpy as np

from detect.worlds import EVERY, Made, dealt_log
from headwater.detect.moments import Moments, Table


def table(made: Made, members: range) -> Table:
    world = made.world(members)
    moments = Moments.none()
    moments.add(made.batch(world))
    return moments.table(world.customer, world.context["ring_of"])


def test_members_rows_by_customer() -> None:
    known = {"organisation": ["org" if i < 3 else None for i in range(60)]}
    found = table(dealt_log(1, known=known), range(12))
    assert len(found.customer) == 12 * 24
    assert len(np.unique(found.customer)) == 10
    times, _ = found.of(0, np.unique(found.customer))
    assert sorted(len(t) for t in times) == [24] * 9 + [72]
    assert all((np.diff(t) >= 0).all() for t in times)


def test_only_attributed_rows_count_where_they_are_a_fair_share() -> None:
    account = np.repeat(np.arange(60), 24)
    for every, counted in ((2, 12), (12, 24)):
        form = np.where((account < 12) & (np.random.default_rng(1).random(1440) < 1 / every), 5, 0)
        found = table(dealt_log(1, form=form), range(12))
        times, _ = found.of(0, np.unique(found.customer))
        assert abs(np.mean([len(t) for t in times]) - counted) < 2


def test_durations_are_all_known_or_not_given() -> None:
    rng = np.random.default_rng(1)
    lost = np.where(rng.random(1440) < 0.3, np.nan, 500.0)
    for made, known in (
        (dealt_log(1), True),
        (dealt_log(1, latency_ms=lost), False),
        (dealt_log(1, latency_ms=np.full(1440, -5.0)), False),
        (dealt_log(1, columns=EVERY - {"latency_ms"}), False),
    ):
        found = table(made, range(12))
        assert (found.of(0, np.unique(found.customer))[1] is not None) == known


def test_no_rows_are_an_empty_table() -> None:
    found = Moments.none().table(np.arange(5, dtype=np.int32), np.full(5, -1, np.int32))
    times, durations = found.of(0, np.arange(3, dtype=np.int32))
    assert [len(t) for t in times] == [0, 0, 0]
    assert durations is None


def test_what_a_customers_accounts_in_another_ring_send_is_none_of_this_ones() -> None:
    known = {"organisation": ["org" if i in (2, 40) else None for i in range(60)]}
    made = dealt_log(1, known=known)
    world = made.world(range(12), range(30, 42))
    moments = Moments.none()
    moments.add(made.batch(world))
    found = moments.table(world.customer, world.context["ring_of"])
    for at, members in ((0, range(12)), (1, range(30, 42))):
        times, _ = found.of(at, np.unique(world.customer[list(members)]))
        assert [len(t) for t in times] == [24] * 12
