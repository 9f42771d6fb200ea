"""Lineage by behaviour: an exact sign test against each control, and what may be concluded from it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom

from headwater.errors import UsageError
from headwater.mark.student import lineage


def answers(agree: float, seed: int, count: int = 300) -> dict[str, str]:
    """Answers that are the model's ("yes 7" to prompt 7) so often."""
    drawn = np.random.default_rng(seed).random(count)
    return {f"prompt {at}": f"yes {at}" if one < agree else f"no {seed}" for at, one in enumerate(drawn)}


MODEL = {f"prompt {at}": f"yes {at}" for at in range(300)}


def test_a_descendant_is_closer_than_every_control() -> None:
    found = lineage(MODEL, answers(0.4, 1), {"a": answers(0.1, 2), "b": answers(0.15, 3)})
    assert found.closer
    assert found.prompts == found.rare == 300
    one = found.compared[0]
    exact = binom.logsf(one.suspect_only - 1, one.suspect_only + one.control_only, 0.5)
    assert one.log_p == pytest.approx(exact, rel=1e-5)
    assert one.log_adjusted >= one.log_p


def test_one_control_that_is_as_close_is_enough_to_say_no() -> None:
    found = lineage(MODEL, answers(0.4, 1), {"a": answers(0.1, 2), "sibling": answers(0.4, 4)})
    assert not found.closer
    assert found.compared[0].log_adjusted < math.log(0.001)


def test_the_unrelated_are_called_closer_no_more_often_than_the_level() -> None:
    closer = sum(
        lineage(MODEL, answers(0.2, 2 * seed), {"a": answers(0.2, 2 * seed + 1)}, alpha=0.05).closer
        for seed in range(300)
    )
    assert closer <= 15 + 4 * math.sqrt(15)


def test_common_answers_are_left_out_by_models_that_are_no_controls() -> None:
    common = {f"prompt {at}": f"yes {at}" if at < 250 else "else" for at in range(300)}
    found = lineage(MODEL, answers(1, 1), {"a": answers(0.1, 2)}, others=[common])
    assert (found.prompts, found.rare) == (300, 50)


def test_white_space_and_case_do_not_tell_answers_apart() -> None:
    model, suspect = {"p": "One  two\n"}, {"p": " one TWO"}
    assert lineage(model, suspect, {"a": {"p": "x"}}).agreement == 1


def test_one_answer_to_many_prompts_is_one_coincidence() -> None:
    """A stock refusal that two models share, say."""
    prompts = [f"prompt {at}" for at in range(60)]
    model = dict.fromkeys(prompts, "I'm sorry, but I can't help.")
    found = lineage(model, dict(model), {"a": dict.fromkeys(prompts, "Sorry, no.")})
    assert (found.prompts, found.rare, found.compared[0].suspect_only) == (60, 1, 1)
    assert not found.closer


def test_one_prompt_in_many_ways_is_one_prompt() -> None:
    prompts = ["Name a colour." + " " * at for at in range(60)] + ["name  a colour."]
    model = {prompt: f"teal {at}" for at, prompt in enumerate(prompts)}
    found = lineage(model, dict(model), {"a": dict.fromkeys(prompts, "blue")})
    assert (found.prompts, found.rare) == (1, 1)
    assert not found.closer


def test_empty_answers_never_agree() -> None:
    model = MODEL | {f"prompt {at}": " \n" for at in range(100)}
    found = lineage(model, dict(model), {"a": MODEL})
    assert (found.prompts, found.rare) == (300, 200)
    assert (found.compared[0].suspect_only, found.compared[0].control_only) == (0, 0)
    with pytest.raises(UsageError, match="no prompt has a rare answer"):
        lineage(dict.fromkeys(MODEL, ""), dict.fromkeys(MODEL, ""), {"a": MODEL})


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(UsageError, match="no control"):
        lineage(MODEL, MODEL, {})
    with pytest.raises(UsageError, match="no prompt was answered by all"):
        lineage(MODEL, MODEL, {"a": {"other": "x"}})
    with pytest.raises(UsageError, match="level"):
        lineage(MODEL, MODEL, {"a": MODEL}, alpha=1.5)
