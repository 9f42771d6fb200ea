"""What an in-toto Statement claims, in a DSSE envelope or bare; its signature is checked elsewhere.

The predicate of Headwater's own type holds a data set's record; of other predicates only the subjects are read.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final

import msgspec

from headwater.errors import UnreadableInput, Where
from headwater.provenance.manifest.bounded import parsed_json
from headwater.provenance.manifest.claims import ClaimedFile, ClaimedSignal, Draft
from headwater.provenance.manifest.formats.whole import told
from headwater.provenance.manifest.record import DatasetRecord

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "urn:headwater:dataset-statement:1"
PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"


def is_envelope(value: object) -> bool:
    """Whether a JSON value is a DSSE envelope."""
    return isinstance(value, dict) and "payload" in value and "payloadType" in value


def is_statement(value: object) -> bool:
    """Whether a JSON value is an in-toto Statement, of whatever version."""
    return isinstance(value, dict) and str(value.get("_type", "")).startswith("https://in-toto.io/Statement/")


def payload_of(envelope: dict[str, Any], path: str) -> Any:
    """The JSON value in an envelope, unverified. Either alphabet of base64 is read, as DSSE asks for."""
    where = Where(path, None, "payload")
    payload = envelope.get("payload")
    if not isinstance(payload, str):
        raise UnreadableInput("is not a text", where=where)
    try:
        data = base64.b64decode(payload.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        raise UnreadableInput("is not base64", where=where) from None
    return parsed_json(data, path)


def statement_claims(value: dict[str, Any], path: str) -> Draft:
    """The claims of an envelope or a bare statement."""
    draft = Draft(path, "in-toto statement")
    statement = payload_of(value, path) if is_envelope(value) else value
    if not is_statement(statement):
        draft.fault("the payload is no in-toto statement", "payload")
        return draft
    for file in subjects(statement, draft)[0]:
        draft.put("files", file)
    if statement.get("predicateType") != PREDICATE_TYPE:
        return draft
    try:
        record = msgspec.convert(statement.get("predicate"), DatasetRecord)
    except (msgspec.ValidationError, ValueError) as error:
        draft.fault(f"is not a record of a data set: {type(error).__name__}", "predicate")
        return draft
    record_claims(record, draft)
    return draft


def subjects(statement: dict[str, Any], draft: Draft) -> tuple[list[ClaimedFile], list[ClaimedFile]]:
    """The subjects of a statement: data files, and the manifests that one of ours covers beside them."""
    found: list[ClaimedFile] = []
    listed = statement.get("subject")
    for subject in listed if isinstance(listed, list) else []:
        if isinstance(subject, dict) and (name := draft.text(subject.get("name"), "subject.name")):
            digests = subject.get("digest")
            digest = digests.get("sha256") if isinstance(digests, dict) else None
            found.append(ClaimedFile(name, draft.text(digest, "subject.digest.sha256")))
    predicate = statement.get("predicate")
    files = predicate.get("files") if isinstance(predicate, dict) else None
    if statement.get("predicateType") != PREDICATE_TYPE or not isinstance(files, list):
        return found, []
    data = {str(file.get("path")) for file in files if isinstance(file, dict)}
    return [one for one in found if one.path in data], [one for one in found if one.path not in data]


def record_claims(record: DatasetRecord, draft: Draft) -> None:
    """Put the facts of a record into a draft."""
    facts = record.facts
    for name in ("name", "pretty_name", "description", "version", "url"):
        draft.say(name, getattr(facts, name).value)
    for name in ("licences", "source_datasets", "languages"):
        draft.add(name, getattr(facts, name).value)
    draft.add("creators", [one.name for one in record.creators])
    draft.add("tags", facts.keywords.value, "keywords")
    for generator in record.generators:
        draft.add("generators", generator.label)
    generators = record.column("generator")
    draft.add("generator_columns", generators.name if generators else None)
    for said in facts.training_mining.value or ():
        use, _, value = said.partition("=")
        draft.put("signals", ClaimedSignal("cawg.training-mining", use, value, "training_mining"))
    if facts.consent.value:
        draft.put("signals", ClaimedSignal("consent", "consent", facts.consent.value, "consent"))
    draft.synthetic = facts.synthetic.value
    draft.human = facts.human_text.value
    draft.audited(told(record))
