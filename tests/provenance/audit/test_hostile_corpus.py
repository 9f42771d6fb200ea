"""Corpora that were made to break an audit, or broke on the way: told by file and row, and the rest is audited."""

from __future__ import annotations

import gzip
import io
import json
import os
from collections.abc import Iterator
from contextlib import redirect_stdout
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest

from headwater.cli.terminal import Terminal
from headwater.errors import HeadwaterError, UnreadableInput, UsageError
from headwater.explain.audited import audit_board, audit_markdown, audit_page, audit_sarif, row_lines
from headwater.provenance.audit import Report, artefacts, dispute, explain_row, split
from headwater.provenance.audit import chunks as chunking
from headwater.provenance.audit import work as working
from headwater.provenance.audit.annotations import annotated
from headwater.provenance.audit.parts import MOST_COLUMNS
from headwater.report import clean, html
from provenance.audit.corpora import audited, lines

GOOD = {"text": "A text about rivers.", "generator": "human", "license": "cc0-1.0"}
EVIL = "</script><img src=x onerror=alert(1)>|`[a](javascript:x)\x1b[31m\u202e\n\r\x00\x9b31m"
SECRET = "XSECRETX"


def aside(out: Path) -> list[dict[str, object]]:
    path = out / "set_aside.jsonl"
    return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


