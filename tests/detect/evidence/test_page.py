"""The evidence file on the how-to page works as it stands there."""

from __future__ import annotations

import re
import textwrap
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from detect.worlds import dealt_log, folded, judged
from headwater.detect.fold import Fold, missing

PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "add-an-evidence-file.md"


@cache
def shown() -> Any:
    """The object that the page's own file exposes."""
    (block,) = re.findall(r"```python\n(.*?)\n\s*```", PAGE.read_text(encoding="utf-8"), flags=re.S)
    space: dict[str, Any] = {"__name__": "shown"}
    exec(compile(textwrap.dedent(block), str(PAGE), "exec"), space)
    return space["test"]


def asked(who: range) -> dict[str, pa.Array]:
    account = np.repeat(np.arange(60), 24)
    return {"logprobs": pa.array([a in who for a in account.tolist()], pa.bool_())}


def test_it_is_a_fold_that_knows_what_it_needs() -> None:
    assert isinstance(shown(), Fold)
    assert missing(shown().card, frozenset({"imprint"})) == ("logprobs",)


@pytest.mark.parametrize(("who", "low", "high"), [(range(12), 1, 2), (range(60), -1, 0), (range(0), -1, 0)])
def test_it_speaks_for_a_ring_only_where_others_do_not_ask(who: range, low: float, high: float) -> None:
    assert low < judged(shown(), dealt_log(1, more=asked(who)), range(12))[0].raw < high


def test_what_the_log_does_not_say_is_no_answer() -> None:
    nothing = {"logprobs": pa.nulls(60 * 24, pa.bool_())}
    assert judged(shown(), dealt_log(1, more=nothing), range(12)) == {}


def test_an_empty_log_and_a_missing_column_are_no_error() -> None:
    for made in (dealt_log(1), dealt_log(1, more=asked(range(12)))):
        world = made.world(range(12))
        assert folded(shown(), world, [made.batch(world, np.empty(0, np.int64))]) == {}
        assert folded(shown(), made.world(), [made.batch(world)]) == {}


def test_accounts_of_one_organisation_are_one() -> None:
    """Forty keys of one customer that asks for probabilities are one customer that does."""
    made = dealt_log(1, more=asked(range(52)))
    alone, together = made.world(range(12)), made.world(range(12))
    together.customer[12:52] = together.customer[12]
    batch = made.batch(alone)
    many, one = (folded(shown(), world, [batch])[0] for world in (alone, together))
    assert one.p_value < many.p_value


def test_its_finding_can_be_told() -> None:
    (found,) = judged(shown(), dealt_log(1, more=asked(range(12))), range(12)).values()
    assert found.sentence.endswith(".")
    assert 0 < found.p_value <= 1
    assert np.isfinite([found.raw, *found.figures.values()]).all()


def test_any_split_and_order_give_the_same_answer() -> None:
    made = dealt_log(1, more=asked(range(12)))
    world = made.world(range(12))
    rows = np.random.default_rng(1).permutation(made.table.num_rows)
    parts = [made.batch(world, part) for part in np.array_split(rows, 4)]
    assert folded(shown(), world, parts) == folded(shown(), world, [made.batch(world)])
