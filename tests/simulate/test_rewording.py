"""Wordings that are made anew: the same bits say the same, and no two prompts look alike."""

from __future__ import annotations

import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.simulate.forms import Form, Given, parse
from headwater.simulate.phrases import RULES
from headwater.simulate.rewording import Dice, FollowUp, Kind, Remade, phrase
from simulate.builders import texts
from simulate.sharing import shared

KINDS: tuple[Kind, ...] = get_args(Kind)


def asked(task: str, bits: int, *, answer: str = "", language: str = "en") -> Given:
    return Given(task, answer, "Is it right?", "12345", bits, language)


def test_every_part_of_a_rule_is_a_rule() -> None:
    for rule, variants in RULES.items():
        named = {part for variant in variants for part in re.findall(r"<(\w+)>", variant)}
        assert named <= RULES.keys(), rule
        assert not [variant for variant in variants if "|" in variant or "_" in re.sub(r"<\w+>", "", variant)]


@given(st.sampled_from(sorted(RULES)), st.integers(0, 2**64 - 1))
def test_every_rule_ends(rule: str, bits: int) -> None:
    assert "<" not in phrase(rule, Dice(bits))
    assert phrase(rule, Dice(bits)) == phrase(rule, Dice(bits))


@given(
    st.sampled_from(KINDS),
    st.text(min_size=1),
    st.sampled_from(["en", "zh", "sw"]),
    st.integers(0, 2**64 - 1),
)
def test_the_text_stands_in_the_prompt_whole(kind: Kind, task: str, language: str, bits: int) -> None:
    given_ = asked(task, bits, answer="an answer", language=language)
    prompt = Remade(kind).write(given_)
    assert task in prompt
    assert prompt == Remade(kind).write(given_)
    assert kind != "grading" or "an answer" in prompt


@pytest.mark.parametrize("kind", KINDS)
def test_two_remade_prompts_share_hardly_more_than_their_bare_texts(kind: Kind) -> None:
    said = texts("bare", 1500)
    answers = texts("answers", 1500)
    remade = [
        Remade(kind).write(asked(text, i * 977, answer=answer))
        for i, (text, answer) in enumerate(zip(said, answers, strict=True))
    ]
    template = parse("t", "Grade the answer to this step by step.\n{task}\n{answer}")
    fixed = [
        template.write(asked(text, i, answer=a))
        for i, (text, a) in enumerate(zip(said, answers, strict=True))
    ]
    who = [str(i) for i in range(1500)]
    loose, bare, tight = shared(remade, who), shared(said, who), shared(fixed, who)
    assert tight["skeleton"] > 0.99
    for part in ("opening", "closing", "skeleton"):
        assert loose[part] < 0.002, part
    assert loose["minimiser"] < bare["minimiser"] + 0.03


def test_a_public_wording_comes_up_now_and_then() -> None:
    public = (Form("p", ("According to the source, ", ""), ("task",)),)
    prompts = [Remade("reasoning", public).write(asked("why?", i)) for i in range(800)]
    assert 0.06 < sum("According to the source" in text for text in prompts) / 800 < 0.2


def test_later_turns_quote_and_differ() -> None:
    answer = " ".join(f"word{i}" for i in range(60))
    said = [FollowUp().write(asked("task", i, answer=answer)) for i in range(300)]
    assert len(set(said)) > 290
    assert 0.6 < sum("word" in text for text in said) / 300 < 0.9
