"""What a provider who trains on a data set needs from it: the synthetic-data part of the EU's public summary of
training content (AI Act, Art. 53(1)(d)), and a statement for California's AB 2013 (Civil Code 3111).

Both are drafts for whoever trains: they say what this data set knows and leave the rest "unknown". Headings are our
own; the notes say what was read.
"""

from __future__ import annotations

from typing import Any, Final

from headwater.provenance.manifest.claims import Draft
from headwater.provenance.manifest.formats.whole import WHOLE, told
from headwater.provenance.manifest.formats.wording import (
    UNKNOWN,
    explanation,
    many,
    markdown_cell,
    period,
    said,
)
from headwater.provenance.manifest.record import DatasetRecord

EU_SCHEMA: Final = "headwater.eu-summary/1"
CALIFORNIA_SCHEMA: Final = "headwater.california-statement/1"
EU_NOTE: Final = (
    "Draft input to the synthetic-data section of the public summary of training content that Article 53(1)(d) of "
    "Regulation (EU) 2024/1689 asks of providers of general-purpose AI models (template: Communication C(2025) 8311 "
    "of 5 December 2025). The wording of the template's sub-fields was not at hand when this format was made: the "
    "headings are Headwater's own, and the template's are to be used when the summary is filled in."
)
CALIFORNIA_NOTE: Final = (
    "Draft input to the documentation that California Civil Code section 3111 (AB 2013) asks of developers of "
    "generative AI systems. Its twelve points are paraphrased here; the section's text decides. What only the "
    "developer of a system knows is left to them."
)
_DEVELOPER: Final = "to be stated by whoever trains on it"


def eu_summary(record: DatasetRecord) -> dict[str, Any]:
    """The synthetic-data part for the EU summary, as plain values."""
    facts = record.facts
    return {
        "schema": EU_SCHEMA,
        "note": EU_NOTE,
        "dataset": facts.pretty_name.value or record.name,
        "made_by": [one.name for one in record.creators] or UNKNOWN,
        "holds_synthetic_text": said(facts.synthetic),
        "modality": "text",
        "models": [
            {
                "model": one.label,
                "provider": one.provider or UNKNOWN,
                "rows": one.rows,
                "characters": one.characters,
                "period": period(one.first_at, one.last_at),
                "basis": list(one.basis),
            }
            for one in record.generators
        ]
        or UNKNOWN,
        "size": {"rows": record.rows, "characters": record.characters},
        "period": period(facts.generated_from.value, facts.generated_to.value),
        "purpose": said(facts.intended_use),
        "how": explanation(record) or UNKNOWN,
        "seed_data": list(facts.source_datasets.value or ()) or UNKNOWN,
        "processing": said(facts.processing),
        WHOLE: told(record),
        "audit": {"sha256": record.audit.sha256, "on": record.audit.asked_at.isoformat()},
    }


def california_statement(record: DatasetRecord) -> dict[str, Any]:
    """The twelve points of Civil Code section 3111(a) for this data set, as plain values."""
    facts = record.facts
    sources = [*(facts.source_datasets.value or ()), *(one.name for one in record.creators)]
    synthetic = said(facts.synthetic)
    points = (
        ("Sources or owners of the data set", ", ".join(sources) or UNKNOWN),
        ("How it furthers the intended purpose of the system", _joined(said(facts.intended_use), _DEVELOPER)),
        ("Number of data points", f"{many(record.rows, 'row')}, {record.characters:,} characters"),
        ("Types of data points", f"text in the columns {', '.join(record.text_fields) or UNKNOWN}"),
        ("Copyright, trademark, patent, or public domain", said(facts.copyright)),
        ("Bought or licensed", said(facts.purchased_or_licensed)),
        ("Personal information", said(facts.personal_information)),
        ("Aggregate consumer information", said(facts.aggregate_consumer_information)),
        ("Cleaning, processing or other modification, and why", said(facts.processing)),
        ("Time of collection", period(facts.collected_from.value, facts.collected_to.value)),
        ("When it was first used in development", _DEVELOPER),
        ("Synthetic data generation", _joined(synthetic, explanation(record))),
    )
    return {
        "schema": CALIFORNIA_SCHEMA,
        "note": CALIFORNIA_NOTE,
        "dataset": facts.pretty_name.value or record.name,
        "holds_synthetic_text": synthetic,
        "models": [one.label for one in record.generators],
        "points": [
            {"number": number, "point": name, "answer": answer}
            for number, (name, answer) in enumerate(points, 1)
        ],
        WHOLE: told(record),
        "audit": {"sha256": record.audit.sha256, "on": record.audit.asked_at.isoformat()},
    }


def eu_markdown(made: dict[str, Any]) -> str:
    """The EU part as a page."""
    lines = [f"# Synthetic data in {markdown_cell(made['dataset'])}", "", f"> {made['note']}", ""]
    models = made["models"]
    if isinstance(models, list):
        lines += ["| model | provider | rows | characters | period |", "|---|---|---|---|---|"]
        lines += [
            f"| {markdown_cell(one['model'])} | {markdown_cell(one['provider'])} | {one['rows']:,} "
            f"| {one['characters']:,} | {one['period']} |"
            for one in models
        ]
        lines.append("")
    entries = {
        "Made by": made["made_by"],
        "Holds text that models wrote": made["holds_synthetic_text"],
        "Modality": made["modality"],
        "Models": models if isinstance(models, str) else many(len(models), "model"),
        "Size": f"{many(made['size']['rows'], 'row')}, {made['size']['characters']:,} characters",
        "Period": made["period"],
        "Purpose": made["purpose"],
        "How it was generated": made["how"],
        "Made from": made["seed_data"],
        "Processing": made["processing"],
    }
    lines += [f"- {name}: {_plain(value)}" for name, value in entries.items()]
    return "\n".join([*lines, "", _audited(made), ""])


def california_markdown(made: dict[str, Any]) -> str:
    """The Californian statement as a page."""
    lines = [f"# Training data: {markdown_cell(made['dataset'])}", "", f"> {made['note']}", ""]
    lines += [f"{one['number']}. {one['point']}: {_plain(one['answer'])}" for one in made["points"]]
    return "\n".join([*lines, "", _audited(made), ""])


def is_summary(value: object) -> bool:
    """Whether a JSON value is one of the two."""
    return isinstance(value, dict) and value.get("schema") in (EU_SCHEMA, CALIFORNIA_SCHEMA)


def summary_claims(value: dict[str, Any], path: str) -> Draft:
    """The claims of either document."""
    european = value["schema"] == EU_SCHEMA
    draft = Draft(path, "EU training summary" if european else "California AB 2013 statement")
    draft.say("name", value.get("dataset"), "dataset")
    draft.synthetic = {"yes": True, "no": False}.get(str(value.get("holds_synthetic_text")))
    models = value.get("models")
    for model in models if isinstance(models, list) else ():
        draft.add("generators", model.get("model") if isinstance(model, dict) else model, "models")
    draft.audited(value.get(WHOLE))
    return draft


def _audited(made: dict[str, Any]) -> str:
    return f"Audited on {made['audit']['on']} (audit `sha256:{made['audit']['sha256']}`). Not legal advice."


def _plain(value: object) -> str:
    return markdown_cell(", ".join(map(str, value)) if isinstance(value, list) else str(value))


def _joined(*told: str | None) -> str:
    return "; ".join(each for each in told if each)
