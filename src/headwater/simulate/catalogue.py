"""Every public corpus that a scenario may name: where it lies, how it is read, and on which side it stands.

The division into *tune* and *score* was fixed before the first figure and is enforced in `corpora`. What
the texts become (whose prompts, in which template) is decided elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Side = Literal["tune", "score"]
Row = dict[str, Any]


def first_half(text: str) -> bool:
    """Whether a text falls into the first half: first hexadecimal digit of its SHA-256 below 8."""
    return hashlib.sha256(text.encode()).digest()[0] >> 4 < 8


@dataclass(frozen=True)
class Source:
    """One corpus: `files` is a glob below the root, `keep` the rows that belong to this side.

    `prompt`, `answer`, `label` and `language` say which fields of a row hold what; a label or a language
    that starts with `=` is a constant. `turns` marks dialogues (every user turn is one prompt). `columns` names the
    fields of tables that have no header.
    """

    name: str
    side: Side
    files: str
    licence: str
    prompt: str = "prompt"
    answer: str = ""
    label: str = ""
    language: str = "=en"
    turns: bool = False
    columns: tuple[str, ...] = ()
    keep: Callable[[Row], bool] | None = None


def _rows(field: str, *values: str) -> Callable[[Row], bool]:
    return lambda row: row[field] in values


def _half(field: str, first: bool) -> Callable[[Row], bool]:
    return lambda row: first_half(row[field]) is first


_MIT = "MIT"
_APACHE = "Apache-2.0"
_CC_BY = "CC-BY-4.0"
_GPT = "distill/gpteacher"
_COT = "distill/flan_cot/cot.jsonl"
_PERSONA = "benign/anthropic_evals/persona"

PROMPTS: tuple[Source, ...] = (
    Source("codegen", "tune", f"{_GPT}/Codegen/*.json", _MIT, "instruction+input", "response"),
    Source("toolformer", "score", f"{_GPT}/Toolformer/*.json", _MIT, "instruction+input", "response"),
    Source("roleplay", "score", f"{_GPT}/Roleplay/*.json", _MIT, "instruction+input", "response"),
    Source("halueval", "tune", "distill/halueval/general_data.json", _MIT, "user_query", "chatgpt_response"),
    Source("atlas", "tune", "distill/atlas_gpt4/answers_*.jsonl", _APACHE, "prompt", "output"),
    Source("aqua", "tune", _COT, _APACHE, "prompt", "rationale+answer", keep=_rows("set", "aqua")),
    Source("creak", "score", _COT, _MIT, "prompt", "rationale+answer", keep=_rows("set", "creak")),
    Source("qasc", "score", _COT, _CC_BY, "prompt", "rationale+answer", keep=_rows("set", "qasc")),
    Source("gsm8k", "tune", "benign/gsm8k/train.jsonl", _MIT, "question", "answer"),
    Source("banking77", "tune", "benign/banking77/*.csv", _CC_BY, "text", label="category"),
    Source("persona", "tune", f"{_PERSONA}/[a-m]*.jsonl", _CC_BY, "question", label="file"),
    Source("persona_n_z", "score", f"{_PERSONA}/[n-z]*.jsonl", _CC_BY, "question", label="file"),
    Source("ifeval", "tune", "benign/ifeval/ifeval.jsonl", _APACHE),
    Source(
        "mgsm",
        "tune",
        "benign/mgsm/mgsm.jsonl",
        _CC_BY,
        "prompt",
        "",
        "lang",
        "lang",
        keep=lambda r: r["id"] < 125,
    ),
    Source(
        "mgsm_125_249",
        "score",
        "benign/mgsm/mgsm.jsonl",
        _CC_BY,
        "prompt",
        "",
        "lang",
        "lang",
        keep=lambda r: r["id"] >= 125,
    ),
    Source(
        "belle", "tune", "benign/belle_eval/eval_set.jsonl", _APACHE, "prompt", "reference", language="=zh"
    ),
    Source(
        "arena",
        "tune",
        "benign/arena_hard_v01/question.jsonl",
        _APACHE,
        keep=_half("prompt", True),
        label="=all",
    ),
    Source(
        "arena_second",
        "score",
        "benign/arena_hard_v01/question.jsonl",
        _APACHE,
        keep=_half("prompt", False),
        label="=all",
    ),
    Source(
        "mmlu",
        "score",
        "benign/mmlu/mmlu.zip",
        _MIT,
        "question+A+B+C+D",
        "answer",
        "table",
        columns=("question", "A", "B", "C", "D", "answer"),
    ),
    Source("awesome", "score", "benign/awesome_prompts/prompts.jsonl", "CC0-1.0"),
    Source("human_eval", "score", "benign/human_eval/human_eval.jsonl", _MIT),
    Source("mt_bench_multilingual", "score", "benign/mt_bench_multilingual/questions.jsonl", _APACHE),
    Source("biggen", "score", "benign/biggen_bench/prompts_rubrics.jsonl", _APACHE),
    Source("ru_seeds", "score", "benign/ru_seed_tasks/seeds.jsonl", _APACHE, language="=ru"),
    Source("zh_seeds", "score", "benign/belle_eval/zh_seed_tasks.jsonl", _APACHE, language="=zh"),
    Source("rakuda", "score", "benign/rakuda/questions.jsonl", _APACHE, language="=ja"),
    Source("multiwoz", "tune", "benign/dialog_multiwoz/dialogs.jsonl", _APACHE, turns=True),
    Source("crosswoz", "tune", "benign/dialog_crosswoz/dialogs.jsonl", _APACHE, language="=zh", turns=True),
    Source(
        "taskmaster", "tune", "benign/dialog_taskmaster4/dialogs.jsonl", _CC_BY, label="scenario", turns=True
    ),
    Source("woz2", "score", "benign/dialog_woz2/dialogs.jsonl", _APACHE, language="lang", turns=True),
    Source("kdconv", "score", "benign/dialog_kdconv/dialogs.jsonl", _APACHE, language="=zh", turns=True),
    Source("mtbench101", "score", "benign/dialog_mtbench101/dialogs.jsonl", _APACHE, turns=True),
)

_JUDGE = "benign/judge_templates/templates.jsonl"
_GRADER = "benign/grader_requests"
_FLAN = "paraphrase/flan_templates/templates.jsonl"
_TUNE_JUDGES = ("openai/evals", "nlpyang/geval", "prometheus-eval/prometheus-eval")

#: Wordings and grading requests: they wrap other corpora's texts, or are sent as they stand.
WORDINGS: tuple[Source, ...] = (
    Source(
        "judge",
        "tune",
        _JUDGE,
        "MIT, Apache-2.0",
        "template",
        label="name",
        keep=_rows("source", *_TUNE_JUDGES),
    ),
    Source(
        "judge_rest",
        "score",
        _JUDGE,
        _APACHE,
        "template",
        label="name",
        keep=lambda r: r["source"] not in _TUNE_JUDGES,
    ),
    Source("grader", "tune", f"{_GRADER}/prometheus_rubric.jsonl", _APACHE, keep=_rows("set", "vicuna_eval")),
    Source("grader_gpt4", "score", f"{_GRADER}/ja_mt_bench_gpt4_judge.jsonl", _APACHE, language="=ja"),
    Source("promptbench", "tune", "paraphrase/promptbench/prompts.jsonl", _MIT, label="task"),
    Source(
        "principles", "tune", "paraphrase/atlas_principles/pairs.jsonl", _APACHE, "with", label="principle"
    ),
    Source("flan", "tune", _FLAN, _APACHE, "input_template", label="task", keep=_half("task", True)),
    Source("flan_second", "score", _FLAN, _APACHE, "input_template", label="task", keep=_half("task", False)),
    Source("followbench", "score", "paraphrase/followbench/levels.jsonl", _APACHE),
    Source("state_of_what_art", "score", "paraphrase/state_of_what_art/lmentry.jsonl", "CDLA-Permissive-2.0"),
)

SOURCES: dict[str, Source] = {source.name: source for source in (*PROMPTS, *WORDINGS)}

#: Projects whose commit times give people's rhythm, by side.
GIT_PROJECTS: dict[Side, tuple[str, ...]] = {
    "tune": (
        "rails/rails", "laravel/framework", "numpy/numpy", "Homebrew/brew", "pallets/flask", "scrapy/scrapy",
        "python/mypy", "huggingface/datasets", "jekyll/jekyll", "moby/moby", "scipy/scipy", "tldr-pages/tldr",
    ),
    "score": (
        "symfony/symfony", "rust-lang/cargo", "spring-projects/spring-boot", "celery/celery",
        "rust-lang/rust-clippy", "prometheus/prometheus", "sphinx-doc/sphinx", "pytest-dev/pytest",
        "encode/django-rest-framework", "fastapi/fastapi", "ohmyzsh/ohmyzsh", "psf/requests",
    ),
}  # fmt: skip
#: Clients of a served model whose rates give products their rhythm, by side.
SERVEGEN: dict[Side, str] = {
    "tune": "traces/servegen/reason/deepseek-r1/chunk-*-trace.csv",
    "score": "traces/servegen/language/m-small/chunk-*-trace.csv",
}
#: Requests whose answer lengths give latencies, by side.
AZURE: dict[Side, str] = {
    "tune": "traces/azure_llm_2023/AzureLLMInferenceTrace_conv.csv",
    "score": "traces/azure_llm_2023/AzureLLMInferenceTrace_code.csv",
}
