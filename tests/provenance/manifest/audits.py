"""Small data sets with the audit that was made of each: instructions with a generator column, chats in two
files whose card names the model, and essays that people wrote."""

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

ROWS = [
    {
        "id": "1",
        "created_at": "2024-09-01",
        "instruction": "Name a river.",
        "output": "The Elbe.",
        "generator": "gpt-4o-2024-08-06",
    },
    {
        "id": "2",
        "created_at": "2024-10-31",
        "instruction": "Name a sea.",
        "output": "The Baltic.",
        "generator": "gpt-4o-2024-08-06",
    },
    {
        "id": "3",
        "instruction": "Name a lake.",
        "output": "Loch Ness.",
        "generator": "meta-llama/Llama-3.1-8B",
    },
    {
        "id": "4",
        "created_at": "2019-05-05",
        "instruction": "Name a bay.",
        "output": "Whitby, where I grew up.",
        "generator": "human",
    },
]
CLAUSE = "urn:headwater:terms:openai:terms-of-use:2026-07-26#1"


def column(name: str, role: str | None = None, kind: str = "string", rows: int = 4) -> dict[str, Any]:
    return {"name": name, "type": kind, "role": role, "rows": rows}


def group(key: str, origin: dict[str, Any], rows: int, verdict: str, **more: Any) -> dict[str, Any]:
    answer = {
        "verdict": more.pop("terms", "unknown"),
        "sentence": more.pop("sentence", "Nothing is known of the terms."),
        "links": [
            {
                "kind": "vendor",
                "name": "openai",
                "verdict": "prohibited-by-contract",
                "sentence": "",
                "clauses": [
                    {"document": "Terms of Use", "version": CLAUSE.partition("#")[0], "uid": uid, "says": ""}
                ],
            }
            for uid in more.pop("clauses", ())
        ],
        "duties": list(more.pop("duties", ())),
        "conditions": [],
    }
    return {
        "key": key, "origin": origin, "basis": ["column generator"], "rows": rows, "characters": 20 * rows,
        "first_at": None, "last_at": None, "verdict": verdict, "answer": answer, **more,
    }  # fmt: skip


def audit(folder: Path, name: str, kind: str, **parts: Any) -> dict[str, Any]:
    """The document for all files below `folder/data`."""
    files = [
        {
            "path": path.relative_to(folder).as_posix(), "kind": kind, "bytes": path.stat().st_size, "rows": 2,
            "set_aside": 0, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for path in sorted((folder / "data").iterdir())
        if path.suffix != ".c2pa"
    ]  # fmt: skip
    made = {
        "schema": "headwater.audit/1", "name": name, "headwater": "0.1.0", "corpus": str(folder),
        "use": {"action": "train", "competing": True}, "asked_at": "2026-11-27", "files": files, "rows": 4,
        "characters": 80, "lengths": [[10, 4]], "text_fields": ["instruction", "output"], "columns": [],
        "set_aside": {"total": 0, "reasons": [], "notices": []},
        "card": {"license": [], "source_datasets": [], "language": [], "tags": [], "generators": []},
        "verdicts": {"clean": 0, "bound": 0, "unknown": 4}, "contradicted": 0, "groups": [], "other_groups": 0,
        "stages": [{"name": "claims", "ran": True, "rows": 4, "kinds": [["generator column", 4]]}],
        "findings": [], "prevalence": None, "disputes": 0,
    }  # fmt: skip
    return made | parts


def written(folder: Path, document: dict[str, Any]) -> Path:
    path = folder / "audit.json"
    path.write_text(json.dumps(document), "utf-8")
    return path


def instructions(folder: Path) -> Path:
    """One JSONL file with a generator column; a card that says a licence and a language."""
    (folder / "data").mkdir(parents=True)
    lines = "".join(json.dumps(row) + "\n" for row in ROWS)
    (folder / "data" / "train.jsonl").write_text(lines, "utf-8")
    groups = [
        group("a", {"model": "gpt-4o-2024-08-06", "provider": "openai"}, 2, "bound", first_at="2024-09-01",
              last_at="2024-10-31", terms="prohibited-by-contract", clauses=[CLAUSE],
              sentence="The terms say that outputs may not be used to develop competing models."),
        group("b", {"model": "meta-llama/Llama-3.1-8B", "provider": "meta"}, 1, "bound", first_at="2024-10-02",
              last_at="2024-10-02", terms="allowed-with-duties", duties=["Name the model with the prefix Llama."]),
        group("c", {"human": True}, 1, "clean", terms="allowed"),
    ]  # fmt: skip
    card = {"license": ["cc-by-4.0"], "source_datasets": ["example/rivers"], "language": ["en", "no"],
            "tags": ["geography"], "pretty_name": "Rivers & seas", "generators": []}  # fmt: skip
    columns = [column("id", "id"), column("instruction"), column("output"), column("generator", "generator"),
               column("created_at", "date")]  # fmt: skip
    finding = {"stage": "artefacts", "kind": "self-identification", "provider": "openai", "language": "en",
               "rows": 1, "contradicts": 0, "examples": []}  # fmt: skip
    return written(
        folder,
        audit(folder, "rivers", "lines", groups=groups, card=card, columns=columns, findings=[finding],
              verdicts={"clean": 1, "bound": 3, "unknown": 0}),
    )  # fmt: skip


def chats(folder: Path) -> Path:
    """Two Parquet files without a generator column; the card names the model."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    (folder / "data").mkdir(parents=True)
    for part in range(2):
        messages = [
            [{"role": "user", "content": f"Hello {part}"}, {"role": "assistant", "content": "Hi!"}]
        ] * 2
        table = pa.table({"messages": messages, "turns": [2, 2], "scores": [[0.5], [0.25]]})
        pq.write_table(table, folder / "data" / f"chat-{part}.parquet")
    groups = [group("a", {"model": "mistral-large-2407", "provider": "mistral"}, 4, "clean", basis=["card"])]
    card = {"license": ["apache-2.0"], "tags": ["synthetic"], "generators": ["mistral-large-2407"]}
    columns = [column("messages", kind="list"), column("turns", kind="number"), column("scores", kind="list")]
    return written(
        folder,
        audit(folder, "chats", "parquet", groups=groups, card=card, columns=columns,
              text_fields=["messages.role", "messages.content"], verdicts={"clean": 4, "bound": 0, "unknown": 0}),
    )  # fmt: skip


def essays(folder: Path) -> Path:
    """A CSV file of which nothing is claimed."""
    (folder / "data").mkdir(parents=True)
    with (folder / "data" / "essays.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["id", "text"], ["1", "On rivers, by hand"], ["2", "On seas"]])
    columns = [column("id", "id"), column("text")]
    return written(folder, audit(folder, "essays", "sheet", columns=columns, text_fields=["text"], rows=2))


SETS = {"instructions": instructions, "chats": chats, "essays": essays}
