"""Ledgers added up again: nothing left out gives what was kept, and what is left out is really gone."""

from __future__ import annotations

import numpy as np
import pytest
from suite.rescore import Ledger, ablation, cards, families

from benchmarks.kept import NO_GROUPS, judged, world
from headwater.detect import load
from headwater.detect.combine import RELAYED

STRONG = {"queue": 6.0, "pool": 4.0, "template": 2.4, "infrastructure": 3.0, "demands": 9.0, "finished": 9.0}


@pytest.mark.parametrize("explained", [NO_GROUPS, RELAYED])
def test_with_nothing_left_out_every_ledger_is_what_was_kept(explained: frozenset[str]) -> None:
    rng = np.random.default_rng(4)
    names = sorted(cards())
    for _ in range(400):
        some = rng.choice(names, rng.integers(1, 20), replace=False).tolist()
        kept = judged({name: float(rng.normal(0.5, 3.0)) for name in some}, explained)
        ledger = Ledger.of(kept, False)
        assert ledger.agrees
        assert ledger.whole.log_odds == pytest.approx(kept["log_odds"], abs=0.01)
        assert ledger.without(()) == (kept["word"], kept["log_odds"])


def test_a_ledger_of_another_code_is_told_from_this_ones() -> None:
    kept = judged(STRONG)
    assert not Ledger.of(kept | {"log_odds": kept["log_odds"] + 1}, False).agrees
    assert not Ledger.of(kept | {"word": "unlikely"}, False).agrees


def test_the_next_strongest_of_a_group_counts_once_the_strongest_is_gone() -> None:
    kept = judged({"queue": 5.0, "pool": 4.0, "template": 2.0, "dealt": 1.0})
    assert cards()["template"].group == cards()["dealt"].group
    left = judged({"queue": 5.0, "pool": 4.0, "dealt": 1.0})
    assert kept["log_odds"] > left["log_odds"] > judged({"queue": 5.0, "pool": 4.0})["log_odds"]
    assert Ledger.of(kept, False).without({"template"})[1] == pytest.approx(left["log_odds"], abs=0.01)


def test_two_kinds_are_still_asked_for() -> None:
    kept = judged({"queue": 6.0, "runs": 6.0, "infrastructure": 1.0})
    assert kept["word"] == "likely"
    word, log_odds = Ledger.of(kept, False).without({"queue", "infrastructure"})
    assert (word, log_odds > 0) == ("possible", True)


def test_what_explains_a_relay_still_does() -> None:
    ledger = Ledger.of(judged(STRONG, RELAYED), False)
    assert ledger.explained == RELAYED
    assert ledger.without({"demands"})[1] <= ledger.ring["log_odds"]
    assert Ledger.of(judged(STRONG), False).explained == frozenset()


def test_a_ring_in_which_nobody_can_be_named_stays_possible() -> None:
    ledger = Ledger.of(judged(STRONG | {"purse": -0.7}) | {"word": "possible"}, False)
    assert ledger.nameless
    assert ledger.agrees
    assert ledger.without({"purse"})[0] == "possible"


def test_families_hold_every_evidence_once_and_declarations_speak_for_the_customer() -> None:
    named = [name for names in families().values() for name in names]
    assert sorted(named) == sorted(cards())
    assert {evidence.card.name for evidence in load()} < set(named)
    assert "organisation" in families()["customer"]


def test_an_ablation_counts_rings_accounts_and_false_rings_by_scenario() -> None:
    innocent = judged({"queue": 6.0, "runs": 6.0, "purse": -0.7, "template": -3.0}) | {"of": {"people": 6}}
    assert innocent["word"] != "likely"
    records = [
        world([judged(STRONG, of=5)], 10),
        world([judged({"queue": 6.0, "runs": 6.0}, of=8), innocent], 10, seed=2),
        world([innocent], 0, scenario="quiet"),
    ]
    found = ablation(records, "everything")
    assert (found["worlds"], found["ledgers"], found["unlike"]) == (3, 4, 0)
    rows = {row["name"]: row["scenarios"] for row in found["rows"]}
    assert {"between", "content", "queue", "template"} <= set(rows)
    assert "purse" not in rows
    whole = rows[""]["reasoning_harvest"]
    assert (whole["recall"], whole["worlds_likely"], whole["rings"]) == (0.65, 2, 2)
    assert rows["queue"]["reasoning_harvest"]["recall"] == 0.25
    assert rows["queue"]["reasoning_harvest"]["worlds_likely"] == 1
    assert rows["content"]["quiet"] == whole | {
        "worlds": 1,
        "worlds_likely": 0,
        "ring_accounts": 0,
        "found": 0,
        "rings": 0,
        "false_rings": 1,
        "recall": None,
    }


def test_only_what_speaks_against_can_lift_a_ring() -> None:
    ledger = Ledger.of(judged({"queue": 6.0, "pool": 4.0, "template": -3.0}), False)
    assert not ledger.may_be_likely({"queue"})
    assert ledger.may_be_likely({"template"})