def raw(path: Path, *told: bytes) -> Path:
    """Lines as bytes, a good row behind them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(line + b"\n" for line in (*told, json.dumps(GOOD).encode())))
    return path


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (b'{"text": "\xff\xfe"}', "is not valid UTF-8"),
        (b'{"text": "\xed\xa0\x80"}', "is not valid UTF-8"),
        (b"\x00\x00\x00", "is not JSON"),
        (b'{"text": "cut', "is not JSON"),
        (b"[" * 100_000 + b"]" * 100_000, "is nested too deep"),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "is nested too deep"),
        (b"1", "is a number, not an object"),
        (b"null", "is null, not an object"),
        (b"true", "is a boolean, not an object"),
        (b'[{"text": "a"}]', "is a list, not an object"),
        (b"[" + b"1," * 7_000_000 + b"1]", "holds more than"),
    ],
    ids=["utf8", "cesu8", "nul", "cut", "deep", "deep-in", "number", "null", "boolean", "list", "values"],
)
def test_a_row_that_is_none_is_told_by_file_and_row(tmp_path: Path, line: bytes, what: str) -> None:
    report = audited(raw(tmp_path / "a.jsonl", line), tmp_path / "out")
    (told,) = aside(tmp_path / "out")
    assert (told["file"], told["row"]) == ("a.jsonl", 1)
    assert str(told["what"]).startswith(what)
    assert (report.rows, report.set_aside.total, report.verdicts["clean"]) == (1, 1, 1)


@pytest.mark.parametrize(
    "data",
    [
        b'\xef\xbb\xbf{"text": "a"}\n{"text": "b"}\n',
        b'{"text": "a"}\r\n\r\n  \r\n{"text": "b"}',
        b'\n\n\t\n{"text": "a"}\n\n\n{"text": "b"}\n\n',
    ],
    ids=["mark", "crlf", "blank"],
)
def test_marks_ends_and_blank_lines_are_no_rows(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.jsonl").write_bytes(data)
    report = audited(tmp_path / "a.jsonl", tmp_path / "out")
    assert (report.rows, report.set_aside.total) == (2, 0)


def test_half_a_surrogate_in_a_text_hides_no_phrase(tmp_path: Path) -> None:
    path = raw(tmp_path / "a.jsonl", b'{"id": "\\udfff", "text": "\\ud800 As an AI language model, I"}')
    report = audited(path, tmp_path / "out")
    assert (report.rows, report.findings[0].examples[0].start) == (2, 2)
    assert explain_row(tmp_path / "out", "1").id == "\\udfff"


def test_a_line_longer_than_the_limit_is_set_aside_and_split_steps_over_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunking, "LIMIT", 1000)
    monkeypatch.setattr("headwater.exchange.LIMIT", 1000)
    path = raw(tmp_path / "a.jsonl", json.dumps(GOOD).encode(), b'{"text": "' + b"x" * 600_000 + b'"}')
    report = audited(path, tmp_path / "out")
    (told,) = aside(tmp_path / "out")
    assert (told["file"], told["row"]) == ("a.jsonl", 2)
    assert report.rows == 2
    assert split(tmp_path / "out", tmp_path / "parts") == {"clean": 2, "bound": 0, "unknown": 0}
    assert explain_row(tmp_path / "out", "3").verdict == "clean"


@pytest.mark.slow
def test_a_line_of_a_gigabyte_is_never_held(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    good = json.dumps(GOOD).encode() + b"\n"
    with path.open("wb") as file:
        file.write(good + b'{"text": "')
        file.truncate(1 << 30)  # a hole, which reads as NUL
        file.seek(0, os.SEEK_END)
        file.write(b'"}\n' + good)
    report = audited(path, tmp_path / "out")
    assert [(told["row"], told["what"]) for told in aside(tmp_path / "out")] == [(2, "is longer than 64 MiB")]
    assert explain_row(tmp_path / "out", "3").verdict == "clean"
    assert report.rows == 2


def test_a_million_keys_in_a_row_are_bounded_and_said_to_be_unread(tmp_path: Path) -> None:
    row = json.dumps({f"k{at}": "x" for at in range(200_000)}).encode()
    report = audited(raw(tmp_path / "a.jsonl", row), tmp_path / "out")
    assert report.rows == 2
    assert len(report.columns) <= MOST_COLUMNS
    assert report.set_aside.notices == (("holds values too deep or too many to be read", 1),)


def test_every_row_may_claim_another_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headwater.provenance.audit.parts.MOST_GROUPS", 50)
    monkeypatch.setattr("headwater.provenance.audit.fold.MOST_GROUPS", 20)
    rows = [{"text": "a", "generator": f"model number {at}"} for at in range(3000)]
    report = audited(lines(tmp_path / "a.jsonl", rows), tmp_path / "out")
    assert len(report.groups) == 20
    assert sum(group.rows for group in report.groups) + report.other_groups == 3000
    assert report.verdicts["unknown"] == 3000


def test_columns_of_every_name_are_bounded(tmp_path: Path) -> None:
    rows = [{f"column {at}": "a"} for at in range(3000)]
    report = audited(lines(tmp_path / "a.jsonl", rows), tmp_path / "out")
    assert (report.rows, len(report.columns)) == (3000, MOST_COLUMNS)


class TestWhatIsShown:
    @pytest.fixture
    def out(self, tmp_path: Path) -> Path:
        row = {
            "id": EVIL,
            "text": "As an AI language model, I",
            "generator": EVIL,
            "license": EVIL,
            "source": EVIL,
        }
        folder = tmp_path / "set"
        lines(folder / "a.jsonl", [{**row, EVIL: "As an AI language model, I"}])
        lines(folder / "<img src=x onerror=alert(2)>\x1b[31m\n|#.jsonl", [row, "bad"])
        audited(folder, tmp_path / "out")
        return tmp_path / "out"

    def report(self, out: Path) -> Report:
        return msgspec.json.decode((out / "audit.json").read_bytes(), type=Report)

    def test_the_page_is_inert(self, out: Path) -> None:
        page = html(audit_page(self.report(out))).decode()
        assert "<img" not in page
        assert "</script><img" not in page
        assert not {"\x1b", "\u202e", "\x00", "\x9b"} & set(page)

    def test_markdown_is_inert(self, out: Path) -> None:
        told = audit_markdown(self.report(out))
        assert "\\<img" in told
        assert "<img" not in told.replace("\\<", "")
        assert "[a](" not in told
        rows = [line for line in told.splitlines() if line.startswith("|")]
        assert all(line.replace("\\|", "").count("|") == 4 for line in rows)
        assert not {"\x1b", "\u202e", "\x00", "\x9b", "\r"} & set(told)

    def test_the_terminal_is_safe(self, out: Path) -> None:
        board = audit_board(self.report(out), page="audit.html")
        with redirect_stdout(io.StringIO()) as drawn:
            Terminal().draw(board)
        told = drawn.getvalue() + "".join(clean(line) for line in row_lines(explain_row(out, "a.jsonl:1")))
        assert not {"\x1b", "\u202e", "\x00", "\x9b", "\r"} & set(told)

    def test_sarif_is_json(self, out: Path) -> None:
        told = json.loads(json.dumps(audit_sarif(self.report(out))))
        assert told["runs"][0]["results"][0]["locations"]


def test_no_text_of_a_row_stands_in_what_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    raw(
        folder / "a.jsonl",
        b'{"text": "%s As an AI language model, I", "messages": [{"content": "%s"}]}'
        % (SECRET.encode(), SECRET.encode()),
        b'{"text": "%s' % SECRET.encode(),
        b'["%s"]' % SECRET.encode(),
        b"{%s}" % SECRET.encode(),
        b'{"text": "%s\\ud8"}' % SECRET.encode(),
        b'{"text": "\xff%s"}' % SECRET.encode(),
    )
    (folder / "b.csv").write_text(f"text,model\n{SECRET}\n{SECRET},a,b\n")
    (folder / "c.json").write_text('[{"text": "%s"}, {%s}, "%s", {"text": "%s' % ((SECRET,) * 4))
    (folder / "d.parquet").write_text(SECRET)
    audited(folder, tmp_path / "out")
    for path in (tmp_path / "out").rglob("*"):
        if path.suffix in (".json", ".jsonl", ".html"):
            assert SECRET.encode() not in path.read_bytes(), path
    for batch in annotated(tmp_path / "out"):
        assert SECRET not in str(batch.to_pylist())
    assert len(aside(tmp_path / "out")) >= 7


@pytest.mark.parametrize(
    "name", ["a b:1.jsonl", "ü/é.jsonl", "-.jsonl", "a'\".jsonl", "a\nb.jsonl", "1:2:3.jsonl"]
)
def test_a_file_may_be_called_anything(tmp_path: Path, name: str) -> None:
    lines(tmp_path / "set" / name, [GOOD, {"text": "I am ChatGPT."}, "bad"])
    audited(tmp_path / "set", tmp_path / "out")
    told = explain_row(tmp_path / "out", f"{name}:2")
    assert (told.place.file, told.findings[0].provider) == (name, "openai")
    assert aside(tmp_path / "out")[0]["file"] == name
    assert split(tmp_path / "out", tmp_path / "parts") == {"clean": 1, "bound": 0, "unknown": 1}
    assert (tmp_path / "parts" / "clean" / name).exists()


class TestFolders:
    def test_what_is_no_file_is_passed_over(self, tmp_path: Path) -> None:
        lines(tmp_path / "set" / "a.jsonl", [GOOD])
        os.mkfifo(tmp_path / "set" / "fifo.jsonl")
        (tmp_path / "set" / "loop").symlink_to(tmp_path / "set")
        (tmp_path / "set" / "self.jsonl").symlink_to("self.jsonl")
        (tmp_path / "set" / "gone.jsonl").symlink_to("nowhere")
        (tmp_path / "set" / "folder.jsonl").mkdir()
        report = audited(tmp_path / "set", tmp_path / "out")
        assert [file.path for file in report.files] == ["a.jsonl"]

    def test_a_pipe_that_is_named_is_refused(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "fifo.jsonl")
        with pytest.raises(UnreadableInput, match="is not a regular file"):
            audited(tmp_path / "fifo.jsonl", tmp_path / "out")

    def test_empty_files_are_files_without_rows(self, tmp_path: Path) -> None:
        lines(tmp_path / "set" / "a.jsonl", [GOOD])
        for name in ("e.jsonl", "e.json", "e.csv", "e.jsonl.gz"):
            (tmp_path / "set" / name).touch()
        report = audited(tmp_path / "set", tmp_path / "out")
        assert {file.path: file.rows for file in report.files} == {
            "a.jsonl": 1, "e.csv": 0, "e.json": 0, "e.jsonl": 0, "e.jsonl.gz": 0,
        }  # fmt: skip
        assert report.set_aside.total == 0

    def test_a_folder_without_data_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "set").mkdir()
        (tmp_path / "set" / "README.md").write_text("nothing")
        with pytest.raises(UnreadableInput, match="holds no data files"):
            audited(tmp_path / "set", tmp_path / "out")
        assert not (tmp_path / "out").exists()

    def test_utf16_is_told_by_its_file(self, tmp_path: Path) -> None:
        lines(tmp_path / "set" / "a.jsonl", [GOOD])
        (tmp_path / "set" / "b.jsonl").write_text('{"text": "a"}\n', encoding="utf-16")
        report = audited(tmp_path / "set", tmp_path / "out")
        assert (report.rows, report.set_aside.reasons) == (1, (("is UTF-16", 1),))


class TestClaims:
    @pytest.mark.parametrize(
        "day", ['"2023-13-40"', '"yesterday"', '"+12023-01-01"', "[2023]", "1e300", "NaN", "true", '""', "{}"]
    )
    def test_a_date_that_is_none_is_no_date(self, tmp_path: Path, day: str) -> None:
        row = f'{{"text": "a", "generator": "gpt-4", "generated_at": {day}}}'
        (group,) = audited(lines(tmp_path / "a.jsonl", [row]), tmp_path / "out").groups
        assert (group.origin.at, group.first_at, group.verdict) == (None, None, "bound")

    @pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "1900-01-01", "2999-01-01"])
    def test_absurd_dates_are_answered(self, tmp_path: Path, day: str) -> None:
        rows = [
            {"text": "a", "generator": "gpt-4", "date": day},
            {"text": "a", "generator": "gpt-4", "date": "2024-01-01"},
        ]
        report = audited(lines(tmp_path / "a.jsonl", rows), tmp_path / "out")
        assert report.verdicts["bound"] == 2
        assert date.fromisoformat(day) in {group.first_at for group in report.groups}

    @pytest.mark.parametrize("form", ['["gpt-4", "claude-2"]', '["claude-2", "gpt-4"]'])
    def test_of_several_models_each_counts(self, tmp_path: Path, form: str) -> None:
        row = f'{{"text": "a", "generator": {form}}}'
        report = audited(lines(tmp_path / "a.jsonl", [row]), tmp_path / "out")
        assert {group.origin.model for group in report.groups} == {"gpt-4", "claude-2"}
        assert (report.rows, report.verdicts["bound"]) == (1, 1)

    @pytest.mark.parametrize(
        "form", ["4", "true", "null", '""', '" "', "[]", "{}", '{"name": "x"}', "[[1]]", "1e999"]
    )
    def test_a_generator_of_another_kind_is_never_clean(self, tmp_path: Path, form: str) -> None:
        row = f'{{"text": "a", "license": "cc0-1.0", "generator": {form}}}'
        report = audited(lines(tmp_path / "a.jsonl", [row]), tmp_path / "out")
        assert report.verdicts["clean"] == 0

    @pytest.mark.parametrize(
        "label", ["[1]", '{"Label": [1]}', '{"Label": {"a": 1}}', '"[[[["', "1", '"' + "[" * 5000 + '"']
    )
    def test_a_label_that_is_none_breaks_nothing(self, tmp_path: Path, label: str) -> None:
        row = f'{{"text": "a", "AIGC": {label}}}'
        assert audited(lines(tmp_path / "a.jsonl", [row]), tmp_path / "out").verdicts["unknown"] == 1

    def test_a_quotation_takes_a_humans_claim_its_standing_and_binds_nobody(self, tmp_path: Path) -> None:
        row = {**GOOD, "text": 'The machine said: "As an AI language model, I can\'t." We laughed.'}
        report = audited(lines(tmp_path / "a.jsonl", [row]), tmp_path / "out")
        assert report.verdicts == {"clean": 0, "bound": 0, "unknown": 1}
        assert report.contradicted == 1


class TestTheFolderWrittenTo:
    def test_a_file_is_none(self, tmp_path: Path) -> None:
        (tmp_path / "out").touch()
        with pytest.raises(UsageError, match="is a file"):
            audited(lines(tmp_path / "a.jsonl", [GOOD]), tmp_path / "out")

    @pytest.mark.parametrize(
        ("name", "data"),
        [
            ("job.json", b""),
            ("job.json", b"[1]"),
            ("00000000.json", b'{"fi'),
            ("00000000.json", b""),
            ("job.json", b"{}"),
        ],
    )
    def test_torn_work_is_done_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, data: bytes
    ) -> None:
        path = lines(tmp_path / "a.jsonl", [GOOD, "bad", GOOD])
        whole = audited(path, tmp_path / "whole")
        interrupted(path, tmp_path / "out", monkeypatch)
        (tmp_path / "out" / ".audit-work" / name).write_bytes(data)
        assert audited(path, tmp_path / "out") == whole
        assert (tmp_path / "out" / "audit.json").read_bytes() == (
            tmp_path / "whole" / "audit.json"
        ).read_bytes()
        assert len(aside(tmp_path / "out")) == 1
        assert not (tmp_path / "out" / ".audit-work").exists()

    def test_a_corpus_that_changed_is_audited_anew(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = lines(tmp_path / "a.jsonl", [GOOD] * 3)
        interrupted(path, tmp_path / "out", monkeypatch)
        lines(path, [{**GOOD, "generator": "gpt-4"}] * 3)
        os.utime(path, ns=(1, 1))
        assert audited(path, tmp_path / "out").verdicts == {"clean": 0, "bound": 3, "unknown": 0}

    def test_another_question_is_asked_anew(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = lines(tmp_path / "a.jsonl", [{"text": "a"}])
        interrupted(path, tmp_path / "out", monkeypatch)
        report = audited(path, tmp_path / "out", constants={"generator": "gpt-4"})
        assert report.verdicts["bound"] == 1


def interrupted(path: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An audit that ends when all chunks are done and nothing is added up."""

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("headwater.provenance.audit.run._report", end)
        with pytest.raises(KeyboardInterrupt):
            audited(path, out)
    assert (out / ".audit-work" / "00000000.json").exists()
    assert not (out / "audit.json").exists()


