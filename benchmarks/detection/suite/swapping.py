"""Scenarios of the score side on corpora of the tune side, so that they can be developed against unopened files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from headwater.simulate import Scenario, load

#: What stands in for a corpus of the score side.
TUNE = {
    "toolformer": "codegen",
    "roleplay": "halueval",
    "creak": "aqua",
    "qasc": "gsm8k",
    "persona_n_z": "persona",
    "human_eval": "ifeval",
    "mgsm_125_249": "mgsm",
    "awesome": "atlas",
    "biggen": "arena",
    "arena_second": "principles",
    "mt_bench_multilingual": "grader",
    "ru_seeds": "banking77",
    "zh_seeds": "belle",
    "rakuda": "belle",
    "woz2": "multiwoz",
    "kdconv": "crosswoz",
    "mtbench101": "taskmaster",
    "flan_second": "flan",
    "followbench": "promptbench",
    "state_of_what_art": "promptbench",
    "judge_rest": "judge",
    "grader_gpt4": "grader",
}


def on_tune(name: str) -> Scenario:
    """A packaged scenario of either side with corpora of the tune side."""
    return swapped(load(name), TUNE, keep_references=True)


def swapped(scenario: Scenario, stand_in: Mapping[str, str], *, keep_references: bool) -> Scenario:
    """`scenario` with other corpora and public wordings, on the tune side."""
    tree = msgspec.json.decode(msgspec.json.encode(scenario))
    tree["side"] = "tune"
    _swap(tree, stand_in, keep_references)
    return msgspec.convert(tree, type=Scenario)


def _swap(node: Any, stand_in: Mapping[str, str], keep_references: bool) -> None:
    """Corpora and public wordings of one table and all below it, in place."""
    if isinstance(node, list):
        for child in node:
            _swap(child, stand_in, keep_references)
        return
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        if key in ("corpora", "cover_corpora"):
            merged: dict[str, float] = {}
            for name, weight in value.items():
                name = stand_in.get(name, name)
                merged[name] = merged.get(name, 0.0) + weight
            node[key] = merged
        elif key in ("wordings", "template_corpus"):
            node[key] = stand_in.get(value, value)
        elif key == "templates" and not keep_references:
            node[key] = [_text(one) for one in value]
        else:
            _swap(value, stand_in, keep_references)


def _text(template: str) -> str:
    """A reference to a public wording, as a template of its own."""
    named = template.startswith(("judge:", "flan:", "promptbench:"))
    return f"As in {template[6:]}, read this.\n\n{{task}}" if named else template
