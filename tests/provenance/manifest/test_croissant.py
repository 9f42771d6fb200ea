"""Croissant: valid to mlcroissant without any network, loaded by it, and read back to the same claims."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.provenance.manifest import DatasetRecord, Fact, Facts, Generator, load_audit
from headwater.provenance.manifest.formats.croissant import CONFORMS_TO, croissant, missing
from headwater.provenance.manifest.formats.croissant_read import croissant_claims
from provenance.manifest import audits

mlc = pytest.importorskip("mlcroissant")


@pytest.fixture(params=list(audits.SETS))
def described(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """A data set's folder with its description."""
    record = load_audit(audits.SETS[request.param](tmp_path))
    made = croissant(record)
    (tmp_path / "croissant.json").write_text(json.dumps(made), "utf-8")
    return tmp_path, made


def loaded(made: dict[str, Any]) -> dict[str, Any]:
    again: dict[str, Any] = mlc.Dataset(jsonld=made).metadata.to_json()
    return again


def test_mlcroissant_finds_no_error(described: tuple[Path, dict[str, Any]]) -> None:
    dataset = mlc.Dataset(jsonld=described[1])
    assert dataset.metadata.ctx.issues.errors == set()


def test_mlcroissant_reads_the_rows(described: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = described
    rows = list(mlc.Dataset(jsonld=str(folder / "croissant.json")).records("rows"))
    assert len(rows) in (2, 4)
    assert "Hello 0" in str(rows) or "Name a river." in str(rows) or "On rivers" in str(rows)


def test_nested_texts_have_fields_of_their_own(tmp_path: Path) -> None:
    audits.chats(tmp_path)
    (tmp_path / "croissant.json").write_text(json.dumps(croissant(load_audit(tmp_path))), "utf-8")
    row = next(iter(mlc.Dataset(jsonld=str(tmp_path / "croissant.json")).records("rows")))
    assert set(row) == {"rows/messages", "rows/turns"}, "of a list without texts nothing is known"
    assert row["rows/messages"][0] == {"rows/messages/role": b"user", "rows/messages/content": b"Hello 0"}


def test_mlcroissant_knows_the_context(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    mlc.Dataset(jsonld=croissant(load_audit(audits.instructions(tmp_path))))
    assert "not standard" not in caplog.text


def test_the_command_of_mlcroissant_validates_it(tmp_path: Path) -> None:
    record = load_audit(audits.instructions(tmp_path))
    path = tmp_path / "croissant.json"
    path.write_text(json.dumps(croissant(record)), "utf-8")
    command = [str(Path(sys.executable).parent / "mlcroissant"), "validate", "--jsonld", str(path)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
    path.write_text(json.dumps(croissant(record) | {"distribution": []}), "utf-8")
    assert subprocess.run(command, capture_output=True, timeout=120, check=False).returncode != 0


def test_a_round_trip_through_mlcroissant_keeps_what_tells_the_origin(tmp_path: Path) -> None:
    made = croissant(load_audit(audits.instructions(tmp_path)))
    again = loaded(made)
    assert again["conformsTo"] == list(CONFORMS_TO)
    for name in ("prov:wasGeneratedBy", "rai:hasSyntheticData", "rai:syntheticDataExplanation"):
        assert again[name] == made[name]
    # mlcroissant writes a list of one as the one.
    assert [again["prov:wasDerivedFrom"]] == made["prov:wasDerivedFrom"]
    assert again["usageInfo"]["@type"] == "odrl:Offer"
    assert again["usageInfo"]["odrl:inheritFrom"] == {"@id": audits.CLAUSE.partition("#")[0]}
    fields = {field["@id"]: field for field in again["recordSet"][0]["field"]}
    assert fields["rows/output"]["annotation"]["equivalentProperty"] == "prov:wasAttributedTo"
    first, second = croissant_claims(made, "a").claims(), croissant_claims(again, "a").claims()
    assert second.row_generators == first.row_generators == ("gpt-4o-2024-08-06", "meta-llama/Llama-3.1-8B")
    assert second.generator_columns == first.generator_columns == ("generator",)
    assert second.row_synthetic is first.row_synthetic is True
    assert second.generators == first.generators == ()


def test_record_level_provenance_points_to_the_generators_column(tmp_path: Path) -> None:
    (rows,) = croissant(load_audit(audits.instructions(tmp_path)))["recordSet"]
    annotated = {field["@id"]: field["annotation"] for field in rows["field"] if "annotation" in field}
    assert set(annotated) == {"rows/instruction", "rows/output"}
    source = annotated["rows/output"]["source"]
    assert source == {"fileObject": {"@id": "data/train.jsonl"}, "extract": {"column": "generator"}}


def test_without_a_column_the_audits_sidecar_is_pointed_to(tmp_path: Path) -> None:
    made = croissant(load_audit(audits.chats(tmp_path)), sidecar="annotations/part-*.parquet")
    groups = made["recordSet"][1]["field"][-1]
    assert groups["equivalentProperty"] == "prov:wasAttributedTo"
    assert groups["source"]["fileSet"] == {"@id": "audit-annotations"}
    assert mlc.Dataset(jsonld=made).metadata.ctx.issues.errors == set()


def test_a_person_is_no_organisation(tmp_path: Path) -> None:
    record = load_audit(audits.essays(tmp_path))
    made_by = Fact(("person: Ada", "ACME: tools", "organisation: B"), "confirmed")
    record = msgspec.structs.replace(record, facts=msgspec.structs.replace(record.facts, creators=made_by))
    made = croissant(record)
    assert made["creator"] == [
        {"@type": "sc:Person", "name": "Ada"},
        {"@type": "sc:Organization", "name": "ACME: tools"},
        {"@type": "sc:Organization", "name": "B"},
    ]
    assert mlc.Dataset(jsonld=made).metadata.ctx.issues.errors == set()
    assert croissant_claims(made, "a").claims().creators == ("Ada", "ACME: tools", "B")
    assert croissant_claims(made, "a").claims().generators == ()


def test_what_nobody_knows_is_left_out_and_told(tmp_path: Path) -> None:
    made = croissant(load_audit(audits.essays(tmp_path)))
    assert "rai:hasSyntheticData" not in made
    assert "rai:syntheticDataExplanation" not in made
    assert "usageInfo" not in made
    assert missing(made) == ("description", "license", "url", "creator", "datePublished")


def test_what_a_person_says_of_mining_becomes_rules(tmp_path: Path) -> None:
    record = load_audit(audits.essays(tmp_path))
    chosen = Fact(("data_mining=allowed", "ai_training=notAllowed", "ai_inference=constrained"), "confirmed")
    record = msgspec.structs.replace(
        record, facts=msgspec.structs.replace(record.facts, training_mining=chosen)
    )
    offer = croissant(record)["usageInfo"]
    assert [rule["odrl:action"]["@id"] for rule in offer["odrl:prohibition"]] == [
        "urn:headwater:mining-use:ai_training"
    ]
    assert [rule["odrl:action"]["@id"] for rule in offer["odrl:permission"]] == [
        "urn:headwater:mining-use:data_mining"
    ]
    signals = croissant_claims(croissant(record), "a").claims().signals
    assert ("prohibition", "urn:headwater:mining-use:ai_training") in [
        (one.name, one.value) for one in signals
    ]


def test_the_same_record_gives_the_same_bytes(tmp_path: Path) -> None:
    path = audits.instructions(tmp_path)
    assert json.dumps(croissant(load_audit(path))) == json.dumps(croissant(load_audit(path)))


words = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=20)
several = st.lists(words, min_size=1, max_size=4, unique=True).map(tuple)


def fact(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Fact[Any]]:
    return st.just(Fact()) | st.builds(Fact, values, st.sampled_from(["found", "confirmed"]))


generators = st.builds(
    Generator, model=words, provider=st.none() | words, rows=st.integers(0, 9), characters=st.integers(0, 99)
)


@st.composite
def records(draw: st.DrawFn) -> DatasetRecord:
    names = ("name", "pretty_name", "description", "version", "url")
    listed = ("creators", "languages", "keywords", "source_datasets")
    facts: dict[str, Any] = {name: draw(fact(words)) for name in names}
    facts |= {name: draw(fact(several)) for name in listed}
    facts |= {"licences": draw(fact(several)), "synthetic": draw(fact(st.booleans()))}
    base = draw(st.sampled_from(["gpt-4o-2024-08-06", "an unlikely name"]))
    found = draw(st.lists(generators, max_size=3, unique_by=lambda one: one.label))
    labels = [one.label for one in found]
    whole = draw(st.lists(st.sampled_from(labels), unique=True)) if labels else []
    return msgspec.convert(
        {
            "facts": msgspec.to_builtins(Facts(**facts)),
            "files": [{"path": "a.jsonl", "kind": "lines", "bytes": 1, "rows": 1, "sha256": "0" * 64}],
            "rows": 1,
            "characters": 1,
            "text_fields": ["text"],
            "columns": [{"name": "text"}, {"name": base, "role": "generator"}],
            "generators": msgspec.to_builtins(found),
            "whole": {"generators": whole, "synthetic": draw(st.none() | st.booleans())},
            "audit": {"sha256": "0" * 64, "headwater": "0.1.0", "asked_at": "2026-11-27"},
        },
        DatasetRecord,
    )


@settings(max_examples=200, deadline=None)
@given(records())
def test_any_record_is_read_back_to_the_same_claims(record: DatasetRecord) -> None:
    facts = record.facts
    claims = croissant_claims(json.loads(json.dumps(croissant(record))), "a").claims()
    assert claims.name == record.name
    assert claims.pretty_name == facts.pretty_name.value
    assert claims.description == facts.description.value
    assert claims.version == facts.version.value
    assert claims.url == facts.url.value
    assert claims.creators == tuple(one.name for one in record.creators)
    assert claims.languages == (facts.languages.value or ())
    assert claims.tags == (facts.keywords.value or ())
    assert claims.source_datasets == (facts.source_datasets.value or ())
    assert claims.licences == tuple(name for name in facts.licences.value or () if name != "other")
    labels = {one.label: one.label in record.claimed.generators for one in record.generators}
    assert claims.generators == tuple(name for name, whole in labels.items() if whole)
    assert claims.row_generators == tuple(name for name, whole in labels.items() if not whole)
    assert claims.generator_columns == (record.columns[1].name,)
    assert [file.sha256 for file in claims.files] == ["0" * 64]
    if facts.synthetic.value is not None and not set(claims.tags) & {"synthetic"}:
        of_rows = facts.synthetic.basis == "found" and record.whole.synthetic is not facts.synthetic.value
        assert (claims.row_synthetic if of_rows else claims.synthetic) is facts.synthetic.value
    assert claims.problems == ()
