"""How often steps were taken back, with the exact interval; written, and read back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from headwater.casework import Ended, Outcome, interval, load_outcomes, outcomes_document, rates
from headwater.errors import UnreadableInput

ended = st.builds(
    Ended,
    st.sampled_from(["hold", "stop"]),
    st.sampled_from(["quarantine", "suspend"]),
    st.lists(st.sampled_from(["queue", "pool"]), unique=True).map(tuple),
    st.sampled_from(list(Outcome)),
)


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_interval_is_that_of_clopper_and_pearson(false: int, right: int) -> None:
    total = false + right
    low, high = interval(false, total)
    if not total:
        assert (low, high) == (0.0, 1.0)
        return
    known = binomtest(false, total).proportion_ci(0.95, method="exact")
    assert low == pytest.approx(known.low, abs=1e-9)
    assert high == pytest.approx(known.high, abs=1e-9)
    # What defines it: at either end, what was seen or more of it has a chance of 2.5%.
    if 0 < false < total:
        assert binom.sf(false - 1, total, low) == pytest.approx(0.025)
        assert binom.cdf(false, total, high) == pytest.approx(0.025)


@given(st.lists(ended, max_size=30))
def test_every_end_counts_once_for_its_rule(all_ended: list[Ended]) -> None:
    by_rule = [rate for rate in rates(all_ended) if rate.by == "rule"]
    declined = sum(one.outcome is Outcome.DECLINED for one in all_ended)
    assert sum(rate.ended for rate in by_rule) == len(all_ended) - declined
    assert sum(rate.declined for rate in by_rule) == declined
    wrong = (Outcome.REVERSED, Outcome.LOWERED, Outcome.UNCONFIRMED)
    assert sum(rate.false for rate in by_rule) == sum(one.outcome in wrong for one in all_ended)


@given(st.lists(ended, max_size=30))
def test_what_is_written_is_read_back(all_ended: list[Ended]) -> None:
    import tempfile

    found = rates(all_ended)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "outcomes.json"
        path.write_text(json.dumps(outcomes_document(found)), "utf-8")
        assert load_outcomes(path) == found


def document(*rows: dict[str, object]) -> str:
    whole = {"by": "rule", "name": "a", "ended": 1, "false": 0, "low": 0, "high": 1}
    made = [{**whole, **row} for row in rows]
    return json.dumps({"format": "headwater.outcomes", "format_version": 1, "rates": made})


@pytest.mark.parametrize(
    ("text", "what", "field"),
    [
        ("{", "is not JSON", None),
        ('{"x": ' + "[" * 100_000, "is not JSON", None),
        ("[]", "Expected `object`", None),
        (document().replace("outcomes", "campaigns"), "Invalid enum", "format"),
        (document({"ended": -1}), "Expected `int` >= 0", "rates[0].ended"),
        (document({}, {"high": 2}), "Expected `float` <= 1", "rates[1].high"),
        (document({"false": 2}), "don't go together", "rates[0]"),
    ],
)
def test_what_is_no_outcomes_file_is_told_with_its_field(
    tmp_path: Path, text: str, what: str, field: str | None
) -> None:
    path = tmp_path / "outcomes.json"
    path.write_text(text, "utf-8")
    with pytest.raises(UnreadableInput) as caught:
        load_outcomes(path)
    assert what in caught.value.what
    assert caught.value.where.field == field
