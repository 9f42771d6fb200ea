"""A data set's record as an in-toto Statement v1 in a DSSE envelope, with Headwater's own predicate, and its check.

The subjects are the data files and the manifests beside them, by SHA-256; the predicate is the record as
docs/reference/dataset-statement.md and its JSON Schema describe it. The same record and key give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from headwater.proof import Envelope, Signer, canonical_json, signed, verified
from headwater.provenance.manifest.formats.statement_read import PAYLOAD_TYPE, PREDICATE_TYPE, STATEMENT_TYPE
from headwater.provenance.manifest.record import DatasetRecord


def statement(record: DatasetRecord, manifests: Iterable[tuple[str, str]] = ()) -> dict[str, Any]:
    """The statement as plain values; `manifests` are names and SHA-256 (hex) of those that it covers."""
    covered = [*((file.path, file.sha256) for file in record.files), *manifests]
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in covered],
        "predicateType": PREDICATE_TYPE,
        "predicate": msgspec.to_builtins(record, str_keys=True),
    }


def predicate_schema() -> dict[str, Any]:
    """The predicate as a JSON Schema (2020-12), made from the record itself."""
    (made,), components = msgspec.json.schema_components([DatasetRecord], ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": PREDICATE_TYPE,
        "title": "Dataset statement, version 1",
        **made,
        "$defs": components,
    }


def signed_statement(
    record: DatasetRecord, signer: Signer, manifests: Iterable[tuple[str, str]] = ()
) -> bytes:
    """The statement in an envelope signed by `signer`, as canonical JSON and a line feed."""
    envelope = signed(canonical_json(statement(record, manifests)), PAYLOAD_TYPE, [signer])
    return canonical_json(envelope.plain()) + b"\n"


def verified_payload(value: object, keys: Iterable[bytes]) -> bytes:
    """The payload of an envelope that one of the public `keys` signed; `Rejected` otherwise."""
    envelope = Envelope.read(value)
    verified(envelope, keys, payload_types=[PAYLOAD_TYPE])
    return envelope.payload
