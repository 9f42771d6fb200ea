"""Claims of a data set's folder: each format, all together, and documents that mean harm or are broken."""

import json
import os
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.errors import UnreadableInput
from headwater.keys import SigningKey
from headwater.provenance.manifest import Claims, Keys, load_record, read_claims, write
from provenance.manifest import audits

CROISSANT = {
    "@context": {"@vocab": "https://schema.org/"},
    "@type": "sc:Dataset",
    "name": "x",
    "license": {"@type": "CreativeWork", "name": "CC BY 4.0"},
}


def put(folder: Path, name: str, content: object) -> Path:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    (folder / name).write_bytes(data)
    return folder / name


def test_an_empty_folder_claims_nothing(tmp_path: Path) -> None:
    assert read_claims(tmp_path) == Claims()


def test_all_that_was_written_is_read_to_the_same_claims(tmp_path: Path) -> None:
    audits.instructions(tmp_path)
    key = SigningKey(bytes(range(32)))
    formats = ["croissant", "card", "dta", "statement", "eu", "california"]
    write(load_record(tmp_path), tmp_path, formats, keys=Keys(key))
    together = read_claims(tmp_path)
    assert together.problems == ()
    assert {form for _, form in together.found_in} == {
        "Croissant",
        "Hugging Face dataset card",
        "D&TA Data Provenance Standards",
        "in-toto statement",
        "EU training summary",
        "California AB 2013 statement",
    }
    for path, _ in together.found_in:
        alone = read_claims(tmp_path / path)
        assert alone.from_audit, path
        assert alone.row_generators == ("gpt-4o-2024-08-06", "meta-llama/Llama-3.1-8B"), path
        assert alone.row_synthetic is True, path
        assert (alone.generators, alone.synthetic, alone.human) == ((), None, None), path
    assert together.licences == ("cc-by-4.0",)
    assert len(together.files) == 1, "the same file of three manifests"
    assert together.source_datasets == ("example/rivers",)


def test_a_broken_document_costs_the_others_nothing(tmp_path: Path) -> None:
    put(tmp_path, "croissant.json", b"{")
    put(tmp_path, "README.md", b"---\nlicense: mit\ntags: [synthetic]\n---\n")
    claims = read_claims(tmp_path)
    assert claims.licences == ("mit",)
    assert claims.synthetic is True
    (problem,) = claims.problems
    assert (problem.where.file, problem.what) == ("croissant.json", "is not valid JSON")
    with pytest.raises(UnreadableInput, match="not valid JSON"):
        read_claims(tmp_path / "croissant.json")


def test_manifests_that_disagree_are_told(tmp_path: Path) -> None:
    put(tmp_path, "croissant.json", CROISSANT | {"rai:hasSyntheticData": False})
    put(tmp_path, "README.md", b"---\ntags: [synthetic]\n---\n")
    claims = read_claims(tmp_path)
    assert claims.synthetic is True
    assert "disagree" in claims.problems[0].what


@pytest.mark.parametrize(
    ("said", "meant"),
    [(True, True), ("true", True), ("Yes", True), (False, False), ("no", False), ("x", None)],
)
def test_what_authors_write_for_true_and_false(tmp_path: Path, said: object, meant: bool | None) -> None:
    put(tmp_path, "croissant.json", CROISSANT | {"rai:hasSyntheticData": said})
    assert read_claims(tmp_path).synthetic is meant


def test_software_that_filters_is_no_generator(tmp_path: Path) -> None:
    def activity(label: str, agent: str) -> dict[str, object]:
        software = {"@type": "prov:SoftwareAgent", "name": agent}
        return {"@type": "prov:Activity", "prov:label": label, "prov:wasAssociatedWith": software}

    activities = [activity("Removal of personal data", "Presidio"), activity("Synthesis of answers", "gpt-4")]
    person = {"@type": "prov:Agent", "prov:label": "Ada"}
    put(
        tmp_path,
        "croissant.json",
        CROISSANT | {"prov:wasGeneratedBy": activities, "prov:wasAttributedTo": person},
    )
    assert read_claims(tmp_path).generators == ("gpt-4",)


def test_long_names_are_read_like_short_ones(tmp_path: Path) -> None:
    document = {
        "@context": "https://schema.org/",
        "@type": "https://schema.org/Dataset",
        "https://schema.org/name": "y",
        "http://www.w3.org/ns/prov#wasDerivedFrom": {
            "@id": "urn:a",
            "http://www.w3.org/ns/prov#label": "squad",
        },
        "http://mlcommons.org/croissant/RAI/hasSyntheticData": {"@value": True},
    }
    put(tmp_path, "croissant.json", document)
    claims = read_claims(tmp_path)
    assert (claims.name, claims.source_datasets, claims.synthetic) == ("y", ("squad",), True)


