"""The profile as others see it: JSON Schema, SHACL, JSON-LD that is ODRL, and the reference page."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from headwater.errors import ConfigurationError
from headwater.provenance.terms import profile, profile_export, read_terms
from provenance.terms.written import raw, where

rdflib = pytest.importorskip("rdflib")

# rdflib's own reader of JSON-LD uses what rdflib is about to replace.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:rdflib")

HERE = Path(profile.__file__).parent
SHIPPED = sorted(HERE.glob("registry/*/*/*.jsonld"))
PAGE = Path(__file__).parents[3] / "docs" / "reference" / "terms-profile.md"
ODRL = rdflib.Namespace(profile.ODRL)
HW = rdflib.Namespace(profile.NAMESPACE)
GOOD = raw(
    permission=[
        ("trainCompeting", where("modelClass", "isAnyOf", ["classifier"]), [{"action": "attribute"}])
    ],
    prohibition=[
        ("trainAny", {"or": [where("commercial", "eq", True), where("distribution", "eq", "internal")]})
    ],
)


def graph(*files: dict[str, Any]) -> Any:
    """The triples of files, with the vendored mapping in the place of ODRL's context: no network."""
    made = rdflib.Graph()
    for file in files:
        expanded = {**file, "@context": [profile.context(), *file["@context"][1:]]}
        made.parse(data=json.dumps(expanded), format="json-ld")
    return made


@cache
def validator() -> Any:
    schema = json.loads((HERE / "profile.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def conforms(made: Any) -> bool:
    pyshacl = pytest.importorskip("pyshacl")  # takes a second to load: not while tests are collected
    shapes = (HERE / "profile.shacl.ttl").read_text(encoding="utf-8")
    return bool(pyshacl.validate(made, shacl_graph=shapes, shacl_graph_format="turtle")[0])


def test_the_files_beside_the_code_are_what_it_makes() -> None:
    made = json.dumps(profile_export.schema(), indent=1, ensure_ascii=False) + "\n"
    assert (HERE / "profile.schema.json").read_text(encoding="utf-8") == made
    assert (HERE / "profile.shacl.ttl").read_text(encoding="utf-8") == profile_export.shacl()


def test_the_reference_page_has_every_word() -> None:
    page = PAGE.read_text(encoding="utf-8")
    missing = [heading for heading, table in profile_export.tables().items() if table not in page]
    assert missing == []


def test_every_shipped_file_is_valid() -> None:
    assert len(SHIPPED) >= 60
    files = [json.loads(path.read_text(encoding="utf-8")) for path in SHIPPED]
    faults = [
        f"{path}: {error.message}"
        for path, file in zip(SHIPPED, files, strict=True)
        for error in validator().iter_errors(file)
    ]
    assert faults == []
    assert conforms(graph(*files))


def test_json_ld_lands_on_odrl() -> None:
    made = graph(GOOD)
    offer = rdflib.URIRef(GOOD["uid"])
    assert (offer, rdflib.RDF.type, ODRL.Offer) in made
    assert (offer, ODRL.profile, rdflib.URIRef(profile.PROFILE)) in made
    (prohibition,) = made.objects(offer, ODRL.prohibition)
    (permission,) = made.objects(offer, ODRL.permission)
    assert (prohibition, ODRL.action, HW.trainAny) in made
    assert (permission, ODRL.action, HW.trainCompeting) in made
    assert (permission, ODRL.target, HW.outputs) in made
    (constraint,) = made.objects(permission, ODRL.constraint)
    assert (constraint, ODRL.leftOperand, HW.modelClass) in made
    assert (constraint, ODRL.operator, ODRL.isAnyOf) in made
    assert (constraint, ODRL.rightOperand, rdflib.Literal("classifier")) in made
    (duty,) = made.objects(permission, ODRL.duty)
    assert (duty, ODRL.action, ODRL.attribute) in made
    (joined,) = made.objects(prohibition, ODRL.constraint)
    assert len(list(made.objects(joined, ODRL["or"]))) == 2


def broken(path: str, value: Any) -> dict[str, Any]:
    file = copy.deepcopy(GOOD)
    *way, last = path.split(".")
    inside: Any = file
    for step in way:
        inside = inside[int(step)] if step.isdigit() else inside[step]
    if value is None:
        del inside[last]
    else:
        inside[last] = value
    return file


def test_a_good_file_passes_all_three() -> None:
    assert list(validator().iter_errors(GOOD)) == []
    assert conforms(graph(GOOD))
    assert read_terms(json.dumps(GOOD).encode(), "good.jsonld")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("prohibition.0.action", "hw:trainCompetng"),
        ("permission.0.constraint.0.operator", "lt"),
        ("permission.0.constraint.0.leftOperand", "hw:mood"),
        ("permission.0.duty.0.action", "compensate"),
        ("hw:document.hw:kind", "poem"),
        ("hw:provider", None),
        ("prohibition.0.hw:evidence.hw:confidence", "total"),
        ("prohibition.0.hw:evidence.hw:commit", "abc"),
        ("profile", "urn:other:1"),
    ],
)
def test_a_broken_file_fails_all_three(path: str, value: Any) -> None:
    file = broken(path, value)
    assert list(validator().iter_errors(file)) != []
    assert not conforms(graph(file))
    with pytest.raises(ConfigurationError):
        read_terms(json.dumps(file).encode(), "broken.jsonld")
