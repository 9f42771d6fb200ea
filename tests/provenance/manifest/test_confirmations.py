"""manifest.toml: what the audit found stands in it, unknown stays unknown, and a person's answers count as such."""

import datetime
from pathlib import Path

import pytest

from headwater.errors import ConfigurationError, UnreadableInput, UsageError
from headwater.provenance.manifest import Prepared, load_audit, load_record, new, write
from provenance.manifest import audits
from provenance.manifest.hands import answer


@pytest.mark.parametrize("name", list(audits.SETS))
def test_read_back_unchanged_it_changes_nothing(tmp_path: Path, name: str) -> None:
    audit = audits.SETS[name](tmp_path)
    new(audit, tmp_path)
    assert load_record(tmp_path) == load_audit(audit)


def test_unknown_stays_unknown_and_found_is_told(tmp_path: Path) -> None:
    audits.instructions(tmp_path)
    text = new(tmp_path, tmp_path).path.read_text("utf-8")
    assert 'description = "unknown"' in text
    assert 'consent = "unknown"' in text
    assert 'licences = ["cc-by-4.0"]' in text
    assert "(found by the audit)" in text
    facts = load_record(tmp_path).facts
    assert (facts.description.value, facts.description.basis) == (None, "unknown")
    assert facts.licences.basis == facts.synthetic.basis == "found"


def test_what_a_person_writes_is_confirmed_and_the_rest_is_found(tmp_path: Path) -> None:
    audits.instructions(tmp_path)
    path = new(tmp_path, tmp_path).path
    answer(path, description='"Waters, named"', consent='"everybody was asked"', date_published="2026-12-01")
    answer(path, personal_information="false", creators='["A", "B"]', ai_training='"notAllowed"')
    facts = load_record(tmp_path).facts
    assert (facts.description.value, facts.description.basis) == ("Waters, named", "confirmed")
    assert facts.personal_information.value is False
    assert facts.date_published.value == datetime.date(2026, 12, 1)
    assert facts.creators.value == ("A", "B")
    assert facts.training_mining.value == ("ai_training=notAllowed",)
    assert facts.pretty_name.basis == "found"


def test_a_name_confirms_what_the_audit_found(tmp_path: Path) -> None:
    audits.instructions(tmp_path)
    answer(new(tmp_path, tmp_path).path, confirmed_by='"Ada"', confirmed_on="2026-11-27")
    record = load_record(tmp_path)
    assert record.facts.licences.basis == "confirmed"
    assert record.facts.description.basis == "unknown"
    assert (record.confirmed_by, record.confirmed_on) == ("Ada", datetime.date(2026, 11, 27))


def test_a_person_may_take_back_what_the_audit_found(tmp_path: Path) -> None:
    audits.instructions(tmp_path)
    answer(new(tmp_path, tmp_path).path, licences='"unknown"')
    assert load_record(tmp_path).facts.licences.basis == "unknown"


def test_answers_are_not_overwritten_but_carried_over_when_asked(tmp_path: Path) -> None:
    audits.instructions(tmp_path)
    path = new(tmp_path, tmp_path).path
    answer(path, description='"Waters"', confirmed_by='"Ada"')
    with pytest.raises(UsageError, match="there already"):
        new(tmp_path, tmp_path)
    other = tmp_path / "other"
    audits.instructions(other)
    (other / "audit.json").write_text((other / "audit.json").read_text("utf-8") + "\n", "utf-8")
    new(other, other, path)
    record = load_record(other)
    assert (record.facts.description.value, record.facts.description.basis) == ("Waters", "confirmed")
    assert record.confirmed_by is None, "a name confirms one audit"


def test_answers_to_another_audit_are_refused(tmp_path: Path) -> None:
    audits.instructions(tmp_path)
    new(tmp_path, tmp_path)
    path = tmp_path / "audit.json"
    path.write_text(path.read_text("utf-8") + "\n", "utf-8")
    with pytest.raises(ConfigurationError, match="another audit") as caught:
        load_record(tmp_path)
    assert "--confirm" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("description", "3", "text"),
        ("synthetic", '"perhaps"', "type str"),
        ("date_published", '"yesterday"', "day"),
        ("creators", "[1]", "text"),
        ("ai_training", '"perhaps"', "choices"),
        ("confirmed_by", "true", "text"),
        ("schema", '"other/9"', "schema"),
    ],
)
def test_a_wrong_answer_is_named_by_its_entry(tmp_path: Path, name: str, value: str, said: str) -> None:
    audits.instructions(tmp_path)
    answer(new(tmp_path, tmp_path).path, **{name: value})
    with pytest.raises(ConfigurationError, match=said) as caught:
        load_record(tmp_path)
    assert caught.value.where.file == str(tmp_path / "manifest.toml")
    assert name == "schema" or name in (caught.value.where.field or "")


