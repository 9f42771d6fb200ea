"""Prompts of Parquet logs: none stays in the store, and what a report quotes is read again, or nothing is quoted."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import headwater
from headwater import intake, kept, quoted
from headwater.engine import Local, Resources, arrange
from headwater.exchange import SetAside, open_log
from headwater.imprint import imprint
from headwater.kept import Kept, open_kept
from headwater.keys import DEMO_KEY, ImprintKey
from headwater.quoted import Prompts
from investigation.worlds import SETTINGS, accounts, exchanges

BEGIN = 1_767_225_600_000_000
SECRET = "kept nowhere but in the log"


def table(first: int, count: int, bad: set[int] = frozenset(), **more: Any) -> pa.Table:  # type: ignore[assignment]
    """Rows of which some can't be used."""
    rows = range(first, first + count)
    columns: dict[str, Any] = {
        "id": [None if at in bad else f"id-{at}" for at in rows],
        "account": [f"account-{at % 3}" for at in rows],
        "at": pa.array([BEGIN + at * 1_000_000 for at in rows], pa.timestamp("us", "UTC")),
        "prompt": [f"prompt number {at} is {SECRET}" for at in rows],
    }
    return pa.table({**columns, **more})


@contextmanager
def opened(
    log: Path, store: Path, key: ImprintKey = DEMO_KEY, **how: Any
) -> Iterator[tuple[Kept, Local, Prompts]]:
    """A log read into a store, and what asks for its prompts."""
    schema = intake.schema(keep_prompts=True)
    with SetAside(sink=store.parent / "aside.jsonl") as aside:
        found = open_log([log], aside=aside, **how)
        held = open_kept(store, key, schema, {})
        try:
            spool = held.filled(found, key, aside, set(), keep=3, workers=1)
            local = Local(spool, arrange(spool, Resources(threads=1), store.parent), Resources(threads=1))
            yield held, local, Prompts(local, held.placed, key)
        finally:
            held.close()


def said(local: Local, prompts: Prompts) -> list[str | None]:
    """The prompt of every row."""
    rows = local.census.rows
    found = prompts(np.arange(rows))
    return [found.get(row) for row in range(rows)]


def texts(folder: Path) -> list[str]:
    """The prompts that lie in a store."""
    parts = [pq.read_table(path, columns=["prompt"])["prompt"] for path in folder.glob("part-*.parquet")]
    return [text for part in parts for text in part.to_pylist() if text]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=4),
    st.sets(st.integers(0, 160), max_size=40),
    st.integers(1, 50),
    st.sampled_from([7, 30, 1000]),
)
def test_each_row_has_its_own_prompt(files: list[int], bad: set[int], group: int, unit: int) -> None:
    """Whatever rows are set aside, however files and groups of rows are cut into units; and again from the store."""
    with TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(kept, "UNIT_ROWS", unit)
        folder, first, expected = Path(name), 0, []
        (folder / "log").mkdir()
        for at, count in enumerate(files):
            rows = table(first, count, bad)
            pq.write_table(rows, folder / "log" / f"{at}.parquet", row_group_size=group)
            expected += [row["prompt"] for row in rows.to_pylist() if row["id"]]
            first += count
        for _ in range(2):
            with opened(folder / "log", folder / "store") as (_, local, prompts):
                assert said(local, prompts) == expected
                assert prompts.lost == 0
        assert texts(folder / "store") == []


def test_texts_of_any_type_are_read_again_as_they_were_read(tmp_path: Path) -> None:
    """Large, repeated and empty ones, and some that only a reader of values takes for texts."""
    (tmp_path / "log").mkdir()
    words = ["a text that repeats", "another text", "a text that repeats", "é" * 5000]
    for at, column in enumerate(
        [
            pa.array(words, pa.large_string()),
            pa.array(words).dictionary_encode(),
            pa.array([word.encode() for word in words]),
            pa.array(words, pa.string_view()),
        ]
    ):
        pq.write_table(table(at * 4, 4, prompt=column), tmp_path / "log" / f"{at}.parquet")
    with opened(tmp_path / "log", tmp_path / "store") as (_, local, prompts):
        assert said(local, prompts) == [word[: intake.SHOWN_CHARS] for word in words] * 4
        assert prompts.lost == 0


