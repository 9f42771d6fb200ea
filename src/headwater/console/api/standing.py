"""What counts for an account now: its tier and state with its organisation's, and what a casebook says against it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import msgspec
from django.http import HttpRequest

from headwater.console.api import schemas
from headwater.console.api.base import Paths, desk_of
from headwater.console.problem import Problem
from headwater.control.identity import RANK, Account, Organisation
from headwater.errors import UsageError

if TYPE_CHECKING:
    from headwater.casework import Casebook, Kept

paths = Paths("standing")


@paths("GET", "/accounts/{account}/standing", scope="accounts:read", response=schemas.Standing)
def show_standing(request: HttpRequest, account: str) -> Any:
    """Say which tier and state count for an account, and where it has them from."""
    desk = desk_of(request)
    row: Account = desk.found("account", account)
    told = {
        "account": row.id,
        "tier": row.tier,
        "tier_by": "hand" if row.tier == row.granted else "verification",
        "state": row.state,
        "state_by": "account",
    }
    if row.organisation is not None:
        shared: Organisation = desk.found("organisation", row.organisation)
        if RANK[shared.tier] > RANK[row.tier]:
            told |= {"tier": shared.tier, "tier_by": "organisation"}
        if row.state == "active" and shared.state != "active":
            told |= {"state": shared.state, "state_by": "organisation"}
    return told


@paths("GET", "/accounts/{account}/steps", scope="casework:read", response=schemas.Stands)
def show_steps(request: HttpRequest, account: str) -> Any:
    """Say what a casebook holds against an account: what it may have now, and every step, the highest rung first."""
    desk = desk_of(request)
    with desk.casebook() as book:
        steps = _steps(book, account)
        restrictions = dataclasses.asdict(book.restrictions(account, desk.at_us))
        return {
            "account": account,
            "restrictions": {**restrictions, "rung": restrictions["rung"].word},
            "steps": [_step(book, one, desk.at_us) for one in steps],
        }


@paths("GET", "/accounts/{account}/budgets", scope="accounts:read", response=schemas.Budgets)
def show_budgets(request: HttpRequest, account: str) -> Any:
    """Say how every limit of an account stands at the gateway: the tier's, a step's, and the operator's own budgets.

    What is left is what the store has: what running gateways hold in leases counts as used. Budgets of networks are
    nobody's, and are left out.
    """
    desk = desk_of(request)
    desk.found("account", account)
    if desk.office.till is None:
        raise Problem("not-found", "No gateway is configured here.")
    found = desk.office.till.balances(desk.identity, account, desk.at_us)
    return {"account": account, "items": [msgspec.structs.asdict(one) for one in found]}


def _steps(book: Casebook, account: str) -> list[Kept]:
    """An account's own: its id may also be the name of a campaign, so its pseudonym is asked for."""
    for pseudonym, one in book.accounts().items():
        if one == account:
            try:
                return [kept for kept in book.steps(pseudonym) if kept.step.account == pseudonym]
            except UsageError:
                return []
    return []


def _step(book: Casebook, kept: Kept, at_us: int) -> dict[str, Any]:
    step, terms = kept.step, kept.step.terms
    return {
        "id": kept.id,
        "campaign": kept.campaign,
        "rung": step.rung.word,
        "state": step.state.value,
        "rule": terms.rule,
        "reason": terms.reason,
        "reason_class": terms.reason_class,
        "clause": terms.clause,
        "persons": terms.persons,
        "decided_by": list(step.deciders),
        "proposed_us": step.proposed_us,
        "begins_us": step.begins_us,
        "began_us": step.began_us,
        "expires_us": step.expires_us,
        "appeals": [
            {
                "id": one.id,
                "state": one.state.value,
                "filed_us": one.filed_us,
                "answer_by_us": one.answer_by_us,
                "overdue": one.overdue(at_us),
            }
            for one in book.appeals(step=kept.id)
        ],
    }
