"""`campaigns.json`: what is written is read back, and its schema is the one in the documentation."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings

from explain.builders import HOSTILE, campaign, findings, hostile, piece, poisoned, quiet
from headwater.errors import UnreadableInput
from headwater.explain import dumps, load, loads, schema, sent_by
from headwater.explain.document import schema_text
from headwater.report import clean

DOCS = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize(
    "made", [findings(), quiet(), findings(labels_note="constructed")], ids=["full", "quiet", "labelled"]
)
def test_findings_come_back_as_they_were(made: object) -> None:
    assert loads(dumps(made)) == made  # type: ignore[arg-type]


@settings(max_examples=25)
@given(hostile)
def test_hostile_strings_come_back_as_they_were(text: str) -> None:
    made = poisoned(text)
    assert loads(dumps(made)) == made


def test_names_act_on_no_screen() -> None:
    told = dumps(poisoned("\x9b2J\u202e\u2066\ufeff\u2029")).decode()
    assert clean(told, lines=True) == told
    assert "\\u009b2J\\u202e\\u2066\\ufeff\\u2029" in told


def test_the_same_findings_give_the_same_bytes_and_the_head_comes_first() -> None:
    assert dumps(findings()) == dumps(findings())
    document = json.loads(dumps(findings()))
    assert list(document)[:4] == ["format", "format_version", "details", "log"]
    assert dumps(findings()).endswith(b"}\n")


@pytest.mark.parametrize("details", [True, False])
def test_the_document_follows_its_schema(details: bool) -> None:
    document = json.loads(dumps(findings(labels_note="x"), details=details))
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.Draft202012Validator(schema()).validate(document)
    document["campaigns"][0]["word"] = "guilty"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema()).validate(document)


def test_the_kept_schema_is_current() -> None:
    kept = (DOCS / "campaigns.schema.json").read_text(encoding="utf-8")
    assert kept == schema_text(), "write it again: see docs/reference/campaigns-json.md"


def test_every_field_has_its_place_in_the_reference() -> None:
    page = (DOCS / "campaigns-json.md").read_text(encoding="utf-8")
    parts = [schema(), *schema()["$defs"].values()]
    fields = {name for part in parts for name in part.get("properties", {})}
    assert sorted(name for name in fields if f"`{name}`" not in page) == []


def test_figures_that_json_cannot_say_are_left_out() -> None:
    odd = piece("odd", 0.0, "It was seen", figures={"z": float("nan"), "n": 3.0, "top": float("inf")})
    ring = campaign(n=3)
    made = findings(campaigns=(dataclasses.replace(ring, pieces=(*ring.pieces, odd)),))
    assert loads(dumps(made)).campaigns[0].pieces[-1].figures == {"n": 3.0}


def test_a_verdict_that_is_no_number_is_refused() -> None:
    ring = dataclasses.replace(campaign(n=3), chance=float("nan"))
    with pytest.raises(ValueError, match="chance is not a finite number"):
        dumps(findings(campaigns=(ring,)))


@pytest.mark.parametrize(
    ("data", "what", "field"),
    [
        (b"", "not JSON", None),
        (b"\xff\xfe", "not JSON", None),
        (b"[1]", "not a campaigns file", None),
        (b'{"format": 3}', "not a campaigns file", None),
        (b'{"campaigns": []}', "not a campaigns file", "format"),
        (
            b'{"format": "headwater.campaigns", "format_version": 99}',
            "format version 99 cannot be read",
            "format_version",
        ),
        (
            b'{"format": "headwater.campaigns", "format_version": 1, "log": 3}',
            "Expected `object`, got `int`",
            "log",
        ),
    ],
)
def test_what_is_no_campaigns_file_is_named(data: bytes, what: str, field: str | None) -> None:
    with pytest.raises(UnreadableInput) as caught:
        loads(data, file="x.json")
    assert caught.value.what.startswith(what)
    assert caught.value.where.field == field
    assert caught.value.hint


def test_a_broken_field_is_named_by_its_path_and_not_quoted() -> None:
    document = json.loads(dumps(findings()))
    document["campaigns"][1]["members"][0]["exchanges"] = "SECRET"
    with pytest.raises(UnreadableInput) as caught:
        loads(json.dumps(document).encode())
    assert caught.value.where.field == "campaigns[1].members[0].exchanges"
    assert "SECRET" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("id", "../../x", "campaigns[0].id"),
        ("id", "\x1b[31mred", "campaigns[0].id"),
        ("first_at_us", 10**18, "campaigns[0].first_at_us"),
        ("last_at_us", -(10**17), "campaigns[0].last_at_us"),
        ("timeline", [[10**18, 1, 1]], "campaigns[0].timeline[0][0]"),
        ("links", [[0, 99_999, 1.0, "payment"]], "campaigns[0].links"),
        ("links", [[0, -1, 1.0, "payment"]], "campaigns[0].links[0][1]"),
        (
            "undecided",
            [{"declared": "x", "accounts": [99_999], "named": 1, "judged": 9}],
            "campaigns[0].undecided",
        ),
    ],
)
def test_what_somebody_wrote_into_a_file_is_not_believed(field: str, value: object, named: str) -> None:
    """`explain`, `diff` and `--previous` read it: a name becomes part of a page, a time a date."""
    document = json.loads(dumps(findings()))
    document["campaigns"][0][field] = value
    with pytest.raises(UnreadableInput) as caught:
        loads(json.dumps(document).encode())
    assert caught.value.where.field == named


def test_a_later_field_is_read_over() -> None:
    document = json.loads(dumps(findings()))
    document["campaigns"][0]["something_new"] = {"a": 1}
    assert loads(json.dumps(document).encode()) == findings()


def test_a_folder_or_a_file_can_be_loaded(tmp_path: Path) -> None:
    (tmp_path / "campaigns.json").write_bytes(dumps(findings()))
    assert load(tmp_path) == load(tmp_path / "campaigns.json") == findings()
    with pytest.raises(UnreadableInput, match="no such file"):
        load(tmp_path / "nothing.json")


def test_what_never_ends_or_fills_the_memory_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "campaigns.json")
    for path in (tmp_path, Path("/dev/zero")):
        with pytest.raises(UnreadableInput, match="is not a regular file"):
            load(path)
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate((1 << 30) + 1)
    with pytest.raises(UnreadableInput, match="is larger than 1 GiB"):
        load(tmp_path / "huge.json")


def test_accounts_that_are_a_pipe_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "accounts.parquet")
    assert sent_by(tmp_path, "a") is None


def test_a_document_nested_too_deep_is_refused() -> None:
    with pytest.raises(UnreadableInput, match="is nested too deep"):
        loads(b'{"format": "headwater.campaigns", "x": ' + b"[" * 100_000)


@pytest.mark.parametrize("text", [HOSTILE[3], "Alice's prompt about Acme GmbH"])
def test_without_details_no_text_of_the_log_is_left(text: str) -> None:
    written = dumps(poisoned(text), details=False).decode()
    said = json.loads(written)
    rings = json.dumps(said["campaigns"] + said["considered"])
    for ring in said["campaigns"] + said["considered"]:
        # Ids and evidence are the detector's own words; here they were poisoned as well.
        for part in ("members", "templates", "bridges", "sentence", "declared", "proposal"):
            held = (
                json.dumps({**ring, "members": [{**m, "ties": []} for m in ring["members"]]}[part])
                if part == "members"
                else json.dumps(ring[part])
            )
            kept = {"proposal": ("rung", "rule", "pack"), "templates": ("key",)}.get(part, ())
            for name in kept:
                held = held.replace(json.dumps(text), "")
                assert name in held
            assert text not in json.loads(json.dumps(held))
    assert "account 1" in rings


def test_without_details_the_numbers_and_the_ties_between_accounts_stay() -> None:
    before = findings(notes=("the declaration “Ada Ltd” matches nothing",))
    after = loads(dumps(before, details=False))
    assert after.notes == ()
    for one, two in zip(before.campaigns, after.campaigns, strict=True):
        assert (one.log_odds, one.chance, one.exchanges, len(one.members)) == (
            two.log_odds,
            two.chance,
            two.exchanges,
            len(two.members),
        )
        assert one.links == two.links
    # The same account has the same number everywhere.
    bridge = after.campaigns[0].bridges[0]
    assert bridge[0] == after.campaigns[0].members[3].account
    assert not {m.account for m in before.campaigns[0].members} & {
        m.account for m in after.campaigns[0].members
    }
    assert after.log.sources == ()
