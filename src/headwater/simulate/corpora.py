"""Public texts by name, with the frozen division into *tune* and *score* held in code.

A corpus becomes prompts grouped in units (a lone prompt, or all user turns of one dialogue), each unit with
a topic cluster and a language. Files are never changed and nothing is downloaded. Which account sends what
is decided by `people` and `campaign`.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np

from headwater.errors import UnreadableInput, UsageError, Where
from headwater.simulate.catalogue import SOURCES, Row, Side, Source
from headwater.simulate.chance import Ints
from headwater.simulate.topics import clusters

VARIABLE = "HEADWATER_CORPORA"
_MANY_LABELS = 120
#: The split of a table, at the end of its name.
_SPLIT = re.compile(r"_(dev|val|test|train|auxiliary_train)$")


@dataclass(frozen=True)
class Corpus:
    """Prompts of one source: `texts` and `answers` (empty where there is none) are aligned.

    A unit is a run of texts that belong together: `starts` has one more entry than units. `cluster` and
    `language` hold one value per unit.
    """

    name: str
    texts: tuple[str, ...]
    answers: tuple[str, ...]
    labels: tuple[str, ...]
    starts: Ints
    cluster: Ints
    language: tuple[str, ...]


T = TypeVar("T")


@dataclass
class Corpora:
    """The folder of public corpora, opened on one side only; a corpus of the other side is refused."""

    root: Path
    side: Side = "tune"
    _loaded: dict[str, Corpus] = field(default_factory=dict, repr=False)
    _learned: dict[Callable[[Corpora], Any], Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.root = Path(self.root)

    @classmethod
    def find(cls, root: str | Path | None = None, side: Side = "tune") -> Corpora:
        """The corpora at `root`, or where the variable HEADWATER_CORPORA points.

        Raises `UsageError` where neither names a folder.
        """
        named = root or os.environ.get(VARIABLE)
        if not named:
            raise UsageError(
                "no folder of public corpora is named",
                hint=f"set {VARIABLE} to the folder that holds benign/, distill/, traces/, …",
            )
        path = Path(named)
        if not path.is_dir():
            raise UsageError("the folder of public corpora does not exist", where=Where(file=str(path)))
        return cls(path, side)

    def source(self, name: str) -> Source:
        """The catalogue's entry of a corpus on this side. Raises `UsageError` for any other."""
        if name not in SOURCES:
            known = ", ".join(sorted(s.name for s in SOURCES.values() if s.side == self.side))
            raise UsageError(f"there is no corpus named {name!r}", hint=f"on this side there are: {known}")
        found = SOURCES[name]
        if found.side != self.side:
            raise UsageError(
                f"the corpus {name!r} stands on the {found.side} side, closed from the {self.side} side",
                hint="the division is frozen: what is tuned on is never scored on",
            )
        return found

    def once(self, learn: Callable[[Corpora], T]) -> T:
        """What `learn` makes of these corpora, made once."""
        if learn not in self._learned:
            self._learned[learn] = learn(self)
        return cast("T", self._learned[learn])

    def files(self, pattern: str) -> list[Path]:
        """Files below the root that match, in order. Raises `UnreadableInput` where there are none."""
        found = sorted(self.root.glob(pattern))
        if not found:
            raise UnreadableInput(
                "a corpus file is missing",
                where=Where(file=str(self.root / pattern)),
                hint=f"{VARIABLE} must name the complete folder of corpora",
            )
        return found

    def load(self, name: str) -> Corpus:
        """One corpus as prompts; read once. Raises `UsageError` for an unknown or closed corpus."""
        source = self.source(name)
        if name not in self._loaded:
            self._loaded[name] = _corpus(source, self.files(source.files))
        return self._loaded[name]


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[Row]:
    if path.suffix == ".zip":
        yield from _tables(path, columns)
        return
    if path.suffix not in (".jsonl", ".json", ".csv"):
        raise UnreadableInput("no reader for this kind of corpus file", where=Where(file=str(path)))
    with path.open(encoding="utf-8", newline="") as handle:
        if path.suffix == ".csv":
            yield from csv.DictReader(handle, columns or None)
            return
        if handle.read(1) == "[":
            handle.seek(0)
            yield from json.load(handle)
            return
        handle.seek(0)
        for line in handle:
            if line.strip():
                yield json.loads(line)


