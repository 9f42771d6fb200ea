"""Answers whose tokens an engine keeps in lists on the host: what each is marked by, and its context at each step.

An answer is rebuilt from its lists wherever they aren't what was seen before, so nothing is lost when an engine puts a
request aside and takes it up again.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from headwater.errors import UsageError
from headwater.integrations.engine_marks import once
from headwater.integrations.engine_step import Writing, contexts, write
from headwater.integrations.sampling_law import packed as packed_samplings
from headwater.mark.embed import Memory, Row, torch_step

#: What an engine that doesn't wait for its tokens writes in the place of one.
_NOT_YET = -1


class Families:
    """The memories that answers to one request (n > 1) share, by its ticket: they begin alike under one key, so each
    context is marked in one of them only. They last as long as one of the answers is written."""

    def __init__(self) -> None:
        self._held: weakref.WeakValueDictionary[str, Memory] = weakref.WeakValueDictionary()

    def of(self, ticket: object) -> Memory | None:
        """That of a request; None without a ticket, for nobody tells then which answers belong together."""
        if not isinstance(ticket, str):
            return None
        found = self._held.get(ticket) or Memory()
        self._held[ticket] = found
        return found


class Answer:
    """One answer. `prompt`, `output`: the engine's own lists, the second of which grows."""

    def __init__(
        self,
        writing: Writing,
        prompt: Sequence[int],
        output: Sequence[int],
        memory: Memory | None = None,
    ) -> None:
        self.writing, self.prompt, self.output = writing, prompt, output
        self._memory, self._owner = memory, object()
        self._row, self._begins = self._begun(), len(prompt)

    @classmethod
    def of(
        cls, writing: Writing | None, prompt: Sequence[int], output: Sequence[int], memory: Memory | None
    ) -> Answer | None:
        """None where it isn't marked, or its prompt holds what is no token."""
        if writing is None:
            return None
        try:
            return cls(writing, prompt, output, memory)
        except UsageError as error:
            once(f"an answer isn't marked: in its prompt {error.what}")
            return None

    def context(self) -> tuple[int, ...] | None:
        """The context of the next token; None where it is left unmarked."""
        done = len(self._row.tokens) - self._begins
        if not self._goes_on(done):
            self._row = self._begun()
            self._begins, done = len(self.prompt), 0
        for token in self.output[done:]:
            if token == _NOT_YET:
                once(
                    "answers aren't marked: the engine doesn't tell their last tokens; with vLLM's V1 runner name the "
                    "class (--logits-processors headwater.integrations.vllm_marks:Marks) or --no-async-scheduling"
                )
                return None
            self._row.append(token)
        return self._row.context

    def _begun(self) -> Row:
        return Row(self.writing.rule, self.prompt, self._memory, self._owner)

    def _goes_on(self, done: int) -> bool:
        """Whether the lists are those that were seen, or longer."""
        if self._begins != len(self.prompt) or done > len(self.output):
            return False
        return not done or self._row.tokens[-1] == self.output[done - 1]


class Drawing:
    """Uniform numbers for the noise of the rest: the same in every process of one engine, whatever else it draws."""

    def __init__(self, seed: int, device: torch.device | str) -> None:
        self._generator = torch.Generator(device).manual_seed(seed & (2**63 - 1))
        self._device = device

    def numbers(self, rows: int) -> Tensor:
        """For so many rows: (rows, 2) float64."""
        return torch.rand((rows, 2), dtype=torch.float64, generator=self._generator, device=self._device)


def mark(logits: Tensor, answers: Mapping[int, Answer], drawing: Drawing, *, penalise: bool = False) -> None:
    """Mark rows of `logits` (rows, vocabulary) in place; `answers`: row → answer.

    `penalise`: the engine applies its penalties after this, so the laws need them first.
    """
    found = [
        (index, answer, context)
        for index, answer in answers.items()
        if (context := answer.context()) is not None
    ]
    if not found:
        return
    device = logits.device
    writings = [answer.writing for _, answer, _ in found]
    index = torch.tensor([index for index, _, _ in found], device=device)
    before = None
    if penalise and any(writing.sampling.penalties for writing in writings):
        before = logits.index_select(0, index).float()
        for row, (_, answer, _) in zip(before, found, strict=True):
            answer.writing.sampling.penalise(row, answer.prompt, answer.output)
    write(
        logits,
        index,
        contexts([context for _, _, context in found], device),
        torch.ones(len(found), dtype=torch.bool, device=device),
        torch_step.packed([writing.rule for writing in writings], device),
        packed_samplings([writing.sampling for writing in writings], device),
        drawing.numbers(len(found)),
        narrows=any(writing.narrows for writing in writings),
        before=before,
    )
