"""Marks in SGLang: a custom logit processor that the gateway names in each request (`--enable-custom-logit-processor`).

SGLang makes an object for each batch and tells of requests by themselves, so what is known of an answer is kept with
its request. It must not run ahead of its own tokens: start it with `--disable-overlap-schedule`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import torch
from sglang.srt.sampling.custom_logit_processor import CustomLogitProcessor
from torch import Tensor

from headwater.errors import UsageError
from headwater.integrations.engine_marks import Marker, marker, once
from headwater.integrations.engine_step import Writing
from headwater.integrations.hosted_answers import Answer, Drawing, Families, mark
from headwater.integrations.sampling_law import Sampling
from headwater.mark import TICKET_PARAMETER

#: Where SGLang puts the request into its parameters, and where we put an answer into the request.
_REQUEST: Final = "__req__"
_ANSWER: Final = "headwater_answer"
_SEED: Final = 0
_FAMILIES: Final = Families()


class Marks(CustomLogitProcessor):
    """What each request's `custom_logit_processor` names; its ticket is in `custom_params`."""

    def __call__(
        self, logits: Tensor, custom_param_list: Sequence[dict[str, Any] | None] | None = None
    ) -> Tensor:
        """Mark the next tokens of the rows that are given; `custom_param_list`: of each row, in their order."""
        found = marker()
        if found is None or not custom_param_list or not _told():
            return logits
        requests = [(params or {}).get(_REQUEST) for params in custom_param_list]
        named = [
            id(params)
            for params, request in zip(custom_param_list, requests, strict=True)
            if request is not None
        ]
        if len(set(named)) < len(named):
            once(
                "answers aren't marked: SGLang's speculative decoding shows several tokens of one answer at a time"
            )
            return logits
        answers = {}
        for row, (params, request) in enumerate(zip(custom_param_list, requests, strict=True)):
            if params is not None and request is not None:
                answer = _answer(found, request, params)
                if answer is not None:
                    answers[row] = answer
        mark(logits, answers, _drawing(logits.device))
        return logits


@cache
def _told() -> bool:
    """Whether SGLang tells the last token of each answer before the next is drawn."""
    try:
        from sglang.srt.runtime_context import get_schedule

        told = bool(get_schedule().disable_overlap_schedule)
    except (ImportError, AttributeError):
        told = False
    if not told:
        once("answers aren't marked: start SGLang with --disable-overlap-schedule")
    return told


@cache
def _drawing(device: torch.device) -> Drawing:
    return Drawing(_SEED, device)


def _answer(found: Marker, request: Any, params: dict[str, Any]) -> Answer | None:
    """What is known of a request's answer, from its first step on; None: it stays unmarked."""
    if not hasattr(request, _ANSWER):
        ticket = params.get(TICKET_PARAMETER)
        try:
            found.admit(ticket)
        except UsageError as error:  # an engine that is writing can refuse nothing any more
            once(f"an answer isn't marked by its ticket: {error.what}")
            ticket = None
        writing = Writing.of(found.rule(ticket), Sampling.of(request.sampling_params))
        prompt, output = request.origin_input_ids, request.output_ids
        made = Answer.of(writing, prompt, output, _FAMILIES.of(ticket))
        setattr(request, _ANSWER, made)
    answer: Answer | None = getattr(request, _ANSWER)
    if answer is not None:  # the lists may be others now
        answer.prompt, answer.output = request.origin_input_ids, request.output_ids
    return answer
