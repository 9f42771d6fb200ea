"""Findings as SARIF 2.1.0 (OASIS), which code hosts and editors show beside the lines of a file."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from headwater.explain.audited import wording
from headwater.provenance.audit import Example, Report, artefact_kinds

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def audit_sarif(report: Report) -> dict[str, Any]:
    """One result for each kind of finding and each bound origin; places are the first that were met."""
    kinds = artefact_kinds()
    rules: dict[str, dict[str, Any]] = {}
    results: list[dict[str, Any]] = []
    for one in report.findings:
        title = wording.finding_title(one)
        told = kinds.get(one.kind)
        rules.setdefault(
            one.kind,
            {
                "id": one.kind,
                "shortDescription": {"text": title},
                "fullDescription": {"text": told.means if told else title},
            },
        )
        results.append(
            {
                "ruleId": one.kind,
                "level": "warning" if one.contradicts else "note",
                "message": {
                    "text": f"{one.rows:,} rows: {title}" + (f" ({one.provider})" if one.provider else "")
                },
                "locations": [_place(place) for place in one.examples],
            }
        )
    for by in wording.writers(report):
        for verdict, rows in by.answers.items():
            groups = [group for group in by.groups if group.answer.verdict == verdict]
            first = next((group.first for group in groups if group.first is not None), None)
            if groups[0].verdict != "bound" or first is None:
                continue
            rules.setdefault(
                verdict, {"id": verdict, "shortDescription": {"text": f"terms: {wording.ANSWERS[verdict]}"}}
            )
            text = f"{rows:,} rows, {by.label}: {groups[0].answer.sentence}"
            level = "note" if verdict == "allowed-with-duties" else "warning"
            results.append(
                {"ruleId": verdict, "level": level, "message": {"text": text}, "locations": [_place(first)]}
            )
    driver = {"name": "headwater audit", "version": report.headwater, "rules": list(rules.values())}
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }


def _place(place: Example) -> dict[str, Any]:
    region = {"startLine": place.row}
    return {"physicalLocation": {"artifactLocation": {"uri": quote(place.file)}, "region": region}}
