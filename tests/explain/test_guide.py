"""The how-to page tells of the report as it is."""

from __future__ import annotations

from pathlib import Path

from explain.builders import findings
from headwater import explain, report

GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "read-a-report.md"


def test_the_guide_has_the_whole_scale_with_its_glyphs() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    assert [word for word, (glyph, _) in explain.SCALE.items() if f"{glyph} {word}" not in text] == []


def test_the_guide_quotes_the_verdict_as_it_is_said() -> None:
    assert f"> {explain.verdict(findings())}" in GUIDE.read_text(encoding="utf-8")


def test_the_guide_s_way_to_hide_details_works() -> None:
    hidden = explain.without_details(findings())
    made = report.html(explain.page(hidden)).decode()
    assert "birch-00001" not in made
    assert "Solve the task step by step" not in made
    assert "account 1" in made
