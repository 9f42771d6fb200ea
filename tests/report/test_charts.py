"""Specs are data: readable without a page, filled with records, free of colour tokens."""

from __future__ import annotations

import json

import pytest

from explain.builders import findings
from headwater.explain import page
from headwater.report import Beside, Chart, Part, chart_bundle
from headwater.report.charts import COLOURS, MIME, names, spec


def chart() -> Chart:
    section = page(findings()).sections[0]
    beside = next(b for b in section.blocks if isinstance(b, Beside) and isinstance(b.groups[0][0], Part))
    part = beside.groups[0][0]
    assert isinstance(part, Part)
    found = part.blocks[0]
    assert isinstance(found, Chart)
    return found


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("in_page", [True, False])
def test_no_token_is_left_and_no_data_is_named_that_is_not_there(name: str, in_page: bool) -> None:
    text = json.dumps(spec(name, page=in_page))
    assert not [token for token in COLOURS if token in text]
    assert '"@' not in text
    assert "var(" in text if in_page else "var(" not in text
    assert '"url"' not in text


def test_a_page_colour_is_a_variable_of_the_style_sheet() -> None:
    from importlib.resources import files

    style = files("headwater.report").joinpath("assets", "report.css").read_text(encoding="utf-8")
    assert [v for v, _ in COLOURS.values() if f"{v}:light-dark(" not in style] == []


def test_a_notebook_gets_the_spec_with_its_records() -> None:
    made = chart()
    bundle = chart_bundle(made)
    assert bundle["text/plain"] == made.sentence
    assert bundle[MIME]["datasets"]["bars"] == [dict(row) for row in made.records["bars"]]
    assert json.loads(json.dumps(bundle[MIME])) == bundle[MIME]
