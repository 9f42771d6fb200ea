"""The profile for others, made from its tables: JSON Schema, SHACL shapes, and the tables of the reference page.

`profile.schema.json` and `profile.shacl.ttl` lie beside this file so that anybody can validate a file without
Headwater; a test holds them to what is made here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from headwater.provenance.terms import profile

_DAY: dict[str, Any] = {"type": ["string", "null"], "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
_TEXT: dict[str, Any] = {"type": "string"}


def schema() -> dict[str, Any]:
    """A JSON Schema (2020-12) of a file of terms."""
    rules = {"type": "array", "items": {"$ref": "#/$defs/rule"}}
    own = {
        "hw:provider": {"$ref": "#/$defs/slug"},
        "hw:document": _object(
            {"hw:name": _TEXT, "hw:kind": _one_of(profile.KINDS), "hw:url": _TEXT}, ["hw:name", "hw:kind"]
        ),
        "hw:covers": {
            "type": "array",
            "minItems": 1,
            "items": _object(
                {"hw:product": {"$ref": "#/$defs/slug"}, "hw:accountType": _one_of(profile.ACCOUNT_TYPES)}, []
            ),
        },
        "hw:models": {"type": "array", "items": {"$ref": "#/$defs/slug"}},
        "hw:incorporates": {
            "type": "array",
            "items": {"type": "string", "pattern": "^[a-z0-9.-]+/[a-z0-9.-]+$"},
        },
        "hw:validFrom": _DAY,
        "hw:validFromBasis": _one_of(profile.FROM_BASES),
        "hw:validTo": _DAY,
        "hw:validToBasis": _one_of(profile.TO_BASES),
        "hw:lastSeen": _DAY,
        "hw:archive": {
            "oneOf": [
                {"type": "null"},
                _object({"hw:repository": _TEXT, "hw:path": _TEXT, "hw:licence": _TEXT, "hw:url": _TEXT}, []),
            ]
        },
        "hw:silent": {"type": "boolean"},
        "hw:evidence": {"oneOf": [{"type": "null"}, {"$ref": "#/$defs/evidence"}]},
        "hw:note": _TEXT,
    }
    head = {
        "@context": {"const": [profile.ODRL_CONTEXT, {"hw": profile.NAMESPACE}]},
        "@type": {"const": "Offer"},
        "uid": {"type": "string", "pattern": "^urn:headwater:terms(:[a-z0-9][a-z0-9.-]*){3}$"},
        "profile": {"const": profile.PROFILE},
        **own,
        "permission": rules,
        "prohibition": rules,
        "obligation": rules,
    }
    required = ["@context", "@type", "uid", "profile", "hw:provider", "hw:document", "hw:validFrom"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{profile.PROFILE}:schema",
        "title": "What a provider's document says about using outputs, in one version",
        **_object(head, required),
        "$defs": _defs(),
    }


def _defs() -> dict[str, Any]:
    evidence: dict[str, Any] = {
        f"hw:{name}": _TEXT
        for name in ("quote", "source", "repository", "path", "section", "paraphrase", "reviewer", "note")
    }
    evidence |= {
        "hw:commit": {"type": "string", "pattern": "^([0-9a-f]{40})?$"},
        "hw:commitDate": _DAY,
        "hw:reviewed": _DAY,
        "hw:basis": _one_of(profile.EVIDENCE_BASES),
        "hw:confidence": _one_of(profile.CONFIDENCES),
    }
    constraints = {"type": "array", "items": {"$ref": "#/$defs/constraint"}}
    duty = _object(
        {"action": _one_of(profile.DUTIES), "constraint": constraints, "hw:text": _TEXT, "hw:note": _TEXT},
        ["action"],
    )
    rule = _object(
        {
            "uid": _TEXT,
            "target": _TEXT,
            "action": _one_of(profile.ACTIONS),
            "constraint": constraints,
            "duty": {"type": "array", "items": {"$ref": "#/$defs/duty"}},
            "hw:evidence": {"$ref": "#/$defs/evidence"},
            "hw:note": _TEXT,
        },
        ["uid", "action"],
    )
    joined = [_object({name: {**constraints, "minItems": 1}}, [name]) for name in ("and", "or")]
    return {
        "slug": {"type": "string", "pattern": "^[a-z0-9][a-z0-9.-]*$"},
        "evidence": _object(evidence, []),
        "duty": duty,
        "rule": rule,
        "constraint": {"oneOf": [*map(_comparison, profile.OPERANDS.items()), *joined]},
    }


def _comparison(named: tuple[str, profile.Operand]) -> dict[str, Any]:
    name, operand = named
    value: dict[str, Any] = {"type": "boolean"} if operand.truth else _TEXT
    if operand.values:
        value = _one_of(operand.values)
    right = {"oneOf": [value, {"type": "array", "minItems": 1, "items": value}]}
    fields = {"leftOperand": {"const": name}, "operator": _one_of(profile.OPERATORS), "rightOperand": right}
    return _object(fields, list(fields))


def _object(fields: Mapping[str, Any], required: list[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(fields),
        "required": required,
        "additionalProperties": False,
    }


def _one_of(values: Iterable[str]) -> dict[str, Any]:
    return {"enum": list(values)}


def shacl() -> str:
    """SHACL shapes of a file of terms, once its JSON-LD is expanded with `profile.context()`."""
    actions, operands, operators, duties = (
        " ".join(_iri(name) for name in names)
        for names in (profile.ACTIONS, profile.OPERANDS, profile.OPERATORS, profile.DUTIES)
    )
    rules = "\n".join(
        f"  sh:property [ sh:path odrl:{kind} ; sh:node hw:RuleShape ] ;"
        for kind in ("permission", "prohibition", "obligation")
    )
    return f"""\
