"""`headwater key`: API keys of customers. Headwater's own secrets are made by `headwater keys`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headwater.cli.casebooks import draw, limit, now_us
from headwater.cli.identities import (
    acting,
    at_identity,
    done,
    moment,
    named,
    reading,
    show_row,
    span_us,
    with_history,
)
from headwater.cli.options import HELP, Group, manners
from headwater.cli.terminal import Terminal, clean
from headwater.errors import UsageError

if TYPE_CHECKING:
    from headwater.control.identity import Identity, Issued, Key

_MOST_READ = 4096


@click.group(cls=Group, context_settings=HELP)
def command() -> None:
    """Make, rotate and revoke customers' API keys.

    Headwater's own secrets, under which imprints, manifests and logs are made, are another matter: `headwater keys`.
    """


def _uses(command: Any) -> Any:
    for option in (
        click.option(
            "--expires", metavar="SPAN", help="It ends after this long, such as 90d; `never`: it doesn't."
        ),
        click.option(
            "--asn",
            "asns",
            type=int,
            multiple=True,
            metavar="N",
            help="Only from this network (may be repeated).",
        ),
        click.option(
            "--network",
            "networks",
            multiple=True,
            metavar="CIDR",
            help="Only from these addresses (may be repeated).",
        ),
        click.option("--scope", "scopes", multiple=True, help="What it may be used for (may be repeated)."),
        click.option(
            "--label", help="By which it is named beside its account: small letters, digits, dashes."
        ),
    ):
        command = option(command)
    return command


@command.command()
@click.argument("account", metavar="ACCOUNT")
@click.option(
    "--env", "environment", metavar="NAME", help="Its environment; the first of the settings if left out."
)
@_uses
@acting
def new(
    terminal: Terminal,
    *,
    identity: Identity,
    account: str,
    environment: str | None,
    by: str,
    reason: str,
    at_us: int,
    as_json: bool,
    **uses: Any,
) -> int:
    """Make a key for an account, and print it: once, here, and never again."""
    entries = _entries(uses, at_us)
    issued = identity.new_key(account, by, at_us, environment=environment, entries=entries, reason=reason)
    _shown(terminal, identity, issued, as_json)
    return 0


@command.command()
@click.argument("name", metavar="KEY")
@click.option(
    "--overlap",
    default="24h",
    show_default=True,
    metavar="SPAN",
    help="How long the old key is still good; 0: not.",
)
@acting
def rotate(
    terminal: Terminal,
    *,
    identity: Identity,
    name: str,
    overlap: str,
    by: str,
    reason: str,
    at_us: int,
    as_json: bool,
) -> int:
    """Make a key in place of KEY (its id, or ACCOUNT/LABEL), and print it: once, here, and never again.

    It may be used for the same, from the same places. Until the overlap is over both are good.
    """
    issued = identity.rotate_key(name, by, at_us, overlap_us=span_us(overlap, "overlap"), reason=reason)
    _shown(terminal, identity, issued, as_json)
    old = identity.key(str(issued.key.replaces))
    terminal.say(f"{old.id} ends on {moment(old.expires_us)} UTC")
    return 0


def _shown(terminal: Terminal, identity: Identity, issued: Issued, as_json: bool) -> None:
    from headwater.control.identity import told

    change = next(one.batch for one in identity.history(kinds=("key",), row=issued.key.id, limit=1))
    if as_json:
        terminal.json({**(told(issued.key) or {}), "api_key": issued.text, "change": change})
        return
    terminal.out(f"{issued.text}\n")
    terminal.say(
        clean(f"made key {issued.key.id} of {issued.key.account} (change {change}); it isn't shown again")
    )


@command.command("list")
@click.option("--account", metavar="ACCOUNT", help="Only those of this account.")
@click.option("--all", "ended", is_flag=True, help="Also those that have ended.")
@limit
@reading
def list_(
    terminal: Terminal, *, identity: Identity, account: str | None, ended: bool, limit: int, as_json: bool
) -> int:
    """List keys by their public ids."""
    from headwater.report import Column

    now, used = now_us(), identity.last_used()
    rows: list[Key] = identity.keys(account) if account else identity.all("key")
    rows = [row for row in rows if ended or not _ended(row, now)]
    if as_json:
        terminal.json([_record(row, used, now) for row in rows])
        return 0
    columns = [
        Column("key", "name"),
        Column("account", "name"),
        Column("label"),
        Column("environment", minor=True),
    ]
    columns += [Column("state"), Column("last used", minor=True)]
    cells = [
        [row.id, row.account, row.label, row.environment, _state(row, now), moment(used.get(row.id))]
        for row in rows
    ]
    draw(terminal, columns, cells, below=() if rows else ["no keys"], limit=limit)
    return 0


@command.command()
@click.argument("name", metavar="KEY")
@reading
def show(terminal: Terminal, *, identity: Identity, name: str, as_json: bool) -> int:
    """Show a key, by its id or ACCOUNT/LABEL; its secret is kept nowhere."""
    _show(terminal, identity, identity.key(name), as_json)
    return 0


@command.command()
@click.argument("name", metavar="KEY")
@_uses
@click.option("--anywhere", is_flag=True, help="From any address and network.")
@acting
def change(
    terminal: Terminal,
    *,
    identity: Identity,
    name: str,
    anywhere: bool,
    by: str,
    reason: str,
    at_us: int,
    as_json: bool,
    **uses: Any,
) -> int:
    """Change what KEY (its id, or ACCOUNT/LABEL) may be used for, from where, and until when."""
    entries = _entries(uses, at_us)
    if anywhere:
        entries |= {"networks": (), "asns": ()}
    if not entries:
        raise UsageError(
            "say what to change", hint="--scope, --network, --asn, --anywhere, --expires or --label"
        )
    row = identity.change_key(name, by, at_us, entries, reason=reason)
    done(
        terminal,
        identity,
        row,
        as_json,
        f"changed key {row.id} of {row.account}: {', '.join(sorted(entries))}",
    )
    return 0


@command.command()
@click.argument("name", metavar="KEY")
@acting
def revoke(
    terminal: Terminal, *, identity: Identity, name: str, by: str, reason: str, at_us: int, as_json: bool
) -> int:
    """End KEY (its id, or ACCOUNT/LABEL) now. Relays know within a second."""
    row = identity.revoke_key(name, by, at_us, reason=reason)
    done(terminal, identity, row, as_json, f"revoked key {row.id} of {row.account}")
    return 0


@command.command()
@reading
def check(terminal: Terminal, *, identity: Identity, as_json: bool) -> int:
    """Say whose key it is that is read from standard input, for instance one that was found in a repository.

    A key given as an argument would be seen by others. Exit code 1 where it isn't good now.
    """
    from headwater.control.identity import parse_key

    found = identity.matching(parse_key(sys.stdin.read(_MOST_READ).strip()))
    now = now_us()
    if found is None:
        if as_json:
            terminal.json({"known": False})
        else:
            terminal.out("well formed, and none of ours\n")
        return 1
    _show(terminal, identity, found, as_json)
    return 1 if _ended(found, now) else 0


@command.command()
@reading
def pattern(terminal: Terminal, *, identity: Identity, as_json: bool) -> int:
    """Print a regular expression that finds your keys, for scanners of secrets.

    The last eight characters of a key are the CRC-32 of all before the last underscore, as hex digits: so a scanner
    tells a key from what only looks so.
    """
    from headwater.control.identity import pattern

    settings = identity.settings
    regex = pattern(settings.prefix, settings.environments)
    if as_json:
        terminal.json({"pattern": regex, "keyword": f"{settings.prefix}_", "checksum": "crc32, 8 hex digits"})
    else:
        terminal.out(f"{regex}\n")
    return 0


@command.command()
@at_identity
@manners
def pepper(terminal: Terminal, *, folder: Path | None) -> int:
    """Make a new pepper, under which the secrets of new keys are hashed from now on.

    Restart relays before you make keys: they read peppers when they start. Old keys stay good as long as their pepper's
    file is there.
    """
    from headwater.control.identity import new_pepper

    path = new_pepper(named(folder))
    terminal.out(f"made {clean(str(path))}\n")
    terminal.say("next: keep a copy of it elsewhere, restart the relays, then rotate keys")
    return 0


def _entries(uses: dict[str, Any], at_us: int) -> dict[str, Any]:
    expires = uses.pop("expires")
    entries = {name: value for name, value in uses.items() if value not in (None, ())}
    if expires is not None:
        entries["expires_us"] = None if expires == "never" else at_us + span_us(expires, "expires")
    return entries


def _show(terminal: Terminal, identity: Identity, row: Key, as_json: bool) -> None:
    now, used = now_us(), identity.last_used()
    if as_json:
        terminal.json(_record(row, used, now))
        return
    show_row(
        terminal,
        {
            "key": row.id,
            "account": row.account,
            "label": row.label,
            "environment": row.environment,
            "state": _state(row, now),
            "scopes": ", ".join(row.scopes),
            "networks": ", ".join(row.networks),
            "asns": ", ".join(map(str, row.asns)),
            "since": moment(row.created_us),
            "last used": moment(used.get(row.id)) or "never",
            "replaces": row.replaces,
            "replaced by": row.replaced_by,
        },
    )


def _record(row: Key, used: dict[str, int], now: int) -> dict[str, Any]:
    from headwater.control.identity import told

    return {**(told(row) or {}), "used_us": used.get(row.id), "good": not _ended(row, now)}


def _ended(row: Key, now: int) -> bool:
    ends = row.ends_us()
    return ends is not None and ends <= now


def _state(row: Key, now: int) -> str:
    if row.revoked_us is not None:
        return f"revoked on {moment(row.revoked_us)}"
    if row.expires_us is None:
        return "good"
    return f"{'ended' if _ended(row, now) else 'good until'} {moment(row.expires_us)}"


with_history(command, ("key",), "key", "KEY")