@pytest.mark.parametrize("what", ["other texts", "words alike", "fewer rows", "gone", "no parquet"])
def test_of_a_log_that_has_changed_nothing_is_quoted(tmp_path: Path, what: str) -> None:
    (tmp_path / "log").mkdir()
    first, second = tmp_path / "log" / "0.parquet", tmp_path / "log" / "1.parquet"
    pq.write_table(table(0, 5), first)
    pq.write_table(table(5, 5), second)
    with opened(tmp_path / "log", tmp_path / "store") as (_, local, prompts):
        if what == "other texts":
            pq.write_table(table(5, 5, prompt=["somebody else's"] * 5), second)
        elif what == "words alike":  # an imprint knows neither case nor most signs
            said_so = [f"PROMPT number {at}, is {SECRET}!" for at in range(5, 10)]
            pq.write_table(table(5, 5, prompt=said_so), second)
        elif what == "fewer rows":
            pq.write_table(table(5, 4), second)
        elif what == "gone":
            second.unlink()
        else:
            second.write_bytes(b"no parquet")
        found = said(local, prompts)
    assert found == [None] * 10  # both files were read as one
    assert prompts.lost == 10


def test_a_file_that_changes_while_it_is_read_again_is_not_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "log").mkdir()
    path = tmp_path / "log" / "0.parquet"
    pq.write_table(table(0, 5), path)
    real = quoted.texts_again

    def meanwhile(*given: Any, **how: Any) -> Any:
        found = real(*given, **how)
        pq.write_table(table(0, 5), path)
        return found

    monkeypatch.setattr(quoted, "texts_again", meanwhile)
    with opened(tmp_path / "log", tmp_path / "store") as (_, local, prompts):
        assert said(local, prompts) == [None] * 5
        assert prompts.lost == 5


@pytest.mark.parametrize("column", [None, [None] * 5, [1.5] * 5, [b"\xff\xfe"] * 5])
def test_what_a_file_no_longer_says_is_counted(tmp_path: Path, column: Any) -> None:
    """Also where size and time are as they were."""
    (tmp_path / "log").mkdir()
    path = tmp_path / "log" / "0.parquet"
    pq.write_table(table(0, 5), path)
    with opened(tmp_path / "log", tmp_path / "store") as (held, local, prompts):
        rows = table(0, 5).drop_columns("prompt")
        pq.write_table(rows if column is None else rows.append_column("prompt", pa.array(column)), path)
        (placed,) = held.placed
        status = path.stat()
        held.placed[:] = [replace(placed, states=((status.st_size, status.st_mtime_ns),))]
        assert said(local, prompts) == [None] * 5
        assert prompts.lost == 5


def test_long_prompts_are_not_held_whole(tmp_path: Path) -> None:
    """Of many prompts as long as books each is proved and cut before the next ones are read."""
    (tmp_path / "log").mkdir()
    long = [f"{at} " + "a book of many words " * 100_000 for at in range(40)]
    pq.write_table(table(0, 40, prompt=long), tmp_path / "log" / "0.parquet", row_group_size=1)
    heights = []
    with opened(tmp_path / "log", tmp_path / "store") as (_, local, prompts):
        for count in (2, 40):
            rows = np.arange(local.census.rows)[:count]
            tracemalloc.start()
            found = prompts(rows)
            heights.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            assert [found[row] for row in rows] == [text[: intake.SHOWN_CHARS] for text in long[:count]]
    assert heights[1] < 1.5 * heights[0]


