"""A data set's record as JSON of the Data Provenance Standards 1.0.0 (see `dta` for the source).

The standard requires some entries that nobody may know; they say "unknown".
"""

from __future__ import annotations

from typing import Any, Final

from headwater.provenance.manifest.formats.dta import (
    GENERATOR_SYSTEM,
    METHOD_SYSTEM,
    OF_ROWS,
    ROW_GENERATOR_SYSTEM,
)
from headwater.provenance.manifest.formats.wording import UNKNOWN, many, period, said
from headwater.provenance.manifest.record import DatasetRecord

VERSION: Final = "1.0.0"


def dta(record: DatasetRecord) -> dict[str, Any]:
    """The three groups of the standard."""
    facts = record.facts
    issuers = [one.name for one in record.creators] or [facts.publisher.value or UNKNOWN]
    source: dict[str, Any] = {
        "version": VERSION,
        "title": facts.pretty_name.value or record.name,
        "id": f"urn:headwater:dataset:{record.audit.sha256[:32]}",
        "issuer": [{"name": name} for name in issuers],
        "description": said(facts.description),
    }
    if facts.url.value:
        source["location"] = facts.url.value
    provenance: dict[str, Any] = {
        "origin-geography": [{"country": name} for name in facts.countries.value or (UNKNOWN,)],
        "date": said(facts.date_published),
        "generation-period": {"start": said(facts.generated_from), "end": said(facts.generated_to)},
        "generation-method": _methods(record),
        "format": sorted({file.path.rpartition(".")[2] for file in record.files}),
    }
    if facts.source_datasets.value:
        provenance["source"] = ", ".join(facts.source_datasets.value)
    return {"source": source, "provenance": provenance, "use": _use(record)}


def _methods(record: DatasetRecord) -> list[dict[str, Any]]:
    whole = record.claimed
    made = [
        {
            "code": one.label,
            "system": GENERATOR_SYSTEM if one.label in whole.generators else ROW_GENERATOR_SYSTEM,
            "description": f"{many(one.rows, 'row')} written by this model of {one.provider or UNKNOWN}, "
            f"{period(one.first_at, one.last_at)}, as claimed by the data set",
        }
        for one in record.generators
    ]
    if record.facts.synthetic.value:
        told = record.facts.synthetic_explanation.value or "text that models wrote"
        code = "synthetic" if whole.synthetic else OF_ROWS
        made.insert(0, {"code": code, "system": METHOD_SYSTEM, "description": told})
    if record.facts.collection_method.value:
        collected = record.facts.collection_method.value
        made.append({"code": "collection", "system": METHOD_SYSTEM, "description": collected})
    return made or [{"code": UNKNOWN, "system": METHOD_SYSTEM}]


def _use(record: DatasetRecord) -> dict[str, Any]:
    facts = record.facts
    licence = [*(facts.licences.value or ()), facts.licence_name.value, facts.licence_link.value]
    purpose = facts.intended_use.value
    use: dict[str, Any] = {
        "license": [each for each in licence if each] or [UNKNOWN],
        "intended-purpose": [{"code": "stated" if purpose else UNKNOWN, "description": purpose or UNKNOWN}],
    }
    if facts.consent.value:
        use["consents"] = [facts.consent.value]
    if facts.copyright.value:
        use["copyright"] = [facts.copyright.value]
    return use
