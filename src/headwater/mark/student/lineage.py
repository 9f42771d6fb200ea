"""Lineage by behaviour, without any mark: does a suspect give a model's rare answers more often than other models do?

After model provenance testing (Nikolic et al., 2025). For each control the prompts count on which exactly one of the
two, suspect or control, gives the model's answer; without lineage it is as likely to be the one as the other. That
"as likely" is an assumption on the controls, so this claims less than a key does.
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
    it is closer to the model than every control is, at `alpha`; `rare`: prompts that were left as rare of all."""

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
    answer, and only rare ones count. Choosing prompts by the controls themselves would make them lose. Raises
    `UsageError` without a control, or where no prompt is left.
    """
    if not controls:
        raise UsageError(
            "there is no control model", hint="give answers of models that have nothing to do with yours"
        )
    if not 0 < alpha < 1:
        raise UsageError("the level must be between 0 and 1")
    common = set(model) & set(suspect)
    for each in controls.values():
        common &= set(each)
    rare = sorted(p for p in common if not any(same(each.get(p), model[p]) for each in others))
    if not rare:
        raise UsageError("no prompt was answered by all models", hint="ask all of them the same prompts")
    mine = np.array([same(suspect[prompt], model[prompt]) for prompt in rare])
    counts, logs = [], []
    for answers in controls.values():
        theirs = np.array([same(answers[prompt], model[prompt]) for prompt in rare])
        ahead, behind = int((mine & ~theirs).sum()), int((theirs & ~mine).sum())
        counts.append((ahead, behind))
        logs.append(log_binomial_tail(ahead, ahead + behind, 0.5))
    adjusted = holm.adjusted(np.array(logs), len(logs))
    compared = tuple(
        Compared(name, len(rare), ahead, behind, log_p, float(log))
        for name, (ahead, behind), log_p, log in zip(controls, counts, logs, adjusted, strict=True)
    )
    return Lineage(compared, len(common), len(rare), float(mine.mean()), alpha)


def same(one: str | None, other: str) -> bool:
    """Whether two answers are the same, but for white space around and between words."""
    return one is not None and " ".join(one.split()) == " ".join(other.split())
