"""The law that an engine draws a request's next token from: its temperature, top-k, top-p and min-p, on torch tensors.

Engines give processors the scores before these, so whoever chooses by key must apply them first, or the text would be
another than the request asks for. In vLLM's and SGLang's order: temperature, min-p, top-k, then top-p of what is left.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor

#: Below this vLLM takes a temperature for 0: the likeliest token, without a draw.
_GREEDY: Final = 1e-5
#: SGLang's word for all tokens is 2^30.
_ALL: Final = 1 << 30


@dataclass(frozen=True)
class Sampling:
    """How one request is sampled; `temperature` 0: always the likeliest token; `top_k` 0: all tokens."""

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition: float = 1.0
    frequency: float = 0.0
    presence: float = 0.0

    @classmethod
    def of(cls, params: Any) -> Sampling:
        """From an engine's `SamplingParams`."""
        temperature, top_k = float(params.temperature), int(params.top_k)
        if temperature < _GREEDY or top_k == 1:
            return cls(temperature=0.0)
        top_k = top_k if 0 < top_k < _ALL else 0
        return cls(
            temperature,
            top_k,
            float(params.top_p),
            float(params.min_p),
            float(params.repetition_penalty),
            float(params.frequency_penalty),
            float(params.presence_penalty),
        )

    @property
    def numbers(self) -> tuple[float, float, float, float]:
        """As `laws` takes them: the factor, top-k, top-p, and how far below the largest a score may lie."""
        factor = 1.0 / self.temperature if self.temperature else 1.0
        return factor, float(self.top_k), self.top_p, -math.log(self.min_p) if self.min_p > 0 else math.inf

    @property
    def penalties(self) -> bool:
        """Whether tokens that were there before are less likely."""
        return self.repetition != 1 or self.frequency != 0 or self.presence != 0

    def penalise(self, scores: Tensor, prompt: Sequence[int], output: Sequence[int]) -> None:
        """Apply the penalties to one row of scores (vocabulary,) in place, as vLLM does after its processors.

        Ids outside the vocabulary stand for pictures and the like; they have no score.
        """
        output = [token for token in output if 0 <= token < len(scores)]
        if self.repetition != 1:
            here = {token for token in prompt if 0 <= token < len(scores)}
            seen = torch.tensor(sorted(here.union(output)), dtype=torch.int64, device=scores.device)
            had = scores[seen]
            scores[seen] = torch.where(had > 0, had / self.repetition, had * self.repetition)
        if output and (self.frequency or self.presence):
            said, times = torch.tensor(output, device=scores.device).unique(return_counts=True)
            scores[said] -= self.frequency * times + self.presence

    @property
    def narrows(self) -> bool:
        """Whether tokens are left out by their rank."""
        return self.top_k > 0 or self.top_p < 1


def packed(samplings: Sequence[Sampling], device: torch.device | str = "cpu") -> Tensor:
    """Samplings as `laws` takes them: (n, 4) float32."""
    return torch.tensor([each.numbers for each in samplings], dtype=torch.float32).view(-1, 4).to(device)


def laws(scores: Tensor, numbers: Tensor, *, narrows: bool) -> Tensor:
    """New scores (n, vocabulary) whose softmax each row's token is drawn from; `narrows`: whether any row's does."""
    scaled = scores.float() * numbers[:, :1]
    most = scaled.amax(1, keepdim=True)
    scaled = scaled.masked_fill(scaled < most - numbers[:, 3:], -torch.inf)
    if not narrows:
        return scaled
    ordered, index = scaled.sort(dim=1, descending=True)
    rank = torch.arange(scores.shape[1], device=scores.device)
    top_k = torch.where(numbers[:, 1:2] > 0, numbers[:, 1:2], torch.inf)
    ordered = ordered.masked_fill(rank >= top_k, -torch.inf)
    weight = ordered.softmax(1)
    before = weight.cumsum(1) - weight
    # The likeliest stays, whatever top-p is.
    ordered = ordered.masked_fill(
        (before >= numbers[:, 2:3]) & (rank > 0) & (numbers[:, 2:3] < 1), -torch.inf
    )
    return torch.empty_like(scaled).scatter_(1, index, ordered)
