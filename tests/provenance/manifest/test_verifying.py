"""What a signature covers, what nothing covers, and that each change of what is covered is a finding."""

import json
from pathlib import Path

import pytest

from headwater.keys import SigningKey
from headwater.provenance.manifest import DEFAULT_FORMATS, Check, Keys, load_record, verify, write
from headwater.provenance.manifest.coverage import MOST_TOLD
from headwater.provenance.manifest.names import CARD_SUBJECT
from provenance.manifest import audits

KEY = SigningKey(bytes(range(32)))
README = b"---\nlicense: cc-by-4.0\n# a comment\n---\n# Rivers\n\nText of people.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data set whose manifests were signed in one call; the audit lies elsewhere."""
    made = tmp_path / "set"
    audits.instructions(made)
    (made / "README.md").write_bytes(README)
    audit = tmp_path / "audit"
    audit.mkdir()
    (made / "audit.json").rename(audit / "audit.json")
    write(load_record(audit), made, [*DEFAULT_FORMATS, "statement"], keys=Keys(KEY))
    return made


def checks(folder: Path, outcome: str) -> dict[str, Check]:
    found = verify(folder, keys=[KEY.public])
    return {check.subject: check for check in found.checks if check.outcome == outcome}


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_as_it_was_signed_it_holds_and_the_rest_of_the_card_is_said_to_be_open(folder: Path) -> None:
    found = verify(folder, keys=[KEY.public])
    assert found.holds
    open_ = [(check.subject, check.why) for check in found.checks if check.outcome == "not checked"]
    assert open_ == [("README.md", "no signature covers it, Headwater's section and keys apart")]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("croissant.json", "gpt-4o-2024-08-06", "claude-3-opus"),
        ("croissant.json", "2 rows", "9 rows"),
        ("dta.json", "gpt-4o-2024-08-06", "claude-3-opus"),
        ("eu-summary.json", '"rows": 2', '"rows": 9'),
        ("eu-summary.md", "| 2 |", "| 9 |"),
        ("california-statement.json", "4 rows", "9 rows"),
        ("california-statement.md", "4 rows", "9 rows"),
    ],
)
def test_an_edited_manifest_is_a_finding(folder: Path, name: str, old: str, new: str) -> None:
    edit(folder / name, old, new)
    assert set(checks(folder, "mismatch")) == {name}
    (folder / name).unlink()
    assert set(checks(folder, "missing")) == {name}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("| `gpt-4o-2024-08-06` | OpenAI | 2 |", "| `gpt-4o-2024-08-06` | OpenAI | 1 |"),
        ("license: cc-by-4.0", "license: mit"),
        ("- synthetic\n", ""),
        ("<!-- headwater:note", "<!-- headwater:nota"),
        ("<!-- headwater:end -->", ""),
        ("license: cc-by-4.0", "license: ["),
    ],
)
def test_an_edited_section_or_key_of_the_card_is_a_finding(folder: Path, old: str, new: str) -> None:
    edit(folder / "README.md", old, new)
    assert set(checks(folder, "mismatch")) == {CARD_SUBJECT}


def test_people_may_edit_the_rest_of_the_card(folder: Path) -> None:
    edit(folder / "README.md", "Text of people.", "More text of people.")
    edit(folder / "README.md", "# a comment\n", "dataset_info:\n  splits: [train]\n")
    path = folder / "README.md"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert checks(folder, "mismatch") == {}


def test_a_card_that_is_gone_is_a_finding(folder: Path) -> None:
    (folder / "README.md").unlink()
    assert set(checks(folder, "missing")) == {CARD_SUBJECT}


def test_files_that_no_manifest_lists_are_told_and_bounded(folder: Path) -> None:
    (folder / "data" / "new.jsonl").write_text("{}\n", "utf-8")
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("", "utf-8")
    left = checks(folder, "not checked")
    assert left["data/new.jsonl"].why == "no manifest lists it"
    assert set(left) == {"README.md", "data/new.jsonl"}
    for number in range(MOST_TOLD + 4):
        (folder / "data" / f"x{number}.jsonl").write_text("{}\n", "utf-8")
    left = checks(folder, "not checked")
    assert len(left) == MOST_TOLD + 2
    assert left["5 more files"].why == "no manifest lists it"


def test_a_manifest_of_another_call_is_told_when_written_and_when_checked(tmp_path: Path) -> None:
    audits.instructions(tmp_path)
    record = load_record(tmp_path)
    write(record, tmp_path, ["croissant", "card"])
    made = write(record, tmp_path, ["statement"], keys=Keys(KEY))
    assert any("croissant.json" in line and "README.md" in line and "same call" in line for line in made.told)
    left = checks(tmp_path, "not checked")
    assert left["croissant.json"].why == left["README.md"].why == "no signature covers it"
    again = write(record, tmp_path, ["croissant"])
    assert any("sign again" in line for line in again.told)


def test_a_signature_that_doesnt_fit_covers_nothing(folder: Path) -> None:
    found = verify(folder, keys=[SigningKey(bytes(32)).public])
    assert not found.holds
    told = {check.subject: check.why for check in found.checks if check.what == "coverage"}
    assert told["croissant.json"] == told["README.md"] == "no signature covers it"


def test_a_signed_statement_that_was_taken_away_is_a_finding_where_a_key_is_given(folder: Path) -> None:
    (folder / "statement.dsse.json").unlink()
    assert set(checks(folder, "missing")) == {"statement.dsse.json"}
    assert verify(folder).holds, "without a key nobody asked for a signature"


def test_data_may_lie_elsewhere_than_the_manifests(folder: Path, tmp_path: Path) -> None:
    data = tmp_path / "data-only"
    data.mkdir()
    (folder / "data").rename(data / "data")
    assert verify(folder, data=data, keys=[KEY.public]).holds


def test_a_statement_that_points_out_of_the_folder_reads_nothing_there(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x", "utf-8")
    audits.instructions(tmp_path / "set")
    record = load_record(tmp_path / "set")
    from headwater.provenance.manifest.formats.statement import signed_statement

    made = signed_statement(record, KEY, [("../secret", "0" * 64)])
    (tmp_path / "set" / "statement.dsse.json").write_bytes(made)
    assert set(checks(tmp_path / "set", "missing")) == {"../secret"}


def test_the_statement_and_croissant_tell_answers_and_disputes(tmp_path: Path) -> None:
    audits.instructions(tmp_path)
    document = json.loads((tmp_path / "audit.json").read_text("utf-8"))
    document |= {"disputes": 2, "answers": {"unknown": 0, "prohibited-by-contract": 2, "allowed": 1}}
    audits.written(tmp_path, document)
    record = load_record(tmp_path)
    assert (record.disputes, record.answers) == (2, {"prohibited-by-contract": 2, "allowed": 1})
    write(record, tmp_path, ["croissant", "card"])
    described = json.loads((tmp_path / "croissant.json").read_text("utf-8"))
    told = described["urn:headwater:manifest:1:audit"]["@value"]
    assert (told["disputes"], told["answers"]) == (record.disputes, record.answers)
    assert "2 matches of the audit" in described["rai:syntheticDataExplanation"]
    assert "- Disputed matches: 2" in (tmp_path / "README.md").read_text("utf-8")