def test_the_same_whatever_the_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        {**GOOD, "id": at, "generator": ("human", "gpt-4", "")[at % 3], "date": f"2024-0{at % 9 + 1}-01",
         "text": "As an AI language model, I" if at % 7 == 0 else "é" * (at % 50)}
        for at in range(500)
    ]  # fmt: skip
    path = lines(tmp_path / "a.jsonl", [*rows, "bad", '{"text": "\\ud800"}'])
    packed = tmp_path / "b" / "a.jsonl.gz"
    packed.parent.mkdir()
    packed.write_bytes(gzip.compress(path.read_bytes()))
    told = set()
    for at, size in enumerate((1 << 23, 1000, 1)):
        monkeypatch.setattr(chunking, "LINES", size)
        monkeypatch.setattr("headwater.exchange.streams._BLOCK", min(size, 256 << 10))
        report = audited(path, tmp_path / f"out{at}")
        table = pa.Table.from_batches(annotated(tmp_path / f"out{at}"))
        rows_told = json.dumps(table.to_pylist(), default=str)
        told.add(
            (
                (tmp_path / f"out{at}" / "audit.json").read_bytes(),
                rows_told,
                str(aside(tmp_path / f"out{at}")),
            )
        )
        of_packed = audited(packed, tmp_path / f"packed{at}")
        placeless = [[msgspec.structs.replace(g, first=None) for g in r.groups] for r in (of_packed, report)]
        assert placeless[0] == placeless[1]
        assert of_packed.findings[0].rows == report.findings[0].rows
    assert len(told) == 1


