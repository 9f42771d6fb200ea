"""Journals that the tests write: records, and what stands in a folder afterwards."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

from hypothesis import strategies as st

from headwater.errors import BadRow
from headwater.exchange.journal import (
    Accepted,
    Entry,
    FileReader,
    Gap,
    Journal,
    JournalFile,
    JournalSettings,
    Outcome,
    Record,
    follow,
    journal_files,
)

AT = 1_793_000_000_000_000
USUAL = JournalSettings()
SMALL = JournalSettings(file_bytes=4096)


def secrets() -> Callable[[int], bytes]:
    """Bytes that look random and are the same in each run."""
    numbers = itertools.count(0xA1B2C3D4E5F60718)
    return lambda size: next(numbers).to_bytes(8, "big")[:size]


def request(
    number: int, at_us: int = AT, text: str = "What do rivers carry?", account: str = "a"
) -> Accepted:
    return Accepted(f"req-{number}", at_us + number, account, text, model="m", endpoint="chat", turn=0)


def ended(number: int, at_us: int = AT) -> Outcome:
    done = {"status": 200, "finish_reason": "stop", "latency_ms": 12.5, "input_tokens": 7, "output_tokens": 9}
    return Outcome(f"req-{number}", at_us + number + 12_500, **done)


def journal(folder: Path, settings: JournalSettings = USUAL) -> Journal:
    return Journal.open(folder, settings, secret=secrets())


def filled(folder: Path, count: int, settings: JournalSettings = USUAL, each: int = 10) -> None:
    """A closed journal of so many exchanges, written in batches of `each`."""
    held = journal(folder, settings)
    for number in range(count):
        held.append(request(number))
        held.append(ended(number))
        if number % each == each - 1:
            held.flush(AT + number)
    held.close(AT + count)


def only(folder: Path) -> JournalFile:
    (file,) = journal_files(folder)
    return file


def read(folder: Path) -> list[Record]:
    return [record for _, record in follow(folder)]


def entries(folder: Path) -> tuple[list[Entry], FileReader]:
    reader = FileReader(only(folder))
    return list(reader), reader


def told(folder: Path) -> tuple[list[Record], list[BadRow]]:
    rows: list[BadRow] = []
    return [record for _, record in follow(folder, None, rows.append)], rows


def whats(rows: list[BadRow]) -> Iterator[str]:
    return (row.what for row in rows)


texts = st.text(max_size=60) | st.none()
numbers = st.integers(-(1 << 63), (1 << 63) - 1) | st.none()
requests = st.builds(
    Accepted,
    st.text(min_size=1, max_size=20),
    st.integers(0, 1 << 60),
    st.text(min_size=1, max_size=20),
    prompt=texts,
    system=texts,
    turn=numbers,
    temperature=st.floats(allow_nan=False) | st.none(),
    stream=st.booleans() | st.none(),
    seed=numbers,
    body=st.binary(max_size=60) | st.none(),
)
outcomes = st.builds(
    Outcome,
    st.text(max_size=20),
    st.integers(0, 1 << 60),
    status=numbers,
    response=texts,
    output_tokens=numbers,
)
gaps = st.builds(Gap, st.integers(0, 1 << 60), st.integers(0, 1 << 60), st.integers(0, 9), st.integers(0, 9))
records = requests | outcomes | gaps
