"""Templates with slots: contents are data, faults name the slot."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import UsageError
from headwater.simulate import Corpora
from headwater.simulate.forms import forms, parse


@given(st.text(), st.text(min_size=1), st.text())
def test_contents_are_put_in_as_they_are(task: str, answer: str, criterion: str) -> None:
    form = parse("x", "A {task} B {answer} C {criterion} D {task}")
    assert form.fill(task, answer, criterion) == f"A {task} B {answer} C {criterion} D {task}"


def test_braces_in_a_content_are_not_slots() -> None:
    assert parse("x", "{task}!").fill("{answer} {0} {{}}", "no", "no") == "{answer} {0} {{}}!"


def test_public_names_of_slots_are_understood() -> None:
    form = parse("x", "{{Document}} / {question} / {options_}/ {completion} / {rubric} / {ideal}")
    assert form.fill("t", "a", "c") == "t / t / / a / c / a"


@pytest.mark.parametrize(
    ("text", "fault"), [("{nonsense} {task}", "unknown slot 'nonsense'"), ("no slot", "no slot for a task")]
)
def test_a_template_that_cannot_be_filled_is_refused(text: str, fault: str) -> None:
    with pytest.raises(UsageError, match=fault):
        parse("x", text)


def test_a_registry_entry_gives_its_prompt_alone(corpora: Corpora) -> None:
    (form,) = forms(corpora, "judge:closed.yaml")
    assert form.fill("T", "A", "C") == "Judge T\nby A.\n\nCriterion: C"


def test_a_public_wording_of_the_other_side_is_not_there(corpora: Corpora) -> None:
    with pytest.raises(UsageError, match="no public wording"):
        forms(corpora, "judge:pair")


def test_a_text_with_a_colon_is_a_template(corpora: Corpora) -> None:
    assert forms(corpora, "Question: {task}")[0].fill("why?", "", "") == "Question: why?"
