"""Texts by who wrote them, for fitting and scoring the estimate of prevalence; read from the real corpora.

What the project's frozen splits name keeps its side. What they don't name (the corpora with many models' answers, the
essays, the detector benchmarks, the texts) is divided here by whole domain and whole model; answers to one question
never stand on both sides. Only figures leave: some of this text is pseudonymous.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import random
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from headwater.provenance.prevalence.reading import read

Side = Literal["tune", "score"]
#: `blind`: model text that the estimate isn't meant to see. `unknown`: people sent it, models may have written it.
Writer = Literal["human", "machine", "blind", "unknown"]

#: Texts kept of one source.
MOST = 1000
#: Messages from before 2022, so that no assistant of today had a hand in them.
GIT_UNTIL = 1_640_995_200
GIT_TUNE = {
    "rails": ("rails__rails",),
    "laravel": ("laravel__framework",),
    "numpy": ("numpy__numpy",),
    "brew": ("Homebrew__brew",),
    "mypy": ("python__mypy",),
    "datasets": ("huggingface__datasets",),
    "moby": ("moby__moby",),
    "scipy": ("scipy__scipy",),
    "small": ("jekyll__jekyll", "scrapy__scrapy", "pallets__flask", "tldr-pages__tldr"),
}
GIT_SCORE = {
    "symfony": ("symfony__symfony",),
    "celery": ("celery__celery",),
    "spring": ("spring-projects__spring-boot",),
    "prometheus": ("prometheus__prometheus",),
    "cargo": ("rust-lang__cargo",),
    "others": (
        "sphinx-doc__sphinx", "pytest-dev__pytest", "ohmyzsh__ohmyzsh", "rust-lang__rust-clippy",
        "encode__django-rest-framework", "psf__requests", "fastapi__fastapi",
    ),
}  # fmt: skip
ARENA_TUNE = (
    "Llama-2-70b-chat", "Mistral-7B-Instruct-v0.1", "Mixtral-8x7B-Instruct-v0.1", "gpt-3.5-turbo-1106",
    "gpt-3.5-turbo", "gpt-4-0314", "gpt-4-1106-preview", "openchat_3.5", "vicuna-13b-v1.5", "vicuna-33b-v1.3",
    "vicuna-7b-v1.5",
)  # fmt: skip
ARENA_SCORE = (
    "claude-1", "claude-2", "claude-2.1", "claude-instant-1", "palm-2-chat-bison-001", "Starling-LM-7B-alpha",
)  # fmt: skip
GSM_TUNE = (
    "Meta-Llama-3-70B-Instruct", "Meta-Llama-3-8B-Instruct", "Mistral-Nemo-Instruct-2407",
    "Mixtral-8x7B-Instruct-v0.1", "Phi-3.5-mini-instruct", "deepseek-chat", "deepseek-coder",
    "gpt-3.5-turbo-0125", "gpt-4o-2024-05-13", "gpt-4o-mini-2024-07-18",
)  # fmt: skip
GSM_SCORE = (
    "Qwen2-72B-Instruct", "claude-3-5-sonnet-20240620", "claude-3-haiku-20240307", "claude-3-opus-20240229",
    "command-r", "gemini-1.5-flash", "gemini-1.5-pro", "gemma-2-9b-it", "reka-core-20240501", "yi-large",
)  # fmt: skip
_REASONING = re.compile(r'"reasoning"\s*:\s*"(.*?)"\s*,\s*"answer"', re.S)


@dataclass(frozen=True)
class Source:
    """Texts of one writer in one domain. `cluster` holds domains of one kind, `model` names who wrote (or "")."""

    name: str
    writer: Writer
    cluster: str
    model: str
    texts: tuple[str, ...]


def first_half(text: str) -> bool:
    """The splits' rule: the first hexadecimal digit of the text's SHA-256 is below 8."""
    return hashlib.sha256(text.encode()).hexdigest()[0] < "8"


def some(texts: Iterable[str], most: int = MOST) -> tuple[str, ...]:
    """Up to `most` different texts, in the order of their hashes."""
    kept = {text.strip() for text in texts if text and text.strip()}
    return tuple(
        sorted(kept, key=lambda text: hashlib.sha256(text.encode("utf-8", "replace")).digest())[:most]
    )


def lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def loaded(path: Path) -> list[dict[str, Any]]:
    """A JSON array, or lines of JSON."""
    text = path.read_text("utf-8")
    if text.lstrip().startswith("["):
        return list(json.loads(text))
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def passages(text: str, draw: random.Random) -> Iterator[str]:
    """Whole sentences in pieces of 40 to 450 words, as rows of a corpus have them."""
    sentences = re.split(r"(?<=[.!?])\s+", re.sub(r"[ \t]*\n(?!\n)[ \t]*", " ", text))
    piece: list[str] = []
    size, wanted = 0, draw.randint(40, 450)
    for sentence in sentences:
        piece.append(sentence)
        size += len(sentence.split())
        if size >= wanted:
            yield " ".join(piece)
            piece, size, wanted = [], 0, draw.randint(40, 450)


def git(root: Path, projects: tuple[str, ...], without: set[str]) -> Iterator[str]:
    for project in projects:
        path = root / "accounts/git_commits/messages" / f"{project}.jsonl.gz"
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for line in file:
                row = json.loads(line)
                if row["kind"] == "human" and row["t"] < GIT_UNTIL and row["account"] not in without:
                    yield row["text"]


def git_accounts(root: Path) -> set[str]:
    """Accounts of the tune side, whose messages the score side leaves out."""
    found = set()
    for projects in GIT_TUNE.values():
        for project in projects:
            path = root / "accounts/git_commits/messages" / f"{project}.jsonl.gz"
            with gzip.open(path, "rt", encoding="utf-8") as file:
                found |= {json.loads(line)["account"] for line in file}
    return found


def dialogs(path: Path, role: str | None = None, lang: str | None = None) -> Iterator[str]:
    for row in lines(path):
        if lang is None or row.get("lang", lang) == lang:
            turns = [turn["text"] for turn in row["turns"] if role is None or turn["role"] == role]
            yield "\n".join(turns)


def zipped(path: Path, draw: random.Random) -> Iterator[str]:
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            if name.endswith(".txt"):
                yield from passages(archive.read(name).decode("latin-1"), draw)


def mmlu(root: Path) -> Iterator[str]:
    with zipfile.ZipFile(root / "benign/mmlu/mmlu.zip") as archive:
        for name in sorted(archive.namelist()):
            if name.endswith(".csv"):
                for row in csv.reader(io.StringIO(archive.read(name).decode("utf-8"))):
                    yield row[0]


def novels(root: Path, since: int, until: int) -> Iterator[str]:
    for path in sorted((root / "text/english_novels").glob("*.txt")):
        if since <= int(path.stem[-4:]) < until:
            draw = random.Random(path.stem)
            pieces = list(passages(path.read_text("utf-8", "replace"), draw))
            yield from draw.sample(pieces, min(30, len(pieces)))


def fast(root: Path, domain: str, model: str, field: str) -> Iterator[str]:
    paths = sorted((root / "paraphrase/fast_detect_gpt").glob(f"*/data/{domain}_{model}.raw_data.json"))
    for path in paths:
        for text in json.loads(path.read_text("utf-8"))[field]:
            yield text.split("Answer:", 1)[-1] if domain == "pubmed" else text


def outfox(root: Path, *names: str) -> Iterator[str]:
    for name in names:
        yield from json.loads((root / "paraphrase/outfox" / name).read_text("utf-8"))


def arena_bench(root: Path, model: str, half: bool) -> Iterator[str]:
    folder = root / "multimodel/arena_bench_v1"
    asked = {row["question_id"]: row["turns"][0] for row in lines(folder / "question.jsonl")}
    asked = {key: turn if isinstance(turn, str) else turn["content"] for key, turn in asked.items()}
    for row in lines(folder / "model_answer" / f"{model}.jsonl"):
        if first_half(asked[row["question_id"]]) is half:
            yield row["choices"][0]["turns"][0]


def arena_hard(root: Path, model: str, half: bool) -> Iterator[str]:
    for row in lines(root / "multimodel/arena_hard_v01" / f"{model}.jsonl"):
        if first_half(row["messages"][0]["content"]) is half:
            answer = row["messages"][1]["content"]
            yield answer if isinstance(answer, str) else answer["answer"]


def gsm(root: Path, model: str, half: bool) -> Iterator[str]:
    for row in lines(root / "multimodel/zeroeval_gsm" / f"{model}.jsonl"):
        if first_half(row["question"]) is half:
            output = row["output"] if isinstance(row["output"], str) else row["output"][0]
            inner = _REASONING.search(output)
            yield inner[1].replace("\\n", "\n").replace('\\"', '"') if inner else output


def atlas(root: Path) -> Iterator[str]:
    seen = set()
    for number in range(3):
        for row in lines(root / f"distill/atlas_gpt4/answers_{number}.jsonl"):
            if row["prompt"] not in seen and isinstance(row["output"], str):
                seen.add(row["prompt"])
                yield row["output"]


def apps(root: Path) -> Iterator[str]:
    import tarfile

    with tarfile.open(root / "paraphrase/markmywords/selected.tar.gz") as archive:
        for member in archive:
            if member.name.endswith("question.txt") and (file := archive.extractfile(member)):
                yield file.read().decode("utf-8", "replace")


def rationales(root: Path, name: str, field: str = "rationale") -> Iterator[str]:
    return (row[field] for row in lines(root / "distill/flan_cot/cot.jsonl") if row["set"] == name)


def gsm8k(root: Path, field: str) -> Iterator[str]:
    for row in lines(root / "benign/gsm8k/train.jsonl"):
        yield re.sub(r"<<[^>]*>>", "", row[field]).split("\n####")[0]


def seeds(root: Path) -> Iterator[str]:
    for row in lines(root / "distill/self_instruct_seeds/seed_tasks.jsonl"):
        yield row["instruction"] + "\n" + row["instances"][0]["input"] + "\n" + row["instances"][0]["output"]


def arena_prompts(root: Path, half: bool) -> Iterator[str]:
    for row in lines(root / "benign/arena_hard_v01/question.jsonl"):
        turn = row["turns"][0] if "turns" in row else row["prompt"]
        text = turn if isinstance(turn, str) else turn["content"]
        if first_half(text) is half:
            yield text


def responses(path: Path) -> Iterator[str]:
    for row in loaded(path):
        answer = row.get("response", row.get("chatgpt_response"))
        if isinstance(answer, str):
            yield answer


Row = tuple[str, Writer, str, str, Callable[[], Iterable[str]]]


def tune(root: Path) -> Iterator[Row]:
    """What is fitted on: name, who wrote it, kind of domain, model, texts."""
    yield (
        "essays",
        "human",
        "essays",
        "",
        lambda: outfox(root, "common/test/test_humans.json", "common/valid/valid_humans.json"),
    )
    yield "xsum", "human", "news", "", lambda: fast(root, "xsum", "*", "original")
    yield "squad", "human", "encyclopedia", "", lambda: fast(root, "squad", "*", "original")
    for since, until in ((1840, 1872), (1872, 1900), (1900, 1931)):
        name = f"novels {since}"
        yield name, "human", "novels", "", lambda since=since, until=until: novels(root, since, until)
    union = root / "text/nltk_public_domain/state_union.zip"
    yield "state of the union", "human", "speeches", "", lambda: zipped(union, random.Random(1))
    for name in ("multiwoz", "taskmaster4"):
        path = root / f"benign/dialog_{name}/dialogs.jsonl"
        yield name, "human", name, "", lambda path=path: dialogs(path)
    yield "aqua rationales", "human", "aqua", "", lambda: rationales(root, "aqua")
    yield "aqua questions", "human", "aqua", "", lambda: rationales(root, "aqua", "prompt")
    for field in ("question", "answer"):
        yield f"gsm8k {field}s", "human", "gsm8k", "", lambda field=field: gsm8k(root, field)
    for name, projects in GIT_TUNE.items():
        yield f"git {name}", "human", "git", "", lambda projects=projects: git(root, projects, set())
    yield "arena prompts", "unknown", "chat prompts", "", lambda: arena_prompts(root, True)
    yield "contest tasks", "human", "contest", "", lambda: apps(root)
    yield "seed tasks", "human", "seeds", "", lambda: seeds(root)
    yield (
        "banking77",
        "human",
        "banking",
        "",
        lambda: (
            row["text"]
            for row in csv.DictReader((root / "benign/banking77/train.csv").open(encoding="utf-8"))
        ),
    )
    yield (
        "essays chatgpt",
        "machine",
        "essays",
        "gpt-3.5",
        lambda: outfox(root, "chatgpt/test/test_lms.json", "chatgpt/valid/valid_lms.json"),
    )
    yield (
        "essays davinci",
        "machine",
        "essays",
        "text-davinci-003",
        lambda: outfox(root, "text_davinci_003/test/test_lms.json", "text_davinci_003/valid/valid_lms.json"),
    )
    for model in ("gpt-3.5-turbo", "gpt-4"):
        yield (
            f"xsum {model}",
            "machine",
            "news",
            model,
            lambda model=model: fast(root, "xsum", model, "sampled"),
        )
    yield (
        "halueval",
        "machine",
        "instructions",
        "gpt-3.5",
        lambda: responses(root / "distill/halueval/general_data.json"),
    )
    yield (
        "codegen",
        "machine",
        "code",
        "gpt-4",
        lambda: responses(root / "distill/gpteacher/Codegen/codegen-instruct.json"),
    )
    yield "atlas", "machine", "questions", "gpt-4", lambda: atlas(root)
    for model in ARENA_TUNE:
        yield (
            f"arena bench {model}",
            "machine",
            "arena",
            model,
            lambda model=model: arena_bench(root, model, True),
        )
    for model in ("gpt-3.5-turbo-0125", "gpt-4-0314", "gpt-4-0613"):
        yield (
            f"arena hard {model}",
            "machine",
            "arena",
            model,
            lambda model=model: arena_hard(root, model, True),
        )
    for model in GSM_TUNE:
        yield f"gsm {model}", "machine", "gsm8k", model, lambda model=model: gsm(root, model, True)
    yield (
        "essays flan-t5",
        "blind",
        "essays",
        "flan-t5-xxl",
        lambda: outfox(root, "flan_t5_xxl/test/test_lms.json", "flan_t5_xxl/valid/valid_lms.json"),
    )
    yield (
        "essays rewritten against a detector",
        "blind",
        "essays",
        "gpt-3.5",
        lambda: outfox(root, "chatgpt/test/test_outfox_attacks.json"),
    )
    for model in ("chatgpt", "text_davinci_003"):
        yield (
            f"essays {model} paraphrased",
            "blind",
            "essays",
            model,
            lambda model=model: outfox(root, f"dipper/{model}/test_attacks.json"),
        )
    for model in ("gpt2-xl", "opt-2.7b", "gpt-neox-20b", "davinci"):
        yield (
            f"xsum {model}",
            "blind",
            "news",
            model,
            lambda model=model: fast(root, "xsum", model, "sampled"),
        )


def score(root: Path) -> Iterator[Row]:
    """What is only scored."""
    yield "stories", "human", "stories", "", lambda: fast(root, "writing", "*", "original")
    yield "medical answers", "human", "medical", "", lambda: fast(root, "pubmed", "*", "original")
    inaugural = root / "text/nltk_public_domain/inaugural.zip"
    yield "inaugural speeches", "human", "speeches", "", lambda: zipped(inaugural, random.Random(2))
    yield "woz2", "human", "woz2", "", lambda: dialogs(root / "benign/dialog_woz2/dialogs.jsonl", lang="en")
    yield "mmlu questions", "human", "mmlu", "", lambda: mmlu(root)
    for name in ("creak", "qasc"):
        yield f"{name} rationales", "human", name, "", lambda name=name: rationales(root, name)
    without = git_accounts(root)
    for name, projects in GIT_SCORE.items():
        yield f"git {name}", "human", "git", "", lambda projects=projects: git(root, projects, without)
    yield "arena prompts", "unknown", "chat prompts", "", lambda: arena_prompts(root, False)
    yield (
        "human eval",
        "human",
        "code",
        "",
        lambda: (row["prompt"] for row in lines(root / "benign/human_eval/human_eval.jsonl")),
    )
    for name in ("kdconv",):
        path = root / f"benign/dialog_{name}/dialogs.jsonl"
        yield f"{name} (Chinese)", "human", name, "", lambda path=path: dialogs(path)
    # The assistant's turns of the German dialogues are English.
    german = root / "benign/dialog_woz2/dialogs.jsonl"
    yield "woz2 (German users)", "human", "woz2", "", lambda: dialogs(german, role="user", lang="de")
    for model in ("gpt-3.5-turbo", "gpt-4"):
        yield (
            f"stories {model}",
            "machine",
            "stories",
            model,
            lambda model=model: fast(root, "writing", model, "sampled"),
        )
        yield (
            f"medical answers {model}",
            "machine",
            "medical",
            model,
            lambda model=model: fast(root, "pubmed", model, "sampled"),
        )
    yield (
        "roleplay",
        "machine",
        "roleplay",
        "gpt-4",
        lambda: responses(root / "distill/gpteacher/Roleplay/roleplay-simple-deduped-roleplay-instruct.json"),
    )
    yield (
        "toolformer",
        "machine",
        "tools",
        "gpt-4",
        lambda: responses(root / "distill/gpteacher/Toolformer/toolformer-dedupe-only-dataset.json"),
    )
    yield (
        "mtbench101",
        "machine",
        "dialogues",
        "gpt-4",
        lambda: dialogs(root / "benign/dialog_mtbench101/dialogs.jsonl", role="assistant"),
    )
    for model in ARENA_SCORE:
        yield (
            f"arena bench {model}",
            "machine",
            "arena",
            model,
            lambda model=model: arena_bench(root, model, False),
        )
    for model in GSM_SCORE:
        yield f"gsm {model}", "machine", "gsm8k", model, lambda model=model: gsm(root, model, False)


def sources(root: Path, side: Side, *, readable: bool) -> list[Source]:
    """All sources of one side; a text that stands in two of them is kept in the first only.

    `readable`: only texts that the estimate can read, so that short ones don't crowd them out.
    """
    seen: set[str] = set()
    found = []
    for name, writer, cluster, model, texts in (tune if side == "tune" else score)(root):
        fresh = some(
            text for text in texts() if text.strip() not in seen and (not readable or read(text) is not None)
        )
        seen.update(fresh)
        found.append(Source(name, writer, cluster, model, fresh))
    return found
