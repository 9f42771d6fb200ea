"""The OpenAPI document is valid, served as it is printed, and true: what the server answers is what it says."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from console.offices import Answer, Client, served
from headwater.cli import app
from headwater.console import SCOPES, openapi_document

DOCUMENT = openapi_document()


@pytest.fixture(scope="module")
def admin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("console")
    (folder / "gateway").mkdir()
    (folder / "gateway/gateway.toml").touch()
    with served(folder / "identity", settings=f'gateway = "{folder}/gateway"') as server:
        yield server.client(name="ann")


def test_the_document_is_valid_and_every_operation_names_its_scope() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()
    asked = set()
    for path, item in DOCUMENT["paths"].items():
        assert path.startswith("/v1/")
        for method, operation in item.items():
            ((scheme, scopes),) = operation["security"][0].items()
            assert operation["summary"]
            if path == "/v1/verifications/{provider}":
                assert scheme == "webhookSignature", "who sends a webhook shows no admin key"
                continue
            assert scheme == "adminKey"
            assert set(scopes) <= set(SCOPES), (method, path)
            asked |= set(scopes)
            if method != "get" and path != "/v1/key-check":
                assert {"$ref": "#/components/parameters/Reason"} in operation["parameters"], (method, path)
            else:
                assert all(scope.endswith(":read") for scope in scopes)
    assert asked == set(SCOPES), "a scope that allows nothing"
    ids = [one["operationId"] for item in DOCUMENT["paths"].values() for one in item.values()]
    assert len(ids) == len(set(ids))


def test_it_is_served_and_printed_alike(admin: Client, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["admin", "openapi"]) == 0
    printed = json.loads(capsys.readouterr().out)
    nobody = Client(admin.host, admin.port)
    assert nobody.ask("GET", "/openapi.json").told == printed == DOCUMENT


def schema_of(method: str, path: str, answer: Answer) -> dict[str, Any]:
    """The schema that the document gives an answer, with what it refers to."""
    told = DOCUMENT["paths"][path][method.lower()]["responses"][str(answer.status)]
    if "$ref" in told:
        told = DOCUMENT["components"]["responses"][told["$ref"].rpartition("/")[2]]
    (media,) = told["content"]
    assert answer.headers["content-type"].partition(";")[0] == media
    schema = copy.deepcopy(told["content"][media]["schema"])
    for name in told.get("headers", ()):
        assert name.lower() in answer.headers
    return {**schema, "components": DOCUMENT["components"]}


def test_what_the_server_answers_is_what_the_document_says(admin: Client) -> None:
    asked: list[tuple[str, str, str, Any]] = [
        ("POST", "/v1/organisations", "", {"id": "acme", "tier": "contracted"}),
        ("POST", "/v1/accounts", "", {"id": "bot", "organisation": "acme"}),
        ("POST", "/v1/accounts", "", {"id": "bot"}),
        ("POST", "/v1/accounts", "", {"id": 7}),
        ("GET", "/v1/accounts", "", None),
        ("GET", "/v1/organisations", "", None),
        ("GET", "/v1/accounts/{account}", "bot", None),
        ("GET", "/v1/accounts/{account}", "nobody", None),
        ("PATCH", "/v1/accounts/{account}", "bot", {"label": "a"}),
        ("GET", "/v1/organisations/{organisation}", "acme", None),
        ("PATCH", "/v1/organisations/{organisation}", "acme", {"label": "a"}),
        ("POST", "/v1/accounts/{account}/links", "bot", {"kind": "certificate", "name": "DNS:a.example"}),
        ("GET", "/v1/accounts/{account}/links", "bot", None),
        ("GET", "/v1/accounts/{account}/verifications", "bot", None),
        ("GET", "/v1/accounts/{account}/standing", "bot", None),
        ("GET", "/v1/accounts/{account}/steps", "bot", None),
        ("GET", "/v1/accounts/{account}/budgets", "bot", None),
        ("POST", "/v1/accounts/{account}/keys", "bot", {"label": "ci"}),
        ("GET", "/v1/keys", "", None),
        ("GET", "/v1/key-pattern", "", None),
        ("GET", "/v1/tiers", "", None),
        ("GET", "/v1/tiers/{tier}", "contracted", None),
        ("PATCH", "/v1/tiers/{tier}", "contracted", {"requests_per_day": "unlimited"}),
        ("PUT", "/v1/tiers", "", {"tiers": {"anonymous": {"batch": False}}}),
        ("GET", "/v1/changes", "", None),
        ("GET", "/v1/changes/{change}", "1", None),
        ("POST", "/v1/changes/{change}/undo", "1", {}),
        ("POST", "/v1/changes/{change}/undo", "4", {}),
        ("GET", "/v1/me", "", None),
    ]
    for method, path, name, body in asked:
        answer = admin.ask(method, re.sub(r"\{\w+\}", name, path), body)
        Draft202012Validator(schema_of(method, path, answer)).validate(answer.told)


def test_what_the_document_takes_the_server_takes(admin: Client) -> None:
    """Each example of a body that the schema allows is read; each that it forbids is refused."""
    admin.made("/v1/accounts", {"id": "bodies"})
    for body in (
        {"label": "ci", "scopes": ["generate"], "asns": [64500], "networks": [], "expires_us": None},
        {"lable": "ci"},
        {"scopes": "generate"},
        {"asns": ["64500"]},
        {"expires_us": "never"},
        {"reason": 1},
    ):
        schema = {"$ref": "#/components/schemas/KeyNew", "components": DOCUMENT["components"]}
        allowed = Draft202012Validator(schema).is_valid(body)
        answer = admin.ask("POST", "/v1/accounts/bodies/keys", body)
        assert (answer.status == 201) == allowed, (body, answer.body)
