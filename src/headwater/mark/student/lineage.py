"""Lineage by behaviour, without any mark: does a suspect give a model's rare answers more often than other models do?

After model provenance testing (Nikolic et al., 2025). For each control the prompts count on which exactly one of the
two, suspect or control, gives the model's answer; without lineage it is as likely to be the one as the other. That
"as likely" is an assumption on the controls, so this claims less than a key does. One answer that two models share is
one coincidence, on however many prompts they give it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from headwater.errors import UsageError
from headwater.mark.tails.counts import log_binomial_tail
from headwater.mark.trace import holm

#: Prompt → answer.
Answers = Mapping[str, str]


@dataclass(frozen=True)
class Compared:
    """The suspect beside one control: on `suspect_only` prompts it alone gave the model's answer, on `control_only` the
    control alone. `log_p`: ln of the exact one-sided sign test (McNemar); `log_adjusted`: with all controls counted
    (Holm)."""

    control: str
    prompts: int
    suspect_only: int
    control_only: int
    log_p: float
    log_adjusted: float


@dataclass(frozen=True)
class Lineage:
    """All controls. `agreement`: the share of prompts on which the suspect gave the model's answer; `closer`: whether
    it is closer to the model than every control is, at `alpha`; `prompts`: distinct ones that all answered; `rare`:
    those that were left of them, rare and each with another answer of the model."""

    compared: tuple[Compared, ...]
    prompts: int
    rare: int
    agreement: float
    alpha: float

    @property
    def closer(self) -> bool:
        """Whether every control is behind the suspect."""
        return bool(self.compared) and all(
            each.log_adjusted <= math.log(self.alpha) for each in self.compared
        )


def lineage(
    model: Answers,
    suspect: Answers,
    controls: Mapping[str, Answers],
    *,
    others: Sequence[Answers] = (),
    alpha: float = 0.001,
) -> Lineage:
    """Hold a suspect's answers beside those of controls, on the prompts that all of them answered.

    `others`: answers of yet other models, that aren't controls: a prompt is rare where none of them gives the model's
    answer, and only rare ones count. Choosing prompts by the controls themselves would make them lose. Prompts and
    answers that differ by case and white space only are one; of prompts to which the model says the same the first in
    order counts, and none to which it says nothing. Raises `UsageError` without a control, or where no prompt is left.
    """
    if not controls:
        raise UsageError(
            "there is no control model", hint="give answers of models that have nothing to do with yours"
        )
    if not 0 < alpha < 1:
        raise UsageError("the level must be between 0 and 1")
    model, suspect = _distinct(model), _distinct(suspect)
    controls = {name: _distinct(each) for name, each in controls.items()}
    known = [_distinct(each) for each in others]
    common = set(model) & set(suspect)
    for each in controls.values():
        common &= set(each)
    if not common:
        raise UsageError("no prompt was answered by all models", hint="ask all of them the same prompts")
    # Of each answer of the model the first prompt: chosen by nothing that suspect or controls said.
    first: dict[str, str] = {}
    for prompt in sorted(common):
        if model[prompt] and not any(each.get(prompt) == model[prompt] for each in known):
            first.setdefault(model[prompt], prompt)
    rare = list(first.values())
    if not rare:
        hint = "prompts count where the model says something, and none of the others says the same"
        raise UsageError("no prompt has a rare answer", hint=hint)
    mine = np.array([suspect[prompt] == model[prompt] for prompt in rare])
    counts, logs = [], []
    for answers in controls.values():
        theirs = np.array([answers[prompt] == model[prompt] for prompt in rare])
        ahead, behind = int((mine & ~theirs).sum()), int((theirs & ~mine).sum())
        counts.append((ahead, behind))
        logs.append(log_binomial_tail(ahead, ahead + behind, 0.5))
    adjusted = holm.adjusted(np.array(logs), len(logs))
    compared = tuple(
        Compared(name, len(rare), ahead, behind, log_p, float(log))
        for name, (ahead, behind), log_p, log in zip(controls, counts, logs, adjusted, strict=True)
    )
    return Lineage(compared, len(common), len(rare), float(mine.mean()), alpha)


def _distinct(answers: Answers) -> dict[str, str]:
    """Answers and prompts without case and white space; of prompts that are then the same the first in order."""
    found: dict[str, str] = {}
    for prompt in sorted(answers):
        found.setdefault(_plain(prompt), _plain(answers[prompt]))
    return found


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
