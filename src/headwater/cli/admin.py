"""`headwater admin`: the admin API's process, and the keys of those who may ask it."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headwater.cli.casebooks import by_person, draw, limit, now_us
from headwater.cli.identities import at_identity, moment, named, settings_of, span_us
from headwater.cli.options import HELP, PATH, Group, as_json, manners
from headwater.cli.terminal import Terminal, clean
from headwater.errors import UsageError

if TYPE_CHECKING:
    from headwater.console import AdminKey, AdminKeys, Books, ConsoleSettings, Till


@click.group(cls=Group, context_settings=HELP)
def command() -> None:
    """Serve the admin API, and keep the keys of those who may ask it."""


@command.command()
@at_identity
@click.option(
    "--casebook",
    type=PATH,
    envvar="HEADWATER_CASEBOOK",
    metavar="DIR",
    help="A casebook, whose log every change goes into; also HEADWATER_CASEBOOK.",
)
@click.option("--config", type=PATH, metavar="FILE", help="Settings: TOML with a table [admin].")
@click.option("--host", metavar="ADDRESS", help="Address to listen on, in place of the setting.")
@click.option("--port", type=click.IntRange(0, 65_535), help="Port to listen on, in place of the setting.")
@manners
def serve(
    terminal: Terminal,
    *,
    folder: Path | None,
    casebook: Path | None,
    config: Path | None,
    host: str | None,
    port: int | None,
) -> int:
    """Serve the admin API over an identity store until the process is told to end (SIGTERM, Ctrl-C).

    With a casebook, every change goes into its log, also those made with commands, and what stands against an account
    can be read. A line for each request goes to standard error; --quiet keeps that.
    """
    from headwater.console import AdminKeys, Office
    from headwater.console import serve as served

    settings = _settings(config, host, port)
    place = named(folder)
    office = Office.of(settings, place, settings_of(place), _books(casebook), _till(settings.gateway))
    with office.store() as store:
        if not AdminKeys(store, office.peppers).all():
            terminal.say("nobody may ask yet; next: headwater admin key new NAME --scope SCOPE")

    def ready(address: str, number: int) -> None:
        scheme = "https" if settings.certificate else "http"
        shown = f"[{address}]" if ":" in address else address
        terminal.out(f"{scheme}://{shown}:{number}\n")

    return served(office, lambda line: terminal.say(clean(line)), ready)


def _settings(config: Path | None, host: str | None, port: int | None) -> ConsoleSettings:
    from headwater.cli.settings import load_settings
    from headwater.console import ConsoleFile

    # Another file's settings (./headwater.toml) are none of this process's.
    made = load_settings(ConsoleFile, config or Path(os.devnull)).admin
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    return dataclasses.replace(made, **given)  # type: ignore[arg-type]


def _till(folder: str) -> Till | None:
    from headwater.cli.gateways import casebook_of, counting_of
    from headwater.cli.gateways import settings_of as gateway_settings
    from headwater.console import Till

    if not folder:
        return None
    place = Path(folder)
    settings = gateway_settings(place)
    store = os.environ.get("HEADWATER_GATEWAY_BUDGETS")
    return Till(counting_of(place, settings, store), casebook_of(place, settings))


def _books(folder: Path | None) -> Books | None:
    from headwater.cli.casebooks import settings_of as casebook_settings
    from headwater.console import Books

    if folder is None:
        return None
    books = Books(folder, casebook_settings(folder))
    books.open().close()  # so that what is wrong with it is said now
    return books


@command.command()
@manners
def openapi(terminal: Terminal) -> int:
    """Print the admin API's OpenAPI 3.1 document, as the server gives it at /openapi.json."""
    from headwater.console import openapi_document

    terminal.json(openapi_document())
    return 0


@command.group(context_settings=HELP)
def key() -> None:
    """Make, list and revoke admin keys. Customers' keys are another matter: `headwater key`."""


@key.command()
@click.argument("name", metavar="NAME")
@click.option("--scope", "scopes", multiple=True, required=True, help="What it may do (may be repeated).")
@click.option(
    "--expires",
    default="90d",
    show_default=True,
    metavar="SPAN",
    help="It ends after this long; `never`: it doesn't.",
)
@by_person
@at_identity
@as_json
@manners
def new(
    terminal: Terminal,
    *,
    name: str,
    scopes: tuple[str, ...],
    expires: str,
    by: str | None,
    folder: Path | None,
    as_json: bool,
) -> int:
    """Make an admin key, and print it: once, here, and never again. Changes made with it are NAME's.

    \b
    Scopes: accounts:read, accounts:write, accounts:forget, organisations:read, organisations:write,
    keys:read, keys:write, tiers:read, tiers:write, history:read, undo, casework:read.
    """
    at_us = now_us()
    expires_us = None if expires == "never" else at_us + span_us(expires, "expires")
    with _opened(folder) as keys:
        made, text = keys.new(name, scopes, _person(by), at_us, expires_us=expires_us)
    if as_json:
        terminal.json({**made.told(), "admin_key": text})
        return 0
    terminal.out(f"{text}\n")
    until = f"until {moment(made.expires_us)} UTC" if made.expires_us else "without an end"
    terminal.say(clean(f"made admin key {made.id} of {made.name}, {until}; it isn't shown again"))
    return 0


@key.command("list")
@click.option("--all", "ended", is_flag=True, help="Also those that have ended.")
@limit
@at_identity
@as_json
@manners
def list_(terminal: Terminal, *, ended: bool, limit: int, folder: Path | None, as_json: bool) -> int:
    """List admin keys."""
    from headwater.report import Column

    now = now_us()
    with _opened(folder) as keys:
        rows = [one for one in keys.all() if ended or not one.ended(now)]
    if as_json:
        terminal.json([one.told() for one in rows])
        return 0
    columns = [Column("key", "name"), Column("name", "name"), Column("state")]
    columns += [Column("last used", minor=True), Column("scopes", minor=True)]
    cells: list[list[Any]] = [
        [one.id, one.name, _state(one, now), moment(one.used_us), ", ".join(one.scopes)] for one in rows
    ]
    draw(terminal, columns, cells, below=() if rows else ["no admin keys"], limit=limit)
    return 0


@key.command()
@click.argument("name", metavar="KEY")
@by_person
@at_identity
@as_json
@manners
def revoke(terminal: Terminal, *, name: str, by: str | None, folder: Path | None, as_json: bool) -> int:
    """End the admin key KEY (its id, or its name) now."""
    with _opened(folder) as keys:
        row = keys.revoke(name, _person(by), now_us())
    if as_json:
        terminal.json(row.told())
    else:
        terminal.out(clean(f"revoked admin key {row.id} of {row.name}") + "\n")
    return 0


def _person(by: str | None) -> str:
    if not by:
        raise UsageError("say who acts", hint="--by NAME, or HEADWATER_PERSON")
    return by


def _state(one: AdminKey, now: int) -> str:
    if one.revoked_us is not None:
        return f"revoked on {moment(one.revoked_us)}"
    if one.expires_us is None:
        return "good"
    return f"{'ended' if one.ended(now) else 'good until'} {moment(one.expires_us)}"


@contextmanager
def _opened(folder: Path | None) -> Iterator[AdminKeys]:
    from headwater.console import AdminKeys, ConsoleSettings, Office

    place = named(folder)
    office = Office.of(ConsoleSettings(), place, settings_of(place))
    with office.store() as store:
        yield AdminKeys(store, office.peppers)