def test_an_audit_that_lies_in_its_corpus_is_no_data_of_it(tmp_path: Path) -> None:
    lines(tmp_path / "set" / "a.jsonl", [GOOD])
    first = audited(tmp_path / "set", tmp_path / "set" / "audit")
    assert audited(tmp_path / "set", tmp_path / "out").files == first.files


# Was so: half a surrogate in a claim or a name ends the whole audit (UnicodeEncodeError).
@pytest.mark.parametrize(
    "row",
    [
        b'{"text": "a", "generator": "\\ud800gpt-4"}',
        b'{"text": "a", "license": "\\ud800"}',
        b'{"text": "a", "provider": "\\ud800"}',
        b'{"te\\ud800xt": "As an AI language model, I"}',
        b'{"a": {"\\ud800": "As an AI language model, I"}}',
        b'{"text": "a", "aigc": {"Label": "1", "ContentProducer": "\\ud800"}}',
        b'{"text": "a", "content_usage\\ud800": "train-ai=n", "consent": "\\ud800"}',
    ],
)
def test_half_a_surrogate_in_a_claim_or_a_name_ends_nothing(tmp_path: Path, row: bytes) -> None:
    report = audited(raw(tmp_path / "a.jsonl", row), tmp_path / "out")
    assert report.rows + report.set_aside.total == 2
    assert report.verdicts["clean"] == 1


