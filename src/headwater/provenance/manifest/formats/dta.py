"""The Data Provenance Standards 1.0.0 of the Data & Trust Alliance, as JSON, read and written.

Field names and requirements are those of its JSON Schema (github.com/Data-and-Trust-Alliance/json-metadata, commit
83fe1749, Apache-2.0). The standard has no field for a model's name: generators stand in `generation-method`, under a
code system of ours.
"""

from __future__ import annotations

from typing import Any, Final

from headwater.provenance.manifest.claims import ClaimedSignal, Draft

#: Code system of generator models in `generation-method`.
GENERATOR_SYSTEM: Final = "urn:headwater:generator-model"
#: The same for models that only rows name; the set as a whole isn't said to be theirs.
ROW_GENERATOR_SYSTEM: Final = "urn:headwater:generator-model-of-rows"
#: Code system of other methods that Headwater writes.
METHOD_SYSTEM: Final = "urn:headwater:generation-method"
#: Code of the method where only rows claim that models wrote text.
OF_ROWS: Final = "synthetic-rows"
_SYNTHETIC: Final = ("synthetic", "machine generated", "machine-generated", "ai-generated", "ai generated")


def is_dta(value: object) -> bool:
    """Whether a JSON value has the three groups of the standard."""
    return isinstance(value, dict) and all(
        isinstance(value.get(name), dict) for name in ("source", "provenance", "use")
    )


def dta_claims(value: dict[str, Any], path: str) -> Draft:
    """The claims of a document of the standard."""
    draft = Draft(path, "D&TA Data Provenance Standards")
    source, provenance, use = value["source"], value["provenance"], value["use"]
    draft.say("name", source.get("title"), "source.title")
    draft.say("description", source.get("description"), "source.description")
    draft.say("url", source.get("location"), "source.location")
    for issuer in _objects(source.get("issuer"), draft, "source.issuer"):
        draft.add("creators", _known(issuer.get("name")), "source.issuer.name")
    draft.add("source_datasets", provenance.get("source"), "provenance.source")
    draft.add("licences", _known(use.get("license")), "use.license")
    for method in _objects(provenance.get("generation-method"), draft, "provenance.generation-method"):
        code = draft.text(method.get("code"), "provenance.generation-method.code")
        if code is None:
            continue
        if method.get("system") == GENERATOR_SYSTEM:
            draft.put("generators", code)
            draft.synthetic = True
        elif method.get("system") == ROW_GENERATOR_SYSTEM:
            draft.put("row_generators", code)
            draft.from_audit = draft.row_synthetic = True
        elif method.get("system") == METHOD_SYSTEM and code == OF_ROWS:
            draft.from_audit = draft.row_synthetic = True
        elif any(word in code.lower() for word in _SYNTHETIC):
            draft.synthetic = True
    consents = use.get("consents")
    for consent in consents if isinstance(consents, list) else []:
        told = draft.text(consent, "use.consents")
        if told:
            draft.put("signals", ClaimedSignal("consent", "consent", told, "use.consents"))
    return draft


def _known(value: object) -> object:
    """A value without the word "unknown", which the standard's required entries are filled with."""
    if isinstance(value, list):
        return [each for each in value if each != "unknown"]
    return None if value == "unknown" else value


def _objects(value: object, draft: Draft, place: str) -> list[dict[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list):
        draft.fault(f"is of type {type(value).__name__}, not a list", place)
        return []
    return [inner for inner in value if isinstance(inner, dict)]
