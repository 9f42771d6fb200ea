"""Scoring by hand: a world of six accounts, and the rules that stand beside Headwater."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import scoring
from baselines import rate_rule, rates, template_join, thresholded
from scoring import Truth

from headwater.engine import Spool

TRUTH = Truth(
    role={"a": "ring", "b": "reseller", "c": "innocent", "d": "innocent", "e": "innocent", "f": "innocent"},
    customer={"a": "a", "b": "b", "c": "organisation x", "d": "organisation x", "e": "e", "f": "f"},
    harvest=frozenset({"1", "2", "3", "4"}),
)


def test_resellers_are_found_like_rings_and_organisations_count_once() -> None:
    got = scoring.accounts(TRUTH, ["a", "c", "d", "c"], seed=0)
    assert (got["recall"], got["precision"]) == (0.5, pytest.approx(1 / 3))
    assert (got["innocent_flagged"], got["innocent_accounts"], got["innocent_rate"]) == (2, 4, 0.5)
    assert (got["customers"], got["customers_flagged"]) == (3, 1)


def test_nothing_flagged_has_no_precision_and_a_world_without_rings_no_recall() -> None:
    assert scoring.accounts(TRUTH, [], seed=0)["precision"] is None
    quiet = Truth({"c": "innocent"}, {"c": "c"}, frozenset())
    assert scoring.accounts(quiet, ["c"], seed=0)["recall"] is None
    assert scoring.exchanges(quiet, {"9"})["exchange_precision"] == 0.0
    assert scoring.exchanges(quiet, {"9"})["exchange_f1"] is None


def test_attribution() -> None:
    got = scoring.exchanges(TRUTH, ["1", "2", "9"])
    assert got["exchange_precision"] == pytest.approx(2 / 3)
    assert got["exchange_recall"] == 0.5
    assert got["exchange_f1"] == pytest.approx(2 * (2 / 3) * 0.5 / (2 / 3 + 0.5))


def test_a_ring_of_which_half_is_innocent_is_false() -> None:
    assert scoring.false_rings(TRUTH, [["a", "c"], ["a", "b", "c"], ["e", "f"]]) == 2


def test_rates_by_hand() -> None:
    hour = 3_600_000_000
    account = np.array([0, 0, 0, 1, 1, 1])
    at = np.array([0, 1, 30 * hour, 0, 2 * hour, 5 * hour])
    got = {name: rate.tolist() for name, rate in rates(account, at).items()}
    assert got == {"total": [3, 3], "busiest day": [2, 3], "busiest hour": [2, 1]}


def test_the_threshold_spends_what_is_allowed_and_no_more() -> None:
    rate = np.array([9, 7, 7, 5, 8, 6])
    innocent = np.array([False, True, True, True, False, False])
    assert thresholded(rate, innocent, 0).tolist() == [True, False, False, False, True, False]
    # Two innocents tie at 7: one cannot be had without the other.
    assert thresholded(rate, innocent, 1).tolist() == thresholded(rate, innocent, 0).tolist()
    assert thresholded(rate, innocent, 2).tolist() == [True, True, True, False, True, True]
    assert thresholded(rate, innocent, 3).all()


def test_the_rate_rule_names_accounts_and_all_their_exchanges() -> None:
    log = pa.table(
        {
            "id": ["1", "2", "3", "7"],
            "account": ["a", "a", "a", "c"],
            "at": pa.array([0, 1, 2, 3], pa.timestamp("us", "UTC")),
        }
    )
    _, who, which = rate_rule(log, TRUTH, 0)
    assert (who, which) == ({"a"}, {"1", "2", "3"})


def test_a_template_needs_five_accounts_and_not_five_exchanges(tmp_path: Path) -> None:
    rows = (
        [(9, f"acct-{i % 5}") for i in range(7)] + [(8, "lone")] * 20 + [(0, f"none-{i}") for i in range(9)]
    )
    skeleton = pa.StructArray.from_arrays([pa.array([h for h, _ in rows], pa.uint64())], ["skeleton"])
    batch = pa.record_batch(
        {
            "id": [str(i) for i in range(len(rows))],
            "account": [name for _, name in rows],
            "imprint": skeleton,
        }
    )
    with Spool(tmp_path / "spool.parquet", batch.schema) as spool:
        spool.append(batch)
    who, which = template_join(spool, "skeleton")
    assert who == {f"acct-{i}" for i in range(5)}
    assert which == {str(i) for i in range(7)}