# Was so: so do the bytes of a file's name, where anything is found in it (and split refuses it).
def test_a_file_name_may_be_no_utf8(tmp_path: Path) -> None:
    name = os.fsdecode(b"n\xff.jsonl")
    lines(tmp_path / "set" / name, [GOOD, {"text": "I am ChatGPT."}, "bad"])
    report = audited(tmp_path / "set", tmp_path / "out")
    assert report.files[0].path == "n\\udcff.jsonl"
    assert explain_row(tmp_path / "out", f"{report.files[0].path}:2").findings
    assert split(tmp_path / "out", tmp_path / "parts")["clean"] == 1


# Was so: names are unbounded: audit.json grows by them, and memory by names times texts.
def test_long_names_are_cut(tmp_path: Path) -> None:
    key = "k" * (1 << 20)
    report = audited(
        lines(tmp_path / "a.jsonl", [{key: {key: "As an AI language model, I"}}, GOOD]), tmp_path / "out"
    )
    assert report.rows == 2
    assert (tmp_path / "out" / "audit.json").stat().st_size < 100_000
    for batch in annotated(tmp_path / "out"):
        assert len(str(batch.to_pylist())) < 100_000


# Was so: what the last of two conflicting claims says counts, so that a row said to be generated is clean.
@pytest.mark.parametrize(
    "claims",
    [
        {"synthetic": True, "is_human": True},
        {"is_human": True, "synthetic": True},
        {"aigc": {"Label": "1"}, "generator": "human"},
        {"generator": "human", "aigc": {"Label": "1"}},
        {"synthetic": True, "generator": "human"},
    ],
)
def test_who_is_said_to_be_human_and_machine_is_never_clean(
    tmp_path: Path, claims: dict[str, object]
) -> None:
    report = audited(
        lines(tmp_path / "a.jsonl", [{"text": "a", "license": "cc0-1.0", **claims}]), tmp_path / "out"
    )
    assert report.verdicts["clean"] == 0


