"""What a Croissant description (1.0 or 1.1, JSON-LD) claims.

Dataset-level PROV-O and that of record sets and fields, RAI keys and `usageInfo` are read. An agent counts as a
generator only where the document says that it is software; an agent of no kind may be a person.
"""

from __future__ import annotations

import re
from typing import Any, Final

from headwater.provenance.manifest.claims import SYNTHETIC_TAGS, ClaimedFile, ClaimedSignal, Draft
from headwater.provenance.manifest.formats import json_ld
from headwater.provenance.manifest.formats.croissant import AUDIT, CLAIMED_BY
from headwater.provenance.manifest.formats.whole import WHOLE

_SOFTWARE: Final = frozenset({"prov:SoftwareAgent", "SoftwareApplication", "SoftwareSourceCode"})
#: IPTC digital source types of text that a model wrote (schema.org `digitalSourceType` uses them too).
_IPTC: Final = ("trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "TrainedAlgorithmicMedia")
#: Where an activity says what it is, and what it says when it makes text.
_TOLD: Final = ("@id", "name", "description", "prov:label", "prov:description")
_GENERATES: Final = re.compile(r"generat|synthe[st]i|distil", re.IGNORECASE)


def is_croissant(value: object) -> bool:
    """Whether a JSON value is a description of a data set in schema.org's or Croissant's words."""
    known = json_ld.node(value)
    return "Dataset" in json_ld.types(known) and "@context" in known


def croissant_claims(value: dict[str, Any], path: str) -> Draft:
    """The claims of a Croissant description."""
    draft = Draft(path, "Croissant")
    top = json_ld.node(value)
    for name in ("name", "description", "version"):
        said = json_ld.plain(top.get(name))
        draft.say(name, str(said) if isinstance(said, (int, float)) else said)
    draft.say("url", json_ld.label(top.get("url")))
    draft.say(
        "pretty_name", json_ld.plain(top.get("alternateName")) if _single(top, "alternateName") else None
    )
    for name, kind in (("license", "licences"), ("inLanguage", "languages"), ("keywords", "tags")):
        for each in json_ld.many(top.get(name)):
            draft.add(kind, json_ld.label(json_ld.plain(each)), name)
    for each in json_ld.many(top.get("creator")):
        draft.add("creators", json_ld.label(each), "creator")
    for name in ("prov:wasDerivedFrom", "isBasedOn"):
        for each in json_ld.many(top.get(name)):
            draft.add("source_datasets", json_ld.label(each), name)
    _synthetic(top, draft)
    _usage(top, draft)
    _files(top, draft)
    for inner in json_ld.nodes(value):
        _generators(inner, draft)
        _columns(inner, draft)
    audit = json_ld.plain(top.get(AUDIT))
    if isinstance(audit, dict):
        draft.audited(audit.get(WHOLE))
    elif draft.from_audit:  # a tool dropped the audit's figures: what the whole claims is no longer known
        draft.row_synthetic, draft.synthetic = draft.synthetic, None
    return draft


def _single(top: dict[str, Any], name: str) -> bool:
    return not isinstance(top.get(name), list)


def _synthetic(top: dict[str, Any], draft: Draft) -> None:
    said = [json_ld.boolean(each) for each in json_ld.many(top.get("rai:hasSyntheticData"))]
    if said and None in said:
        draft.fault("is neither true nor false", "rai:hasSyntheticData")
    tags = {tag.lower() for tag in json_ld.many(top.get("keywords")) if isinstance(tag, str)}
    sources = [str(json_ld.label(each)) for each in json_ld.many(top.get("digitalSourceType"))]
    marked = any(source.rstrip("/").endswith(kind) for source in sources for kind in _IPTC)
    if True in said or tags & SYNTHETIC_TAGS or marked:
        draft.synthetic = True
    elif False in said:
        draft.synthetic = False


def _usage(top: dict[str, Any], draft: Draft) -> None:
    for each in json_ld.many(top.get("usageInfo")):
        known = json_ld.node(each)
        odrl = any(name.startswith("odrl:") for name in (*known, *json_ld.types(known)))
        name = draft.text(json_ld.plain(known.get("termCode") or known.get("name") or ""), "usageInfo")
        value = draft.text(
            json_ld.label({k: v for k, v in known.items() if k != "name"} or each), "usageInfo"
        )
        for rule in ("permission", "prohibition", "obligation"):
            for one in json_ld.many(known.get(f"odrl:{rule}")):
                action = json_ld.label(json_ld.node(one).get("odrl:action"))
                told = draft.text(action, f"usageInfo.{rule}") or "unknown"
                draft.put("signals", ClaimedSignal("odrl", rule, told, "usageInfo"))
        if name or value:
            form = "odrl" if odrl else "usageInfo"
            draft.put("signals", ClaimedSignal(form, name or "usageInfo", value or "", "usageInfo"))


def _files(top: dict[str, Any], draft: Draft) -> None:
    for each in json_ld.many(top.get("distribution")):
        known = json_ld.node(each)
        kinds = json_ld.types(known)
        if "cr:FileObject" not in kinds and "FileObject" not in kinds:
            continue
        path = draft.text(json_ld.plain(known.get("contentUrl") or known.get("@id")), "distribution")
        digest = draft.text(json_ld.plain(known.get("sha256")), "distribution.sha256")
        if path:
            draft.put("files", ClaimedFile(path, digest, _bytes(known.get("contentSize"))))


def _bytes(value: object) -> int | None:
    """A size in bytes, of the form `123 B`."""
    text = str(json_ld.plain(value)).removesuffix("B").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def _generators(inner: dict[str, Any], draft: Draft) -> None:
    """Software that a node is attributed to, or that took part in an activity which is said to generate.

    Activities of other kinds have software too: that which filters, or finds personal data, wrote nothing.
    """
    agents = json_ld.many(inner.get("prov:wasAttributedTo"))
    told = " ".join(str(json_ld.plain(inner.get(name, ""))) for name in _TOLD)
    if "prov:Activity" in json_ld.types(inner) and _GENERATES.search(told):
        agents = agents + json_ld.many(inner.get("prov:wasAssociatedWith"))
    # Kept by tools that drop what they don't know at the top of a description.
    of_rows = inner.get(CLAIMED_BY) == "rows"
    draft.from_audit |= of_rows
    for agent in agents:
        if json_ld.types(json_ld.node(agent)) & _SOFTWARE:
            kind = "row_generators" if of_rows else "generators"
            draft.add(kind, json_ld.label(agent), "prov:wasAttributedTo")


def _columns(inner: dict[str, Any], draft: Draft) -> None:
    """The columns that annotation fields name as holding whom a value is attributed to."""
    for each in json_ld.many(inner.get("annotation")):
        known = json_ld.node(each)
        if json_ld.short(str(json_ld.label(known.get("equivalentProperty")))) != "prov:wasAttributedTo":
            continue
        for field in (known, *map(json_ld.node, json_ld.many(known.get("subField")))):
            extract = json_ld.node(json_ld.node(field.get("source")).get("extract"))
            draft.add("generator_columns", json_ld.plain(extract.get("column")), "annotation")
