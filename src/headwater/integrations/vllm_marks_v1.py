"""Marks in vLLM's first model runner: it tells of requests that come, go and move, and keeps their tokens in lists."""

from __future__ import annotations

import weakref
from typing import Any

import torch
from torch import Tensor
from vllm.v1.sample.logits_processor import LogitsProcessor, MoveDirectionality

from headwater.integrations.engine_marks import marker
from headwater.integrations.engine_step import Writing
from headwater.integrations.hosted_answers import Answer, Drawing, Families, mark
from headwater.integrations.sampling_law import Sampling
from headwater.integrations.vllm_tickets import check_ticket, ticket_of

#: The one that marks for a configuration: a class that is installed and named, too, is made twice.
_FIRST: weakref.WeakValueDictionary[int, FirstMarks] = weakref.WeakValueDictionary()


class FirstMarks(LogitsProcessor):
    """The state of each row of the batch follows its request."""

    def __init__(self, vllm_config: Any, device: torch.device, is_pin_memory: bool = False) -> None:
        self._marker = marker() if _FIRST.setdefault(id(vllm_config), self) is self else None
        self._drawing = (
            Drawing(vllm_config.model_config.seed or 0, device) if self._marker is not None else None
        )
        self._answers: dict[int, Answer] = {}
        self._families = Families()

    @classmethod
    def validate_params(cls, sampling_params: Any) -> None:
        """See `check_ticket`."""
        check_ticket(sampling_params)

    def is_argmax_invariant(self) -> bool:
        """The mark decides what is likeliest."""
        return self._marker is None

    def update_state(self, batch_update: Any) -> None:
        """Requests have gone, come and moved, in this order."""
        if batch_update is None or self._marker is None:
            return
        answers = self._answers
        for index in batch_update.removed:
            answers.pop(index, None)
        for index, params, prompt, output in batch_update.added:
            answer = self._answer(params, prompt, output)
            if answer is None:
                answers.pop(index, None)
            else:
                answers[index] = answer
        for one, other, direction in batch_update.moved:
            here, there = answers.pop(one, None), answers.pop(other, None)
            if here is not None:
                answers[other] = here
            if there is not None and direction == MoveDirectionality.SWAP:
                answers[one] = there

    def apply(self, logits: Tensor) -> Tensor:
        """Mark the next tokens of all rows that are to be marked."""
        if self._answers and self._drawing is not None:
            mark(logits, self._answers, self._drawing, penalise=True)
        return logits

    def _answer(self, params: Any, prompt: list[int] | None, output: list[int]) -> Answer | None:
        assert self._marker is not None
        ticket = ticket_of(params)
        writing = Writing.of(self._marker.rule(ticket), Sampling.of(params))
        return Answer.of(writing, prompt or (), output, self._families.of(ticket))
