"""Which texts each model of the marks' benchmarks is trained on, and which are kept for prompts.

Novels (public domain) are taken in alphabetical order of their file names: the first of each three trains the proxy
and the tokenizer, the second the teacher, the third is never trained on and gives prompts. The teacher also reads
answers of instruction sets that SPLITS counts as tune; what is shipped is trained on public-domain text alone.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

#: Characters of each novel that are used: more than a short training can read.
MOST = 200_000


def novels(corpora: Path, third: int, most: int | None = MOST) -> list[str]:
    """Every third novel, from number `third` (0, 1, 2): the first `most` characters of each."""
    found = sorted((corpora / "text/english_novels").glob("*.txt"))[third::3]
    return [path.read_text(encoding="utf-8", errors="replace")[:most] for path in found]


def speeches(corpora: Path) -> list[str]:
    """Addresses of presidents of the United States (public domain)."""
    found = []
    for name in ("inaugural", "state_union"):
        with zipfile.ZipFile(corpora / f"text/nltk_public_domain/{name}.zip") as packed:
            found += [
                packed.read(member).decode("utf-8", "replace")
                for member in sorted(packed.namelist())
                if member.endswith(".txt")
            ]
    return found


def answers(corpora: Path) -> list[str]:
    """Every fourth answer of the instruction sets on the tune side: halueval and GPTeacher's code."""
    halueval = (corpora / "distill/halueval/general_data.json").read_text(encoding="utf-8")
    found = [json.loads(line)["chatgpt_response"] for line in halueval.splitlines() if line.strip()]
    code = json.loads(
        (corpora / "distill/gpteacher/Codegen/codegen-instruct.json").read_text(encoding="utf-8")
    )
    return [*found, *(row["response"] for row in code)][::4]


def proxy_texts(corpora: Path, most: int | None = MOST) -> list[str]:
    """What the shipped model is trained on, and the tokenizer (on whole novels): public domain only."""
    return novels(corpora, 0, most) + speeches(corpora)


def teacher_texts(corpora: Path) -> list[str]:
    """What the teacher is trained on."""
    return novels(corpora, 1) + answers(corpora)


def prompt_texts(corpora: Path) -> tuple[list[str], list[str]]:
    """Novels that no model has read: (for tuning, for scoring), by turns, so that no book is on both sides."""
    kept = novels(corpora, 2)
    return kept[0::2], kept[1::2]
