"""Marks in transformers: `model.generate(..., watermarking_config=MarkingConfig(keyring))`.

So the mark is written after temperature, top-k and top-p. `MarkProcessor` is for `logits_processor=`, which
transformers runs before those: a key then chooses as if at temperature 1, and a green list's delta is divided by the
temperature.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers.generation import BaseWatermarkingConfig, LogitsProcessor

from headwater.errors import UsageError
from headwater.integrations.engine_marks import For, rules_for
from headwater.integrations.engine_step import contexts
from headwater.mark.embed import TOP_K, Embedding, Memory, Row, Rule, load_embedding, mark


class MarkProcessor(LogitsProcessor):
    """Writes marks into the scores of a batch, where they stand.

    `rules`: one for each prompt of the batch, or one for all; None leaves an answer unmarked. With several answers to a
    prompt (`num_return_sequences`, `num_beams`) all of them have its rule. `padding`: the id that prompts are padded
    with on the left, so that it isn't taken for text. `memory`: contexts that other answers had stay unmarked.
    `single`: it serves one call of generate(); otherwise it begins anew with any tokens that don't continue those of
    the last step.
    """

    def __init__(
        self,
        rules: Sequence[Rule | None],
        *,
        top_k: int = TOP_K,
        padding: int | None = None,
        memory: Memory | None = None,
        single: bool = False,
    ) -> None:
        if not rules:
            raise UsageError("a batch has one rule for each prompt, or one for all")
        self._rules, self._top_k, self._padding, self._single = tuple(rules), top_k, padding, single
        self._memory = memory
        self._rows: list[Row | None] = []
        self._owners: list[object] = []
        self._ids = torch.empty((0, 0), dtype=torch.int64)
        self._prompt = 0

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """`input_ids` (rows, length), `scores` (rows, vocabulary): the same scores, changed in place.

        Raises `UsageError` for a batch that doesn't go with the rules.
        """
        self._follow(input_ids.detach().to("cpu", torch.int64))
        if scores.device.type != "cpu":
            return self._elsewhere(scores)
        plain = scores.detach()
        direct = plain.dtype == torch.float32 and plain.is_contiguous()
        work = plain if direct else plain.to(torch.float32).contiguous()
        mark(self._rows, work.numpy(), top_k=self._top_k, random=_Torch())  # type: ignore[arg-type]
        if not direct:
            plain.copy_(work)
        return scores

    def _elsewhere(self, scores: torch.Tensor) -> torch.Tensor:
        """The same on another device, in torch."""
        from headwater.mark.embed import torch_step

        found = [row.context if row is not None else None for row in self._rows]
        device = scores.device
        work = scores.detach().to(torch.float32)
        torch_step.step(
            work,
            contexts([each or () for each in found], device),
            torch.tensor([each is not None for each in found], device=device),
            torch_step.packed([None if row is None else row.rule for row in self._rows], device),
            torch.rand((len(found), 2), dtype=torch.float64).to(device),
            self._top_k,
        )
        if work is not scores:
            scores.copy_(work)
        return scores

    def _follow(self, ids: torch.Tensor) -> None:
        """Bring the answers up to `ids` (rows, length): one token more, beams in another order, or a new batch."""
        last = self._ids
        if self._rows and torch.equal(ids, last):  # a step that is done again
            return
        if ids.shape[0] == last.shape[0] and ids.shape[1] == last.shape[1] + 1:
            if torch.equal(ids[:, :-1], last):
                self._append(ids)
                return
            known = [_same(each, last, at) for at, each in enumerate(ids[:, :-1])]
            if None not in known:  # beams: each goes on from one of the last step's
                rows = [self._rows[at or 0] for at in known]
                self._rows = [None if row is None else row.copy() for row in rows]
                self._append(ids)
                return
        if not self._single or not self._rows or ids.shape[0] != last.shape[0]:
            self._prompt = ids.shape[1]
        self._begin(ids)

    def _append(self, ids: torch.Tensor) -> None:
        for row, token in zip(self._rows, ids[:, -1].tolist(), strict=True):
            if row is not None:
                row.append(token)
        self._ids = ids.clone()

    def _begin(self, ids: torch.Tensor) -> None:
        """All rows from what stands in `ids`, of which `_prompt` tokens aren't the model's."""
        each, over = divmod(len(ids), len(self._rules))
        if over:
            what = f"{len(ids)} answers can't be divided among {len(self._rules)} rules"
            raise UsageError(
                what, hint="give one rule or ticket for each prompt of the batch, or one for all"
            )
        prompt = min(self._prompt, ids.shape[1])
        if not self._single or len(self._owners) != len(ids):
            self._owners = [object() for _ in ids]
        self._rows = [
            self._row(self._rules[at // each], row, prompt, self._owners[at])
            for at, row in enumerate(ids.tolist())
        ]
        self._ids = ids.clone()

    def _row(self, rule: Rule | None, tokens: list[int], prompt: int, owner: object) -> Row | None:
        if rule is None:
            return None
        first = 0
        while self._padding is not None and first < prompt and tokens[first] == self._padding:
            first += 1
        row = Row(rule, tokens[first:prompt], self._memory, owner)
        for token in tokens[prompt:]:
            row.append(token)
        return row


class MarkingConfig(BaseWatermarkingConfig):
    """What `generate(watermarking_config=…)` takes. It can serve many calls, also at once; it shows no keys.

    `keyring`: a path, or the embedding of one that was loaded. `tickets`: whom each prompt of the batch is for, or
    one for all; without them the keyring's default, as `[embed]` says. `padding`, `top_k`, `memory`: see
    `MarkProcessor`.
    Raises `ConfigurationError` and `UsageError` as `load_embedding` and `Embedding.rule` do, and for a ticket that
    isn't good.
    """

    def __init__(
        self,
        keyring: str | os.PathLike[str] | Embedding,
        tickets: Sequence[For] | For = None,
        *,
        padding: int | None = None,
        top_k: int = TOP_K,
        memory: Memory | None = None,
    ) -> None:
        embedding = keyring if isinstance(keyring, Embedding) else load_embedding(Path(keyring))
        several = isinstance(tickets, Sequence) and not isinstance(tickets, str)
        listed: Sequence[For] = tickets if several else [tickets]  # type: ignore[assignment,list-item]
        self._rules = rules_for(embedding, listed)
        self._padding, self._top_k, self._memory = padding, top_k, memory
        self.validate()

    def validate(self) -> None:
        """Raises `UsageError` where there is no ticket at all or `top_k` is negative."""
        if not self._rules:
            raise UsageError("give one ticket for each prompt of the batch, or one for all")
        if self._top_k < 0:
            raise UsageError("top_k must be 0 (the whole vocabulary) or more")

    def construct_processor(self, vocab_size: int, device: Any) -> MarkProcessor:
        """What writes the marks of one call of generate()."""
        return MarkProcessor(
            self._rules, top_k=self._top_k, padding=self._padding, memory=self._memory, single=True
        )

    def __deepcopy__(self, memo: object) -> MarkingConfig:
        """Itself: `generate` copies what it is given, and a memory is shared."""
        return self

    def to_dict(self) -> dict[str, Any]:
        """What may be printed or saved of it: no keys."""
        return {"watermark": "headwater", "top_k": self._top_k}

    def __iter__(self) -> Any:
        yield from self.to_dict().items()

    def to_json_string(self) -> str:
        """The same as JSON."""
        import json

        return json.dumps(self.to_dict(), indent=2) + "\n"


def _same(row: torch.Tensor, last: torch.Tensor, at: int) -> int | None:
    """Which row of `last` is equal to `row`, first of all that at `at`."""
    if torch.equal(row, last[at]):
        return at
    found = torch.nonzero((last == row).all(dim=1))
    return int(found[0, 0]) if len(found) else None


class _Torch:
    """torch's own generator in the place of NumPy's, so that `torch.manual_seed` makes a run repeatable."""

    def random(self, shape: tuple[int, int]) -> NDArray[np.float64]:
        """Uniform numbers in [0, 1)."""
        drawn: NDArray[np.float64] = torch.rand(shape, dtype=torch.float64).numpy()
        return drawn
