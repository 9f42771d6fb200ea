"""The pages that figures are written to: only what stands between the marks changes."""

from __future__ import annotations

import pytest

import figures


def test_only_the_marked_part_changes() -> None:
    page = f"before\n{figures.BEGIN}\nold\n{figures.END}\nafter\n"
    assert figures.between(page, "new") == f"before\n{figures.BEGIN}\nnew\n{figures.END}\nafter\n"
    assert figures.between(figures.between(page, "x"), "new") == figures.between(page, "new")


def test_a_page_without_marks_is_left_alone() -> None:
    with pytest.raises(ValueError, match="no marks"):
        figures.between("a page", "new")


@pytest.mark.parametrize(
    ("value", "said"), [(None, "–"), (0.0, "0.0%"), (0.987654, "98.8%"), (0.00043, "0.043%"), (1.0, "100.0%")]
)
def test_shares_in_words(value: float | None, said: str) -> None:
    assert figures.percent(value) == said