ALIASES = b"---\na: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (at + 1, at + 1, b",".join([b"*%c" % at] * 9)) for at in range(ord("a"), ord("a") + 9)
)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("README.md", ALIASES + b"---\n", "anchors"),
        ("README.md", b"---\na: !!python/object/apply:os.system [ls]\n---\n", "tags"),
        ("README.md", b"---\na: " + b"[" * 5000 + b"\n---\n", "nested too deep"),
        ("README.md", b"---\n" + b"a: b\n" * 300_000 + b"---\n", None),
        ("README.md", b"---\nlicense: [\x00]\n---\n", "not YAML"),
        ("README.md", b"---\nlicense: \xff\xfe\n---\n", "not YAML"),
        ("README.md", b"---\n- a\n- b\n---\n", "not a mapping"),
        ("README.md", b"---\n? [a]\n: b\n---\n", "not"),
        ("croissant.json", b'{"a":' * 100_000, "valid JSON|too deep"),
        ("croissant.json", b'{"a":' * 100 + b"1" + b"}" * 100, "levels deep"),
        ("croissant.json", b"[" + b"1," * 600_000 + b"1]", "values"),
        ("croissant.json", b"\xff\xfe", "not valid JSON"),
        ("croissant.json", b"[]", "kind that is known"),
        ("croissant.json", b'{"x": ' + b"9" * 10_000 + b"}", "kind that is known|valid JSON"),
        ("x.dsse.json", {"payload": "!!", "payloadType": "x"}, "not base64"),
        ("x.dsse.json", {"payload": 3, "payloadType": "x"}, "not a text"),
        ("x.dsse.json", {"payload": "e30=", "payloadType": "x"}, "no in-toto statement"),
    ],
)
def test_hostile_documents_are_told_and_never_followed(
    tmp_path: Path, name: str, content: object, said: str | None
) -> None:
    put(tmp_path, name, content)
    begun = time.monotonic()
    claims = read_claims(tmp_path)
    assert time.monotonic() - begun < 10
    assert claims.licences == claims.generators == ()
    if said is not None:
        (problem,) = claims.problems
        assert problem.where.file == name
        assert any(part in problem.what for part in said.split("|")), problem.what


def test_a_readme_of_100_megabytes_is_read_at_its_head_only(tmp_path: Path) -> None:
    with (tmp_path / "README.md").open("wb") as file:
        file.write(b"---\nlicense: mit\n---\n")
        file.truncate(100 * 1024 * 1024)
    begun = time.monotonic()
    assert read_claims(tmp_path).licences == ("mit",)
    assert time.monotonic() - begun < 2


def test_a_manifest_of_100_megabytes_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "croissant.json").open("wb") as file:
        file.truncate(100 * 1024 * 1024)
    assert "too many for a manifest" in read_claims(tmp_path).problems[0].what


def test_a_pipe_is_not_waited_for_and_a_link_is_followed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "croissant.json")
    put(tmp_path, "blob", b"---\nlicense: mit\n---\n")
    (tmp_path / "README.md").symlink_to(tmp_path / "blob")
    (tmp_path / "statement.json").symlink_to(tmp_path / "nowhere")
    claims = read_claims(tmp_path)
    assert claims.licences == ("mit",)
    assert [bad.what for bad in claims.problems] == ["is not a regular file", "does not exist"]


@pytest.mark.parametrize("value", [3, {"a": 1}, [[1]], [{"x": 2}, None, "ok", 4], True, "y" * 20_000])
def test_values_of_wrong_types_are_told_without_their_content(tmp_path: Path, value: object) -> None:
    keys = (
        "name",
        "description",
        "license",
        "inLanguage",
        "keywords",
        "creator",
        "usageInfo",
        "distribution",
    )
    more = (
        "recordSet",
        "prov:wasDerivedFrom",
        "prov:wasGeneratedBy",
        "prov:wasAttributedTo",
        "version",
        "url",
    )
    put(tmp_path, "croissant.json", CROISSANT | dict.fromkeys((*keys, *more), value))
    groups = {
        "source": {"title": value, "issuer": value},
        "provenance": {"generation-method": value, "source": value},
    }
    put(tmp_path, "dta.json", groups | {"use": {"license": value, "consents": value}})
    bare = {"_type": "https://in-toto.io/Statement/v1", "subject": value, "predicateType": value}
    put(tmp_path, "statement.json", bare)
    put(
        tmp_path,
        "README.md",
        json.dumps({"license": value, "tags": value}).join(["---\n", "\n---\n"]).encode(),
    )
    claims = read_claims(tmp_path)
    assert not any("yyyy" in bad.what for bad in claims.problems)
    assert all(isinstance(text, str) for text in claims.licences)


def test_problems_of_one_document_are_bounded(tmp_path: Path) -> None:
    path = put(tmp_path, "croissant.json", CROISSANT | {"keywords": [1] * 100_000})
    assert len(read_claims(path).problems) == 100
    assert len(read_claims(tmp_path).problems) == 1, "in a folder, the same is told once"


NAMES = ("@type", "@id", "@value", "name", "license", "prov:wasGeneratedBy", "prov:wasAttributedTo", "field")
NAMES += ("annotation", "source", "extract", "usageInfo", "odrl:permission", "distribution", "keywords")
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=25,
)


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["name", "usageInfo", "recordSet", "distribution", "creator"]), json_values
    )
)
def test_any_croissant_gives_claims_or_problems(
    tmp_path_factory: pytest.TempPathFactory, more: object
) -> None:
    assert isinstance(more, dict)
    path = tmp_path_factory.mktemp("any") / "croissant.json"
    path.write_text(json.dumps(CROISSANT | more), "utf-8")
    claims = read_claims(path)
    assert all(isinstance(each, str) for each in (*claims.licences, *claims.generators, *claims.creators))


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_card_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "README.md"
    path.write_bytes(b"---\n" + data + b"\n---\n")
    with suppress(UnreadableInput):
        assert read_claims(path).found_in == (("README.md", "Hugging Face dataset card"),)


def test_sidecars_are_looked_for_within_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headwater.provenance.manifest.reading._MOST_ENTRIES", 10)
    for number in range(12):
        (tmp_path / f"{number}.jsonl").touch()
    (problem,) = read_claims(tmp_path).problems
    assert "there is more" in problem.what
