"""With imprints only, no word of a prompt is in any output or on any disk, and the campaigns are the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import headwater
from headwater.errors import UsageError
from headwater.imprint import imprint
from headwater.investigation import Settings
from headwater.keys import DEMO_KEY
from investigation.worlds import HIDDEN, SETTINGS, accounts, attributed, exchanges, members, plain

pytestmark = pytest.mark.xdist_group("small")
#: Stands in every prompt, system prompt and answer.
CANARY = "zebra-quill-7741"


def marked(table: pa.Table) -> pa.Table:
    """The world with a canary in every text that nobody may find again."""
    for name in ("prompt", "system"):
        at = table.schema.get_field_index(name)
        column = table.column(name)
        words = pc.binary_join_element_wise(
            column, pa.scalar(CANARY, column.type), pa.scalar(" ", column.type)
        )
        table = table.set_column(at, table.schema.field(name), words)
    answers = pa.array([f"an answer {CANARY}"] * table.num_rows, pa.large_string())
    return table.append_column("response", answers)


def contents(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file as bytes; of Parquet files also what they hold."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path, path.read_bytes()
            if path.suffix == ".parquet":
                yield path, repr(pq.read_table(path).to_pylist()).encode()


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders go in this test."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.mark.parametrize("way", ["file", "arrow"])
def test_no_prompt_anywhere(way: str, tmp_path: Path, scratch: Path) -> None:
    table = marked(exchanges())
    pq.write_table(table, tmp_path / "log.parquet")
    given = tmp_path / "log.parquet" if way == "file" else table
    with headwater.investigate(given, accounts(), settings=HIDDEN) as hidden:
        hidden.write(tmp_path / "report")
        for path, held in (*contents(tmp_path / "report"), *contents(scratch)):
            assert CANARY.encode() not in held, path
        assert any(scratch.rglob("part-*.parquet"))
        ring = hidden.campaigns[0]
        assert ring.templates
        assert all(not template.texts and not template.slots for template in ring.templates)
    with headwater.investigate(given, accounts(), settings=SETTINGS) as shown:
        shown.write(tmp_path / "shown")
        assert any(CANARY.encode() in held for _, held in contents(tmp_path / "shown"))
        assert members(hidden) == members(shown)
        assert [c.log_odds for c in hidden.campaigns] == [c.log_odds for c in shown.campaigns]
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("settings", [SETTINGS, HIDDEN], ids=["prompts", "imprints"])
def test_a_log_that_has_only_imprints(settings: Settings, tmp_path: Path) -> None:
    table = exchanges()
    marks = imprint(table["prompt"], DEMO_KEY)
    poor = table.drop_columns(["prompt", "system"]).append_column("imprint", marks)
    pq.write_table(poor, tmp_path / "log.parquet")
    for given in (poor, tmp_path / "log.parquet"):
        with headwater.investigate(given, accounts(), settings=settings) as found:
            assert found.findings.log.set_aside == 0
            assert members(found) == members(plain())
            assert attributed(found) == attributed(plain())


def test_prompts_and_imprints_in_one_log() -> None:
    """Half of the rows were imprinted where they arose; both halves meet in one ring."""
    table = exchanges()
    marks = imprint(table["prompt"], DEMO_KEY)
    first = pa.array([at % 2 == 0 for at in range(table.num_rows)])
    at = table.schema.get_field_index("prompt")
    mixed = table.set_column(at, "prompt", pc.if_else(first, None, table["prompt"]))
    mixed = mixed.append_column("imprint", pc.if_else(first, marks, pa.scalar(None, marks.type)))
    for settings in (SETTINGS, HIDDEN):
        with headwater.investigate(mixed, accounts(), settings=settings) as found:
            assert members(found) == members(plain())


def test_arrow_data_is_not_mapped_where_prompts_are_hidden(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not mapped"):
        headwater.investigate(exchanges(), settings=HIDDEN, mapping=tmp_path / "mapping.toml")


def test_a_prompt_column_that_is_no_text() -> None:
    table = exchanges().slice(0, 5).drop_columns(["prompt"])
    wrong = table.append_column("prompt", pa.array([b"\xff\xfe"] * 5, pa.binary()))
    with pytest.raises(UsageError, match="valid text") as caught:
        headwater.investigate(wrong, settings=HIDDEN)
    assert "\\xff" not in str(caught.value)
