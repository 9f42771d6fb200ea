"""Organisations, whose accounts share a tier, a means of payment and a state."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from ninja import Query

from headwater.console.api import schemas
from headwater.console.api.base import Paths, desk_of, guard_of, reason, shown, tagged
from headwater.console.api.paging import page
from headwater.console.desk import fields_as, row_made
from headwater.control.identity import Organisation, told

paths = Paths("organisations")


@paths("GET", "/organisations", scope="organisations:read", response=schemas.Organisations)
def list_organisations(
    request: HttpRequest,
    tier: str | None = None,
    state: str | None = None,
    after: str | None = None,
    limit: int = Query(100, ge=1, le=1000),
) -> Any:
    """List organisations, in order of id. Their accounts: `/v1/accounts?organisation=…`."""
    identity = desk_of(request).identity

    def fits(row: Organisation) -> bool:
        return tier in (None, row.tier) and state in (None, row.state)

    found, following = page(
        lambda last, most: identity.page("organisation", after=last, limit=most), after, limit, fits
    )
    return {"items": [told(row) for row in found], "next": following}


@paths(
    "POST",
    "/organisations",
    scope="organisations:write",
    response=schemas.OrganisationChanged,
    status=201,
    once=True,
)
def new_organisation(request: HttpRequest, response: HttpResponse, body: schemas.OrganisationNew) -> Any:
    """Make an organisation."""
    desk = desk_of(request)
    entries = body.model_dump(exclude={"id", "reason"})
    why = reason(request, body.reason)

    def act() -> Organisation:
        with fields_as(organisation="id"):
            return desk.identity.new_organisation(body.id, desk.by, desk.at_us, reason=why, **entries)

    done = desk.change(act, guard_of(request, ("organisation", body.id), once=True))
    row, version = row_made(done, "organisation")
    tagged(response, version)
    response["Location"] = f"/v1/organisations/{quote(row.id)}"
    return {**shown(row), "change": done.change}


@paths("GET", "/organisations/{organisation}", scope="organisations:read", response=schemas.OrganisationOut)
def show_organisation(request: HttpRequest, response: HttpResponse, organisation: str) -> Any:
    """Show an organisation."""
    row, version = desk_of(request).seen("organisation", organisation)
    tagged(response, version)
    return told(row)


@paths(
    "PATCH",
    "/organisations/{organisation}",
    scope="organisations:write",
    response=schemas.OrganisationChanged,
    versioned=True,
)
def change_organisation(
    request: HttpRequest, response: HttpResponse, organisation: str, body: schemas.OrganisationChange
) -> Any:
    """Change an organisation, and with it all of its accounts. Relays know within a second."""
    desk = desk_of(request)
    desk.found("organisation", organisation)
    entries = body.model_dump(exclude_unset=True, exclude={"reason"})
    why = reason(request, body.reason)

    def act() -> Organisation:
        return desk.identity.change_organisation(organisation, desk.by, desk.at_us, entries, reason=why)

    done = desk.change(act, guard_of(request, ("organisation", organisation), versioned=True))
    tagged(response, done.version)
    return {**shown(done.row), "change": done.change}
