"""What every kind of evidence must hold: Headwater's own, another package's that is installed, and the how-to page's.

Each check asks one thing of one kind of evidence and fails where it doesn't hold; `EVERY` lists them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from detect.evidence.busy import RING, busy
from detect.worlds import dealt_log, folded
from headwater.detect.fold import Finding, Fold, Links, Reading, missing, usable
from headwater.detect.installed import STAGES

_WHOLE: dict[tuple[str, str], Any] = {}


def comparable(outcome: Any) -> Any:
    """Links, readings and findings as values that `==` compares exactly."""
    if isinstance(outcome, Reading):
        return outcome.value.tobytes(), outcome.notable, outcome.phrase
    if isinstance(outcome, Links):
        return outcome.a.tolist(), outcome.b.tolist(), outcome.weight.tolist()
    return {at: (f.raw, f.p_value, dict(f.figures), f.sentence) for at, f in outcome.items()}


def whole(evidence: Fold) -> Any:
    """What it answers on the busy log that is seen at once."""
    name = evidence.card.name, evidence.stage
    if name not in _WHOLE:
        made, world = busy()
        _WHOLE[name] = comparable(folded(evidence, world, [made.batch(world)]))
    return _WHOLE[name]


def any_split_and_any_order_give_one_answer(evidence: Fold, seed: int = 1, parts: int = 4) -> None:
    made, world = busy()
    rng = np.random.default_rng(seed)
    rows = rng.permutation(made.table.num_rows)
    cuts = np.sort(rng.integers(0, len(rows), parts - 1))
    batches = [made.batch(world, part) for part in np.split(rows, cuts)]
    assert comparable(folded(evidence, world, batches)) == whole(evidence)


def it_has_something_to_say_about_a_ring_with_every_trace(evidence: Fold) -> None:
    if evidence.stage == "trait":
        made, world = busy()
        reading = folded(evidence, world, [made.batch(world)])
        assert len(reading.value) == world.size
        assert (reading.value[:RING] >= reading.notable).any()
        return
    outcome = whole(evidence)
    if evidence.card.group == "customer":  # the second group under test is of innocents
        assert outcome[1][0] < 0
        return
    assert outcome[0] if evidence.stage == "propose" else outcome[0][0] != 0


def a_missing_column_rules_it_out(evidence: Fold) -> None:
    card = evidence.card
    every = frozenset({*card.needs, *card.any_of})
    assert usable([evidence], every) == (evidence,)
    for lost in card.needs:
        assert usable([evidence], every - {lost}) == ()
    if card.any_of:
        assert usable([evidence], every - set(card.any_of)) == ()
        assert missing(card, every - set(card.any_of))[-1] == " or ".join(card.any_of)
        assert usable([evidence], every - {card.any_of[0]}) == (evidence,)


def an_empty_log_and_no_rings_are_no_error(evidence: Fold) -> None:
    made = dealt_log(1)
    world = made.world()
    outcome = folded(evidence, world, [made.batch(world, np.empty(0, np.int64))])
    if isinstance(outcome, Reading):
        assert not (np.nan_to_num(outcome.value, nan=-np.inf) >= outcome.notable).any()
        return
    assert not (len(outcome.a) if isinstance(outcome, Links) else outcome)


def a_finding_says_a_sentence_and_finite_figures(evidence: Fold) -> None:
    if evidence.stage != "confirm":
        return
    made, world = busy()
    for finding in folded(evidence, world, [made.batch(world)]).values():
        assert isinstance(finding, Finding)
        assert finding.sentence.endswith(".")
        assert np.isfinite([finding.raw, *finding.figures.values()]).all()
        assert finding.p_value is None or 0 < finding.p_value <= 1


def its_card_is_filled_in(evidence: Fold) -> None:
    card = evidence.card
    assert evidence.stage in STAGES
    assert all((card.name, card.title, card.sees, card.null, card.false_positive, card.evasion_cost))
    assert card.cap_nats > 0 or card.cap_against_nats > 0


EVERY = (
    any_split_and_any_order_give_one_answer,
    it_has_something_to_say_about_a_ring_with_every_trace,
    a_missing_column_rules_it_out,
    an_empty_log_and_no_rings_are_no_error,
    a_finding_says_a_sentence_and_finite_figures,
    its_card_is_filled_in,
)
