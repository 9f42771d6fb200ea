"""Marks in vLLM's second runner, against its published interface; tensors of the CPU stand for those of a device."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from integrations.marked import VOCABULARY, First, Second, law, scored, ticket  # noqa: E402


def test_the_second_runner_chooses_what_the_first_chooses(keyring: Path, held: dict[str, ModuleType]) -> None:
    """Row by row, over many steps with rows in other orders, for answers of all sorts."""
    one, two = First(held), Second(held)
    texts = [ticket(request="1"), ticket("flagged"), ticket("none"), None, ticket("flagged", "bob")]
    prompts = [[1, 2, 3], [4], [5, 6], [7], [5, 6]]
    more: list[dict[str, Any]] = [
        {},
        {"temperature": 0.5},
        {},
        {"top_p": 0.9, "top_k": 50},
        {"temperature": 0.0},
    ]
    taken = [two.add(slot, prompts[slot], texts[slot], **more[slot]) for slot in range(5)]
    assert taken == [True, True, False, True, True]
    for slot in range(5):
        one.add(prompts[slot], texts[slot], **more[slot])
    random = np.random.default_rng(3)
    for _ in range(60):
        order = random.permutation(5).tolist()
        ctx, seen = two.context(order)
        scores = torch.from_numpy(np.stack([law(each, 10.0) for each in seen]))
        second = two.processor.apply(scores.clone(), ctx)
        first = one.processor.apply(torch.stack([scores[order.index(slot)] for slot in range(5)]))
        token: list[int] = []
        for slot in range(5):
            # Where the rest wins, the noise of the two isn't the same; sharp laws make that rare.
            same = torch.equal(second[order.index(slot)], first[slot])
            token.append(int(second[order.index(slot)].argmax()))
            assert same
        for slot in range(5):
            two.slots[slot].append(token[slot])
            two.req.all_token_ids.gpu[slot, len(two.slots[slot]) - 1] = token[slot]
            one.rows[slot].output.append(token[slot])


def test_an_answer_of_the_second_runner_is_read_as_marked(keyring: Path, held: dict[str, ModuleType]) -> None:
    batch = Second(held)
    batch.add(0, [1, 2, 3], ticket())
    batch.add(4, [1, 2, 3], ticket("flagged"))
    for at in range(200):
        batch.step([0, 4] if at % 2 else [4, 0])
    assert scored(keyring, batch.slots[0], 3)[0] > 0.6
    assert scored(keyring, batch.slots[4], 3, "alice")[0] > 0.6
    assert scored(keyring, batch.slots[4], 3, "bob")[0] < 0.5


def test_a_slot_that_is_taken_again_has_nothing_of_its_last_request(
    keyring: Path, held: dict[str, ModuleType]
) -> None:
    batch = Second(held)
    batch.add(2, list(range(100)), ticket())
    batch.step([2])
    assert not batch.add(2, [1, 2, 3], ticket("none"))
    batch.add(0, [1, 2, 3], ticket())
    ctx, seen = batch.context([2, 0])
    scores = torch.from_numpy(np.stack([law(each) for each in seen]))
    marked = batch.processor.apply(scores.clone(), ctx)
    assert torch.equal(marked[0], scores[0])
    assert torch.isfinite(marked[1]).sum() == 1


def test_a_resumed_request_knows_which_contexts_it_had(keyring: Path, held: dict[str, ModuleType]) -> None:
    """After a preemption the runner is given the prompt with the answer so far; a context of it isn't marked again."""
    batch = Second(held)
    batch.add(1, [1, 2, 3, 4, 3, 4], ticket(), of_prompt=2)
    ctx, _ = batch.context([1])
    scores = torch.randn((1, VOCABULARY))
    assert torch.equal(batch.processor.apply(scores.clone(), ctx), scores)
    batch.add(1, [1, 2, 3, 4, 3, 4], ticket(), of_prompt=6)  # the same in a prompt was nobody's answer
    ctx, _ = batch.context([1])
    assert torch.isfinite(batch.processor.apply(scores.clone(), ctx)).sum() == 1


def test_rows_of_drafts_are_marked_as_if_the_drafts_were_taken(
    keyring: Path, held: dict[str, ModuleType]
) -> None:
    batch = Second(held, drafts=3)
    text = ticket()
    batch.add(0, [1, 2, 3], ticket("flagged"))
    batch.add(3, [5, 6], text)
    batch.add(4, [7], text)
    drafts = {0: [8, 9, 8], 3: [6, 6, 6], 4: [1]}
    ctx, seen = batch.context([3, 0, 4], drafts)
    scores = torch.from_numpy(np.stack([law(each, 8.0) for each in seen]))
    marked = batch.processor.apply(scores.clone(), ctx)
    alone = Second(held)
    at = 0
    for slot in (3, 0, 4):
        for taken in range(len(drafts[slot]) + 1):
            prompt = batch.slots[slot]
            alone.add(
                slot,
                prompt + drafts[slot][:taken],
                text if slot else ticket("flagged"),
                of_prompt=len(prompt),
            )
            one, _ = alone.context([slot])
            wanted = alone.processor.apply(scores[at : at + 1].clone(), one)
            assert torch.equal(marked[at : at + 1], wanted)
            at += 1
    assert torch.equal(marked[3], scores[3])  # [6, 6] was there before
