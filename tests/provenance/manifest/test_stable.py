"""Audit, publish, audit again: what manifests say of rows makes no claim on rows that say nothing."""

import datetime
import json
import shutil
from pathlib import Path

import pytest

from headwater.keys import SigningKey
from headwater.provenance.audit import AuditSettings, Report, audit
from headwater.provenance.manifest import Keys, load_record, new, read_claims, write
from headwater.provenance.terms import USES
from provenance.manifest.hands import answer

ASKED = datetime.date(2026, 11, 27)
FORMATS = ["croissant", "card", "dta", "statement", "eu", "california"]
NAMED = [
    {
        "text": f"The river number {n} is the Elbe.",
        "generator": "gpt-4o-2024-08-06",
        "created_at": "2024-09-01",
    }
    for n in range(3)
]
PEOPLE = [{"text": f"I swam in lake {n} as a child.", "generator": "human"} for n in range(2)]
EMPTY = [{"text": "A bay of which nobody says who described it.", "generator": None}]
#: A second file without the column: nothing is claimed of its rows but by what describes the set.
BARE = [{"text": f"Sea {n} lies in the north."} for n in range(2)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "set"
    (made / "data").mkdir(parents=True)
    for name, rows in (("a.jsonl", [*NAMED, *PEOPLE, *EMPTY]), ("b.jsonl", BARE)):
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (made / "data" / name).write_text(lines, "utf-8")
    return made


def audited(folder: Path, name: str) -> Report:
    settings = AuditSettings(use=USES["train-competing"], sample=0)
    return audit(folder, folder.parent / name, settings, asked_at=ASKED)


def origins(report: Report) -> list[tuple[str, int, str]]:
    """Groups without the names of the manifests that they rest on: those are more when ours are there."""
    return [(group.key, group.rows, group.verdict) for group in report.groups]


def published(folder: Path, name: str, **answers: str) -> None:
    place = folder.parent / name
    answer(new(place, place).path, **answers)
    write(load_record(place), folder, FORMATS, keys=Keys(SigningKey(bytes(32))))


CARDS = {
    "no card": "",
    "a licence": "---\nlicense: cc-by-4.0\n---\n# Set\n",
    "a generator of the whole": "---\nlicense: cc-by-4.0\ngenerator: mistral-large-2407\ntags: [synthetic]\n---\n",
}


@pytest.mark.parametrize("card", CARDS.values(), ids=CARDS)
@pytest.mark.parametrize("answers", [{}, {"confirmed_by": '"Ada"'}], ids=["found", "confirmed"])
def test_publishing_what_an_audit_found_changes_no_verdict(
    folder: Path, card: str, answers: dict[str, str]
) -> None:
    if card:
        (folder / "README.md").write_text(card, "utf-8")
    before = read_claims(folder)
    first = audited(folder, "first")
    published(folder, "first", **answers)
    again = audited(folder, "second")
    assert again.verdicts == first.verdicts
    assert {group.origin.model for group in again.groups} == {group.origin.model for group in first.groups}
    published(folder, "second")
    third = audited(folder, "third")
    assert third.verdicts == first.verdicts
    after = read_claims(folder)
    assert after.from_audit
    assert (after.generators, after.licences) == (before.generators, before.licences)
    if not answers:
        assert (after.synthetic, after.human, after.tags) == (before.synthetic, before.human, before.tags)
        assert origins(third) == origins(first)


def test_a_claim_on_the_whole_survives_its_manifest_being_written_over(folder: Path) -> None:
    """Another's croissant.json named a generator of all rows; ours, in its place, says so too."""
    agent = {"@type": "prov:SoftwareAgent", "prov:label": "mistral-large-2407"}
    described = {"@context": {}, "@type": "sc:Dataset", "name": "x", "prov:wasAttributedTo": agent}
    (folder / "croissant.json").write_text(json.dumps(described), "utf-8")
    first = audited(folder, "first")
    assert "mistral-large-2407" in {group.origin.model for group in first.groups}
    published(folder, "first")
    assert "mistral-large-2407" in read_claims(folder / "croissant.json").generators
    assert origins(audited(folder, "second")) == origins(first)


def test_what_a_person_adds_to_the_card_later_is_a_claim(folder: Path) -> None:
    audited(folder, "first")
    published(folder, "first")
    path = folder / "README.md"
    path.write_text(
        path.read_text("utf-8").replace("tags:\n", "generator: gpt-4o\ntags:\n- ai-generated\n"), "utf-8"
    )
    claims = read_claims(path)
    assert (claims.generators, claims.synthetic, claims.tags) == (("gpt-4o",), True, ("ai-generated",))


def test_a_note_that_cant_be_read_claims_nothing_of_the_whole(folder: Path) -> None:
    audited(folder, "first")
    published(folder, "first")
    path = folder / "README.md"
    text = path.read_text("utf-8")
    for broken in ("<!-- headwater:note {]} -->", "<!-- headwater:note"):
        lines = [broken if "headwater:note" in line else line for line in text.splitlines()]
        path.write_text("\n".join(lines) + "\n", "utf-8")
        claims = read_claims(path)
        assert claims.generators == ()
        assert claims.row_generators == ("gpt-4o-2024-08-06",)


def test_an_audit_that_isnt_done_is_told_as_such(folder: Path) -> None:
    from headwater.errors import UnreadableInput

    place = folder.parent / "first"
    audited(folder, "first")
    (place / "audit.json").unlink()
    (place / ".audit-work").mkdir(exist_ok=True)
    with pytest.raises(UnreadableInput, match="isn't finished") as caught:
        load_record(place)
    assert "start the same audit again" in (caught.value.hint or "")
    shutil.rmtree(place / ".audit-work")
    with pytest.raises(UnreadableInput, match=r"no audit\.json"):
        load_record(place)


def test_a_claim_on_the_whole_that_no_row_rests_on_yet_is_kept(folder: Path) -> None:
    (folder / "data" / "b.jsonl").unlink()
    described = {"@context": {}, "@type": "sc:Dataset", "name": "x"}
    agent = {"@type": "prov:SoftwareAgent", "prov:label": "mistral-large-2407"}
    (folder / "croissant.json").write_text(json.dumps(described | {"prov:wasAttributedTo": agent}), "utf-8")
    first = audited(folder, "first")
    assert "mistral-large-2407" not in {group.origin.model for group in first.groups}
    published(folder, "first")
    assert read_claims(folder / "croissant.json").generators == ("mistral-large-2407",)
