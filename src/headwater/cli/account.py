"""`headwater account`: accounts, the names that they have elsewhere, and the folder that all of it lies in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headwater.cli.casebooks import draw, limit
from headwater.cli.identities import acting, done, given, moment, reading, show_row, with_history
from headwater.cli.options import HELP, PATH, Group, manners
from headwater.cli.terminal import Terminal, clean
from headwater.errors import UsageError

if TYPE_CHECKING:
    from headwater.control.identity import Account, Identity

_STATES = ("active", "suspended", "closed")
_KINDS = ("account", "link", "verification")


@click.group(cls=Group, context_settings=HELP)
def command() -> None:
    """Keep accounts: who may ask, at which tier, for which organisation."""


@command.command()
@click.argument("directory", type=PATH, metavar="DIR")
@click.option("--prefix", default="hw", show_default=True, help="What API keys begin with.")
@click.option(
    "--environment",
    "environments",
    multiple=True,
    default=("live", "test"),
    show_default=True,
    help="An environment that keys are made for (may be repeated).",
)
@manners
def init(terminal: Terminal, *, directory: Path, prefix: str, environments: tuple[str, ...]) -> int:
    """Make an identity store in DIR: accounts, keys, settings, and the pepper that secrets are hashed under.

    Keep a copy of pepper.key apart from the store: without it no API key can be checked.
    """
    from headwater.control.identity import IdentitySettings, new_identity

    pepper = new_identity(directory, IdentitySettings(prefix=prefix, environments=environments))
    terminal.out(f"made {clean(str(directory))}, with pepper {pepper}\n")
    terminal.say(clean(f"next: headwater account new NAME --identity {directory} --by YOU"))
    return 0


@command.command()
@click.argument("name", metavar="ACCOUNT")
@click.option("--tier", default="anonymous", show_default=True, help="Its tier: see `headwater tier list`.")
@click.option("--org", "organisation", metavar="NAME", help="Its organisation.")
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
    """Make an account."""
    row = identity.new_account(name, by, at_us, reason=reason, **given(**entries))
    done(terminal, identity, row, as_json, f"made account {row.id}, {row.tier}")
    terminal.say(clean(f"next: headwater key new {row.id}"))
    return 0


@command.command("list")
@click.option("--org", "organisation", metavar="NAME", help="Only those of this organisation.")
@click.option("--tier", metavar="TIER", help="Only those of this tier.")
@limit
@reading
def list_(
    terminal: Terminal,
    *,
    identity: Identity,
    organisation: str | None,
    tier: str | None,
    limit: int,
    as_json: bool,
) -> int:
    """List accounts, in order of name."""
    from headwater.control.identity import told
    from headwater.report import Column

    rows: list[Account] = identity.members(organisation) if organisation else identity.all("account")
    rows = [row for row in rows if tier is None or row.tier == tier]
    if as_json:
        terminal.json([told(row) for row in rows])
        return 0
    columns = [Column("account", "name"), Column("tier"), Column("organisation", "name"), Column("state")]
    columns += [Column("since", minor=True), Column("label", minor=True)]
    cells = [
        [row.id, row.tier, row.organisation or "", row.state, moment(row.created_us), clean(row.label)]
        for row in rows
    ]
    draw(terminal, columns, cells, below=() if rows else ["no accounts"], limit=limit)
    return 0


@command.command()
@click.argument("name", metavar="ACCOUNT")
@reading
def show(terminal: Terminal, *, identity: Identity, name: str, as_json: bool) -> int:
    """Show an account with its keys, its names elsewhere and what was verified of it."""
    from headwater.control.identity import told

    row: Account = identity.get("account", name)
    keys, links, verifications = identity.keys(name), identity.links(name), identity.verifications(name)
    if as_json:
        many: dict[str, list[Any]] = {"keys": keys, "links": links, "verifications": verifications}
        terminal.json(
            {**(told(row) or {}), **{key: [told(one) for one in rows] for key, rows in many.items()}}
        )
        return 0
    show_row(
        terminal,
        {
            "account": row.id,
            "tier": _tier(identity, row),
            "organisation": row.organisation,
            "state": row.state,
            "payment": "a means of payment is known" if row.payment else None,
            "since": moment(row.created_us),
            "label": row.label,
            "keys": ", ".join(f"{one.id} ({one.label})" if one.label else one.id for one in keys),
            "links": ", ".join(f"{one.name} ({one.issuer or one.kind})" for one in links),
            "verified": ", ".join(
                f"{one.tier} by {one.provider}, {one.state} ({moment(one.at_us)})" for one in verifications
            ),
        },
    )
    return 0


def _tier(identity: Identity, row: Account) -> str:
    """The tier of an account, and where it has it from."""
    from headwater.control.identity import TIERS

    order, shared = list(TIERS), None
    if row.organisation is not None:
        shared = identity.get("organisation", row.organisation).tier
    if shared is not None and order.index(shared) > order.index(row.tier):
        return f"{shared}, by its organisation (its own: {row.tier})"
    return row.tier if row.tier == row.granted else f"{row.tier}, by verification (by hand: {row.granted})"


@command.command()
@click.argument("name", metavar="ACCOUNT")
@click.option("--tier", help="Its tier; verifications from before no longer count.")
@click.option("--org", "organisation", metavar="NAME", help="Its organisation.")
@click.option("--no-org", is_flag=True, help="It belongs to no organisation.")
@click.option("--payment", metavar="HASH", help="Fingerprint of its means of payment; never a card number.")
@click.option("--no-payment", is_flag=True, help="Its means of payment isn't known.")
@click.option("--label", metavar="TEXT", help="Words of your own.")
@click.option("--state", type=click.Choice(_STATES), help="Whether its credentials are accepted.")
@acting
def change(
    terminal: Terminal,
    *,
    identity: Identity,
    name: str,
    no_org: bool,
    no_payment: bool,
    by: str,
    reason: str,
    at_us: int,
    as_json: bool,
    **entries: Any,
) -> int:
    """Change an account. Relays know within a second."""
    asked: dict[str, Any] = given(**entries)
    if no_org:
        asked["organisation"] = None
    if no_payment:
        asked["payment"] = None
    if not asked:
        raise UsageError("say what to change", hint="--tier, --org, --payment, --label or --state")
    row = identity.change_account(name, by, at_us, asked, reason=reason)
    done(terminal, identity, row, as_json, f"changed account {row.id}: {', '.join(sorted(asked))}")
    return 0


def _link_options(command: Any) -> Any:
    for option in (
        click.option(
            "--certificate", metavar="NAME", help="A name in its client certificate: DNS:…, URI:…, email:…."
        ),
        click.option("--subject", metavar="SUB", help="The subject of its tokens; with --issuer."),
        click.option("--issuer", metavar="URL", help="Who issues its tokens."),
        click.argument("name", metavar="ACCOUNT"),
    ):
        command = option(command)
    return command


@command.command()
@_link_options
@acting
def link(
    terminal: Terminal,
    *,
    identity: Identity,
    name: str,
    issuer: str | None,
    subject: str | None,
    certificate: str | None,
    by: str,
    reason: str,
    at_us: int,
    as_json: bool,
) -> int:
    """Let an account in by a name that it has elsewhere: a token's subject, or a name in a certificate."""
    kind, outside = _linked(issuer, subject, certificate)
    row = identity.link(name, kind, issuer or "", outside, by, at_us, reason=reason)
    done(terminal, identity, row, as_json, f"linked account {name} to a {kind}'s name")
    return 0