# Was so: rows of a stage are counted by origin, and those beyond the groups told aren't.
def test_a_stage_counts_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headwater.provenance.audit.fold.MOST_GROUPS", 2)
    rows: list[dict[str, object]] = [{"text": "a", "generator": ["gpt-4", "claude-2"]}, {"text": "a"}]
    rows += [{"text": "a", "generator": name} for name in "uvwxyz"]
    report = audited(lines(tmp_path / "a.jsonl", rows), tmp_path / "out")
    assert report.stages[0].rows == 7


# Failed until claims.py asked `is_human` of terms.
@pytest.mark.parametrize(
    "name", ["human annotator", "mturk", "human-annotated", "Amazon Mechanical Turk", "user-written"]
)
def test_people_are_people_by_every_name(tmp_path: Path, name: str) -> None:
    report = audited(lines(tmp_path / "a.jsonl", [{**GOOD, "generator": name}]), tmp_path / "out")
    assert report.verdicts["clean"] == 1


# Was so: words for "nobody knows" become a model's name, and hide the card's generators.
@pytest.mark.parametrize("name", ["none", "n/a", "N/A", "null", "unknown", "-"])
def test_a_word_for_nothing_names_no_model(tmp_path: Path, name: str) -> None:
    (group,) = audited(lines(tmp_path / "a.jsonl", [{**GOOD, "generator": name}]), tmp_path / "out").groups
    assert group.origin.model is None


