"""A tiny folder of corpora in the layout of the real one, with invented texts, and a small scenario on it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np

from headwater.simulate.chance import stream

SYLLABLES = (
    "ka",
    "lo",
    "mi",
    "ter",
    "van",
    "gri",
    "pos",
    "una",
    "rel",
    "do",
    "shi",
    "bex",
    "ar",
    "en",
    "tul",
    "fa",
)

SCENARIO = """
name = "small"
title = "A small world for tests"
seed = 7
start = 2026-09-07T00:00:00Z
days = 14
outages = [{ day = 5.5, minutes = 30 }]

[[innocents]]
name = "people"
shape = "people"
accounts = 240
exchanges = 3600
corpora = { gsm8k = 3, halueval = 3, codegen = 2, multiwoz = 1 }

[[innocents]]
name = "shop"
shape = "product"
accounts = 6
exchanges = 500
end_users = 150
corpora = { banking77 = 1 }

[[innocents]]
name = "firm"
shape = "seats"
accounts = 20
exchanges = 300
organisations = 1
corpora = { codegen = 2, halueval = 1 }

[[innocents]]
name = "lab"
shape = "harness"
accounts = 3
exchanges = 400
organisations = 2
corpora = { gsm8k = 1, halueval = 1 }
templates = ["Question: {task}\\nAnswer: let us think."]

[[innocents]]
name = "labels"
shape = "labelling"
accounts = 2
exchanges = 200
organisations = 1
corpora = { banking77 = 1 }

[[innocents]]
name = "starters"
shape = "template"
accounts = 30
exchanges = 300
corpora = { gsm8k = 1, banking77 = 1 }
templates = ["Act as a teacher.\\n\\n{task}"]
template_share = 0.5

[[campaigns]]
name = "ring"
accounts = 40
exchanges = 3000
cover = 0.1
cover_corpora = { banking77 = 1, multiwoz = 1 }
begin_day = 1.0
end_day = 13.5
pivot_day = 9.0

[[campaigns.tasks]]
kind = "reasoning"
share = 0.7
corpora = { gsm8k = 2, halueval = 1, banking77 = 1 }
templates = ["Write down every thought, then the result.\\n\\n{task}"]

[[campaigns.tasks]]
kind = "grading"
share = 0.3
corpora = { halueval = 1, codegen = 1 }
templates = ["Grade the answer.\\nTask: {task}\\nAnswer: {answer}\\nRubric: {criterion}"]

[campaigns.dispatcher]
kind = "pool"
workers = 6
think_s = 40.0
runs_per_day = 1
pauses = 1

[campaigns.infrastructure]
per_payment = 5
per_ip = 8
"""


def _word(rng: np.random.Generator) -> str:
    return "".join(SYLLABLES[i] for i in rng.integers(0, len(SYLLABLES), 3))


def texts(label: str, count: int, topics: int = 6) -> list[str]:
    """`count` different invented sentences on `topics` topics, each topic with words of its own."""
    rng = stream(0, label)
    common = [_word(rng) for _ in range(12)]
    own = [[_word(rng) for _ in range(10)] for _ in range(topics)]
    out = []
    for i in range(count):
        words = [own[i % topics][j] for j in rng.integers(0, 10, 8)]
        words += [common[j] for j in rng.integers(0, 12, 5)]
        sentence = " ".join(words[j] for j in rng.permutation(13))
        out.append(f"{sentence.capitalize()} {i}?")
    return out


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def _lines(path: Path, rows: list[dict[str, object]]) -> None:
    _write(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def corpora_folder(root: Path) -> Path:
    """Write the folder; the path of its root."""
    _lines(
        root / "benign/gsm8k/train.jsonl",
        [{"question": text, "answer": f"Because of this: {text[:20]}"} for text in texts("gsm8k", 400)],
    )
    _lines(
        root / "distill/halueval/general_data.json",
        [{"user_query": text, "chatgpt_response": text[::-1]} for text in texts("halueval", 300)],
    )
    code = [{"instruction": text, "input": "x = {1}", "response": "pass"} for text in texts("codegen", 300)]
    _write(root / "distill/gpteacher/Codegen/code.json", json.dumps(code))
    bank = "text,category\n" + "".join(f'"{t}",topic_{i % 5}\n' for i, t in enumerate(texts("bank", 200)))
    _write(root / "benign/banking77/train.csv", bank)
    said = texts("multiwoz", 240)
    talks: list[dict[str, object]] = [
        {"turns": [{"role": role, "text": t} for t in said[i : i + 3] for role in ("user", "assistant")]}
        for i in range(0, 240, 3)
    ]
    _lines(root / "benign/dialog_multiwoz/dialogs.jsonl", talks)
    _lines(root / "benign/arena_hard_v01/question.jsonl", [{"prompt": text} for text in texts("arena", 60)])
    _lines(
        root / "benign/mgsm/mgsm.jsonl",
        [{"lang": lang, "id": i, "prompt": f"{lang} {i}"} for lang in ("de", "zh") for i in range(250)],
    )
    _lines(root / "benign/judge_templates/templates.jsonl", _judges())
    _times(root)
    return root


def _judges() -> list[dict[str, object]]:
    prompt = "Judge {input}\n    by {completion}.\n\n    Criterion: {criteria}"
    entry = f"closed:\n  prompt: |-\n    {prompt}\n  choice: YN\n"
    return [
        {"source": "openai/evals", "name": "closed.yaml", "lang": "en", "template": entry},
        {"source": "lm-sys/FastChat", "name": "pair", "lang": "en", "template": "Compare {question}."},
    ]


def _times(root: Path) -> None:
    """Commit times of 60 people who work at their own hours, one client's load, answer lengths."""
    rng = stream(0, "times")
    rows = ["project\taccount\tkind\tn\ttimes_utc_first_then_deltas_s"]
    for i in range(60):
        count = int(rng.integers(1, 4) if i % 3 else rng.integers(30, 120))
        days = np.sort(rng.integers(10_000, 12_000, count))
        at = np.sort(days * 86_400 + (i % 24) * 3600 + rng.integers(0, 3000, count))
        deltas = np.r_[at[0], np.diff(at)]
        rows.append(f"rails/rails\tp{i:03d}\thuman\t{count}\t{','.join(map(str, deltas.tolist()))}")
    path = root / "accounts/git_commits/events.tsv.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(("\n".join(rows) + "\n").encode(), mtime=0))
    load = "".join(f"{600 * i},{0.2 + 0.1 * (i % 7)},1.5,Gamma,1,1\n" for i in range(144))
    _write(root / "traces/servegen/reason/deepseek-r1/chunk-0-trace.csv", load)
    lengths = "".join(f"2023-11-16 18:15:{i % 60:02d}.0,100,{20 + i % 300}\n" for i in range(900))
    _write(
        root / "traces/azure_llm_2023/AzureLLMInferenceTrace_conv.csv",
        "TIMESTAMP,ContextTokens,GeneratedTokens\n" + lengths,
    )
