"""The interfaces of serving engines that our processors are written against, from their published sources.

`python record_engines.py VLLM SGLANG`: folders of the unpacked sdist of vLLM and of SGLang's wheel. What is kept are
the few definitions that our code meets, without their docstrings and comments, so that tests run against the engines'
own words where the engines themselves can't be installed.
"""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path
from typing import Any

VLLM = {
    "vllm.v1.sample.logits_processor.interface": (
        "vllm/v1/sample/logits_processor/interface.py",
        ["MoveDirectionality", "RemovedRequest", "AddedRequest", "MovedRequest", "BatchUpdate", "LogitsProcessor"],
    ),
    "vllm.v1.sample.logits_processor.state": ("vllm/v1/sample/logits_processor/state.py", ["BatchUpdateBuilder"]),
    "vllm.v1.sample.logits_processor.builtin": (
        "vllm/v1/sample/logits_processor/builtin.py", ["process_dict_updates"],
    ),
    "vllm.v1.sample.logits_processor": (
        "vllm/v1/sample/logits_processor/__init__.py",
        ["LOGITSPROCS_GROUP", "_load_logitsprocs_plugins", "_load_logitsprocs_by_fqcns"],
    ),
    "vllm.v1.worker.gpu.sample.logits_processor.interface": (
        "vllm/v1/worker/gpu/sample/logits_processor/interface.py",
        ["LogitsProcRequestState", "LogitsContext", "LogitsProcessor"],
    ),
    "vllm.v1.worker.gpu.sample.logits_processor.loader": (
        "vllm/v1/worker/gpu/sample/logits_processor/loader.py",
        ["LOGITSPROCS_GROUP", "_load_v2_logitsprocs_plugins", "_load_v2_logitsprocs_by_fqcns",
         "build_custom_logits_processors_params_validator"],
    ),
    "vllm.v1.sample.ops.topk_topp_sampler": (
        "vllm/v1/sample/ops/topk_topp_sampler.py", ["apply_top_k_top_p_pytorch", "apply_top_k_only"],
    ),
}  # fmt: skip
SGLANG = {
    "sglang.srt.sampling.custom_logit_processor": (
        "sglang/srt/sampling/custom_logit_processor.py",
        ["CustomLogitProcessor"],
    ),
    "sglang.srt.layers.sampler": ("sglang/srt/layers/sampler.py", ["apply_custom_logit_processor"]),
}
#: Classes of which only the fields with plain defaults are kept.
FIELDS = {
    "vllm.sampling_params": ("vllm/sampling_params.py", "SamplingParams"),
    "sglang.srt.sampling.sampling_params": ("sglang/srt/sampling/sampling_params.py", "SamplingParams"),
}


def bare(node: ast.AST) -> ast.AST:
    """Without docstrings."""
    for each in ast.walk(node):
        body = getattr(each, "body", None)
        if not isinstance(body, list) or not isinstance(each, ast.ClassDef | ast.FunctionDef):
            continue
        first = body[0] if body else None
        if (
            isinstance(first, ast.Expr)
            and isinstance(first.value, ast.Constant)
            and isinstance(first.value.value, str)
        ):
            body[:] = body[1:] or [ast.Pass()]
    return node


def definitions(path: Path, names: list[str]) -> dict[str, str]:
    """Each name's definition."""
    found = {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name in names:
            found[node.name] = ast.unparse(bare(node))
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in names:
            found[node.targets[0].id] = ast.unparse(node)  # type: ignore[attr-defined]
    missing = set(names) - set(found)
    if missing:
        raise SystemExit(f"{path} has no {', '.join(sorted(missing))}")
    return {name: found[name] for name in names}


def defaults(path: Path, name: str) -> dict[str, Any]:
    """The fields of a class whose defaults are plain numbers, texts or None."""
    (kind,) = (
        node
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef) and node.name == name
    )
    found: dict[str, Any] = {}
    for node in kind.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            try:
                found[node.target.id] = ast.literal_eval(node.value)
            except ValueError:
                continue
    return {
        field: value
        for field, value in found.items()
        if value is None or isinstance(value, int | float | str)
    }


def main(vllm: Path, sglang: Path) -> None:
    """Write engines.json beside this file."""
    modules = {
        name: definitions(root / path, names)
        for root, files in ((vllm, VLLM), (sglang, SGLANG))
        for name, (path, names) in files.items()
    }
    fields = {
        name: defaults((vllm if name.startswith("vllm") else sglang) / path, kind)
        for name, (path, kind) in FIELDS.items()
    }
    told = {
        "of": {
            "vllm": {
                "version": "0.33.0",
                "licence": "Apache-2.0",
                "copyright": "contributors to the vLLM project",
            },
            "sglang": {"version": "0.5.23", "licence": "Apache-2.0", "copyright": "SGLang Team"},
        },
        "modules": modules,
        "fields": fields,
    }
    Path(__file__).with_name("engines.json").write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
