"""Accounts, the names that they have elsewhere, and what was verified of them."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from ninja import Query

from headwater.console.api import schemas
from headwater.console.api.base import Paths, desk_of, guard_of, reason, shown, tagged
from headwater.console.api.paging import page
from headwater.console.desk import fields_as, row_made
from headwater.console.problem import Problem
from headwater.control.identity import Account, Link, told

paths = Paths("accounts")


@paths("GET", "/accounts", scope="accounts:read", response=schemas.Accounts)
def list_accounts(
    request: HttpRequest,
    organisation: str | None = None,
    tier: str | None = None,
    state: str | None = None,
    after: str | None = None,
    limit: int = Query(100, ge=1, le=1000),
) -> Any:
    """List accounts, in order of id."""

    def rows(last: str, most: int) -> list[Account]:
        return desk_of(request).identity.page("account", after=last, limit=most, owner=organisation)

    def fits(row: Account) -> bool:
        return tier in (None, row.tier) and state in (None, row.state)

    found, following = page(rows, after, limit, fits)
    return {"items": [told(row) for row in found], "next": following}


@paths("POST", "/accounts", scope="accounts:write", response=schemas.AccountChanged, status=201, once=True)
def new_account(request: HttpRequest, response: HttpResponse, body: schemas.AccountNew) -> Any:
    """Make an account."""
    desk = desk_of(request)
    entries = body.model_dump(exclude={"id", "reason"})
    why = reason(request, body.reason)

    def act() -> Account:
        with fields_as(account="id"):
            return desk.identity.new_account(body.id, desk.by, desk.at_us, reason=why, **entries)

    done = desk.change(act, guard_of(request, ("account", body.id), once=True))
    row, version = row_made(done, "account")
    tagged(response, version)
    response["Location"] = f"/v1/accounts/{quote(row.id)}"
    return {**shown(row), "change": done.change}


@paths("GET", "/accounts/{account}", scope="accounts:read", response=schemas.AccountOut)
def show_account(request: HttpRequest, response: HttpResponse, account: str) -> Any:
    """Show an account."""
    row, version = desk_of(request).seen("account", account)
    tagged(response, version)
    return told(row)


@paths(
    "PATCH", "/accounts/{account}", scope="accounts:write", response=schemas.AccountChanged, versioned=True
)
def change_account(
    request: HttpRequest, response: HttpResponse, account: str, body: schemas.AccountChange
) -> Any:
    """Change an account: its tier, organisation, payment, label or state. Relays know within a second."""
    desk = desk_of(request)
    desk.found("account", account)
    entries = body.model_dump(exclude_unset=True, exclude={"reason"})
    why = reason(request, body.reason)

    def act() -> Account:
        return desk.identity.change_account(account, desk.by, desk.at_us, entries, reason=why)

    done = desk.change(act, guard_of(request, ("account", account), versioned=True))
    tagged(response, done.version)
    return {**shown(done.row), "change": done.change}


@paths("POST", "/accounts/{account}/forget", scope="accounts:forget", response=None, status=204, changes=True)
def forget_account(request: HttpRequest, account: str, body: schemas.Forget) -> Any:
    """Erase an account with its keys, names and history, because a person asked for it. This has no undo."""
    desk = desk_of(request)
    desk.found("account", account)
    why = reason(request, body.reason)
    desk.change(
        lambda: desk.identity.forget(account, desk.by, desk.at_us, reason=why),
        guard_of(request),
    )


@paths("GET", "/accounts/{account}/links", scope="accounts:read", response=schemas.Links)
def list_links(
    request: HttpRequest,
    account: str,
    after: str | None = None,
    limit: int = Query(100, ge=1, le=1000),
) -> Any:
    """List the names that an account has elsewhere."""
    desk_of(request).found("account", account)
    identity = desk_of(request).identity
    found, following = page(
        lambda last, most: identity.page("link", after=last, limit=most, owner=account), after, limit
    )
    return {"items": list(map(_link, found)), "next": following}


@paths(
    "POST",
    "/accounts/{account}/links",
    scope="accounts:write",
    response=schemas.LinkChanged,
    status=201,
    once=True,
)
def new_link(request: HttpRequest, response: HttpResponse, account: str, body: schemas.LinkNew) -> Any:
    """Let an account in by a name that it has elsewhere."""
    desk = desk_of(request)
    desk.found("account", account)
    why = reason(request, body.reason)

    def act() -> Link:
        return desk.identity.link(account, body.kind, body.issuer, body.name, desk.by, desk.at_us, reason=why)

    done = desk.change(act, guard_of(request, once=True))
    row, version = row_made(done, "link")
    tagged(response, version)
    response["Location"] = f"/v1/accounts/{quote(account)}/links/{link_name(row)}"
    return {**_link(row), "change": done.change}


@paths(
    "DELETE",
    "/accounts/{account}/links/{link}",
    scope="accounts:write",
    response=schemas.LinkChanged,
    changes=True,
)
def remove_link(request: HttpRequest, account: str, link: str) -> Any:
    """Take such a name away."""
    desk = desk_of(request)
    desk.found("account", account)
    row = next((one for one in desk.identity.links(account) if link_name(one) == link), None)
    if row is None:
        raise Problem("not-found", "The account has no such link.")
    why = reason(request)

    def act() -> Link:
        return desk.identity.unlink(account, row.kind, row.issuer, row.name, desk.by, desk.at_us, reason=why)

    done = desk.change(act, guard_of(request))
    return {**_link(done.row), "change": done.change}


@paths("GET", "/accounts/{account}/verifications", scope="accounts:read", response=schemas.Verifications)
def list_verifications(
    request: HttpRequest,
    account: str,
    after: str | None = None,
    limit: int = Query(100, ge=1, le=1000),
) -> Any:
    """List what providers asserted of an account."""
    desk_of(request).found("account", account)
    identity = desk_of(request).identity
    found, following = page(
        lambda last, most: identity.page("verification", after=last, limit=most, owner=account), after, limit
    )
    return {"items": [told(row) for row in found], "next": following}


def link_name(row: Link) -> str:
    """A name for a link that can stand in a path: it says nothing of the name that is linked."""
    return hashlib.sha256(row.id.encode()).hexdigest()[:24]


def _link(row: Link) -> dict[str, Any]:
    return {"id": link_name(row), **shown(row)}
