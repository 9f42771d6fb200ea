"""The verdicts of the shipped registry, by origin and use: a table that a person reads, and that review changes.

`golden.json` has a line for each: whose terms (`row`), where the outputs came from, what is to be done (a named use or
its fields), and the verdict that the texts quoted in the registry give.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from headwater.provenance.terms import ORDER, USES, Origin, Use, load_registry

GOLDEN = json.loads(Path(__file__).with_name("golden.json").read_text(encoding="utf-8"))
#: Whose terms the table has to hold.
ROWS = {
    "OpenAI consumer ToS",
    "OpenAI commercial",
    "Anthropic consumer",
    "Anthropic commercial",
    "Anthropic usage policy",
    "Google consumer ToS",
    "Gemini API additional terms",
    "Meta Model API",
    "Llama 2 licence",
    "Llama 3.1+ licence",
    "Gemma <=3 terms",
    "Gemma 4",
    "DeepSeek",
    "Mistral",
    "xAI consumer",
    "xAI commercial",
    "Qwen Chat",
    "Moonshot Kimi",
    "Perplexity AUP",
    "Stability AI",
    "Cursor",
    "Amazon Bedrock",
    "AI21 and Runway",
    "OpenRouter",
    "Together",
    "Replicate",
    "Microsoft",
}


def named(case: dict[str, Any]) -> str:
    use = case["use"] if isinstance(case["use"], str) else "own use"
    return f"{case['row']}: {use} {case['verdict']}"


@pytest.mark.parametrize("case", GOLDEN, ids=named)
def test_golden(case: dict[str, Any]) -> None:
    origin = msgspec.convert(case["origin"], Origin)
    use = USES[case["use"]] if isinstance(case["use"], str) else msgspec.convert(case["use"], Use)
    answer = load_registry().answer(origin, use)
    assert answer.verdict == case["verdict"], answer.sentence
    if answer.verdict != "unknown":
        assert answer.links
        assert any(link.clauses or link.kind in ("licence", "model") for link in answer.links)


def test_every_row_and_every_verdict_is_there() -> None:
    assert {case["row"] for case in GOLDEN} >= ROWS
    assert {case["verdict"] for case in GOLDEN} == set(ORDER)
