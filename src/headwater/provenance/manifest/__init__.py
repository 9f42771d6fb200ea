"""Manifests of data sets: what they claim, read; what an audit found and a person confirmed, written; both checked.

`read_claims` reads whatever manifests a folder has, `new` and `write` make them, `verify` checks a data set against
them. What the terms of a generator say comes with the audit; nothing here decides it.
"""

from headwater.provenance.manifest.audited import load_audit
from headwater.provenance.manifest.claims import ClaimedFile, ClaimedSignal, Claims
from headwater.provenance.manifest.reading import read_claims
from headwater.provenance.manifest.record import DatasetRecord, Fact, Facts, Generator
from headwater.provenance.manifest.verifying import Check, Verification, verify
from headwater.provenance.manifest.writing import (
    DEFAULT_FORMATS,
    FORMATS,
    Keys,
    Prepared,
    Written,
    load_record,
    new,
    write,
)

__all__ = [
    "DEFAULT_FORMATS",
    "FORMATS",
    "Check",
    "ClaimedFile",
    "ClaimedSignal",
    "Claims",
    "DatasetRecord",
    "Fact",
    "Facts",
    "Generator",
    "Keys",
    "Prepared",
    "Verification",
    "Written",
    "load_audit",
    "load_record",
    "new",
    "read_claims",
    "verify",
    "write",
]
