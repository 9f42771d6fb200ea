"""What tests of marks in engines share: a keyring, tickets, laws in place of a model, vLLM's batches.

Each batch tells our processors what the engine's own would tell, in the words of its published interface.
"""

from __future__ import annotations

import time
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import torch

from headwater.keys import TicketKey
from headwater.mark import MarkKey, Null, Scheme, Ticket, TicketSigner, load_keyring

KEY = TicketKey(bytes(range(32)), 3)
VOCABULARY = 200
KEYRING = """
[[mark]]
name = "everybody"
scheme = "headwater-gumbel"
tokenizer = "ids"
key_file = "default.key"
width = 2

[[accounts]]
name = "customers"
scheme = "headwater-layered-tilt"
tokenizer = "ids"
key_file = "master.key"
epoch = ["q3", "q4"]
file = "accounts.txt"
width = 1
delta = 4.0
share = 0.999

[embed]
default = "everybody"
flagged = "customers"
epoch = "q4"
ticket_file = "tickets.key"
"""


def ticket(layer: str = "default", account: str = "alice", at: float | None = None, **more: Any) -> str:
    issued = int(time.time() if at is None else at)
    return TicketSigner(KEY).sign(
        Ticket(account=account, layer=layer, issued=issued, expires=issued + 600, **more)  # type: ignore[arg-type]
    )


def scored(path: Path, tokens: list[int], prompt: int, account: str = "") -> tuple[float, int]:
    """The mean value of an answer's units under the default's key or an account's, from 0 to 1; and how many they are.

    A half is what any text has without the mark (for the green list: its share of green tokens, a quarter).
    """
    held = load_keyring(path)
    scheme: Scheme = held.accounts[0].scheme if account else held.marks[0].scheme
    key: MarkKey = held.accounts[0].key(account, "q4") if account else held.marks[0].key
    units = scheme.units(np.array(tokens), prompt=prompt)
    values = scheme.values(key, units)[:, 0].astype(float)
    null: Null = scheme.null
    return float((values / (1 if null.ones else null.size)).mean()), len(units)


def law(tokens: list[int], spread: float = 2.0) -> np.ndarray:
    """A law of the next token, by the last one and the place, so that no answer goes round in circles."""
    return (np.random.default_rng([tokens[-1], len(tokens)]).normal(size=VOCABULARY) * spread).astype(
        np.float32
    )


class First:
    """The first runner's batch: rows of requests, told to a processor as vLLM's InputBatch tells of them."""

    def __init__(self, held: dict[str, ModuleType], config: Any = None) -> None:
        from headwater.integrations.vllm_marks import Marks

        self.of = held["vllm.v1.sample.logits_processor.interface"]
        self.config = config or SimpleNamespace(model_config=SimpleNamespace(seed=7))
        self.processor = Marks(self.config, torch.device("cpu"), False)
        self.params, self.random = held["vllm"].SamplingParams, np.random.default_rng(0)
        self.rows: list[SimpleNamespace] = []

    def update(self, removed: Any = (), added: Any = (), moved: Any = ()) -> None:
        self.processor.update_state(
            self.of.BatchUpdate(
                batch_size=len(self.rows), removed=list(removed), added=list(added), moved=list(moved)
            )
        )

    def add(
        self, prompt: list[int], text: str | None = None, output: list[int] | None = None, **more: Any
    ) -> Any:
        extra = {"other": 1} | ({} if text is None else {"headwater_mark": text})
        row = SimpleNamespace(
            prompt=prompt, output=output or [], params=self.params(extra_args=extra, **more)
        )
        self.rows.append(row)
        self.update(added=[(len(self.rows) - 1, row.params, row.prompt, row.output)])
        return row

    def step(self, spread: float = 2.0) -> torch.Tensor:
        """One token for every row, drawn as vLLM's sampler draws after its processors."""
        self.processor.update_state(None)
        scores = torch.from_numpy(np.stack([law(row.prompt + row.output, spread) for row in self.rows]))
        before = scores.clone()
        scores = self.processor.apply(scores)
        for row, one in zip(self.rows, scores.numpy().astype(float), strict=True):
            temperature = row.params.temperature
            noise = self.random.gumbel(size=VOCABULARY) if temperature else 0
            row.output.append(int(np.argmax(one / (temperature or 1) + noise)))
        return before


