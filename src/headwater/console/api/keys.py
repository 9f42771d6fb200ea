"""Customers' API keys. A secret is in the answer to the one request that made it, and nowhere else."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from ninja import Query

from headwater.console.api import schemas
from headwater.console.api.base import Paths, desk_of, guard_of, reason, shown, tagged
from headwater.console.api.paging import page
from headwater.console.desk import Done, fields_as, row_made
from headwater.console.problem import KINDS, Problem
from headwater.control.identity import Issued, Key, parse_key, pattern, told
from headwater.errors import UsageError

paths = Paths("keys")
_ONE_S = 1_000_000


@paths("GET", "/keys", scope="keys:read", response=schemas.Keys)
def list_keys(
    request: HttpRequest,
    account: str | None = None,
    label: str | None = None,
    good: bool | None = None,
    after: str | None = None,
    limit: int = Query(100, ge=1, le=1000),
) -> Any:
    """List keys by their public ids; `good`: only those that have neither ended nor been revoked, or only others."""
    desk = desk_of(request)

    def fits(row: Key) -> bool:
        return label in (None, row.label) and good in (None, _good(row, desk.at_us))

    found, following = page(
        lambda last, most: desk.identity.page("key", after=last, limit=most, owner=account),
        after,
        limit,
        fits,
    )
    return {"items": [told(row) for row in found], "next": following}


@paths(
    "POST",
    "/accounts/{account}/keys",
    scope="keys:write",
    response=schemas.KeyIssued,
    status=201,
    once=True,
)
def new_key(request: HttpRequest, response: HttpResponse, account: str, body: schemas.KeyNew) -> Any:
    """Make a key for an account, and show it: once, here, and never again."""
    desk = desk_of(request)
    desk.found("account", account)
    entries = body.model_dump(exclude_unset=True, exclude={"reason", "environment"})
    why = reason(request, body.reason)

    def act() -> Issued:
        with fields_as(expires="expires_us"):
            return desk.identity.new_key(
                account, desk.by, desk.at_us, environment=body.environment, entries=entries, reason=why
            )

    return _issued(desk.change(act, guard_of(request, once=True)), response)


@paths("GET", "/keys/{key}", scope="keys:read", response=schemas.KeyOut)
def show_key(request: HttpRequest, response: HttpResponse, key: str) -> Any:
    """Show a key, by its public id."""
    row, version = desk_of(request).seen("key", key)
    tagged(response, version)
    return told(row)


@paths("PATCH", "/keys/{key}", scope="keys:write", response=schemas.KeyChanged, versioned=True)
def change_key(request: HttpRequest, response: HttpResponse, key: str, body: schemas.KeyChange) -> Any:
    """Change what a key may be used for, from where, and until when."""
    desk = desk_of(request)
    desk.found("key", key)
    entries = body.model_dump(exclude_unset=True, exclude={"reason"})
    why = reason(request, body.reason)

    def act() -> Key:
        with fields_as(expires="expires_us"):
            return desk.identity.change_key(key, desk.by, desk.at_us, entries, reason=why)

    done = desk.change(act, guard_of(request, ("key", key), versioned=True))
    tagged(response, done.version)
    return {**shown(done.row), "change": done.change}


@paths(
    "POST",
    "/keys/{key}/rotate",
    scope="keys:write",
    response=schemas.KeyIssued,
    status=201,
    versioned=True,
    once=True,
)
def rotate_key(
    request: HttpRequest, response: HttpResponse, key: str, body: schemas.Rotate = schemas.ROTATION
) -> Any:
    """Make a key in place of another, and show it: once, here, and never again.

    Until the overlap is over both are good.
    """
    desk = desk_of(request)
    desk.found("key", key)
    why = reason(request, body.reason)

    def act() -> Issued:
        return desk.identity.rotate_key(
            key, desk.by, desk.at_us, overlap_us=body.overlap_s * _ONE_S, reason=why
        )

    guard = guard_of(request, ("key", key), versioned=True, once=True)
    return _issued(desk.change(act, guard), response)


@paths("POST", "/keys/{key}/revoke", scope="keys:write", response=schemas.KeyChanged, versioned=True)
def revoke_key(
    request: HttpRequest, response: HttpResponse, key: str, body: schemas.Reasoned = schemas.UNREASONED
) -> Any:
    """End a key now; one that was revoked before stays as it is. Relays know within a second."""
    desk = desk_of(request)
    desk.found("key", key)
    why = reason(request, body.reason)

    def act() -> Key:
        return desk.identity.revoke_key(key, desk.by, desk.at_us, reason=why)

    done = desk.change(act, guard_of(request, ("key", key), versioned=True))
    tagged(response, done.version)
    return {**shown(done.row), "change": done.change}


@paths("GET", "/keys/{key}/use", scope="keys:read", response=schemas.Use)
def show_use(request: HttpRequest, key: str) -> Any:
    """Say whether a key is good now, and when it was last used."""
    desk = desk_of(request)
    row = desk.found("key", key)
    used = desk.identity.last_used(row.id).get(row.id)
    return {"id": row.id, "good": _good(row, desk.at_us), "used_us": used}


@paths("POST", "/key-check", scope="keys:read", response=schemas.Checked)
def check_key(request: HttpRequest, body: schemas.KeyCheck) -> Any:
    """Say whose a key is that was found; it is in the body, where logs don't keep it."""
    desk = desk_of(request)
    try:
        parts = parse_key(body.api_key.strip())
    except UsageError as error:
        errors = [{"field": "api_key", "detail": error.what}]
        raise Problem("invalid", "No key has this form.", errors=errors) from None
    row = desk.identity.matching(parts)
    if row is None:
        return {"known": False, "good": False, "key": None}
    return {"known": True, "good": _good(row, desk.at_us), "key": told(row)}


@paths("GET", "/key-pattern", scope="keys:read", response=schemas.Pattern)
def key_pattern(request: HttpRequest) -> Any:
    """Give a regular expression that finds customers' keys, for scanners of secrets."""
    settings = desk_of(request).identity.settings
    return {
        "pattern": pattern(settings.prefix, settings.environments),
        "keyword": f"{settings.prefix}_",
        "checksum": "crc32, 8 hex digits",
    }


def _issued(done: Done, response: HttpResponse) -> dict[str, Any]:
    """The answer with the secret; where the request came before, that it was shown then."""
    row, version = row_made(done, "key")
    if done.repeated:
        meaning = KINDS["shown-before"].meaning
        raise Problem("shown-before", meaning, key=told(row), change=done.change)
    issued: Issued = done.row
    tagged(response, version)
    response["Location"] = f"/v1/keys/{quote(issued.key.id)}"
    return {**shown(issued.key), "change": done.change, "api_key": issued.text}


def _good(row: Key, at_us: int) -> bool:
    ends = row.ends_us()
    return ends is None or ends > at_us