# Shapes of the profile {profile.PROFILE}, made by profile_export.py.
@prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix odrl: <{profile.ODRL}> .
@prefix hw: <{profile.NAMESPACE}> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .

hw:OfferShape a sh:NodeShape ;
  sh:targetClass odrl:Offer ;
  sh:nodeKind sh:IRI ;
  sh:pattern "^urn:headwater:terms:" ;
  sh:property [ sh:path odrl:profile ; sh:hasValue <{profile.PROFILE}> ; sh:maxCount 1 ] ;
  sh:property [ sh:path hw:provider ; sh:minCount 1 ; sh:maxCount 1 ; sh:datatype xsd:string ] ;
  sh:property [ sh:path hw:document ; sh:minCount 1 ; sh:maxCount 1 ; sh:node hw:DocumentShape ] ;
  sh:property [ sh:path hw:covers ; sh:minCount 1 ] ;
{rules}
  sh:or (
    [ sh:path odrl:permission ; sh:minCount 1 ]
    [ sh:path odrl:prohibition ; sh:minCount 1 ]
    [ sh:path odrl:obligation ; sh:minCount 1 ]
    [ sh:path hw:silent ; sh:hasValue true ]
  ) .

hw:DocumentShape a sh:NodeShape ;
  sh:property [ sh:path hw:name ; sh:minCount 1 ; sh:maxCount 1 ] ;
  sh:property [ sh:path hw:kind ; sh:minCount 1 ; sh:maxCount 1 ; sh:in ( {_quoted(profile.KINDS)} ) ] .

hw:RuleShape a sh:NodeShape ;
  sh:nodeKind sh:IRI ;
  sh:property [ sh:path odrl:action ; sh:minCount 1 ; sh:maxCount 1 ; sh:in ( {actions} ) ] ;
  sh:property [ sh:path odrl:target ; sh:minCount 1 ; sh:nodeKind sh:IRI ] ;
  sh:property [ sh:path odrl:constraint ; sh:node hw:ConstraintShape ] ;
  sh:property [ sh:path odrl:duty ; sh:node hw:DutyShape ] ;
  sh:property [ sh:path hw:evidence ; sh:minCount 1 ; sh:maxCount 1 ; sh:node hw:EvidenceShape ] .

hw:DutyShape a sh:NodeShape ;
  sh:property [ sh:path odrl:action ; sh:minCount 1 ; sh:maxCount 1 ; sh:in ( {duties} ) ] ;
  sh:property [ sh:path odrl:constraint ; sh:node hw:ConstraintShape ] .

hw:ConstraintShape a sh:NodeShape ;
  sh:xone (
    [ sh:property [ sh:path odrl:leftOperand ; sh:minCount 1 ; sh:maxCount 1 ; sh:in ( {operands} ) ] ;
      sh:property [ sh:path odrl:operator ; sh:minCount 1 ; sh:maxCount 1 ; sh:in ( {operators} ) ] ;
      sh:property [ sh:path odrl:rightOperand ; sh:minCount 1 ; sh:nodeKind sh:Literal ] ]
    [ sh:property [ sh:path odrl:and ; sh:minCount 1 ] ]
    [ sh:property [ sh:path odrl:or ; sh:minCount 1 ] ]
  ) .

hw:EvidenceShape a sh:NodeShape ;
  sh:property [ sh:path hw:confidence ; sh:minCount 1 ; sh:maxCount 1 ; sh:in ( {_quoted(profile.CONFIDENCES)} ) ] ;
  sh:property [ sh:path hw:basis ; sh:minCount 1 ; sh:maxCount 1 ; sh:in ( {_quoted(profile.EVIDENCE_BASES)} ) ] ;
  sh:property [ sh:path hw:commit ; sh:maxCount 1 ; sh:pattern "^([0-9a-f]{{40}})?$" ] .
"""


def _iri(name: str) -> str:
    return name if ":" in name else f"odrl:{name}"


def _quoted(names: Iterable[str]) -> str:
    return " ".join(f'"{name}"' for name in names)


def tables() -> dict[str, str]:
    """The tables of the reference page, by their heading, in Markdown."""
    operands = {
        name: " ".join([operand.text, *([f"One of {', '.join(operand.values)}."] if operand.values else [])])
        for name, operand in profile.OPERANDS.items()
    }
    every: dict[str, tuple[str, Mapping[str, str]]] = {
        "Actions": ("Action", profile.ACTIONS),
        "Constraints": ("Left operand", operands),
        "Operators": ("Operator", profile.OPERATORS),
        "Duties": ("Duty", profile.DUTIES),
        "Kinds of documents": ("`hw:kind`", profile.KINDS),
    }
    return {
        heading: "\n".join(
            [
                f"| {first} | Meaning |",
                "| --- | --- |",
                *(f"| `{name}` | {text} |" for name, text in rows.items()),
            ]
        )
        for heading, (first, rows) in every.items()
    }
