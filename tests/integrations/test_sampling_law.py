"""What an engine draws from: the mean over keys is the law that a request asks for, and no other."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from headwater.integrations.sampling_law import Sampling, laws, packed  # noqa: E402
from integrations.engines import engines  # noqa: E402
from integrations.marked import VOCABULARY, First, ticket  # noqa: E402


@pytest.mark.parametrize(
    "more",
    [{"temperature": 0.5}, {"top_k": 5}, {"top_p": 0.6}, {"min_p": 0.2},
     {"temperature": 1.7, "top_k": 20, "top_p": 0.8}, {"repetition_penalty": 1.5},
     {"frequency_penalty": 0.7, "presence_penalty": 0.4}],
)  # fmt: skip
def test_the_mean_over_keys_is_the_law_that_the_request_asks_for(
    keyring: Path, held: dict[str, ModuleType], more: dict[str, Any]
) -> None:
    """4,000 contexts of one law stand for 4,000 keys; the counts are held to the law by chi-squared."""
    batch = First(held)
    spread = np.random.default_rng(5).normal(size=VOCABULARY).astype(np.float32)
    for at in range(4000):
        batch.add([7], ticket(request=str(at)), [3, 3, 8, 100 + at % 64, 100 + at // 64], **more)
    scores = torch.from_numpy(np.tile(spread, (4000, 1)))
    marked = batch.processor.apply(scores)
    assert (torch.isfinite(marked).sum(1) == 1).all()
    counts = np.bincount(marked.argmax(1).numpy(), minlength=VOCABULARY)
    logits = torch.from_numpy(spread.astype(np.float64)).clone()
    if penalty := more.get("repetition_penalty"):
        logits[[3, 7, 8]] = torch.where(
            logits[[3, 7, 8]] > 0, logits[[3, 7, 8]] / penalty, logits[[3, 7, 8]] * penalty
        )
    if "frequency_penalty" in more:
        logits[3] -= 2 * 0.7 + 0.4
        logits[8] -= 0.7 + 0.4
    logits /= more.get("temperature", 1.0)
    if min_p := more.get("min_p"):
        logits[logits.softmax(0) < min_p * logits.softmax(0).max()] = -torch.inf
    if "top_k" in more or "top_p" in more:
        theirs = held["vllm.v1.sample.ops.topk_topp_sampler"].apply_top_k_top_p_pytorch
        k = torch.tensor([more["top_k"]]) if "top_k" in more else None
        p = torch.tensor([more["top_p"]]) if "top_p" in more else None
        logits = theirs(logits[None].float(), k, p)[0].double()
    wanted = logits.softmax(0).numpy() * 4000
    assert counts[wanted == 0].sum() == 0
    # Where penalties count, each row's own tokens differ from 100 on: those are left out.
    kept = (wanted > 5) & (np.arange(VOCABULARY) < 100 if "penalty" in str(more) else True)
    squared = ((counts - wanted) ** 2 / np.maximum(wanted, 1e-9))[kept].sum()
    degrees = kept.sum()
    assert squared < degrees + 5 * np.sqrt(2 * degrees) + 10


@given(
    st.lists(
        st.tuples(st.floats(0.1, 3), st.sampled_from([0, 1, 2, 5, 40]), st.floats(0.01, 1), st.floats(0, 1)),
        min_size=1, max_size=4,
    ),
    st.integers(0, 1000),
)  # fmt: skip
@settings(deadline=None, max_examples=60)
def test_laws_leave_out_what_vllm_leaves_out(asked: list[tuple[float, int, float, float]], seed: int) -> None:
    scores = (
        torch.from_numpy(np.random.default_rng(seed).normal(size=(len(asked), 40)).astype(np.float32)) * 3
    )
    samplings = [Sampling(*each) for each in asked]
    found = laws(scores, packed(samplings), narrows=any(each.narrows for each in samplings))
    with engines() as made:
        theirs = made["vllm.v1.sample.ops.topk_topp_sampler"].apply_top_k_top_p_pytorch
        for one, row, (temperature, top_k, top_p, min_p) in zip(found, scores, asked, strict=True):
            wanted = row / temperature
            weight = wanted.softmax(0)
            wanted[weight < min_p * weight.max() * (1 - 1e-6)] = -torch.inf
            wanted = theirs(wanted[None].clone(), torch.tensor([top_k or 40]), torch.tensor([top_p]))[0]
            differ = torch.isfinite(one) != torch.isfinite(wanted)
            # A token exactly on top-p's edge may fall to either side.
            assert differ.sum() <= 1
            both = torch.isfinite(one) & torch.isfinite(wanted)
            torch.testing.assert_close(one[both], wanted[both])