def test_a_misspelt_entry_is_told_with_the_nearest(tmp_path: Path) -> None:
    audits.instructions(tmp_path)
    path = new(tmp_path, tmp_path).path
    path.write_text(path.read_text("utf-8").replace("languages =", "langauges ="), "utf-8")
    with pytest.raises(ConfigurationError, match="no such entry") as caught:
        load_record(tmp_path)
    assert caught.value.hint == "did you mean languages?"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not valid JSON"),
        ("[]", "not an audit"),
        ('{"schema": "headwater.audit/1"}', "not an audit"),
        ('{"use": ' + '{"a":' * 100_000, "not valid JSON"),
    ],
)
def test_what_is_no_audit_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "audit.json").write_text(text, "utf-8")
    with pytest.raises(UnreadableInput, match=said):
        load_audit(tmp_path)


@pytest.mark.parametrize("path", ["../secret.jsonl", "/etc/passwd", "a/../../b", "", "a\\b"])
def test_an_audit_that_names_files_outside_the_data_set_is_refused(tmp_path: Path, path: str) -> None:
    audits.instructions(tmp_path)
    document = audits.audit(tmp_path, "x", "lines")
    document["files"][0]["path"] = path
    audits.written(tmp_path, document)
    with pytest.raises(UnreadableInput, match="outside") as caught:
        load_audit(tmp_path)
    assert caught.value.where.field == "files[0]"


def test_groups_of_one_model_are_one_generator_with_the_worst_verdict(tmp_path: Path) -> None:
    audits.instructions(tmp_path)
    origin = {"model": "gpt-4o", "provider": "openai"}
    groups = [
        audits.group("a", origin, 2, "clean", first_at="2024-01-01", last_at="2024-02-01"),
        audits.group(
            "b", origin, 3, "bound", first_at="2024-03-01", last_at="2024-04-01", clauses=[audits.CLAUSE]
        ),
        audits.group("c", {"model": None, "provider": "openai", "human": True}, 1, "clean"),
    ]
    audits.written(tmp_path, audits.audit(tmp_path, "x", "lines", groups=groups))
    (one,) = load_audit(tmp_path).generators
    assert (one.rows, one.verdict, one.clauses) == (5, "bound", (audits.CLAUSE,))
    assert (one.first_at, one.last_at) == (datetime.date(2024, 1, 1), datetime.date(2024, 4, 1))


def test_artefacts_alone_dont_make_a_data_set_synthetic(tmp_path: Path) -> None:
    """They are hints; that models wrote the text is said by a claim or a person."""
    audits.instructions(tmp_path)
    finding = {"stage": "artefacts", "kind": "self-identification", "provider": "openai", "rows": 3}
    audits.written(tmp_path, audits.audit(tmp_path, "x", "lines", findings=[finding]))
    assert load_audit(tmp_path).facts.synthetic.basis == "unknown"


def test_whose_model_it_is_comes_from_the_terms_registry(tmp_path: Path) -> None:
    audits.instructions(tmp_path)
    groups = [audits.group("a", {"model": "gpt-4o"}, 2, "bound", clauses=[audits.CLAUSE])]
    audits.written(tmp_path, audits.audit(tmp_path, "x", "lines", groups=groups))
    assert load_audit(tmp_path).generators[0].provider == "OpenAI"
    audits.written(
        tmp_path,
        audits.audit(
            tmp_path,
            "x",
            "lines",
            groups=[audits.group("a", {"model": "meta-llama/Llama-3.1-8B-Instruct"}, 2, "bound")],
        ),
    )
    assert load_audit(tmp_path).generators[0].provider == "Meta", "the name tells it"


