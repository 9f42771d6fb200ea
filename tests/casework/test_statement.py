"""A statement of reasons is what the DSA Transparency Database takes, and says nothing that it mustn't."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explain.builders import hostile
from headwater.casework import Stated, statement_json, statement_of, statement_schema
from headwater.policy import REASON_CLASSES, Rung
from house.source import ROOT

FIELDS = json.loads((ROOT / "tests/vectors/dsa/statement-fields.json").read_text(encoding="utf-8"))
DAY = 86_400_000_000
AT = 1_790_000_000_000_000
STATED = Stated(
    reference="step-0123456789ab",
    operator="Example AI",
    appeals="https://example.com/appeals",
    terms_url="https://example.com/terms",
    rung=Rung.SUSPEND,
    reason_class="linked-accounts",
    clause="Terms of service, section 4",
    customer="business",
    requests=1234,
    first_us=AT - 9 * DAY,
    last_us=AT - DAY,
    begins_us=AT,
    until_us=AT + 30 * DAY,
    persons=1,
    proposed=True,
    appeal_by_us=AT + 30 * DAY,
    answer_days=14,
)


def faults(reasons: dict[str, object]) -> list[str]:
    """What the database would refuse, by its own rules."""
    found = [f"{name} is missing" for name in FIELDS["required"] if not reasons.get(name)]
    if not any(reasons.get(name) for name in FIELDS["one_of"]):
        found.append("decides nothing")
    for given_, names in FIELDS["required_with"].items():
        name, _, value = given_.partition("=")
        held = reasons.get(name)
        if value == held or (isinstance(held, list) and value in held):
            found += [f"{other} is missing" for other in names if not reasons.get(other)]
    known = {*FIELDS["required"], *FIELDS["one_of"], *FIELDS["optional"]}
    known |= {name for names in FIELDS["required_with"].values() for name in names}
    found += [f"{name} is unknown" for name in reasons if name not in known]
    for name, most in FIELDS["lengths"].items():
        if len(str(reasons.get(name, ""))) > most:
            found.append(f"{name} is too long")
    for name, values in FIELDS["values"].items():
        held = reasons.get(name, [])
        if not all(value in values for value in (held if isinstance(held, list) else [held])):
            found.append(f"{name} has another value")
    for name, (first, last) in FIELDS["days"].items():
        if name in reasons and not (
            re.fullmatch(r"\d{4}-\d\d-\d\d", str(reasons[name])) and first <= str(reasons[name]) <= last
        ):
            found.append(f"{name} is no day that is taken")
    for name, pattern in FIELDS["patterns"].items():
        if not re.search(pattern, str(reasons.get(name, ""))):
            found.append(f"{name} is written otherwise")
    return found


def plain(stated: Stated) -> dict[str, object]:
    statement = statement_of(stated)
    assert statement is not None
    document: dict[str, object] = json.loads(statement_json(statement))
    return document


@pytest.mark.parametrize("rung", [rung for rung in Rung if rung >= Rung.SHAPE])
def test_every_rung_gives_a_statement_that_the_database_takes(rung: Rung) -> None:
    document = plain(replace(STATED, rung=rung))
    assert faults(document["reasons"]) == []  # type: ignore[arg-type]
    jsonschema.Draft202012Validator(json.loads(statement_schema())).validate(document)


def test_the_test_of_the_fields_can_fail() -> None:
    reasons = dict(plain(STATED)["reasons"])  # type: ignore[call-overload]
    for name, value in (
        ("puid", "a b"),
        ("decision_facts", ""),
        ("decision_provision", "DECISION_PROVISION_NONE"),
        ("application_date", "2040-01-01"),
        ("content_type_other", None),
        ("incompatible_content_ground", "x" * 501),
        ("surprise", "x"),
    ):
        assert faults({**reasons, name: value}) != [], name


def test_a_notice_restricts_nothing_and_has_no_statement() -> None:
    assert statement_of(replace(STATED, rung=Rung.NOTICE)) is None


@given(hostile, hostile, st.sampled_from(list(REASON_CLASSES)), st.integers(0, 10**12))
def test_whatever_a_pack_says_it_fits_and_acts_on_no_screen(
    clause: str, url: str, reason: str, requests: int
) -> None:
    long = clause * 400
    document = plain(
        replace(STATED, clause=long, terms_url=url, reason_class=reason, requests=requests, rung=Rung.BAN)
    )
    assert faults(document["reasons"]) == []  # type: ignore[arg-type]
    assert not re.search(
        r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", statement_json(statement_of(STATED)).decode()
    )  # type: ignore[arg-type]


def test_how_it_was_decided_is_said() -> None:
    for persons, proposed, said in (
        (0, True, "AUTOMATED_DECISION_FULLY"),
        (2, True, "AUTOMATED_DECISION_PARTIALLY"),
        (1, False, "AUTOMATED_DECISION_NOT_AUTOMATED"),
    ):
        statement = statement_of(replace(STATED, persons=persons, proposed=proposed))
        assert statement is not None
        assert statement.reasons.automated_decision == said
        assert statement.reasons.automated_detection == ("Yes" if proposed else "No")


def test_the_schema_in_the_documentation_is_that_of_the_records() -> None:
    path = ROOT / "docs/reference/statement.schema.json"
    assert path.read_text(encoding="utf-8") == statement_schema()
    jsonschema.Draft202012Validator.check_schema(json.loads(statement_schema()))
    document = plain(STATED)
    del document["redress"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(json.loads(statement_schema())).validate(document)


def test_an_end_beyond_what_the_database_counts_is_its_last_day() -> None:
    document = plain(replace(STATED, until_us=AT + 20_000 * DAY))
    assert document["reasons"]["end_date_service_restriction"] == "2038-01-01"  # type: ignore[index]


def test_nothing_in_it_says_more_than_it_is_given() -> None:
    names = {field.name for field in msgspec.structs.fields(type(statement_of(STATED)))}
    assert names == {
        "operator",
        "reference",
        "rung",
        "reason_class",
        "begins",
        "until",
        "reasons",
        "redress",
    }
    assert Path(ROOT / "docs/reference/statement.schema.json").is_file()
