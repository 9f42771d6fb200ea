"""The statement: valid by the schema that is shipped, signed so that others verify it, and found out when changed."""

import base64
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from headwater.keys import SigningKey
from headwater.proof import Rejected, public_key_pem
from headwater.provenance.manifest import load_audit
from headwater.provenance.manifest.formats.statement import (
    predicate_schema,
    signed_statement,
    statement,
    verified_payload,
)
from headwater.provenance.manifest.formats.statement_read import PREDICATE_TYPE, statement_claims
from provenance.manifest import audits

KEY = SigningKey(bytes(range(32)))
SHIPPED = Path(__file__).parents[3] / "docs" / "reference" / "dataset-statement.schema.json"


@pytest.fixture(params=list(audits.SETS))
def envelope(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    record = load_audit(audits.SETS[request.param](tmp_path))
    made: dict[str, Any] = json.loads(signed_statement(record, KEY))
    return made


def test_the_shipped_schema_is_that_of_the_record() -> None:
    assert json.loads(SHIPPED.read_text("utf-8")) == json.loads(json.dumps(predicate_schema()))


def test_the_predicate_is_valid_by_its_schema(envelope: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(predicate_schema())
    payload = json.loads(base64.b64decode(envelope["payload"]))
    jsonschema.validate(payload["predicate"], predicate_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(payload["predicate"] | {"rows": "many"}, predicate_schema())


def test_it_is_an_in_toto_statement_of_the_files(tmp_path: Path) -> None:
    """github.com/in-toto/attestation, spec/v1/statement.md: these four fields."""
    made = statement(load_audit(audits.instructions(tmp_path)))
    assert set(made) == {"_type", "subject", "predicateType", "predicate"}
    assert made["_type"] == "https://in-toto.io/Statement/v1"
    assert made["predicateType"] == PREDICATE_TYPE
    (subject,) = made["subject"]
    assert subject["name"] == "data/train.jsonl"
    assert len(subject["digest"]["sha256"]) == 64


def test_securesystemslib_verifies_it(envelope: dict[str, Any]) -> None:
    dsse = pytest.importorskip("securesystemslib.dsse")
    signer = pytest.importorskip("securesystemslib.signer")
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    public = load_pem_public_key(public_key_pem(KEY.public).encode())
    key = signer.SSlibKey.from_crypto(public, keyid=KEY.id)
    assert list(dsse.Envelope.from_dict(json.loads(json.dumps(envelope))).verify([key], 1)) == [KEY.id]


def test_our_own_verifier_agrees_and_finds_changes(envelope: dict[str, Any]) -> None:
    payload = json.loads(verified_payload(envelope, [KEY.public]))
    payload["predicate"]["verdicts"]["clean"] += 1
    changed = base64.b64encode(json.dumps(payload).encode()).decode()
    with pytest.raises(Rejected, match="no signature"):
        verified_payload(envelope | {"payload": changed}, [KEY.public])
    with pytest.raises(Rejected, match="no signature"):
        verified_payload(envelope | {"payloadType": "application/json"}, [KEY.public])
    with pytest.raises(Rejected, match="no signature"):
        verified_payload(envelope, [SigningKey(bytes(32)).public])


def test_the_same_record_and_key_give_the_same_bytes(tmp_path: Path) -> None:
    record = load_audit(audits.instructions(tmp_path))
    assert signed_statement(record, KEY) == signed_statement(record, KEY)


def test_its_claims_are_read_back(tmp_path: Path) -> None:
    record = load_audit(audits.instructions(tmp_path))
    claims = statement_claims(json.loads(signed_statement(record, KEY)), "a").claims()
    assert claims.row_generators == ("gpt-4o-2024-08-06", "meta-llama/Llama-3.1-8B")
    assert claims.generator_columns == ("generator",)
    assert claims.licences == ("cc-by-4.0",)
    assert (claims.row_synthetic, claims.row_human) == (True, True)
    assert claims.files[0].sha256 == record.files[0].sha256


def test_a_predicate_of_others_gives_its_subjects_only() -> None:
    bare = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "a", "digest": {"sha256": "0" * 64}}, {"name": 3}, "x"],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {"facts": 1},
    }
    claims = statement_claims(bare, "a").claims()
    assert [file.path for file in claims.files] == ["a"]
    assert claims.synthetic is None


@pytest.mark.parametrize("predicate", [None, [], {"facts": {}}, {"facts": {"name": {"value": "x"}}}])
def test_a_predicate_of_ours_that_isnt_is_told(predicate: object) -> None:
    bare = {
        "_type": "https://in-toto.io/Statement/v1",
        "predicateType": PREDICATE_TYPE,
        "predicate": predicate,
    }
    claims = statement_claims(bare, "a").claims()
    assert claims.generators == ()
    assert claims.problems[0].where.field == "predicate"
