"""Any packaged scenario on the invented corpora, so that score-side scenarios run without their own being opened."""

from __future__ import annotations

from typing import Any

import msgspec

from headwater.simulate import Scenario, load
from headwater.simulate.catalogue import SOURCES

#: What stands in for a corpus of the score side, where the real corpora of the tune side are at hand.
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
#: The corpora that `builders` invents; every other is swapped for one of them.
INVENTED = ("gsm8k", "halueval", "codegen", "banking77", "multiwoz", "arena", "mgsm")


def on_tune(name: str) -> Scenario:
    """A packaged scenario of either side with real corpora of the tune side."""
    return _swapped(load(name), TUNE, keep_references=True)


def on_invented(name: str) -> Scenario:
    """A packaged scenario with the corpora that `builders` invents, dialogues for dialogues."""
    singles = [one for one in INVENTED if one != "multiwoz"]
    others = [source for source in SOURCES.values() if source.name not in INVENTED]
    stand_in = {
        source.name: "multiwoz" if source.turns else singles[i % len(singles)]
        for i, source in enumerate(others)
    }
    return _swapped(load(name), stand_in, keep_references=False)


def _swapped(scenario: Scenario, stand_in: dict[str, str], *, keep_references: bool) -> Scenario:
    tree = msgspec.json.decode(msgspec.json.encode(scenario))
    tree["side"] = "tune"
    _swap(tree, stand_in, keep_references)
    return msgspec.convert(tree, type=Scenario)


def _swap(node: Any, stand_in: dict[str, str], keep_references: bool) -> None:
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