def again(folder: Path, **card: object) -> Prepared:
    """A new audit of the same set, whose card says something else, and the answers carried over to it."""
    import json

    path = folder / "audit.json"
    document = json.loads(path.read_text("utf-8"))
    document["card"] |= card
    audits.written(folder, document | {"asked_at": "2026-12-01"})
    return new(folder, folder, folder / "manifest.toml")


def test_what_the_first_audit_found_gives_way_to_what_the_next_one_finds(tmp_path: Path) -> None:
    audits.instructions(tmp_path)
    answer(new(tmp_path, tmp_path).path, description='"Waters"')
    made = again(tmp_path, license=["mit"], language=["de"])
    assert made.told == (), "nobody had confirmed it"
    facts = load_record(tmp_path).facts
    assert (facts.licences.value, facts.licences.basis) == (("mit",), "found")
    assert facts.languages.value == ("de",)
    assert (facts.description.value, facts.description.basis) == ("Waters", "confirmed")


def test_what_was_confirmed_and_no_longer_fits_is_told(tmp_path: Path) -> None:
    audits.instructions(tmp_path)
    answer(new(tmp_path, tmp_path).path, confirmed_by='"Ada"', pretty_name='"My rivers"')
    made = again(tmp_path, license=["mit"], pretty_name="Seas")
    assert made.told == (
        'dataset.pretty_name: "My rivers" was confirmed, the audit now finds "Seas"; your answer stays',
        'rights.licences: ["cc-by-4.0"] was confirmed, the audit now finds ["mit"]; which stands there now',
    )
    facts = load_record(tmp_path).facts
    assert (facts.pretty_name.value, facts.licences.value) == ("My rivers", ("mit",))
    assert again(tmp_path).told == (), "nothing new was found"


def test_what_was_taken_back_stays_unknown(tmp_path: Path) -> None:
    audits.instructions(tmp_path)
    answer(new(tmp_path, tmp_path).path, licences='"unknown"')
    again(tmp_path)
    assert load_record(tmp_path).facts.licences.basis == "unknown"


def test_licences_of_rows_are_asked_about_in_the_file_and_when_writing(tmp_path: Path) -> None:
    audits.instructions(tmp_path)
    groups = [
        audits.group("a", {"model": "gpt-4o", "licences": ["cc-by-nc-4.0"]}, 1187, "bound"),
        audits.group("b", {"model": "gpt-4o", "licences": ["x\ny = 1"]}, 2, "unknown"),
        audits.group("c", {"licences": ["cc-by-4.0"]}, 5, "unknown"),
    ]
    card = {"license": ["cc-by-4.0"]}
    audits.written(tmp_path, audits.audit(tmp_path, "x", "lines", groups=groups, card=card))
    text = new(tmp_path, tmp_path).path.read_text("utf-8")
    asked = "is the whole yours to give under cc-by-4.0?"
    assert f"# rows also claim: cc-by-nc-4.0 (1,187 rows), x y = 1 (2 rows): {asked}\nlicences =" in text
    told = write(load_record(tmp_path), tmp_path / "out", ["croissant"]).told
    assert any("cc-by-nc-4.0 (1,187 rows)" in line and asked in line for line in told)


def test_nothing_confirmed_and_data_elsewhere_are_told_when_writing(tmp_path: Path) -> None:
    audits.instructions(tmp_path)
    told = write(load_record(tmp_path), tmp_path / "out", ["croissant"]).told
    assert any("no person confirmed anything" in line for line in told)
    assert any("don't lie in" in line for line in told)
    answer(new(tmp_path, tmp_path).path, description='"Waters"')
    assert write(load_record(tmp_path), tmp_path, ["croissant"]).told == ()


def test_the_folder_of_the_data_set_is_that_of_the_audit(tmp_path: Path) -> None:
    audits.instructions(tmp_path)
    assert new(tmp_path, tmp_path / "a").corpus == tmp_path
    document = audits.audit(tmp_path, "x", "lines", corpus=str(tmp_path / "data" / "train.jsonl"))
    audits.written(tmp_path, document)
    assert new(tmp_path, tmp_path / "b").corpus == tmp_path / "data", "of a file, where it lies"
    audits.written(tmp_path, audits.audit(tmp_path, "x", "lines", corpus=""))
    assert new(tmp_path, tmp_path / "c").corpus is None
