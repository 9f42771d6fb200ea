"""The two summaries: figures of the audit, unknown where nobody knows, and the same in Markdown and JSON."""

from pathlib import Path

import msgspec

from headwater.provenance.manifest import Fact, load_audit
from headwater.provenance.manifest.formats.summaries import (
    california_markdown,
    california_statement,
    eu_markdown,
    eu_summary,
)
from provenance.manifest import audits


def test_the_eu_part_names_models_sizes_and_periods(tmp_path: Path) -> None:
    made = eu_summary(load_audit(audits.instructions(tmp_path)))
    assert made["holds_synthetic_text"] == "yes"
    first = made["models"][0]
    assert (first["model"], first["rows"]) == ("gpt-4o-2024-08-06", 2)
    assert first["period"] == "2024-09-01 to 2024-10-31"
    assert made["period"] == "2024-09-01 to 2024-10-31"
    assert made["purpose"] == "unknown"
    assert "headings are Headwater's own" in made["note"]
    page = eu_markdown(made)
    assert "| gpt-4o-2024-08-06 | OpenAI | 2 | 40 | 2024-09-01 to 2024-10-31 |" in page
    assert "- Purpose: unknown" in page


def test_californias_twelve_points(tmp_path: Path) -> None:
    made = california_statement(load_audit(audits.instructions(tmp_path)))
    assert [one["number"] for one in made["points"]] == list(range(1, 13))
    answers = [one["answer"] for one in made["points"]]
    assert answers[2] == "4 rows, 80 characters"
    assert answers[4] == answers[5] == answers[6] == answers[7] == "unknown"
    assert answers[11].startswith("yes; Of 4 rows, 3 are claimed")
    page = california_markdown(made)
    assert "12. Synthetic data generation: yes" in page


def test_no_claim_is_not_a_no(tmp_path: Path) -> None:
    record = load_audit(audits.essays(tmp_path))
    assert eu_summary(record)["holds_synthetic_text"] == "unknown"
    assert eu_summary(record)["models"] == "unknown"
    assert california_statement(record)["points"][11]["answer"] == "unknown"


def test_answers_of_a_person_come_in(tmp_path: Path) -> None:
    record = load_audit(audits.essays(tmp_path))
    facts = msgspec.structs.replace(
        record.facts,
        synthetic=Fact(False, "confirmed"),
        personal_information=Fact(True, "confirmed"),
        copyright=Fact("held by its | authors <b>", "confirmed"),
    )
    made = california_statement(msgspec.structs.replace(record, facts=facts))
    assert made["points"][6]["answer"] == "yes"
    assert made["points"][11]["answer"] == "no"
    assert "held by its \\| authors &lt;b&gt;" in california_markdown(made)


def test_origins_that_the_audit_didnt_list_are_told(tmp_path: Path) -> None:
    record = msgspec.structs.replace(load_audit(audits.instructions(tmp_path)), other_groups=7)
    assert "7 rows of further origins" in eu_summary(record)["how"]
