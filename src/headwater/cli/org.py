"""`headwater org`: organisations, whose accounts share a tier, a means of payment and a state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from headwater.cli.casebooks import draw, limit
from headwater.cli.identities import acting, done, given, moment, reading, show_row, with_history
from headwater.cli.options import HELP, Group
from headwater.cli.terminal import Terminal, clean
from headwater.errors import UsageError

if TYPE_CHECKING:
    from headwater.control.identity import Identity, Organisation

_STATES = ("active", "suspended", "closed")


@click.group(cls=Group, context_settings=HELP)
def command() -> None:
    """Keep organisations: their accounts share a tier, a means of payment and a state."""


@command.command()
@click.argument("name", metavar="ORG")
@click.option("--tier", help="Its tier: its accounts have at least this one.")
@click.option("--payment", metavar="HASH", help="Fingerprint of its means of payment; never a card number.")
@click.option("--label", metavar="TEXT", help="Words of your own.")
@acting
def new(
    terminal: Terminal,
    *,
    identity: Identity,
    name: str,
    by: str,
    reason: str,
    at_us: int,
    as_json: bool,
    **entries: Any,
) -> int:
    """Make an organisation."""
    row = identity.new_organisation(name, by, at_us, reason=reason, **given(**entries))
    done(terminal, identity, row, as_json, f"made organisation {row.id}, {row.tier}")
    return 0


@command.command("list")
@limit
@reading
def list_(terminal: Terminal, *, identity: Identity, limit: int, as_json: bool) -> int:
    """List organisations, in order of name."""
    from headwater.control.identity import told
    from headwater.report import Column

    rows: list[Organisation] = identity.all("organisation")
    if as_json:
        terminal.json([told(row) for row in rows])
        return 0
    columns = [Column("organisation", "name"), Column("tier"), Column("state")]
    columns += [Column("since", minor=True), Column("label", minor=True)]
    cells = [[row.id, row.tier, row.state, moment(row.created_us), clean(row.label)] for row in rows]
    draw(terminal, columns, cells, below=() if rows else ["no organisations"], limit=limit)
    return 0


@command.command()
@click.argument("name", metavar="ORG")
@reading
def show(terminal: Terminal, *, identity: Identity, name: str, as_json: bool) -> int:
    """Show an organisation and its accounts."""
    from headwater.control.identity import told

    row: Organisation = identity.get("organisation", name)
    members = identity.members(name)
    if as_json:
        terminal.json({**(told(row) or {}), "accounts": [told(one) for one in members]})
        return 0
    show_row(
        terminal,
        {
            "organisation": row.id,
            "tier": row.tier,
            "state": row.state,
            "payment": "a means of payment is known" if row.payment else None,
            "since": moment(row.created_us),
            "label": row.label,
            "accounts": ", ".join(one.id for one in members[:20]) + (", …" if len(members) > 20 else ""),
        },
    )
    return 0


@command.command()
@click.argument("name", metavar="ORG")
@click.option("--tier", help="Its tier: its accounts have at least this one.")
@click.option("--payment", metavar="HASH", help="Fingerprint of its means of payment; never a card number.")
@click.option("--no-payment", is_flag=True, help="Its means of payment isn't known.")
@click.option("--label", metavar="TEXT", help="Words of your own.")
@click.option("--state", type=click.Choice(_STATES), help="Whether credentials of its accounts are accepted.")
@acting
def change(
    terminal: Terminal,
    *,
    identity: Identity,
    name: str,
    no_payment: bool,
    by: str,
    reason: str,
    at_us: int,
    as_json: bool,
    **entries: Any,
) -> int:
    """Change an organisation, and with it all of its accounts. Relays know within a second."""
    asked: dict[str, Any] = given(**entries)
    if no_payment:
        asked["payment"] = None
    if not asked:
        raise UsageError("say what to change", hint="--tier, --payment, --label or --state")
    row = identity.change_organisation(name, by, at_us, asked, reason=reason)
    done(terminal, identity, row, as_json, f"changed organisation {row.id}: {', '.join(sorted(asked))}")
    return 0


with_history(command, ("organisation",), "organisation", "ORG")