def test_many_files_with_many_bad_rows_are_gone_through_once(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    expected = []
    for at in range(40):
        rows = table(at * 20, 20, set(range(at * 20, at * 20 + 20, 2)))
        pq.write_table(rows, tmp_path / "log" / f"{at:02d}.parquet")
        expected += [row["prompt"] for row in rows.to_pylist() if row["id"]]
    with opened(tmp_path / "log", tmp_path / "store") as (held, local, prompts):
        assert said(local, prompts) == expected
        (placed,) = held.placed
        assert sum(map(len, quoted._set_aside(placed))) == 400


def test_rows_before_damage_are_quoted(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    path = tmp_path / "log" / "0.parquet"
    pq.write_table(table(0, 60, {3}), path, row_group_size=20, compression="none")
    at = pq.ParquetFile(path).metadata.row_group(1).column(3).data_page_offset
    held = bytearray(path.read_bytes())
    held[at : at + 40] = b"\xff" * 40
    path.write_bytes(held)
    with opened(tmp_path / "log", tmp_path / "store", batch_rows=20) as (_, local, prompts):
        found = said(local, prompts)
    assert found[:19] == [f"prompt number {at} is {SECRET}" for at in range(20) if at != 3]
    assert None not in found
    assert prompts.lost == 0


def test_prompts_beside_given_imprints_stay_in_the_store(tmp_path: Path) -> None:
    """Such an imprint may be of another text: nothing would prove that a text is the one."""
    (tmp_path / "log").mkdir()
    others = imprint(pa.array([f"of something else {at}" for at in range(6)], pa.large_string()), DEMO_KEY)
    rows = table(0, 6).append_column("imprint", others)
    pq.write_table(rows, tmp_path / "log" / "0.parquet")
    with opened(tmp_path / "log", tmp_path / "store") as (_, local, prompts):
        assert said(local, prompts) == rows["prompt"].to_pylist()
    assert sorted(texts(tmp_path / "store")) == rows["prompt"].to_pylist()


def test_prompts_that_a_default_fills_stay_in_the_store(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    rows = table(0, 3, prompt=["one that is there", None, None])
    pq.write_table(rows, tmp_path / "log" / "0.parquet")
    how: dict[str, Any] = {"defaults": {"prompt": "said by default"}}
    with opened(tmp_path / "log", tmp_path / "store", **how) as (_, local, prompts):
        assert said(local, prompts) == ["one that is there", "said by default", "said by default"]
        assert prompts.lost == 0


def test_prompts_of_other_formats_stay_in_the_store(tmp_path: Path) -> None:
    """To find a row of JSON lines again is to read all of them."""
    (tmp_path / "log").mkdir()
    pq.write_table(table(0, 4), tmp_path / "log" / "0.parquet")
    rows = [{**row, "at": row["at"].isoformat()} for row in table(4, 4).to_pylist()]
    (tmp_path / "log" / "1.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    with opened(tmp_path / "log", tmp_path / "store") as (_, local, prompts):
        assert said(local, prompts) == [f"prompt number {at} is {SECRET}" for at in range(8)]


def test_a_report_quotes_the_same_from_any_format_and_says_what_it_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = exchanges()
    pq.write_table(table, tmp_path / "log.parquet", row_group_size=500)
    rows = [{**row, "at": row["at"].isoformat()} for row in table.to_pylist()]
    (tmp_path / "log.jsonl").write_text("\n".join(json.dumps(row, default=str) for row in rows), "utf-8")

    def templates(name: str) -> tuple[list[Any], tuple[str, ...]]:
        with headwater.investigate(tmp_path / name, accounts(), settings=SETTINGS) as found:
            return [ring.templates for ring in found.campaigns], found.findings.notes

    shown, notes = templates("log.parquet")
    assert shown
    assert all(template.fillings for ring in shown for template in ring)
    assert templates("log.jsonl")[0] == shown
    assert not any("couldn't be read again" in note for note in notes)
    monkeypatch.setattr(quoted, "texts_again", lambda wanted, *_, **__: [None] * len(wanted))
    lost, notes = templates("log.parquet")
    assert not any(template.fillings for ring in lost for template in ring)
    assert any("couldn't be read again: the log has changed" in note for note in notes)