class Second:
    """The second runner: slots, tokens in a buffer, rows in any order, drafts."""

    @staticmethod
    def states(slots: int = 6, longest: int = 300) -> Any:
        return SimpleNamespace(
            device=torch.device("cpu"), max_num_reqs=slots, vocab_size=VOCABULARY,
            all_token_ids=SimpleNamespace(gpu=torch.full((slots, longest), 9, dtype=torch.int32)),
            prompt_len=SimpleNamespace(gpu=torch.zeros(slots, dtype=torch.int32)),
        )  # fmt: skip

    def __init__(self, held: dict[str, ModuleType], drafts: int = 0) -> None:
        from headwater.integrations.vllm_marks import Marks

        self.of = held["vllm.v1.worker.gpu.sample.logits_processor.interface"]
        self.req = self.of.LogitsProcRequestState(
            **{**vars(self.states()), "prefill_len": None, "total_len": None}
        )
        config = SimpleNamespace(model_config=SimpleNamespace(seed=7), num_speculative_tokens=drafts)
        self.config, self.processor = config, Marks(config, self.req)
        self.params, self.random = held["vllm"].SamplingParams, np.random.default_rng(0)
        self.slots: dict[int, list[int]] = {}

    def add(
        self, slot: int, prompt: list[int], text: str | None = None, of_prompt: int | None = None, **more: Any
    ) -> bool:
        self.slots[slot] = list(prompt)
        self.req.all_token_ids.gpu[slot, : len(prompt)] = torch.tensor(prompt, dtype=torch.int32)
        self.req.prompt_len.gpu[slot] = len(prompt) if of_prompt is None else of_prompt
        taken = self.processor.add_request(slot, self.params(extra_args={"headwater_mark": text}, **more))
        self.processor.apply_staged_writes()
        return bool(taken)

    def context(
        self, order: list[int], drafts: dict[int, list[int]] | None = None
    ) -> tuple[Any, list[list[int]]]:
        """vLLM's LogitsContext of a step, and what each row sees."""
        rows = [(slot, at) for slot in order for at in range(1 + len((drafts or {}).get(slot, [])))]
        seen = [self.slots[slot] + (drafts or {}).get(slot, [])[:at] for slot, at in rows]
        given = drafts or {}
        return self.of.LogitsContext(
            expanded_idx_mapping=torch.tensor([slot for slot, _ in rows], dtype=torch.int32),
            idx_mapping=torch.tensor(order, dtype=torch.int32),
            idx_mapping_np=np.array(order),
            expanded_local_pos=torch.tensor([at for _, at in rows], dtype=torch.int32),
            input_ids=torch.tensor([each[-1] for each in seen], dtype=torch.int32),
            pos=torch.tensor([len(each) - 1 for each in seen]),
            seq_lens_upper_bound_np=np.array([len(self.slots[slot]) + len(given.get(slot, [])) for slot in order]),
        ), seen  # fmt: skip

    def step(self, order: list[int], spread: float = 2.0) -> torch.Tensor:
        ctx, seen = self.context(order)
        scores = torch.from_numpy(np.stack([law(each, spread) for each in seen]))
        marked = self.processor.apply(scores.clone(), ctx)
        for slot, one in zip(order, marked.numpy().astype(float), strict=True):
            self.slots[slot].append(int(np.argmax(one + self.random.gumbel(size=VOCABULARY))))
            self.req.all_token_ids.gpu[slot, len(self.slots[slot]) - 1] = self.slots[slot][-1]
        return marked
