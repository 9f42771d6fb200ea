"""The OpenAPI document: what django-ninja says of paths and bodies, with what it can't know put in.

That is: scopes, headers, problem details, and which errors a path has.
"""

from __future__ import annotations

from typing import Any, Final

from ninja import NinjaAPI

import headwater
from headwater.console.problem import KINDS, MEDIA_TYPE
from headwater.console.scopes import SCOPES

_ABOUT: Final = """\
Accounts, organisations, customers' API keys and tiers of one identity store, as `headwater account|org|key|tier` keep
them. Every change is kept with who made it and why, and can be undone; running relays know of it within a second.
Times are microseconds since 1970, UTC."""
_TAGS: Final = {
    "accounts": "Accounts, the names that they have elsewhere, what was verified of them.",
    "organisations": "Their accounts share a tier, a means of payment and a state.",
    "keys": "Customers' API keys. A secret is shown once.",
    "tiers": "What each tier may use.",
    "changes": "What was changed, by whom and why, and its undo.",
    "standing": "What counts for an account now.",
    "verifications": "Webhooks of providers that verify accounts. Who sends one shows no admin key: it is signed.",
}
_PARAMETERS: Final[dict[str, Any]] = {
    "Reason": {
        "name": "Headwater-Reason",
        "in": "header",
        "description": "Why, in UTF-8; kept with the change. Also as the field `reason`.",
        "schema": {"type": "string", "maxLength": 200},
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "description": "Entity tags of the row as it was seen: where it was changed since, nothing is done (412).",
        "schema": {"type": "string"},
    },
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "A text of your own, remembered for a day: the same request again makes nothing anew and has"
        " the same answer. A secret isn't shown again.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 128},
    },
}
#: What a webhook's sender signs with, beside the signature itself.
_SIGNED: Final = [
    {
        "name": "webhook-id",
        "in": "header",
        "required": True,
        "description": "The webhook's own id, which stays when it is sent again.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,128}$"},
    },
    {
        "name": "webhook-timestamp",
        "in": "header",
        "required": True,
        "description": "When it was sent: seconds since 1970, at most 300 from now.",
        "schema": {"type": "string", "pattern": "^[1-9][0-9]{0,11}$"},
    },
]
_HEADERS: Final[dict[str, Any]] = {
    "ETag": {"description": "The version of the row, for If-Match.", "schema": {"type": "string"}},
    "Location": {"description": "The path of what was made.", "schema": {"type": "string"}},
}
_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "A problem detail (RFC 9457).",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "description": "The kind; the server explains it at this path."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What was wrong this time."},
        "instance": {"type": "string", "description": "This one case; the server's log names it too."},
        "hint": {"type": "string", "description": "What to do."},
        "scope": {"type": "string", "description": "The scope that is missing."},
        "errors": {
            "type": "array",
            "description": "The fields that can't be used.",
            "items": {
                "type": "object",
                "required": ["field", "detail"],
                "properties": {
                    "field": {"type": "string"},
                    "in": {"type": "string", "enum": ["body", "query", "path", "header"]},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}


def document(api: NinjaAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 document of the API."""
    made: dict[str, Any] = api.get_openapi_schema(path_prefix="/v1/")
    paths = {name: _path(_untitled(item)) for name, item in made["paths"].items()}
    schemas = _untitled(made["components"]["schemas"])
    return {
        "openapi": "3.1.0",
        "info": {
            "title": api.title,
            "version": headwater.__version__,
            "description": _ABOUT,
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": says} for name, says in _TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": {**dict(sorted(schemas.items())), "Problem": _PROBLEM},
            "parameters": _PARAMETERS,
            "headers": _HEADERS,
            "responses": {
                _name(status): {
                    "description": "; ".join(k.meaning for k in KINDS.values() if k.status == status),
                    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
                }
                for status in sorted({kind.status for kind in KINDS.values()})
            },
            "securitySchemes": {
                "adminKey": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An admin key (`headwater admin key new`) with the scopes that the path names: "
                    + " ".join(f"`{name}`: {says}" for name, says in SCOPES.items()),
                },
                "webhookSignature": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "webhook-signature",
                    "description": "A signature of the id, the time and the body, as Standard Webhooks 1.0.0 says.",
                },
            },
        },
    }


def _untitled(value: Any) -> Any:
    """Without the titles that are made of names."""
    if isinstance(value, list):
        return list(map(_untitled, value))
    if not isinstance(value, dict):
        return value
    return {
        name: _untitled(one) for name, one in value.items() if not (name == "title" and isinstance(one, str))
    }


def _path(item: dict[str, Any]) -> dict[str, Any]:
    made = {method: _operation(operation) for method, operation in item.items()}
    if "patch" in made:
        content = made["patch"]["requestBody"]["content"]
        content["application/merge-patch+json"] = content["application/json"]
    return made


def _operation(operation: dict[str, Any]) -> dict[str, Any]:
    made = {name: value for name, value in operation.items() if name not in ("x-headwater", "description")}
    takes = operation["x-headwater"]
    made["security"] = [one for one in operation["security"] if one.keys() & {"adminKey", "webhookSignature"}]
    signed = "webhookSignature" in made["security"][0]
    if more := operation.get("description", "").strip():
        made["description"] = more
    headers = []
    if takes["changes"] or takes["versioned"] or takes["once"]:
        headers.append("Reason")
    headers += ["IfMatch"] * takes["versioned"] + ["IdempotencyKey"] * takes["once"]
    made["parameters"] = [
        *operation.get("parameters", ()),
        *(_SIGNED if signed else ()),
        *({"$ref": f"#/components/parameters/{name}"} for name in headers),
    ]
    statuses = [400, 403, 413, 421, 422, 429, 431, 500, 503]
    statuses += [] if signed else [401]
    if any(one["in"] == "path" for one in operation.get("parameters", ())) or "changes" in made["tags"]:
        statuses.append(404)
    statuses += [408, 415] if "requestBody" in operation else []
    statuses += [409] if headers else []
    statuses += [410] if takes["once"] else []
    statuses += [412] if takes["versioned"] else []
    answers = {str(status): dict(answer) for status, answer in operation["responses"].items()}
    told = ["ETag"] * takes["tagged"] + ["Location"] * ("201" in answers)
    for answer in answers.values():
        if told:
            answer["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in told}
    refused = {str(one): {"$ref": f"#/components/responses/{_name(one)}"} for one in sorted(statuses)}
    made["responses"] = {**answers, **refused}
    return made


def _name(status: int) -> str:
    return f"Problem{status}"
