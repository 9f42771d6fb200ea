"""Files and pipelines of every form, whole, torn and odd: what can be read is audited, what can't is told."""

from __future__ import annotations

import csv
import datetime as dt
import decimal
import gzip
import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

from headwater.errors import UnreadableInput
from headwater.provenance.audit import chunks as chunking
from headwater.provenance.audit import explain_row, split
from provenance.audit.corpora import audited, lines

GOOD = {"text": "A text about rivers.", "generator": "human", "license": "cc0-1.0"}
LINE = json.dumps(GOOD) + "\n"


def zstd(data: bytes) -> bytes:
    packed = pa.BufferOutputStream()
    with pa.CompressedOutputStream(packed, "zstd") as stream:
        stream.write(data)
    return packed.getvalue().to_pybytes()


def parquet(table: pa.Table, path: Path, **how: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, **how)
    return path


def arrow(table: pa.Table, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with pa.ipc.new_stream(str(path), table.schema) as writer:
        writer.write_table(table, max_chunksize=1000)
    return path


def many(rows: int) -> pa.Table:
    """Rows that don't compress to nothing."""
    texts = [f"{at * 7919 % 100_003} rivers and {at * 104_729 % 1_000_003} streams" for at in range(rows)]
    return pa.table({"text": texts, "generator": ["human"] * rows, "license": ["cc0-1.0"] * rows})


class TestTorn:
    @pytest.mark.parametrize("pack", [gzip.compress, zstd], ids=["gz", "zst"])
    def test_packed_lines_up_to_where_they_are_torn(
        self, tmp_path: Path, pack: Callable[[bytes], bytes]
    ) -> None:
        data = pack(
            "".join(
                json.dumps({**GOOD, "id": f"{at * 7919 % 100_003}"}) + "\n" for at in range(60_000)
            ).encode()
        )
        (tmp_path / "set").mkdir()
        (tmp_path / "set" / "a.jsonl.gz").write_bytes(data[: len(data) // 2])
        lines(tmp_path / "set" / "b.jsonl", [GOOD])
        report = audited(tmp_path / "set", tmp_path / "out")
        (reason,) = [what for what, _ in report.set_aside.reasons if "end too early" in what]
        assert reason
        assert report.rows > 1000

    def test_a_name_that_lies_of_the_packing_is_seen_through(self, tmp_path: Path) -> None:
        (tmp_path / "a.jsonl").write_bytes(gzip.compress(LINE.encode()))
        (tmp_path / "b.jsonl.gz").write_bytes(LINE.encode())
        assert audited(tmp_path, tmp_path / "_out").verdicts["clean"] == 2

    def test_several_packed_pieces_are_one_file(self, tmp_path: Path) -> None:
        (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(LINE.encode()) * 3)
        assert audited(tmp_path / "a.jsonl.gz", tmp_path / "out").rows == 3

    @pytest.mark.parametrize("cut", [0, 4, 100, -20])
    def test_parquet_without_its_end_is_told_and_the_rest_is_audited(self, tmp_path: Path, cut: int) -> None:
        path = parquet(many(100), tmp_path / "set" / "a.parquet")
        path.write_bytes(path.read_bytes()[:cut])
        lines(tmp_path / "set" / "b.jsonl", [GOOD])
        report = audited(tmp_path / "set", tmp_path / "out")
        assert report.rows == 1
        (told,) = (tmp_path / "out" / "set_aside.jsonl").read_text().splitlines()
        assert json.loads(told)["file"] == "a.parquet"

    def test_parquet_that_is_damaged_within_is_read_up_to_there(self, tmp_path: Path) -> None:
        path = parquet(many(20_000), tmp_path / "a.parquet", row_group_size=5000, use_dictionary=False)
        data = bytearray(path.read_bytes())
        for at in range(len(data) // 2, len(data) // 2 + 2000):
            data[at] ^= 0xFF
        path.write_bytes(data)
        report = audited(path, tmp_path / "out")
        assert 5000 <= report.rows < 20_000
        assert report.set_aside.total >= 1
        assert split(tmp_path / "out", tmp_path / "parts") == report.verdicts

    def test_arrow_that_is_torn_is_read_up_to_there(self, tmp_path: Path) -> None:
        path = arrow(many(5000), tmp_path / "set" / "a.arrow")
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 5])
        lines(tmp_path / "set" / "b.jsonl", [GOOD])
        report = audited(tmp_path / "set", tmp_path / "out")
        assert report.rows > 1000
        assert report.set_aside.reasons == (("the Arrow data are damaged from here on", 1),)

    def test_a_document_that_ends_within_a_record_keeps_those_before(self, tmp_path: Path) -> None:
        (tmp_path / "a.json").write_text(f"[{LINE},{LINE},{LINE[:20]}")
        report = audited(tmp_path / "a.json", tmp_path / "out")
        assert (report.rows, report.set_aside.total) == (2, 1)


def test_a_bomb_in_a_folder_ends_only_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunking, "_BEYOND", 1 << 20)
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.jsonl.zst").write_bytes(zstd(LINE.encode() * 200_000))
    lines(tmp_path / "set" / "b.jsonl", [GOOD])
    report = audited(tmp_path / "set", tmp_path / "out")
    assert any("unpacks to more than" in reason for reason, _ in report.set_aside.reasons)
    assert report.files[1].rows == 1


class TestParquet:
    def odd(self) -> pa.Table:
        return pa.table(
            {
                "generator": pa.array(["gpt-4"]).dictionary_encode(),
                "date": pa.array([dt.date(2023, 7, 1)]),
                "price": pa.array([decimal.Decimal("1.50")]),
                "at": pa.array([dt.datetime(2023, 1, 1, tzinfo=dt.UTC)], pa.timestamp("ns")),
                "raw": pa.array([b"\xff As an AI language model, I"]),
                "turns": pa.array([[{"role": "a", "content": "As an AI language model, I"}]]),
                "map": pa.array([[("key", "I am ChatGPT")]], pa.map_(pa.string(), pa.string())),
                "took": pa.array([5], pa.duration("us")),
                "hour": pa.array([dt.time(1)]),
                "long": pa.array(["I am ChatGPT"], pa.large_string()),
                "nothing": pa.nulls(1),
                "pair": pa.array([[1, 2]], pa.list_(pa.int8(), 2)),
                "texts": pa.array([["a"]], pa.large_list(pa.string())),
            }
        )

    def test_columns_of_every_type_are_read_and_copied(self, tmp_path: Path) -> None:
        path = parquet(self.odd(), tmp_path / "a.parquet")
        report = audited(path, tmp_path / "out")
        assert {place.field for one in report.findings for place in one.examples} == {
            "turns[0].content",
            "map[0][1]",
        }
        assert report.groups[0].first_at == dt.date(2023, 7, 1)
        split(tmp_path / "out", tmp_path / "parts")
        copied = pq.read_table(tmp_path / "parts" / "bound" / "a.parquet")
        assert copied.equals(pq.read_table(path))

    def test_a_value_that_python_has_none_for_sets_its_row_aside(self, tmp_path: Path) -> None:
        days = pa.array([1 << 62, 0], pa.int64()).cast(pa.timestamp("us"))
        report = audited(
            parquet(pa.table({"text": ["a", "b"], "at": days}), tmp_path / "a.parquet"), tmp_path / "out"
        )
        told = json.loads((tmp_path / "out" / "set_aside.jsonl").read_text())
        assert (told["row"], told["field"], report.rows) == (1, "at", 1)

    def test_bytes_that_are_no_utf8_set_their_row_aside(self, tmp_path: Path) -> None:
        offsets = pa.array([0, 1, 3], pa.int32()).buffers()[1]
        bad = pa.StringArray.from_buffers(2, offsets, pa.py_buffer(b"\xffab"))
        report = audited(parquet(pa.table({"text": bad, **two()}), tmp_path / "a.parquet"), tmp_path / "out")
        told = json.loads((tmp_path / "out" / "set_aside.jsonl").read_text())
        assert (told["row"], told["field"], told["what"]) == (1, "text", "is not valid UTF-8")
        assert (
            split(tmp_path / "out", tmp_path / "parts")
            == report.verdicts
            == {"clean": 1, "bound": 0, "unknown": 0}
        )

    def test_two_columns_of_one_name_are_refused(self, tmp_path: Path) -> None:
        table = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["text", "text"])
        path = parquet(table, tmp_path / "a.parquet")
        with pytest.raises(UnreadableInput, match=r"two columns of one name|no row of the corpus"):
            audited(path, tmp_path / "out")

    @pytest.mark.parametrize("table", [many(0), pa.table({})], ids=["no rows", "no columns"])
    def test_without_rows_it_adds_none(self, tmp_path: Path, table: pa.Table) -> None:
        parquet(table, tmp_path / "set" / "a.parquet")
        lines(tmp_path / "set" / "b.jsonl", [GOOD])
        report = audited(tmp_path / "set", tmp_path / "out")
        assert [file.rows for file in report.files] == [0, 1]

    def test_rows_are_counted_across_groups(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(chunking, "GROUPS", 1)
        table = many(25).set_column(0, "text", pa.array(["a"] * 17 + ["I am ChatGPT"] + ["b"] * 7))
        parquet(table, tmp_path / "a.parquet", row_group_size=4)
        assert audited(tmp_path / "a.parquet", tmp_path / "out").rows == 25
        assert explain_row(tmp_path / "out", "18").contradicted
        assert explain_row(tmp_path / "out", "25").verdict == "clean"


def two() -> dict[str, list[str]]:
    return {"generator": ["human"] * 2, "license": ["cc0-1.0"] * 2}


def test_types_may_change_from_row_to_row(tmp_path: Path) -> None:
    rows = [
        {**GOOD, "text": text, "id": text}
        for text in ("a", 1, None, 1.5, True, ["a"], {"a": "I am ChatGPT"}, [], [[[]]])
    ]
    report = audited(lines(tmp_path / "a.jsonl", rows), tmp_path / "out")
    assert report.rows == len(rows)
    assert {column.name: column.type for column in report.columns}["text"] == "mixed"
    assert report.findings[0].examples[0].field == "text.a"


class TestSheets:
    @pytest.mark.parametrize(
        ("name", "data", "rows"),
        [
            ("a.csv", b"text,model\nx,human\n", 1),
            ("a.csv", b"\xef\xbb\xbftext,model\r\nx,human\r\n", 1),
            ("a.csv", b'text,model\n"two\nlines",human\nx,human\n', 2),
            ("a.csv", b"text;model\nx;human\n", 1),
            ("a.tsv", b"text\tmodel\nx\thuman\n", 1),
            ("a.csv.gz", gzip.compress(b"text,model\nx,human\n"), 1),
            ("a.csv", b"text,model\nx\nx,human,more\ny,human\n", 1),
            ("a.csv", b"text,model\n\xe9,human\ny,human\n", 1),
            ("a.csv", b'text,model\n"' + b"x" * 200_000 + b'",human\n', 1),
        ],
        ids=["plain", "mark", "quoted", "semicolon", "tab", "packed", "ragged", "latin", "long"],
    )
    def test_rows_are_read_and_copied(self, tmp_path: Path, name: str, data: bytes, rows: int) -> None:
        (tmp_path / name).write_bytes(data)
        report = audited(tmp_path / name, tmp_path / "out")
        assert report.rows == rows
        assert report.groups[0].origin.human
        assert split(tmp_path / "out", tmp_path / "parts") == report.verdicts
        (copied,) = (tmp_path / "parts" / "unknown").iterdir()
        again = audited(copied, tmp_path / "again")
        assert (again.rows, again.characters) == (report.rows, report.characters)

    def test_two_columns_of_one_name_are_refused(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("text,text\nx,y\n")
        with pytest.raises(UnreadableInput):
            audited(tmp_path / "a.csv", tmp_path / "out")


#: Rows as other people's programs hold them, with every column, and their verdicts.
HELD: list[dict[str, str | None]] = [
    GOOD,
    {**GOOD, "generator": "gpt-4"},
    {**GOOD, "text": "As an AI language model, I"},
    {"text": "a", "generator": None, "license": None},
]
VERDICTS = ["clean", "bound", "unknown", "unknown"]


class TestPipelines:
    """The audit inside other people's programs, as they start it: in processes of their own."""

    def test_datatrove_annotates_and_filters(self, tmp_path: Path) -> None:
        pytest.importorskip("datatrove")
        from datatrove.executor import LocalPipelineExecutor
        from datatrove.pipeline.readers import ParquetReader
        from datatrove.pipeline.writers import ParquetWriter

        from headwater.integrations.datatrove import HeadwaterAnnotator, HeadwaterFilter

        for name in ("a", "b"):
            parquet(pa.Table.from_pylist(HELD), tmp_path / "set" / f"{name}.parquet")
        annotated: list[Any] = []

        def seen(data: Iterable[Any], *_: int) -> Iterable[Any]:
            for document in data:
                annotated.append(document.metadata.pop("headwater"))
                yield document

        steps = [
            ParquetReader(str(tmp_path / "set")),
            HeadwaterAnnotator(),
            seen,
            HeadwaterFilter(keep=("clean",), exclusion_writer=ParquetWriter(str(tmp_path / "others"))),
            ParquetWriter(str(tmp_path / "kept")),
        ]
        LocalPipelineExecutor(steps, tasks=2, workers=1, logging_dir=str(tmp_path / "logs")).run()
        kept = [row for path in (tmp_path / "kept").iterdir() for row in pq.read_table(path).to_pylist()]
        others = [row for path in (tmp_path / "others").iterdir() for row in pq.read_table(path).to_pylist()]
        assert [one["verdict"] for one in annotated] == VERDICTS * 2
        assert [row["text"] for row in kept] == [GOOD["text"]] * 2
        assert sorted(row["metadata"]["filter_reason"] for row in others) == ["bound"] * 2 + ["unknown"] * 4

    @pytest.mark.slow
    @pytest.mark.parametrize("processes", [None, 2])
    def test_datasets_maps(
        self, tmp_path: Path, processes: int | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HF_HOME", str(tmp_path))
        datasets = pytest.importorskip("datasets")
        from headwater.integrations.datasets import Annotate

        data = datasets.Dataset.from_list(HELD * 20)
        told = data.map(
            Annotate(), batched=True, batch_size=8, num_proc=processes, load_from_cache_file=False
        )
        assert list(told["headwater_verdict"]) == VERDICTS * 20
        assert told["headwater_findings"][2] == "artefacts self-identification"
        ours = [name for name in told.column_names if name.startswith("headwater_")]
        assert told.remove_columns(ours)[:] == data[:]


class TestSplitOfMany:
    # Was so: every file after the first is dropped, without a word.
    def test_every_file_is_copied(self, tmp_path: Path) -> None:
        for name in "abc":
            lines(tmp_path / "set" / f"{name}.jsonl", [GOOD] * 3)
        parquet(many(5), tmp_path / "set" / "d.parquet")
        lines(tmp_path / "set" / "bb.jsonl", ["bad"])  # no row of it is annotated
        report = audited(tmp_path / "set", tmp_path / "out")
        assert (
            split(tmp_path / "out", tmp_path / "parts")
            == report.verdicts
            == {"clean": 14, "bound": 0, "unknown": 0}
        )
        assert {path.name for path in (tmp_path / "parts" / "clean").iterdir()} == {
            "a.jsonl", "b.jsonl", "c.jsonl", "d.parquet",
        }  # fmt: skip

    # Was so: two files get one name, and the second takes the place of the first.
    def test_files_that_differ_in_their_ending_stay_apart(self, tmp_path: Path) -> None:
        lines(tmp_path / "set" / "a.jsonl", [{**GOOD, "id": 1}])
        (tmp_path / "set" / "a.jsonl.gz").write_bytes(gzip.compress(json.dumps({**GOOD, "id": 2}).encode()))
        (tmp_path / "set" / "a.json").write_text(json.dumps([{**GOOD, "id": 3}]))
        arrow(many(1), tmp_path / "set" / "a.arrow")
        report = audited(tmp_path / "set", tmp_path / "out")
        assert split(tmp_path / "out", tmp_path / "parts") == report.verdicts
        assert audited(tmp_path / "parts" / "clean", tmp_path / "again").rows == 4

    # Was so: ArrowInvalid, or OSError, where a file of the corpus was torn when it was audited.
    @pytest.mark.parametrize("cut", [0, 100, -20])
    def test_a_torn_file_is_stepped_over(self, tmp_path: Path, cut: int) -> None:
        path = parquet(many(100), tmp_path / "set" / "a.parquet")
        path.write_bytes(path.read_bytes()[:cut])
        lines(tmp_path / "set" / "b.jsonl", [GOOD])
        report = audited(tmp_path / "set", tmp_path / "out")
        assert split(tmp_path / "out", tmp_path / "parts") == report.verdicts

    # Was so: the last line of a torn file, whole but for its end, is audited and not copied.
    def test_a_last_line_before_a_tear_is_copied(self, tmp_path: Path) -> None:
        (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress((LINE + LINE.strip()).encode())[:-4])
        report = audited(tmp_path / "a.jsonl.gz", tmp_path / "out")
        assert (
            split(tmp_path / "out", tmp_path / "parts")
            == report.verdicts
            == {"clean": 2, "bound": 0, "unknown": 0}
        )


# Was so: UnicodeEncodeError.
def test_half_a_surrogate_in_a_document_is_copied_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"text": "a\\ud800"}, {"text": "b"}]')
    report = audited(tmp_path / "a.json", tmp_path / "out")
    assert split(tmp_path / "out", tmp_path / "parts") == report.verdicts
    (line, _) = (tmp_path / "parts" / "unknown" / "a.jsonl").read_text().splitlines()
    assert json.loads(line) == {"text": "a\ud800"}


# Was so: all values of a sheet are lost whose header holds a line break.
def test_a_header_of_two_lines_is_a_header(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('"te\nxt",generator\nrivers,human\n"two\nlines",human\n')
    audited(tmp_path / "a.csv", tmp_path / "out")
    split(tmp_path / "out", tmp_path / "parts")
    with (tmp_path / "parts" / "unknown" / "a.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["te\nxt", "generator"],
            ["rivers", "human"],
            ["two\nlines", "human"],
        ]


# Was so: a .tsv is written with commas, which other readers take for one column.
@pytest.mark.parametrize(("name", "mark"), [("a.tsv", "\t"), ("a.csv", ";")])
def test_a_sheet_keeps_what_parts_its_columns(tmp_path: Path, name: str, mark: str) -> None:
    (tmp_path / name).write_text(f"text{mark}generator\nrivers{mark}human\n")
    audited(tmp_path / name, tmp_path / "out")
    split(tmp_path / "out", tmp_path / "parts")
    assert (tmp_path / "parts" / "unknown" / name).read_text().splitlines() == [
        f"text{mark}generator",
        f"rivers{mark}human",
    ]


# Was so: ArrowNotImplementedError (dictionary to string_view).
def test_texts_as_views_are_copied(tmp_path: Path) -> None:
    path = parquet(pa.table({"text": pa.array(["a", "b"], pa.string_view())}), tmp_path / "a.parquet")
    report = audited(path, tmp_path / "out")
    assert split(tmp_path / "out", tmp_path / "parts") == report.verdicts


# Was so: the process dies (SIGBUS or SIGSEGV): Arrow that comes from others must be validated before it is read.
@pytest.mark.slow
def test_arrow_whose_places_lie_outside_of_it_is_damaged(tmp_path: Path) -> None:
    path = arrow(pa.table({"text": ["abc", "defg"]}), tmp_path / "set" / "a.arrow")
    places = b"".join(at.to_bytes(4, "little") for at in (0, 3, 7))
    assert places in path.read_bytes()
    hostile = b"".join(at.to_bytes(4, "little") for at in (0, 1 << 30, (1 << 31) - 10))
    path.write_bytes(path.read_bytes().replace(places, hostile, 1))
    lines(tmp_path / "set" / "b.jsonl", [GOOD])
    command = [
        sys.executable,
        "-m",
        "headwater.cli",
        "audit",
        str(tmp_path / "set"),
        "-o",
        str(tmp_path / "out"),
    ]
    ended = subprocess.run([*command, "--sample", "0", "--processes", "1"], capture_output=True, check=False)
    assert ended.returncode == 0, (ended.returncode, ended.stderr)
    assert json.loads((tmp_path / "out" / "set_aside.jsonl").read_text())["file"] == "a.arrow"


# Was so: "Couldn't cast array of type string to null": a list that is empty in the first rows has no type.
@pytest.mark.slow
def test_datasets_meets_its_first_finding_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    datasets = pytest.importorskip("datasets")
    from headwater.integrations.datasets import Annotate

    data = datasets.Dataset.from_list([{"text": "a"}] * 3000 + [{"text": "As an AI language model, I"}] * 10)
    told = data.map(Annotate(), batched=True, load_from_cache_file=False)
    assert "self-identification" in str(told["headwater_findings"][3005])


# Was so: the same in datatrove, whose Parquet writer takes the types of the first document.
def test_datatrove_writes_what_was_annotated(tmp_path: Path) -> None:
    pytest.importorskip("datatrove")
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.readers import ParquetReader
    from datatrove.pipeline.writers import ParquetWriter

    from headwater.integrations.datatrove import HeadwaterAnnotator

    rows = [{"text": "a"}] * 1500 + [{"text": "As an AI language model, I"}]
    parquet(pa.Table.from_pylist(rows), tmp_path / "set" / "a.parquet")
    steps = [
        ParquetReader(str(tmp_path / "set")),
        HeadwaterAnnotator(),
        ParquetWriter(str(tmp_path / "told")),
    ]
    LocalPipelineExecutor(steps, tasks=1, logging_dir=str(tmp_path / "logs")).run()
    (path,) = (tmp_path / "told").iterdir()
    assert pq.read_metadata(path).num_rows == len(rows)
