"""Changes: what they were, who made them and why, and how they are undone."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Path, Query

from headwater.console.api import schemas
from headwater.console.api.base import ANY_KEY, Paths, desk_of, guard_of, reason
from headwater.console.problem import Problem
from headwater.console.scopes import WRITES
from headwater.control.identity import Change, decoded, told

paths = Paths("changes")
_MOST = 2**53 - 1


@paths("GET", "/changes", scope="history:read", response=schemas.Changes)
def list_changes(
    request: HttpRequest,
    kind: str | None = None,
    row: str | None = None,
    by: str | None = None,
    before: int | None = Query(None, ge=1, le=_MOST),
    limit: int = Query(100, ge=1, le=1000),
) -> Any:
    """List changes, newest first."""
    kinds = (kind,) if kind is not None else ()
    found = desk_of(request).identity.history(kinds=kinds, row=row, by=by, before=before, limit=limit)
    following = found[-1].id if len(found) == limit else None
    return {"items": list(map(_told, found)), "next": following}


@paths("GET", "/changes/{change}", scope="history:read", response=schemas.ChangeOut)
def show_change(request: HttpRequest, change: int = Path(..., ge=1, le=_MOST)) -> Any:
    """Show a change."""
    found = [one for one in desk_of(request).identity.batch(change) if one.id == change]
    if not found:
        raise Problem("not-found", "There is no such change.")
    return _told(found[0])


@paths("POST", "/changes/{change}/undo", scope="undo", response=schemas.Undone, changes=True, once=True)
def undo_change(
    request: HttpRequest,
    body: schemas.Reasoned = schemas.UNREASONED,
    change: int = Path(..., ge=1, le=_MOST),
) -> Any:
    """Undo a change, with all that was made together with it: the rows are what they were. It can be undone too.

    The key also needs the scopes that write the rows.
    """
    desk = desk_of(request)
    assert desk.key is not None
    batch = desk.identity.batch(change)  # what was made together never changes, so looking before is enough
    if not batch:
        raise Problem("not-found", "There is no such change.")
    for scope in sorted({WRITES[one.kind] for one in batch}):
        if scope not in desk.key.scopes:
            raise Problem("scope", f"To undo this the admin key needs the scope {scope}.", scope=scope)
    why = reason(request, body.reason)
    done = desk.change(
        lambda: desk.identity.undo(change, desk.by, desk.at_us, reason=why), guard_of(request, once=True)
    )
    if done.change is None:
        raise Problem("conflict", "The rows are already what they were.")
    return {
        "undone": done.changes[0].undoes,
        "change": done.change,
        "changes": list(map(_told, done.changes)),
    }


@paths("GET", "/me", scope=ANY_KEY, response=schemas.Me)
def show_me(request: HttpRequest) -> Any:
    """Show the admin key that is shown: its name and scopes."""
    key = desk_of(request).key
    assert key is not None
    return key.told()


def _told(one: Change) -> dict[str, Any]:
    before, after = (
        told(decoded(one.kind, body)) if body is not None else None for body in (one.before, one.after)
    )
    return {**one._asdict(), "before": before, "after": after}
