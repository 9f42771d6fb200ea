"""Runs of combining marks are cut wherever they stand, and nothing else is."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.imprint.kernel.codes import LONGEST_MARKS
from headwater.imprint.normal import normal

#: Acute, Bengali virama, Thai mai ek: marks of three scripts that compose with nothing here.
MARKS = "\u0301\u09cd\u0e48"
RUNS = st.lists(
    st.tuples(
        st.sampled_from("x中ก"),
        st.sampled_from([0, 1, 2, LONGEST_MARKS - 1, LONGEST_MARKS, LONGEST_MARKS + 1, 3 * LONGEST_MARKS]),
        st.integers(0, 5),
    ),
    max_size=6,
)


@given(RUNS, st.text("ab ", max_size=40))
def test_long_runs_are_cut_to_their_beginning(runs: list[tuple[str, int, int]], before: str) -> None:
    pieces = [base + "".join(MARKS[(k + turn) % 3] for k in range(length)) for base, length, turn in runs]
    text = before + "".join(pieces) + "é"
    cut = before + "".join(piece[: 1 + LONGEST_MARKS] for piece in pieces) + "é"
    assert normal(text) == unicodedata.normalize("NFKC", cut)


@pytest.mark.parametrize("at", range(2 * LONGEST_MARKS))
def test_a_run_is_found_at_every_place(at: int) -> None:
    text = normal("中" * at + "\u0301" * (LONGEST_MARKS + 1) + "中" * 40)
    assert len(re.findall("\u0301", text)) == LONGEST_MARKS
