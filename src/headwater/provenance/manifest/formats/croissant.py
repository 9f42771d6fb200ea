"""A data set's record as Croissant 1.1 (JSON-LD), with PROV-O, RAI keys, and the terms of its generators as an offer.

Field names are those of the Croissant 1.1 specification (mlcommons/croissant, docs/croissant-spec-1.1.md, commit
401f6fff) and its RAI vocabulary 1.0; `rai:hasSyntheticData` and `rai:syntheticDataExplanation` are those that
NeurIPS 2026 asks for. What is unknown is left out.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from headwater.provenance.manifest.formats.croissant_rows import distribution, record_sets
from headwater.provenance.manifest.formats.whole import WHOLE, told
from headwater.provenance.manifest.formats.wording import explanation, use_told
from headwater.provenance.manifest.record import DatasetRecord, Generator, Party

CONFORMS_TO: Final = ("http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0")
#: Properties that Croissant 1.1 requires of every data set.
REQUIRED: Final = ("name", "description", "license", "url", "creator", "datePublished")
#: Entries of ours. `CLAIMED_BY` is "rows" at a generator that only rows name; `AUDIT` holds figures as JSON.
CLAIMED_BY: Final = "urn:headwater:manifest:1:claimedBy"
AUDIT: Final = "urn:headwater:manifest:1:audit"
PROFILE: Final = "urn:headwater:output-terms:1"

#: Names that stand bare and mean Croissant's (appendix 1 of the specification).
_OWN: Final = (
    "annotation arrayShape citeAs column containedIn equivalentProperty excludes extract field fileProperty "
    "fileObject fileSet format includes isArray isLiveDataset jsonPath key md5 parentField path recordSet references "
    "regex readLines repeated replace samplingRate sdVersion separator source subField transform unArchive value"
)
CONTEXT: Final[dict[str, Any]] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "prov": "http://www.w3.org/ns/prov#",
    "odrl": "http://www.w3.org/ns/odrl/2/",
    **{name: f"cr:{name}" for name in _OWN.split()},
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
}


def croissant(record: DatasetRecord, *, sidecar: str | None = None) -> dict[str, Any]:
    """The description as plain JSON-LD values.

    `sidecar` is a glob pattern of the audit's annotations where they are published with the data; it is named where
    no column of the data holds the generators.
    """
    facts = record.facts
    made: dict[str, Any] = {"@context": CONTEXT, "@type": "sc:Dataset", "conformsTo": list(CONFORMS_TO)}
    plain = {
        "name": record.name,
        "alternateName": facts.pretty_name.value,
        "description": facts.description.value,
        "url": facts.url.value,
        "version": facts.version.value,
        "datePublished": facts.date_published.value and facts.date_published.value.isoformat(),
        "license": _licences(record),
        "creator": [_party(one) for one in record.creators],
        "publisher": facts.publisher.value and _party(Party.read(facts.publisher.value)),
        "inLanguage": list(facts.languages.value or ()),
        "keywords": list(facts.keywords.value or ()),
    }
    made |= {name: value for name, value in plain.items() if value}
    made |= _responsible(record)
    made |= _provenance(record)
    if offer := _offer(record):
        made["usageInfo"] = offer
    made[AUDIT] = {"@type": "@json", "@value": _audit(record)}
    made["distribution"] = distribution(record, sidecar)
    made["recordSet"] = record_sets(record, sidecar)
    return made


def _audit(record: DatasetRecord) -> dict[str, Any]:
    """What the audit was asked and counted, and which claims are on the set as a whole."""
    audit = record.audit
    return {
        "sha256": audit.sha256,
        "asked_at": audit.asked_at.isoformat(),
        "asked_for": use_told(audit.use),
        "rows": record.rows,
        "answers": record.answers,
        "disputes": record.disputes,
        WHOLE: told(record),
    }


def _party(one: Party) -> dict[str, Any]:
    return {"@type": "sc:Person" if one.is_person else "sc:Organization", "name": one.name}


def missing(made: dict[str, Any]) -> tuple[str, ...]:
    """Properties that Croissant requires and `made` lacks, because nobody knows them."""
    return tuple(name for name in REQUIRED if name not in made)


def _licences(record: DatasetRecord) -> list[str]:
    facts = record.facts
    named = [name for name in facts.licences.value or () if name != "other"]
    return named + [each for each in (facts.licence_link.value or facts.licence_name.value,) if each]


def _responsible(record: DatasetRecord) -> dict[str, Any]:
    """RAI keys; a flag that is unknown is left out, which isn't the same as false."""
    facts = record.facts
    keys: dict[str, Any] = {
        "rai:hasSyntheticData": facts.synthetic.value,
        "rai:syntheticDataExplanation": explanation(record),
        "rai:dataCollection": facts.collection_method.value,
        "rai:dataUseCases": facts.intended_use.value,
        "rai:dataLimitations": facts.limitations.value,
        "rai:dataBiases": facts.biases.value,
        "rai:dataSocialImpact": facts.social_impact.value,
        "rai:dataPreprocessingProtocol": facts.processing.value,
    }
    if facts.personal_information.value is not None:
        held = "holds" if facts.personal_information.value else "holds no"
        keys["rai:personalSensitiveInformation"] = f"The data set {held} personal information."
    if facts.collected_from.value:
        keys["rai:dataCollectionTimeframeStart"] = facts.collected_from.value.isoformat()
    if facts.collected_to.value:
        keys["rai:dataCollectionTimeframeEnd"] = facts.collected_to.value.isoformat()
    return {name: value for name, value in keys.items() if value is not None}


