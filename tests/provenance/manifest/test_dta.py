"""D&TA Data Provenance Standards 1.0.0: valid by the alliance's own schema, and read back.

The schema is that of github.com/Data-and-Trust-Alliance/json-metadata at commit
83fe174930fde4725f88f1516a3c375e53b7606f (Apache-2.0), byte for byte; its last brace is missing there.
"""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from headwater.provenance.manifest import load_audit, load_record, new
from headwater.provenance.manifest.formats.dta import dta_claims
from headwater.provenance.manifest.formats.dta_write import dta
from provenance.manifest import audits
from provenance.manifest.hands import answer

SCHEMA = json.loads(
    (Path(__file__).parent / "schemas" / "data-provenance-standards-1.0.0.schema.json").read_text("utf-8")
    + "}"
)


def faults(document: dict[str, Any]) -> list[str]:
    return [error.message for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(document)]


@pytest.mark.parametrize("name", list(audits.SETS))
def test_it_is_valid_by_the_standards_schema(tmp_path: Path, name: str) -> None:
    document = dta(load_audit(audits.SETS[name](tmp_path)))
    assert faults(document) == []
    del document["provenance"]["generation-method"]
    assert faults(document) != [], "the schema can fail"


def test_with_answers_too(tmp_path: Path) -> None:
    audits.instructions(tmp_path)
    path = new(tmp_path, tmp_path).path
    answer(
        path,
        creators='["A"]',
        consent='"https://example.org/consent"',
        countries='["DE"]',
        copyright='"none"',
    )
    answer(path, intended_use='"teaching"', collection_method='"by hand"', url='"https://example.org"')
    document = dta(load_record(tmp_path))
    assert faults(document) == []
    assert document["use"]["intended-purpose"] == [{"code": "stated", "description": "teaching"}]
    assert document["source"]["issuer"] == [{"name": "A"}]
    claims = dta_claims(document, "dta.json").claims()
    assert claims.row_generators == ("gpt-4o-2024-08-06", "meta-llama/Llama-3.1-8B")
    assert (claims.row_synthetic, claims.synthetic, claims.generators) == (True, None, ())
    assert claims.name == "Rivers & seas"
    assert claims.licences == ("cc-by-4.0",)
    assert [(one.form, one.value) for one in claims.signals] == [("consent", "https://example.org/consent")]


def test_unknown_is_said_where_the_standard_requires_an_entry(tmp_path: Path) -> None:
    document = dta(load_audit(audits.essays(tmp_path)))
    assert document["source"]["issuer"] == [{"name": "unknown"}]
    assert document["provenance"]["generation-method"][0]["code"] == "unknown"
    claims = dta_claims(document, "dta.json").claims()
    assert claims.synthetic is None
    assert (claims.licences, claims.creators) == ((), ()), "the word unknown names no licence"