@command.command()
@_link_options
@acting
def unlink(
    terminal: Terminal,
    *,
    identity: Identity,
    name: str,
    issuer: str | None,
    subject: str | None,
    certificate: str | None,
    by: str,
    reason: str,
    at_us: int,
    as_json: bool,
) -> int:
    """Take such a name away."""
    kind, outside = _linked(issuer, subject, certificate)
    row = identity.unlink(name, kind, issuer or "", outside, by, at_us, reason=reason)
    done(terminal, identity, row, as_json, f"unlinked account {name} from a {kind}'s name")
    return 0


def _linked(issuer: str | None, subject: str | None, certificate: str | None) -> tuple[str, str]:
    if certificate and not (issuer or subject):
        return "certificate", certificate
    if issuer and subject and not certificate:
        return "token", subject
    raise UsageError("say which name", hint="--issuer URL --subject SUB, or --certificate NAME")


@command.command()
@click.argument("name", metavar="ACCOUNT")
@click.option("--no-undo", is_flag=True, help="Yes: this alone can't be undone.")
@acting
def forget(
    terminal: Terminal,
    *,
    identity: Identity,
    name: str,
    no_undo: bool,
    by: str,
    reason: str,
    at_us: int,
    as_json: bool,
) -> int:
    """Erase an account with its keys, names and history, because a person asked for it.

    To end an account, close it (`account change --state closed`): that can be undone.
    """
    if not no_undo:
        hint = "--no-undo if you mean it; --state closed ends an account and can be undone"
        raise UsageError("what is forgotten can't be brought back", hint=hint)
    identity.forget(name, by, at_us, reason=reason)
    if as_json:
        terminal.json({"forgotten": 1})
    else:
        terminal.out("forgotten: the account, its keys, names and history\n")
    return 0


with_history(command, _KINDS, "account", "ACCOUNT")
