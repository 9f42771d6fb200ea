"""vLLM's and SGLang's interfaces as modules, made of the definitions that `tests/vectors/marks/engines.json` holds.

The engines can't be installed here: what our processors are called by is theirs, what lies behind it is in the tests.
"""

from __future__ import annotations

import abc
import contextlib
import dataclasses
import enum
import functools
import importlib
import json
import logging
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

ENGINES = json.loads((Path(__file__).parents[1] / "vectors/marks/engines.json").read_text())
#: Ours, which are imported anew for each set of modules.
OURS = (
    "headwater.integrations.vllm_marks", "headwater.integrations.vllm_marks_v1", "headwater.integrations.vllm_marks_v2",
    "headwater.integrations.sglang",
)  # fmt: skip


class VLLMValidationError(ValueError):
    """What vLLM answers with status 400."""


def _params(name: str, **more: Any) -> type:
    fields = {**ENGINES["fields"][name], **more}
    return dataclasses.make_dataclass(
        "SamplingParams", [(field, Any, dataclasses.field(default=value)) for field, value in fields.items()]
    )


def _module(name: str, **held: Any) -> types.ModuleType:
    module = types.ModuleType(name)
    module.__dict__.update(held)
    module.__path__ = []  # type: ignore[attr-defined]
    return module


def _defined(name: str, given: dict[str, Any]) -> types.ModuleType:
    """A module with the engine's definitions; `given`: what they expect there."""
    module = sys.modules[name] = _module(name, **given)  # where dataclasses look for their annotations
    for source in ENGINES["modules"][name].values():
        code = compile(
            f"from __future__ import annotations\n{source}", f"<{name}>", "exec", dont_inherit=True
        )
        exec(code, module.__dict__)
    return module


def _made() -> dict[str, types.ModuleType]:
    common: dict[str, Any] = {
        "ABC": abc.ABC, "abstractmethod": abc.abstractmethod, "Enum": enum.Enum, "auto": enum.auto,
        "dataclass": dataclasses.dataclass, "lru_cache": functools.lru_cache, "importlib": importlib, "json": json,
        "torch": torch, "Sequence": Sequence, "Callable": Callable, "logger": logging.getLogger("engine"),
        "guard_cuda_initialization": contextlib.nullcontext, "VLLMValidationError": VLLMValidationError,
    }  # fmt: skip
    vllm = _params("vllm.sampling_params")
    common["SamplingParams"] = vllm
    first = "vllm.v1.sample.logits_processor"
    second = "vllm.v1.worker.gpu.sample.logits_processor"
    made: dict[str, types.ModuleType] = {}
    one = made[f"{first}.interface"] = _defined(f"{first}.interface", common)
    shared = {**common, **{name: getattr(one, name) for name in ENGINES["modules"][f"{first}.interface"]}}
    made[f"{first}.state"] = _defined(f"{first}.state", shared)
    made[f"{first}.builtin"] = _defined(f"{first}.builtin", {**shared, "T": Any})
    made[first] = _defined(first, shared)
    two = made[f"{second}.interface"] = _defined(f"{second}.interface", common)
    shared = {**common, **{name: getattr(two, name) for name in ENGINES["modules"][f"{second}.interface"]}}
    from importlib.metadata import entry_points

    cached = {"entry_points": entry_points}
    made[f"{second}.loader"] = loader = _defined(f"{second}.loader", {**shared, **cached})
    loader._cached_load_v2_logitsprocs = lambda named: (  # type: ignore[attr-defined]
        loader._load_v2_logitsprocs_plugins() + loader._load_v2_logitsprocs_by_fqcns(named)
    )
    made[second] = _module(
        second, **{name: getattr(two, name) for name in ENGINES["modules"][f"{second}.interface"]}
    )
    made["vllm.v1.sample.ops.topk_topp_sampler"] = _defined("vllm.v1.sample.ops.topk_topp_sampler", common)
    made["vllm"] = _module("vllm", SamplingParams=vllm)
    made["vllm.utils.torch_utils"] = _module("vllm.utils.torch_utils", **common)
    custom = "sglang.srt.sampling.custom_logit_processor"
    given = {**common, "dill": _module("dill"), "_cache_from_str": None}
    made[custom] = _defined(custom, {**given, "Any": Any})
    made["sglang.srt.layers.sampler"] = _defined("sglang.srt.layers.sampler", common)
    kind = _params("sglang.srt.sampling.sampling_params", top_k=1 << 30)
    made["sglang.srt.sampling.sampling_params"] = _module("sampling_params", SamplingParams=kind)
    schedule = types.SimpleNamespace(disable_overlap_schedule=True)
    made["sglang.srt.runtime_context"] = _module("runtime_context", get_schedule=lambda: schedule)
    for name in list(made):
        for parent in (name.rsplit(".", at)[0] for at in range(1, name.count(".") + 1)):
            made.setdefault(parent, _module(parent))
    return made


@contextlib.contextmanager
def engines() -> Iterator[dict[str, types.ModuleType]]:
    """Both engines' modules, importable within; ours forget that they knew any others."""
    before = sys.modules.copy()
    for name in OURS:
        sys.modules.pop(name, None)
    try:
        made = _made()
        sys.modules.update(made)
        yield made
    finally:
        for name in [*sys.modules]:
            if name in OURS or name.partition(".")[0] in ("vllm", "sglang"):
                del sys.modules[name]
        sys.modules.update({name: module for name, module in before.items() if name not in sys.modules})
