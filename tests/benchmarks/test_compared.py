"""What others find in the same worlds: shares pooled over accounts, and only worlds in which both were measured."""

from __future__ import annotations

from typing import Any

import pytest
from suite.compared import beside_baselines, beside_oracle

from benchmarks.kept import ring, world

FOUND = ring({"ring r": 5})


def figures(flagged: int) -> dict[str, Any]:
    at = {"ring_flagged": flagged, "innocent_flagged": 1, "recall": None}
    return {"matched": at, "at_rate": at | {"innocent_flagged": 3}, "auc": flagged / 10}


def test_the_oracle_and_headwater_are_counted_over_the_same_worlds() -> None:
    records = [
        world([FOUND], 10, oracle={"recall": 0.8, "exchange_f1": 0.9}),
        world([], 30, oracle={"recall": 0.4, "exchange_f1": 0.7}, seed=2),
        world([FOUND], 5, oracle=None, seed=3),
        world([FOUND], 5, seed=4),
    ]
    (one,) = beside_oracle(records)
    assert (one["worlds"], one["ring_accounts"]) == (2, 40)
    assert one["oracle"] == pytest.approx((8 + 12) / 40)
    assert one["recall"] == pytest.approx(5 / 40)
    assert one["share"] == pytest.approx(5 / 20)
    assert one["oracle_exchange_f1"] == pytest.approx(0.8)
    assert one["exchange_f1"] == pytest.approx(2 * 10 / (10 + 40))


def test_a_method_counts_where_it_ended() -> None:
    records = [
        world([FOUND], 10, baselines={"methods": {"a": figures(2), "b": figures(9)}, "left_out": {}}),
        world([FOUND], 10, baselines={"methods": {"a": figures(4)}, "left_out": {"b": "too long"}}, seed=2),
        world([FOUND], 10, baselines=None, seed=3),
    ]
    (one,) = beside_baselines(records)
    assert (one["worlds"], one["recall"], one["left_out"]) == (2, 0.5, {"b": 1})
    assert one["methods"]["a"]["matched"] == {"recall": 0.3, "innocent_flagged": 2}
    assert one["methods"]["a"]["at_rate"]["innocent_flagged"] == 6
    assert (one["methods"]["b"]["worlds"], one["methods"]["b"]["matched"]["recall"]) == (1, 0.9)
    assert one["methods"]["a"]["auc"] == pytest.approx(0.3)
