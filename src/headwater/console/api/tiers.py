"""What each tier may use, as it is in force, and how it is changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.http import HttpRequest, HttpResponse

from headwater.console.api import schemas
from headwater.console.api.base import Paths, desk_of, guard_of, reason, shown, tagged
from headwater.console.desk import Desk
from headwater.console.problem import Problem
from headwater.control.identity import TIERS, Tier, oddities, told, with_entries

paths = Paths("tiers")
_UNLIMITED: Final = "unlimited"
_ALL: Final = tuple(("tier", name) for name in TIERS)


@paths("GET", "/tiers", scope="tiers:read", response=schemas.Tiers)
def list_tiers(request: HttpRequest, response: HttpResponse) -> Any:
    """Show the table in force, from the lowest tier to the highest."""
    identity = desk_of(request).identity
    tagged(response, max(identity.version(*row) for row in _ALL))
    return {"items": [told(tier) for tier in identity.tiers().values()]}


@paths("PUT", "/tiers", scope="tiers:write", response=schemas.TiersAdopted, versioned=True)
def adopt_tiers(request: HttpRequest, response: HttpResponse, body: schemas.TiersAdopt) -> Any:
    """Put a whole table in force; what it doesn't name is as Headwater ships it."""
    desk = desk_of(request)
    given = {name: _plain(entries) for name, entries in body.tiers.items()}
    tiers = with_entries(given)
    why = reason(request, body.reason)
    done = desk.change(
        lambda: desk.identity.adopt_tiers(tiers, desk.by, desk.at_us, reason=why),
        guard_of(request, *_ALL, versioned=True),
    )
    tagged(response, done.version)
    return {"changed": done.row, "change": done.change, "oddities": list(oddities(desk.identity.tiers()))}


@paths("GET", "/tiers/{tier}", scope="tiers:read", response=schemas.TierOut)
def show_tier(request: HttpRequest, response: HttpResponse, tier: str) -> Any:
    """Show a tier as it is in force."""
    desk = desk_of(request)
    version = desk.identity.version("tier", tier)
    row = _found(desk, tier)
    tagged(response, version)
    return told(row)


@paths("PATCH", "/tiers/{tier}", scope="tiers:write", response=schemas.TierChanged, versioned=True)
def change_tier(request: HttpRequest, response: HttpResponse, tier: str, body: schemas.TierChange) -> Any:
    """Change entries of a tier. Relays know within a second."""
    desk = desk_of(request)
    _found(desk, tier)
    entries = _plain(body)
    why = reason(request, body.reason)

    def act() -> Tier:
        return desk.identity.change_tier(tier, desk.by, desk.at_us, entries, reason=why)

    done = desk.change(act, guard_of(request, ("tier", tier), versioned=True))
    tagged(response, done.version)
    return {
        **shown(done.row),
        "change": done.change,
        "oddities": list(oddities(desk.identity.tiers())),
    }


def _found(desk: Desk, name: str) -> Tier:
    found = desk.identity.tiers().get(name)
    if found is None:
        raise Problem("not-found", "There is no such tier.")
    return found


def _plain(body: Any) -> Mapping[str, Any]:
    """Entries as TOML has them: there is no null in it."""
    given = body.model_dump(exclude_unset=True, exclude={"reason"})
    return {name: _UNLIMITED if value is None else value for name, value in given.items()}
