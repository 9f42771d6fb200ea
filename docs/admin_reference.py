"""The reference of the admin API, written from its OpenAPI document and the tables that the server works by.

`docs/generate.py` makes a page of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Table = Callable[[tuple[str, ...], list[tuple[str, ...]]], str]
Prose = Callable[..., str]


def parts(table: Table, prose: Prose) -> Iterator[str]:
    """The paragraphs and tables of the page."""
    from headwater.console import openapi_document

    document = openapi_document()
    yield prose(
        "`headwater admin serve` answers under `/v1`. Its OpenAPI 3.1 document is at `/openapi.json`, and",
        "`headwater admin openapi` prints it. [Run the admin API](../how-to/run-the-admin-api.md) shows how;",
        "[decision 23](../explanation/decisions/0023-the-admin-api-in-a-process-of-its-own.md) says why it is so.",
    )
    yield "## Paths"
    yield prose(
        "A request shows an admin key (`Authorization: Bearer hwadmin_…`) with the scope that the path needs; a",
        "webhook shows none, it is signed ([how](../how-to/step-up-verification.md)).",
        "Bodies are JSON. *Match*: takes `If-Match`; *once*: takes `Idempotency-Key`. Every path but those that",
        "only read takes `Headwater-Reason`.",
    )
    for tag in document["tags"]:
        yield f"### {tag['name'].capitalize()}"
        yield tag["description"]
        yield table(("path", "what it does", "scope", "takes"), list(_paths(document, tag["name"])))
    yield "## Headers"
    yield table(("header", "of", "meaning"), list(_headers(document)))
    yield from _scopes(table, prose)
    yield from _problems(table, prose)
    yield from _bodies(document, table, prose)
    yield from _settings(table, prose)


def _paths(document: Mapping[str, Any], tag: str) -> Iterator[tuple[str, ...]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if operation["tags"] != [tag]:
                continue
            named = {one["$ref"].rpartition("/")[2] for one in operation["parameters"] if "$ref" in one}
            takes = ["match"] * ("IfMatch" in named) + ["once"] * ("IdempotencyKey" in named)
            queries = [f"`{one['name']}`" for one in operation["parameters"] if one.get("in") == "query"]
            headers = [f"`{one['name']}`" for one in operation["parameters"] if one.get("in") == "header"]
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            told = [operation["summary"] + ".", operation.get("description", "").replace("\n", " ")]
            told += [f"Query: {', '.join(queries)}."] * bool(queries)
            told += [f"Headers: {', '.join(headers)}, `webhook-signature`."] * bool(headers)
            told += [f"Body: {_link(body['schema'])}."] if "$ref" in body.get("schema", {}) else []
            ((scheme, scopes),) = operation["security"][0].items()
            shows = "no key: a signature" if scheme == "webhookSignature" else "any"
            yield (
                f"`{method.upper()} {path}`",
                " ".join(filter(None, told)),
                f"`{scopes[0]}`" if scopes else shows,
                ", ".join(takes),
            )


def _headers(document: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for one in document["components"]["parameters"].values():
        yield f"`{one['name']}`", "request", one["description"]
    for name, one in document["components"]["headers"].items():
        yield f"`{name}`", "answer", one["description"]
    yield "`Retry-After`", "answer", "Seconds after which to try again (429, 503)."


def _scopes(table: Table, prose: Prose) -> Iterator[str]:
    from headwater.console import SCOPES

    yield "## Scopes"
    yield prose(
        "An admin key has the scopes that it was made with (`headwater admin key new NAME --scope …`) and no",
        "others. Its name is who made a change. Keys are made on the command line only.",
    )
    yield table(("scope", "what it allows"), [(f"`{name}`", says) for name, says in SCOPES.items()])


def _problems(table: Table, prose: Prose) -> Iterator[str]:
    from headwater.console import PROBLEMS

    yield "## Problems"
    yield prose(
        "Every error is a problem detail (RFC 9457, `application/problem+json`): `type`, `title`, `status`,",
        "`detail`, and `instance`, by which the server's log names the same case. Where fields are at fault,",
        "`errors` lists each with `field` and `detail`. A server explains its kinds at `/problems`.",
    )
    rows = [(f"`/problems/{name}`", str(kind.status), kind.meaning) for name, kind in PROBLEMS.items()]
    yield table(("type", "status", "meaning"), rows)


def _bodies(document: Mapping[str, Any], table: Table, prose: Prose) -> Iterator[str]:
    yield "## Bodies and answers"
    yield prose(
        "A field that isn't known is refused, and so is a value of another type. A change names only what",
        "changes; null takes a field away where it may be null. Times are microseconds since 1970, UTC. Lists",
        "come in pages: give `next` as `after` (of changes: as `before`) for the next one, until it is null. A",
        "page may hold fewer rows than `limit`.",
    )
    for name, schema in document["components"]["schemas"].items():
        yield f"### {name}"
        yield schema.get("description", "").replace("\n", " ")
        yield table(("field", "type", "required", "meaning"), list(_fields(schema)))


def _fields(schema: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    required = schema.get("required", ())
    for name, one in schema.get("properties", {}).items():
        yield f"`{name}`", _type(one), "yes" if name in required else "", one.get("description", "")


def _type(one: Mapping[str, Any]) -> str:
    if "$ref" in one:
        return _link(one)
    if "anyOf" in one:
        return " or ".join(map(_type, one["anyOf"]))
    if "enum" in one:
        return ", ".join(f"`{value}`" for value in one["enum"])
    if "const" in one:
        return f"`{str(one['const']).lower()}`"
    if one.get("type") == "array":
        return f"list of {_type(one['items'])}"
    if one.get("type") == "object" and isinstance(one.get("additionalProperties"), Mapping):
        return f"object of {_type(one['additionalProperties'])}"
    return str(one.get("type", "any"))


def _link(one: Mapping[str, Any]) -> str:
    name = one["$ref"].rpartition("/")[2]
    return f"[{name}](#{name.lower()})"


def _settings(table: Table, prose: Prose) -> Iterator[str]:
    from settings_reference import entries

    from headwater.cli.settings import paths_of, variable
    from headwater.console import ConsoleFile, Verifier

    yield "## Settings"
    yield prose(
        "In the file that `--config` names, in its table `[admin]`; then from the environment; then from options.",
    )
    rows = []
    for path, entry in paths_of(ConsoleFile):
        value: object = ConsoleFile()
        for name in path:
            value = getattr(value, name)
        about = [entry.metadata.get(key, "") for key in ("range", "doc")]
        rows.append((f"`{'.'.join(path)}`", f"`{value!r}`", about[0], f"`{variable(path)}`", about[1]))
    yield table(("setting", "default", "range", "environment", "meaning"), rows)
    yield from entries("[[admin.verifiers]]", Verifier, table, prose)
