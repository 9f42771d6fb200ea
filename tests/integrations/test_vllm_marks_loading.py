"""How vLLM finds our processors, what they let in, and what they say: by vLLM's own loaders."""

from __future__ import annotations

import time
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from headwater.errors import HeadwaterError  # noqa: E402
from headwater.integrations import engine_marks  # noqa: E402
from integrations.engines import ENGINES  # noqa: E402
from integrations.marked import KEYRING, VOCABULARY, First, Second, ticket  # noqa: E402


def test_both_runners_loaders_take_the_entry_point(keyring: Path, held: dict[str, ModuleType]) -> None:
    """By the engines' own loaders, from the entry point of the installed distribution and by its name."""
    named = "headwater.integrations.vllm_marks:Marks"
    first = held["vllm.v1.sample.logits_processor"]
    second = held["vllm.v1.worker.gpu.sample.logits_processor.loader"]
    config = SimpleNamespace(model_config=SimpleNamespace(seed=0))
    for classes in (first._load_logitsprocs_plugins(), first._load_logitsprocs_by_fqcns([named])):
        assert [each.__name__ for each in classes] == ["Marks"]
        made = classes[0](config, torch.device("cpu"), False)
        assert isinstance(made, held["vllm.v1.sample.logits_processor.interface"].LogitsProcessor)
        assert type(made).__name__ == "FirstMarks"
    for classes in (second._load_v2_logitsprocs_plugins(), second._load_v2_logitsprocs_by_fqcns([named])):
        assert [each.__name__ for each in classes] == ["Marks"]
        made = classes[0](config, Second.states())
        assert isinstance(made, held["vllm.v1.worker.gpu.sample.logits_processor.interface"].LogitsProcessor)
        assert type(made).__name__ == "SecondMarks"


@pytest.mark.parametrize(
    ("text", "told"),
    [("HWT2.3.a", "seal is wrong"), ("x", "no ticket"), (7, "no ticket"), ([], "no ticket"),
     ("expired", "expired"), ("later", "future"), ("epoch", "can't be marked as its ticket says")],
)  # fmt: skip
def test_a_ticket_that_isnt_good_is_answered_with_400(
    keyring: Path, held: dict[str, ModuleType], text: Any, told: str
) -> None:
    text = {
        "expired": ticket(at=1000), "later": ticket(at=time.time() + 900), "epoch": ticket("flagged", epoch="q9"),
    }.get(text, text) if isinstance(text, str) else text  # fmt: skip
    loader = held["vllm.v1.worker.gpu.sample.logits_processor.loader"]
    validate = loader.build_custom_logits_processors_params_validator([])
    params = held["vllm"].SamplingParams
    validate(params())
    validate(params(extra_args={"headwater_mark": ticket()}))
    with pytest.raises(loader.VLLMValidationError, match=told) as error:
        validate(params(extra_args={"headwater_mark": text}))
    assert str(error.value).startswith("headwater_mark: ")


def test_a_keyring_may_refuse_requests_without_a_ticket(keyring: Path, held: dict[str, ModuleType]) -> None:
    keyring.write_text(KEYRING + 'unsigned = "refuse"\n')
    from headwater.integrations.vllm_marks import Marks

    with pytest.raises(ValueError, match="has no ticket"):
        Marks.validate_params(held["vllm"].SamplingParams())
    Marks.validate_params(held["vllm"].SamplingParams(extra_args={"headwater_mark": ticket()}))


def test_without_a_keyring_nothing_is_done_and_that_is_said_once(
    held: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("HEADWATER_KEYRING", raising=False)
    engine_marks.marker.cache_clear()
    engine_marks.once.cache_clear()
    caplog.set_level("INFO")
    batch = First(held)
    batch.add([1, 2, 3], "anything")
    scores = torch.randn((1, VOCABULARY))
    assert torch.equal(batch.processor.apply(scores.clone()), scores)
    assert batch.processor.is_argmax_invariant()
    second = Second(held)
    assert second.processor.add_request(0, held["vllm"].SamplingParams()) is False
    type(batch.processor).validate_params(
        held["vllm"].SamplingParams(extra_args={"headwater_mark": "anything"})
    )
    assert [record.message for record in caplog.records] == [
        "HEADWATER_KEYRING isn't set: answers aren't marked"
    ]


def test_a_keyring_that_cant_be_used_keeps_the_engine_from_starting(
    keyring: Path, held: dict[str, ModuleType], caplog: pytest.LogCaptureFixture
) -> None:
    keyring.write_text("[[mark]]\n")
    with pytest.raises(HeadwaterError):
        First(held)
    assert "keys.toml" in caplog.text


def test_the_recorded_interfaces_say_whose_they_are() -> None:
    assert {name: told["licence"] for name, told in ENGINES["of"].items()} == {
        "vllm": "Apache-2.0",
        "sglang": "Apache-2.0",
    }
