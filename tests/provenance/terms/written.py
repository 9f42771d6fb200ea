"""Small files of terms, written for a test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from headwater.provenance.terms import Registry, Terms, read_terms

EVIDENCE = {
    "hw:quote": "",
    "hw:basis": "secondary",
    "hw:confidence": "high",
    "hw:paraphrase": "As the test says.",
}


def rule(uid: str, action: str, *constraints: dict[str, Any], duty: Any = (), n: int = 1) -> dict[str, Any]:
    """A rule with evidence."""
    return {
        "uid": f"{uid}#{n}",
        "target": "hw:outputs",
        "action": action,
        "constraint": list(constraints),
        "duty": list(duty),
        "hw:evidence": dict(EVIDENCE),
    }


def where(operand: str, operator: str, right: Any) -> dict[str, Any]:
    """A constraint."""
    return {"leftOperand": f"hw:{operand}", "operator": operator, "rightOperand": right}


def raw(
    provider: str = "acme",
    document: str = "terms",
    version: str = "2024-01-01",
    *,
    permission: Any = (),
    prohibition: Any = (),
    obligation: Any = (),
    **fields: Any,
) -> dict[str, Any]:
    """A file as JSON would hold it; rules as (action, *constraints) or (action, constraints, duties)."""
    uid = f"urn:headwater:terms:{provider}:{document}:{version}"
    n = 0

    def made(rules: Any) -> list[dict[str, Any]]:
        nonlocal n
        out = []
        for each in rules:
            n += 1
            action, *rest = (each,) if isinstance(each, str) else each
            constraints = [part for part in rest if isinstance(part, dict)]
            duty = next((part for part in rest if isinstance(part, list)), [])
            out.append(rule(uid, f"hw:{action}", *constraints, duty=duty, n=n))
        return out

    rules = {
        "permission": made(permission),
        "prohibition": made(prohibition),
        "obligation": made(obligation),
    }
    file: dict[str, Any] = {
        "@context": ["http://www.w3.org/ns/odrl.jsonld", {"hw": "urn:headwater:output-terms:1:"}],
        "@type": "Offer",
        "uid": uid,
        "profile": "urn:headwater:output-terms:1",
        "hw:provider": provider,
        "hw:document": {
            "hw:name": "Terms",
            "hw:kind": "terms-of-service",
            "hw:url": "https://acme.example/terms",
        },
        "hw:covers": [{"hw:product": "any", "hw:accountType": "any"}],
        "hw:validFrom": version if version[0].isdigit() else None,
        "hw:validFromBasis": "stated" if version[0].isdigit() else "unknown",
        "hw:validTo": None,
        "hw:lastSeen": "2026-08-22",
        **rules,
    }
    file |= {f"hw:{name}": value for name, value in fields.items()}
    if not any(rules.values()):
        file["hw:silent"] = True
    return file


def terms(*args: Any, **fields: Any) -> Terms:
    """A file, read."""
    return read_terms(json.dumps(raw(*args, **fields)).encode(), "written.jsonld")


def registry(*files: Terms) -> Registry:
    """A registry of these files only."""
    return Registry({each.uid: each for each in files})


def save(folder: Path, file: dict[str, Any]) -> Path:
    """Write a file as a user would keep it."""
    path = folder / (file["uid"].rsplit(":", 1)[-1] + ".jsonld")
    path.write_text(json.dumps(file), encoding="utf-8")
    return path