# Was so: a corpus in which somebody's audit.json lies is passed over whole.
def test_an_audit_json_of_others_hides_no_data(tmp_path: Path) -> None:
    lines(tmp_path / "set" / "sub" / "a.jsonl", [GOOD])
    (tmp_path / "set" / "sub" / "audit.json").write_text('{"vulnerabilities": []}')
    lines(tmp_path / "set" / "b.jsonl", [GOOD])
    assert audited(tmp_path / "set", tmp_path / "out").rows == 2


# Was so: such a folder is taken for ours, and files in it are removed.
def test_a_folder_with_an_audit_json_of_others_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out" / "annotations").mkdir(parents=True)
    for name in ("audit.json", "audit.html", "annotations/part-0001.parquet"):
        (tmp_path / "out" / name).write_text('{"of": "others"}')
    with pytest.raises(UsageError, match="no audit wrote"):
        audited(lines(tmp_path / "a.jsonl", [GOOD]), tmp_path / "out")
    assert (tmp_path / "out" / "annotations" / "part-0001.parquet").exists()


# Was so: an earlier report is gone as soon as another begins, however that ends.
def test_an_audit_without_a_row_leaves_an_earlier_one_as_it_was(tmp_path: Path) -> None:
    audited(lines(tmp_path / "a.jsonl", [GOOD]), tmp_path / "out")
    before = (tmp_path / "out" / "audit.json").read_bytes()
    with pytest.raises(UnreadableInput):
        audited(lines(tmp_path / "b.jsonl", ["bad"]), tmp_path / "out")
    assert (tmp_path / "out" / "audit.json").read_bytes() == before
    assert explain_row(tmp_path / "out", "1").verdict == "clean"


# Was so: rows of one state of a file are told with the digest of another.
def test_a_file_that_changes_while_it_is_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = lines(tmp_path / "a.jsonl", [GOOD] * 3)

    def changing(corpus: object) -> Iterator[object]:
        yield from chunking.chunks(corpus)  # type: ignore[arg-type]
        lines(path, [GOOD] * 4)

    monkeypatch.setattr("headwater.provenance.audit.run.chunks", changing)
    with pytest.raises(UnreadableInput, match="changed"):
        audited(path, tmp_path / "out")


# Was so: a person's decision on one corpus counts for the next that is audited into the same folder.
def test_a_decision_holds_for_the_corpus_it_was_made_on(tmp_path: Path) -> None:
    audited(lines(tmp_path / "a.jsonl", [{"text": "a", "generator": "gpt-4"}]), tmp_path / "out")
    when = datetime(2026, 11, 27, tzinfo=UTC)
    dispute(tmp_path / "out", "1", reason="written by me", by="Ada", at=when, decided="clean")
    audited(lines(tmp_path / "a.jsonl", [{"text": "another", "generator": "gpt-4"}]), tmp_path / "out")
    assert explain_row(tmp_path / "out", "1").stands == "bound"
    assert split(tmp_path / "out", tmp_path / "parts") == {"clean": 0, "bound": 1, "unknown": 0}


# Was so: a dispute whose writing was cut off makes every later command fail.
def test_a_torn_dispute_spoils_no_other(tmp_path: Path) -> None:
    audited(lines(tmp_path / "a.jsonl", [GOOD]), tmp_path / "out")
    (tmp_path / "out" / "disputes.jsonl").write_bytes(b'{"file":"a.js')
    when = datetime(2026, 11, 27, tzinfo=UTC)
    dispute(tmp_path / "out", "1", reason="a reason", by="Ada", at=when, decided=None)
    assert explain_row(tmp_path / "out", "1").stands == "disputed"


# Was so: a number of thousands of digits is converted before it is measured (ValueError).
def test_a_row_of_thousands_of_digits_is_refused(tmp_path: Path) -> None:
    audited(lines(tmp_path / "a.jsonl", [GOOD]), tmp_path / "out")
    with pytest.raises(UsageError):
        explain_row(tmp_path / "out", "a.jsonl:" + "9" * 5000)


