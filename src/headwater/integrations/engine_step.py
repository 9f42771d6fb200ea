"""One step of an engine's batch: the law that each request is sampled by, the mark in it, and the scores written back.

Gumbel-max rows get their chosen token alone; green lists are tilted before the engine's own temperature. Rows that
aren't marked now stay as they were, bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from headwater.integrations.sampling_law import Sampling, laws
from headwater.mark.embed import TOP_K, Rule, torch_step


@dataclass(frozen=True)
class Writing:
    """How one request is marked: its rule, with `delta` as the engine's temperature wants it, and how it is sampled."""

    rule: Rule
    sampling: Sampling

    @classmethod
    def of(cls, rule: Rule | None, sampling: Sampling) -> Writing | None:
        """None where nothing is to be done: no rule, or a key that would choose where nothing is drawn."""
        if rule is None or (rule.kind == "gumbel" and not sampling.temperature):
            return None
        if rule.kind == "tilt" and sampling.temperature:
            rule = replace(rule, delta=rule.delta * sampling.temperature)
        return cls(rule, sampling)

    @property
    def narrows(self) -> bool:
        """Whether its law leaves tokens out by their rank, and is asked for."""
        return self.rule.kind == "gumbel" and self.sampling.narrows


def write(
    logits: Tensor,
    index: Tensor,
    context: Tensor,
    fresh: Tensor,
    rules: Tensor,
    samplings: Tensor,
    drawn: Tensor,
    *,
    narrows: bool,
    before: Tensor | None = None,
) -> None:
    """Mark the rows `index` (n,) of `logits` (rows, vocabulary) in place.

    `context`, `fresh`, `drawn`: as `torch_step.step` takes them; `rules`, `samplings`: packed. `before`: the scores
    (n, vocabulary) that the laws are made of, where the engine still changes them after this.
    """
    rows = logits.index_select(0, index).float()
    gumbel = torch_step.is_gumbel(rules)[:, None]
    scores = torch.where(gumbel, laws(rows if before is None else before, samplings, narrows=narrows), rows)
    token = torch_step.step(scores, context, fresh, rules, drawn, TOP_K)[:, None]
    chosen = token >= 0
    rows = torch.where(gumbel, rows.masked_fill(chosen, -torch.inf), scores)
    rows.scatter_(1, token.clamp(min=0), torch.where(chosen, 0.0, rows.gather(1, token.clamp(min=0))))
    logits.index_copy_(0, index, rows.to(logits.dtype))


def contexts(found: Sequence[tuple[int, ...]], device: torch.device | str) -> Tensor:
    """Contexts of different widths (n, widest), each in the last places."""
    widest = max(1, *map(len, found))
    return torch.tensor([(0,) * (widest - len(each)) + each for each in found], dtype=torch.int64).to(device)