def _tables(path: Path, columns: tuple[str, ...]) -> Iterator[Row]:
    """Rows of all tables (CSV) of an archive, by name; `table` is a row's table, whichever split of it."""
    try:
        with zipfile.ZipFile(path) as archive:
            for name in sorted(archive.namelist()):
                if not name.endswith(".csv") or name.startswith("__MACOSX/"):
                    continue
                with archive.open(name) as member:
                    lines = io.TextIOWrapper(member, encoding="utf-8", newline="")
                    for row in csv.DictReader(lines, columns or None):
                        yield {**row, "table": _SPLIT.sub("", Path(name).stem)}
    except (zipfile.BadZipFile, UnicodeDecodeError, csv.Error) as fault:
        raise UnreadableInput("an archive of corpora cannot be read", where=Where(file=str(path))) from fault


def _value(row: Row, field_name: str) -> str:
    parts = [str(row.get(part) or "").strip() for part in field_name.split("+")]
    return "\n".join(part for part in parts if part)


def _texts(source: Source, row: Row) -> list[str]:
    if source.turns:
        said = [str(turn["text"]).strip() for turn in _asked(row["turns"])]
        return [text for text in said if text]
    text = _value(row, source.prompt)
    return [text] if text else []


def _asked(turns: list[Row]) -> list[Row]:
    """The turns of who asks: the user, or where two people chat and none is one, whoever speaks first."""
    roles = [turn.get("role") for turn in turns]
    if len(set(roles)) < 2 and "user" not in roles:
        return turns[::2]
    asker = "user" if "user" in roles else roles[0]
    return [turn for turn, role in zip(turns, roles, strict=True) if role == asker]


def _corpus(source: Source, files: list[Path]) -> Corpus:
    texts: list[str] = []
    answers: list[str] = []
    labels: list[str] = []
    languages: list[str] = []
    starts = [0]
    seen: set[str] = set()
    for path in files:
        for row in _rows(path, source.columns):
            if source.keep is not None and not source.keep(row):
                continue
            said = _texts(source, row)
            # The same prompt twice in one corpus is one prompt: repeats are the scenario's doing.
            if not said or (not source.turns and said[0] in seen):
                continue
            seen.add(said[0])
            texts.extend(said)
            answers.extend([_value(row, source.answer) if source.answer else ""] * len(said))
            labels.append(path.stem if source.label == "file" else _constant(source.label, row))
            languages.append(_constant(source.language, row))
            starts.append(len(texts))
    if not texts:
        raise UnreadableInput("a corpus holds no usable row", where=Where(file=str(files[0])))
    offsets = np.array(starts, dtype=np.int64)
    openings = [texts[start] for start in starts[:-1]]
    return Corpus(
        source.name,
        tuple(texts),
        tuple(answers),
        tuple(labels),
        offsets,
        _cluster(openings, labels),
        tuple(languages),
    )


def _constant(name: str, row: Row) -> str:
    return name[1:] if name.startswith("=") else (_value(row, name) if name else "")


def _cluster(openings: list[str], labels: list[str]) -> Ints:
    """Existing labels where there are some but not too many; clusters of wording elsewhere."""
    names = sorted(set(labels))
    if 1 < len(names) <= _MANY_LABELS or labels[0] == "all":
        number = {name: i for i, name in enumerate(names)}
        return np.array([number[label] for label in labels], dtype=np.int64)
    return clusters(openings, int(np.clip(len(openings) // 60, 4, 40)))
