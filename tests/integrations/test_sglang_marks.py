"""Marks in SGLang, called by its own published function: what is written is what is read."""

from __future__ import annotations

import json
import pickle
import weakref
from array import array
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from headwater.gateway.marking.marking import SGLANG_PROCESSOR  # noqa: E402
from headwater.mark.embed import Memory, rule_of  # noqa: E402
from headwater.mark.own import Gumbel  # noqa: E402
from headwater.mark.scheme import MarkKey  # noqa: E402
from integrations.marked import VOCABULARY, law, scored, ticket  # noqa: E402


class Request:
    """SGLang's request, as far as processors see it."""

    def __init__(
        self, held: dict[str, ModuleType], prompt: list[int], params: dict[str, Any] | None, **more: Any
    ) -> None:
        kind = held["sglang.srt.sampling.sampling_params"].SamplingParams
        self.origin_input_ids, self.output_ids = array("q", prompt), array("q")
        own = None if params is None else {**params, "__req__": weakref.proxy(self)}
        self.sampling_params = kind(custom_params=own, **more)


def sglang_step(held: dict[str, ModuleType], requests: list[Request], scores: torch.Tensor) -> torch.Tensor:
    """SGLang's own way of calling processors: those rows that name one, written back in their places."""
    from headwater.integrations.sglang import Marks

    rows = [at for at, request in enumerate(requests) if request.sampling_params.custom_params is not None]
    entry = SimpleNamespace(processor=Marks(), rows=rows, indices=torch.tensor(rows))

    class Batch(SimpleNamespace):
        def __len__(self) -> int:
            return len(requests)

    found = scores.clone()
    held["sglang.srt.layers.sampler"].apply_custom_logit_processor(
        found,
        Batch(
            custom_params=[request.sampling_params.custom_params for request in requests], device="cpu",
            custom_logit_processor={1: entry},
        ),
    )  # fmt: skip
    return found


def test_sglangs_answers_are_read_as_marked(keyring: Path, held: dict[str, ModuleType]) -> None:
    requests = [
        Request(held, [1, 2, 3], {"headwater_mark": ticket()}),
        Request(held, [1, 2, 3], None),
        Request(held, [4], {"headwater_mark": ticket("flagged")}),
        Request(held, [4], {}),
        Request(held, [4], {"headwater_mark": ticket("flagged", "bob")}, top_k=1),
    ]
    random = np.random.default_rng(0)
    for at in range(200):
        shown = requests if at % 3 else requests[::-1]  # batches are put together anew
        scores = np.stack([law([*each.origin_input_ids, *each.output_ids]) for each in shown])
        found = sglang_step(held, shown, torch.from_numpy(scores)).numpy().astype(float)
        for request, one, before in zip(shown, found, scores, strict=True):
            if request.sampling_params.custom_params is None:
                assert (one == before).all()
            greedy = request.sampling_params.top_k == 1
            request.output_ids.append(int(np.argmax(one if greedy else one + random.gumbel(size=VOCABULARY))))
    texts = [[*each.origin_input_ids, *each.output_ids] for each in requests]
    assert scored(keyring, texts[0], 3)[0] > 0.6
    assert scored(keyring, texts[1], 3)[0] < 0.6
    assert scored(keyring, texts[3], 1)[0] > 0.6
    assert scored(keyring, texts[2], 1, "alice")[0] > 0.6
    assert scored(keyring, texts[4], 1, "bob")[0] > 0.6
    assert scored(keyring, texts[4], 1, "alice")[0] < 0.5


def test_sglang_marks_by_default_what_has_no_good_ticket_and_says_so(
    keyring: Path, held: dict[str, ModuleType], caplog: pytest.LogCaptureFixture
) -> None:
    requests = [Request(held, [1, 2], {"headwater_mark": text}) for text in (ticket(at=1000), "HWT2.3.a")]
    found = sglang_step(held, requests, torch.randn((2, VOCABULARY)))
    assert (torch.isfinite(found).sum(1) == 1).all()
    assert ["expired" in record.message for record in caplog.records] == [True, False]


def test_sglang_that_runs_ahead_of_its_tokens_leaves_answers_unmarked(
    keyring: Path, held: dict[str, ModuleType], caplog: pytest.LogCaptureFixture
) -> None:
    held["sglang.srt.runtime_context"].get_schedule().disable_overlap_schedule = False
    scores = torch.randn((1, VOCABULARY))
    for _ in range(2):
        assert torch.equal(sglang_step(held, [Request(held, [1, 2], {})], scores), scores)
    assert [record.message.count("--disable-overlap-schedule") for record in caplog.records] == [1]


def test_sglangs_drafts_leave_answers_unmarked(keyring: Path, held: dict[str, ModuleType]) -> None:
    from headwater.integrations.sglang import Marks

    params = Request(held, [1, 2], {}).sampling_params.custom_params
    request = Request(held, [1, 2], {})
    params = request.sampling_params.custom_params
    scores = torch.randn((2, VOCABULARY))
    assert torch.equal(Marks()(scores.clone(), [params, params]), scores)


def test_an_answer_that_is_taken_up_again_keeps_the_contexts_that_it_has() -> None:
    from headwater.integrations.engine_step import Writing
    from headwater.integrations.hosted_answers import Answer
    from headwater.integrations.sampling_law import Sampling

    memory, writing = Memory(), Writing(rule_of(Gumbel(2), MarkKey("k", (1, 2))), Sampling())
    answer, other = (Answer(writing, [1, 2], [7, 8], memory) for _ in range(2))
    assert answer.context() == (7, 8)
    assert other.context() is None
    answer.prompt, answer.output = [1, 2, 7], [8]  # put aside, and its lists are others now
    assert answer.context() == (7, 8)


def test_sglang_finds_our_class_under_the_gateways_name(held: dict[str, ModuleType]) -> None:
    from headwater.integrations.sglang import Marks

    assert pickle.loads(bytes.fromhex(json.loads(SGLANG_PROCESSOR)["callable"])) is Marks
