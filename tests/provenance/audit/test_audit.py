"""The audit as its user sees it: what rows claim becomes a verdict, what speaks against a claim takes it back."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import msgspec
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

from headwater.errors import UnreadableInput, UsageError
from headwater.provenance.audit import Report, RowTold, dispute, explain_row, load_report, split
from headwater.provenance.audit import chunks as chunking
from headwater.provenance.terms import USES
from provenance.audit.corpora import audited, lines

GOOD = "A text about rivers, which flow where they will."
ROWS: list[dict[str, object]] = [
    {"id": "a", "text": GOOD, "generator": "human", "license": "cc0-1.0"},
    {"id": "b", "text": GOOD, "generator": "gpt-4-0613", "license": "cc0-1.0", "generated_at": "2025-03-02"},
    {"id": "c", "text": GOOD},
    {
        "id": "d",
        "text": "As an AI language model, I love rivers.",
        "generator": "human",
        "license": "cc0-1.0",
    },
    {"id": "e", "text": "I'm ChatGPT, and I love rivers.", "generator": "claude-3-opus-20240229"},
]


def groups(report: Report) -> dict[str, str]:
    return {
        group.origin.model or ("people" if group.origin.human else ""): group.verdict
        for group in report.groups
    }


def test_rows_are_clean_bound_or_unknown_by_what_they_claim(tmp_path: Path) -> None:
    report = audited(lines(tmp_path / "a.jsonl", ROWS), tmp_path / "out", use=USES["train-competing"])
    assert groups(report) == {
        "people": "clean",
        "gpt-4-0613": "bound",
        "": "unknown",
        "claude-3-opus-20240229": "bound",
    }
    assert report.verdicts == {"clean": 1, "bound": 2, "unknown": 2}
    assert report.contradicted == 2
    told = explain_row(tmp_path / "out", "a.jsonl:4")
    assert (told.verdict, told.contradicted, told.id) == ("unknown", True, "d")
    assert told.findings[0].kind == "self-identification"
    assert explain_row(tmp_path / "out", "5").contradicted


def test_the_day_decides_which_version_answers(tmp_path: Path) -> None:
    rows = [
        {"text": GOOD, "model": "mistral-large", "account_type": "api", "generated_at": day}
        for day in ("2024-01-15", "2024-06-01")
    ]
    report = audited(lines(tmp_path / "a.jsonl", rows), tmp_path / "out", use=USES["train-competing"])
    answers = {group.first_at: group.answer for group in report.groups}
    clauses = {at: {c.uid for link in a.links for c in link.clauses} for at, a in answers.items()}
    assert len(report.groups) == 2
    assert len({tuple(sorted(uids)) for uids in clauses.values()}) == 2


def test_the_report_and_its_file_are_the_same(tmp_path: Path) -> None:
    report = audited(lines(tmp_path / "a.jsonl", ROWS), tmp_path / "out")
    assert load_report(tmp_path / "out") == report
    told = json.loads((tmp_path / "out" / "audit.json").read_text())
    assert told["schema"] == "headwater.audit/1"
    assert told["files"][0]["rows"] == len(ROWS)
    assert GOOD not in (tmp_path / "out" / "audit.json").read_text()


def every_kind(folder: Path) -> None:
    """The same rows in every kind of file that can be read."""
    lines(folder / "lines.jsonl", ROWS)
    (folder / "packed.jsonl.gz").write_bytes(gzip.compress((folder / "lines.jsonl").read_bytes()))
    pa_zstd = pa.compress((folder / "lines.jsonl").read_bytes(), codec="zstd", asbytes=True)
    (folder / "packed.jsonl.zst").write_bytes(pa_zstd)
    (folder / "document.json").write_text(json.dumps(ROWS))
    table = pa.Table.from_pylist(ROWS, schema=pa.schema([(n, pa.string()) for n in (*ROWS[1],)]))
    pq.write_table(table, folder / "table.parquet", row_group_size=2)
    with pyarrow.ipc.new_stream(str(folder / "data-00000-of-00001.arrow"), table.schema) as stream:
        stream.write_table(table)
    with (folder / "sheet.csv").open("w", newline="") as file:
        import csv

        writer = csv.DictWriter(file, [*ROWS[1]])
        writer.writeheader()
        writer.writerows(ROWS)  # type: ignore[arg-type]


KINDS = (
    "data-00000-of-00001.arrow",
    "document.json",
    "lines.jsonl",
    "packed.jsonl.gz",
    "packed.jsonl.zst",
    "sheet.csv",
    "table.parquet",
)


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_file_says_the_same(tmp_path: Path, name: str) -> None:
    (tmp_path / "set").mkdir()
    every_kind(tmp_path / "set")
    report = audited(tmp_path / "set" / name, tmp_path / "out")
    alone = audited(tmp_path / "set" / "lines.jsonl", tmp_path / "other")
    assert report.verdicts == alone.verdicts
    assert report.contradicted == alone.contradicted
    assert [(g.key, g.rows) for g in report.groups] == [(g.key, g.rows) for g in alone.groups]
    assert (
        explain_row(tmp_path / "out", f"{name}:4").findings == explain_row(tmp_path / "other", "4").findings
    )


def test_a_folder_is_its_data_and_nothing_that_describes_them(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    every_kind(folder)
    (folder / "dataset_info.json").write_text('{"features": {}}')
    (folder / "README.md").write_text("---\nlicense: mit\ntags: [synthetic]\n---\n")
    lines(folder / ".cache" / "hidden.jsonl", ROWS)
    report = audited(folder, tmp_path / "out")
    assert [file.path for file in report.files] == sorted(KINDS)
    assert report.rows == len(ROWS) * len(KINDS)
    assert report.card.license == ("mit",)
    nobody = next(group for group in report.groups if group.origin.model is None and not group.origin.human)
    assert nobody.origin.human is False
    assert nobody.origin.licences == ("mit",)


def test_nothing_depends_on_chunks_or_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{**ROWS[i % len(ROWS)], "n": i} for i in range(400)]
    path = lines(tmp_path / "a.jsonl", rows)
    whole = audited(path, tmp_path / "one")
    monkeypatch.setattr(chunking, "LINES", 1000)
    monkeypatch.setattr(chunking, "GROUPS", 1)
    monkeypatch.setattr("headwater.provenance.audit.run._SMALL", 0)
    small = audited(path, tmp_path / "two", processes=2)
    assert msgspec.json.encode(whole) == msgspec.json.encode(small)
    assert explain_row(tmp_path / "one", "399") == explain_row(tmp_path / "two", "399")


def test_a_torn_row_is_set_aside_and_counted(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", [ROWS[0], '{"text": "torn', ROWS[1], "[1, 2]", "null"])
    report = audited(path, tmp_path / "out")
    assert report.rows == 2
    assert report.files[0].rows == 5
    assert report.set_aside.total == 3
    told = [json.loads(line) for line in (tmp_path / "out" / "set_aside.jsonl").read_text().splitlines()]
    assert [one["row"] for one in told] == [2, 4, 5]
    assert "torn" not in (tmp_path / "out" / "set_aside.jsonl").read_text().replace("is not JSON", "")


def test_a_corpus_without_a_row_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnreadableInput, match="no row"):
        audited(lines(tmp_path / "a.jsonl", ["nothing", "here"]), tmp_path / "out")


def test_an_output_folder_of_others_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="no audit wrote"):
        audited(lines(tmp_path / "a.jsonl", ROWS), tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_the_label_of_gb_45438_is_a_claim(tmp_path: Path) -> None:
    label = {"AIGC": {"Label": "1", "ContentProducer": "someone", "ProduceID": "7"}}
    report = audited(lines(tmp_path / "a.jsonl", [{"text": GOOD, "AIGC": label}]), tmp_path / "out")
    (group,) = report.groups
    assert (group.origin.human, group.origin.provider) == (False, "someone")


def test_claims_of_the_user_hold_for_every_row(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", [{"text": GOOD}, {"text": GOOD}])
    report = audited(path, tmp_path / "out", constants={"provider": "openai", "account-type": "api"})
    (group,) = report.groups
    assert group.verdict == "bound"
    assert group.basis == ("--set",)


def test_an_opt_out_counts_like_a_contract(tmp_path: Path) -> None:
    rows = [
        {"text": GOOD, "generator": "human", "license": "cc0-1.0"},
        {"text": GOOD, "generator": "human", "license": "cc0-1.0", "opt_out": True},
        {"text": GOOD, "generator": "human", "license": "cc0-1.0", "content_usage": "train-ai=n"},
    ]
    report = audited(lines(tmp_path / "a.jsonl", rows), tmp_path / "out")
    assert report.verdicts == {"clean": 1, "bound": 2, "unknown": 0}


def test_signals_of_a_site_count_for_its_pages(tmp_path: Path) -> None:
    host = tmp_path / "sites" / "example.org"
    host.mkdir(parents=True)
    (host / "robots.txt").write_text("User-agent: GPTBot\nDisallow: /private/\n")
    rows = [
        {"text": GOOD, "generator": "human", "license": "cc0-1.0", "url": f"https://example.org/{place}"}
        for place in ("private/a", "public/b")
    ]
    report = audited(lines(tmp_path / "a.jsonl", rows), tmp_path / "out", rights=tmp_path / "sites")
    assert explain_row(tmp_path / "out", "1").verdict == "bound"
    assert explain_row(tmp_path / "out", "2").verdict == "clean"
    assert report.rows == 2


class TestSplit:
    @pytest.mark.parametrize("name", KINDS)
    def test_rows_go_where_their_verdict_says_as_they_were(self, tmp_path: Path, name: str) -> None:
        (tmp_path / "set").mkdir()
        every_kind(tmp_path / "set")
        before = (tmp_path / "set" / name).read_bytes()
        report = audited(tmp_path / "set" / name, tmp_path / "out")
        counts = split(tmp_path / "out", tmp_path / "parts")
        assert counts == report.verdicts
        assert (tmp_path / "set" / name).read_bytes() == before
        again = audited(tmp_path / "parts" / "bound", tmp_path / "again")
        assert again.rows == counts["bound"]
        assert again.verdicts["bound"] == counts["bound"]

    def test_lines_are_copied_byte_by_byte(self, tmp_path: Path) -> None:
        odd = '{"text":"\\u0041 \u200b\u200c mark",   "generator" : "human","license":"cc0-1.0"}'
        path = lines(tmp_path / "a.jsonl", [odd, ROWS[1]])
        audited(path, tmp_path / "out")
        split(tmp_path / "out", tmp_path / "parts")
        assert (tmp_path / "parts" / "clean" / "a.jsonl").read_text() == odd + "\n"

    def test_a_corpus_that_changed_is_refused(self, tmp_path: Path) -> None:
        path = lines(tmp_path / "a.jsonl", ROWS)
        audited(path, tmp_path / "out")
        lines(path, reversed(ROWS))
        with pytest.raises(UnreadableInput, match="isn't what was audited"):
            split(tmp_path / "out", tmp_path / "parts")
        assert not (tmp_path / "parts").exists()

    def test_a_corpus_that_moved_is_found_where_the_user_says(self, tmp_path: Path) -> None:
        path = lines(tmp_path / "a.jsonl", ROWS)
        audited(path, tmp_path / "out")
        (tmp_path / "moved").mkdir()
        path.rename(tmp_path / "moved" / "a.jsonl")
        counts = split(tmp_path / "out", tmp_path / "parts", source=tmp_path / "moved" / "a.jsonl")
        assert sum(counts.values()) == len(ROWS)


class TestDisputes:
    def disputed(self, out: Path, decided: str | None = None) -> RowTold:
        at = datetime(2026, 11, 27, tzinfo=UTC)
        return dispute(out, "a.jsonl:4", reason="a quotation", by="Ada", at=at, decided=decided)  # type: ignore[arg-type]

    def test_it_is_recorded_and_changes_no_annotation(self, tmp_path: Path) -> None:
        audited(lines(tmp_path / "a.jsonl", ROWS), tmp_path / "out")
        told = self.disputed(tmp_path / "out")
        assert told.stands == "disputed"
        assert explain_row(tmp_path / "out", "a.jsonl:4") == told
        assert told.verdict == "unknown"

    def test_a_persons_decision_stands(self, tmp_path: Path) -> None:
        audited(lines(tmp_path / "a.jsonl", ROWS), tmp_path / "out")
        self.disputed(tmp_path / "out")
        assert self.disputed(tmp_path / "out", "clean").stands == "clean"
        counts = split(tmp_path / "out", tmp_path / "parts")
        assert counts["clean"] == 2

    def test_it_needs_a_reason(self, tmp_path: Path) -> None:
        audited(lines(tmp_path / "a.jsonl", ROWS), tmp_path / "out")
        with pytest.raises(UsageError, match="why and by whom"):
            dispute(
                tmp_path / "out", "1", reason=" ", by="Ada", at=datetime(2026, 1, 1, tzinfo=UTC), decided=None
            )


@pytest.mark.parametrize(
    "place", ["b.jsonl:1", "a.jsonl", "a.jsonl:0", "a.jsonl:-3", "a.jsonl:99999999999999999"]
)
def test_a_row_that_is_no_place_is_refused_with_an_example(tmp_path: Path, place: str) -> None:
    audited(lines(tmp_path / "a.jsonl", ROWS), tmp_path / "out")
    with pytest.raises(UsageError) as refused:
        explain_row(tmp_path / "out", place)
    assert "a.jsonl:" in str(refused.value.hint)


def test_what_people_recorded_stands_on_the_page(tmp_path: Path) -> None:
    audited(lines(tmp_path / "a.jsonl", ROWS), tmp_path / "out")
    at = datetime(2026, 11, 27, tzinfo=UTC)
    dispute(tmp_path / "out", "a.jsonl:4", reason="quotes a chat", by="Ada", at=at, decided="clean")
    assert load_report(tmp_path / "out").disputes == 1
    again = audited(tmp_path / "a.jsonl", tmp_path / "out")
    assert again.disputes == 1


def test_a_row_with_an_empty_generator_isnt_the_cards(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    lines(folder / "a.jsonl", [{"text": GOOD, "generator": None}, {"text": GOOD}])
    (folder / "README.md").write_text("---\nlicense: mit\ntags: [synthetic]\n---\n")
    report = audited(folder, tmp_path / "out")
    assert sorted(str(group.origin.human) for group in report.groups) == ["False", "None"]


@pytest.mark.parametrize(
    ("settings", "near"),
    [
        ({"text": frozenset({"txt"})}, "text"),
        ({"roles": {"generatr": "generator"}}, "generator"),
        ({"constants": {"provider": "opnai"}}, "openai"),
        ({"constants": {"account-type": "apii"}}, "api"),
    ],
)
def test_what_is_misspelt_is_refused_with_the_nearest(
    tmp_path: Path, settings: dict[str, object], near: str
) -> None:
    with pytest.raises(UsageError) as refused:
        audited(lines(tmp_path / "a.jsonl", ROWS), tmp_path / "out", **settings)
    assert str(refused.value.hint) == f"did you mean {near}?"


def test_an_audit_that_isnt_finished_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "out" / ".audit-work").mkdir(parents=True)
    with pytest.raises(UnreadableInput, match="isn't finished"):
        load_report(tmp_path / "out")


def test_duties_restrictions_and_prohibitions_are_counted_apart(tmp_path: Path) -> None:
    rows = [
        {"text": GOOD, "generator": "human", "license": "cc-by-4.0"},
        {"text": GOOD, "generator": "human", "license": "cc-by-nc-4.0"},
        {"text": GOOD, "generator": "gpt-4", "license": "mit", "created_at": "2025-03-02"},
    ]
    report = audited(lines(tmp_path / "a.jsonl", rows), tmp_path / "out", use=USES["train-competing"])
    assert report.verdicts["bound"] == 3
    told = {name: count for name, count in report.answers.items() if count}
    assert told == {"allowed-with-duties": 1, "restricted-to": 1, "prohibited-by-contract": 1}


def test_a_day_that_can_not_be_read_is_told(tmp_path: Path) -> None:
    rows = [
        {"text": GOOD, "generator": "gpt-4", "created_at": day}
        for day in ("last tuesday", "2024-01-01", None)
    ]
    report = audited(lines(tmp_path / "a.jsonl", rows), tmp_path / "out")
    assert report.set_aside.notices == (("created_at: is no date that can be read", 1),)


def test_card_and_licence_go_with_every_part(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    lines(folder / "a.jsonl", ROWS)
    (folder / "README.md").write_text("---\nlicense: cc-by-4.0\n---\n")
    (folder / "LICENSE.txt").write_text("CC BY 4.0")
    audited(folder, tmp_path / "out")
    split(tmp_path / "out", tmp_path / "parts")
    for part in (tmp_path / "parts").iterdir():
        assert {"README.md", "LICENSE.txt", "a.jsonl"} == {path.name for path in part.iterdir()}


def test_the_document_is_what_its_schema_says(tmp_path: Path) -> None:
    schema = json.loads((Path(__file__).parents[3] / "docs/reference/audit.schema.json").read_text())
    audited(lines(tmp_path / "a.jsonl", [*ROWS, "bad"]), tmp_path / "out", use=USES["train-competing"])
    jsonschema.validate(json.loads((tmp_path / "out" / "audit.json").read_text()), schema)
