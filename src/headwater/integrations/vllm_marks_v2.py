"""Marks in vLLM's second model runner: rows change with each step, and tokens stay on the device.

Each slot of a request keeps its rule and how it is sampled; contexts are read from the runner's own buffer of tokens,
so nothing waits for the device. A row of a draft token sees the drafts before it.
"""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
import torch
from torch import Tensor
from vllm.v1.worker.gpu.sample.logits_processor import LogitsProcessor

from headwater.integrations.engine_marks import marker
from headwater.integrations.engine_step import Writing, write
from headwater.integrations.hosted_answers import Drawing
from headwater.integrations.sampling_law import Sampling
from headwater.integrations.sampling_law import packed as packed_samplings
from headwater.integrations.vllm_tickets import check_ticket, ticket_of
from headwater.mark.embed import torch_history, torch_step

_FIRST: weakref.WeakValueDictionary[int, SecondMarks] = weakref.WeakValueDictionary()


class SecondMarks(LogitsProcessor):
    """One row of numbers for each slot; a slot that is taken again is written anew."""

    def __init__(self, vllm_config: Any, req_states: Any) -> None:
        self._marker = marker() if _FIRST.setdefault(id(vllm_config), self) is self else None
        if self._marker is None:
            return
        device, slots = req_states.device, req_states.max_num_reqs
        self._requests, self._device = req_states, device
        self._drawing = Drawing(vllm_config.model_config.seed or 0, device)
        self._drafts = int(getattr(vllm_config, "num_speculative_tokens", 0) or 0)
        self._writings: list[Writing | None] = [None] * slots
        self._staged: set[int] = set()
        self._rules = torch.zeros((slots, torch_step.NUMBERS), dtype=torch.int64, device=device)
        self._samplings = packed_samplings([Sampling()] * slots, device)
        # Width, once, prompt_seen.
        self._kinds = torch.zeros((slots, 3), dtype=torch.int64, device=device)

    @classmethod
    def validate_params(cls, sampling_params: Any) -> None:
        """See `check_ticket`."""
        check_ticket(sampling_params)

    def add_request(self, req_idx: int, sampling_params: Any) -> bool:
        """A request takes a slot; whether it is marked."""
        if self._marker is None:
            return False
        rule = self._marker.rule(ticket_of(sampling_params))
        self._writings[req_idx] = Writing.of(rule, Sampling.of(sampling_params))
        self._staged.add(req_idx)
        return self._writings[req_idx] is not None

    def apply_staged_writes(self) -> None:
        """Rules of the slots that were taken go to the device, all at once."""
        if self._marker is None or not self._staged:
            return
        slots = sorted(self._staged)
        self._staged.clear()
        writings = [self._writings[slot] for slot in slots]
        index = torch.tensor(slots, device=self._device)
        rules = [None if writing is None else writing.rule for writing in writings]
        samplings = [Sampling() if writing is None else writing.sampling for writing in writings]
        kinds = [(0, 0, 0) if rule is None else (rule.width, rule.once, rule.prompt_seen) for rule in rules]
        self._rules[index] = torch_step.packed(rules, self._device)
        self._samplings[index] = packed_samplings(samplings, self._device)
        self._kinds[index] = torch.tensor(kinds, dtype=torch.int64, device=self._device)

    def apply(self, logits: Tensor, ctx: Any) -> Tensor:
        """Mark the next tokens of all rows that are to be marked."""
        if self._marker is None:
            return logits
        found = [writing for slot in ctx.idx_mapping_np if (writing := self._writings[slot]) is not None]
        if not found:
            return logits
        slots = ctx.expanded_idx_mapping.long()
        kinds, rules = self._kinds[slots], self._rules[slots]
        widest = max(writing.rule.width for writing in found)
        context = self._contexts(ctx, slots, widest)
        goes = self._fresh(ctx, slots, context, kinds, once=any(writing.rule.once for writing in found))
        write(
            logits,
            torch.arange(len(logits), device=self._device),
            context,
            goes & (kinds[:, 0] > 0),
            rules,
            self._samplings[slots],
            self._drawing.numbers(len(logits)),
            narrows=any(writing.narrows for writing in found),
        )
        return logits

    def _contexts(self, ctx: Any, slots: Tensor, widest: int) -> Tensor:
        """The last tokens that each row sees: those that are committed, then the drafts of the rows before it."""
        length = ctx.pos.long() + 1
        found = torch_history.contexts(self._requests.all_token_ids.gpu, slots, length, widest)
        if not self._drafts:
            return found
        rows = torch.arange(len(slots), device=self._device)
        for back in range(min(widest, self._drafts)):
            drafted = ctx.expanded_local_pos > back
            token = ctx.input_ids[(rows - back).clamp(min=0)].long()
            found[:, widest - 1 - back] = torch.where(drafted, token, found[:, widest - 1 - back])
        return found

    def _fresh(self, ctx: Any, slots: Tensor, context: Tensor, kinds: Tensor, *, once: bool) -> Tensor:
        """Whether each row's context is one to mark."""
        length, width = ctx.pos.long() + 1, kinds[:, 0]
        if not once:
            return length >= width
        longest = int(np.max(ctx.seq_lens_upper_bound_np))
        held = self._requests.all_token_ids.gpu[:, :longest][slots]
        local = ctx.expanded_local_pos.long()
        prompt = self._requests.prompt_len.gpu[slots].long()
        found = torch_history.fresh(
            held, length - local, prompt, context, width, kinds[:, 1] > 0, kinds[:, 2] > 0
        )
        found |= (kinds[:, 1] > 0) & (length - local < width) & (length >= width)
        return found & ~self._drafted_before(local, context, kinds)

    def _drafted_before(self, local: Tensor, context: Tensor, kinds: Tensor) -> Tensor:
        """Whether a draft before a row's own has the same context."""
        found = torch.zeros_like(local, dtype=torch.bool)
        widest = context.shape[1]
        counts = torch.arange(widest, device=context.device) >= widest - kinds[:, :1]
        rows = torch.arange(len(local), device=context.device)
        for back in range(1, self._drafts + 1):
            before = context[(rows - back).clamp(min=0)]
            same = ((before == context) | ~counts).all(1)
            found |= same & (local >= back) & (kinds[:, 1] > 0)
        return found