def _provenance(record: DatasetRecord) -> dict[str, Any]:
    facts = record.facts
    made: dict[str, Any] = {}
    if facts.source_datasets.value:
        made["prov:wasDerivedFrom"] = [
            {"@id": _source(name), "prov:label": name} for name in facts.source_datasets.value
        ]
    if record.generators:
        made["prov:wasGeneratedBy"] = [
            _activity(generator, number, record.claimed.generators)
            for number, generator in enumerate(record.generators, 1)
        ]
    agents = [
        {"@type": "prov:Person" if one.is_person else "prov:Organization", "prov:label": one.name}
        for one in record.creators
    ]
    if agents:
        made["prov:wasAttributedTo"] = agents
    return made


def _source(name: str) -> str:
    return name if "://" in name else f"urn:headwater:source-dataset:{quote(name, safe='/')}"


def _activity(generator: Generator, number: int, whole: tuple[str, ...]) -> dict[str, Any]:
    agent: dict[str, Any] = {
        "@type": "prov:SoftwareAgent",
        "@id": f"#model-{number}",
        "prov:label": generator.label,
    }
    if generator.provider:
        agent["prov:actedOnBehalfOf"] = {"@type": "prov:Organization", "prov:label": generator.provider}
    basis = f", as claimed by {', '.join(generator.basis)}" if generator.basis else ""
    made: dict[str, Any] = {
        "@type": "prov:Activity",
        "@id": f"#generation-{number}",
        "prov:label": f"Generation by {generator.label}",
        "description": f"{generator.rows} rows, {generator.characters} characters{basis}.",
        "prov:wasAssociatedWith": agent,
    }
    if generator.label not in whole:
        made[CLAIMED_BY] = "rows"
    if generator.first_at:
        made["prov:startedAtTime"] = generator.first_at.isoformat()
    if generator.last_at:
        made["prov:endedAtTime"] = generator.last_at.isoformat()
    return made


def _offer(record: DatasetRecord) -> dict[str, Any] | None:
    """The offer that the data set stands under: the terms of its generators, and what its maker says of mining.

    Its type is `odrl:Offer` alone: of two types, as the specification's example has them, mlcroissant keeps one and
    drops this.
    """
    # A clause is named by its document's uid, `#`, and its number; the offer inherits from the documents.
    documents = sorted({uid.partition("#")[0] for one in record.generators for uid in one.clauses})
    rules: dict[str, list[dict[str, Any]]] = {}
    for said in record.facts.training_mining.value or ():
        use, _, value = said.partition("=")
        kind = {"allowed": "permission", "notAllowed": "prohibition"}.get(value)
        if kind:
            action = {"@id": f"urn:headwater:mining-use:{use}"}
            rules.setdefault(kind, []).append({"@type": f"odrl:{kind.title()}", "odrl:action": action})
    if not documents and not rules:
        return None
    uid = f"urn:headwater:usage:{quote(record.name, safe='')}:{record.audit.sha256[:16]}"
    offer: dict[str, Any] = {"@type": "odrl:Offer", "@id": uid, "odrl:uid": uid}
    if documents:
        offer["name"] = "Terms that were found to bind outputs of the generators"
        offer["odrl:profile"] = {"@id": PROFILE}
        offer["odrl:inheritFrom"] = [{"@id": each} for each in documents]
    return offer | {f"odrl:{kind}": each for kind, each in sorted(rules.items())}