# Was so: torn annotations are a fault of ours (ArrowInvalid); lacking ones make an empty split.
@pytest.mark.parametrize("torn", [True, False])
def test_annotations_that_are_torn_or_gone_are_told(tmp_path: Path, torn: bool) -> None:
    audited(lines(tmp_path / "a.jsonl", [GOOD]), tmp_path / "out")
    part = tmp_path / "out" / "annotations" / "part-00000000.parquet"
    part.write_bytes(b"PAR1") if torn else part.unlink()
    with pytest.raises(HeadwaterError):
        split(tmp_path / "out", tmp_path / "parts")
    with pytest.raises(HeadwaterError):
        explain_row(tmp_path / "out", "1")


# Was so: work that was torn by a loss of power ends the next run.
@pytest.mark.parametrize("what", ["torn sample", "no sample", "deep job", "folder", "no annotations"])
def test_work_torn_by_a_loss_of_power_is_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    path = lines(tmp_path / "a.jsonl", [GOOD] * 3)
    interrupted(path, tmp_path / "out", monkeypatch)
    work = tmp_path / "out" / ".audit-work"
    if what == "torn sample":
        (work / "00000000.sample").write_bytes(b"")
    elif what == "no sample":
        (work / "00000000.sample").unlink()
    elif what == "deep job":
        (work / "job.json").write_bytes(b"[" * 100_000)
    elif what == "folder":
        (work / "job.json").unlink()
        (work / "folder").mkdir()
    else:
        (work / "annotations" / "part-00000000.parquet").unlink()
    assert audited(path, tmp_path / "out").rows == 3
    assert explain_row(tmp_path / "out", "3").verdict == "clean"


# Was so: the place of a finding is no URI, as SARIF 2.1.0 (3.4.3) and RFC 3986 ask for.
def test_sarif_names_files_by_uris(tmp_path: Path) -> None:
    lines(tmp_path / "set" / "a b#ü%\n.jsonl", [{"text": "I am ChatGPT."}])
    (result,) = audit_sarif(audited(tmp_path / "set", tmp_path / "out"))["runs"][0]["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "a%20b%23%C3%BC%25%0A.jsonl"


# Was so: a misspelt column is passed over in silence, and then nothing was searched.
@pytest.mark.parametrize("given", [{"text": frozenset(["txet"])}, {"roles": {"txet": "generator"}}])
def test_a_column_that_no_row_has_is_told(tmp_path: Path, given: dict[str, object]) -> None:
    path = lines(tmp_path / "a.jsonl", [GOOD])
    try:
        told = str(audited(path, tmp_path / "out", **given).set_aside.notices)
    except UsageError as error:
        told = str(error)
    assert "txet" in told


# Was so: all hits are held before the most of them are left out: 3.7 GB and half a minute for 60 MiB of one line.
def test_what_is_held_of_a_text_full_of_phrases_is_bounded() -> None:
    import tracemalloc

    text = b"<think>" * (1 << 18)
    artefacts().find([b"warm"])
    tracemalloc.start()
    hits = artefacts().find([text])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(hits) <= 100
    assert peak < 20 * len(text)


def test_a_run_that_is_ended_at_its_very_end_ends_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{**GOOD, "n": n} for n in range(50)]
    path = lines(tmp_path / "a.jsonl", [*rows, "bad"])
    monkeypatch.setattr(chunking, "LINES", 1000)
    whole = audited(path, tmp_path / "whole")
    plain = working._put

    def ended(place: Path, data: bytes) -> None:
        if place.name == "audit.json":
            raise KeyboardInterrupt
        plain(place, data)

    monkeypatch.setattr(working, "_put", ended)
    with pytest.raises(KeyboardInterrupt):
        audited(path, tmp_path / "out")
    monkeypatch.setattr(working, "_put", plain)
    assert audited(path, tmp_path / "out") == whole
    assert explain_row(tmp_path / "out", "50") == explain_row(tmp_path / "whole", "50")
    assert (tmp_path / "out" / "set_aside.jsonl").read_bytes() == (
        tmp_path / "whole" / "set_aside.jsonl"
    ).read_bytes()
