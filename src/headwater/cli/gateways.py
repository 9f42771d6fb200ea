"""What the commands that act on a gateway's folder share: which one, its settings, how it counts, whose steps count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from headwater.cli.options import PATH
from headwater.errors import UsageError, Where

if TYPE_CHECKING:
    from headwater.casework import CasebookSettings
    from headwater.control import Counting, Effects
    from headwater.gateway.composition import GatewaySettings
    from headwater.keys import ImprintKey

F = TypeVar("F", bound=Callable[..., Any])

#: Settings of the relay that name files, as seen from the folder.
_FILES = ("certificate", "certificate_key", "client_ca", "upstream_ca")


def at_gateway(command: F, text: str = "The gateway's folder; also HEADWATER_GATEWAY.") -> F:
    """Add `--folder`; `text`: its help."""
    return click.option(
        "--folder",
        type=PATH,
        default=Path("gateway"),
        show_default=True,
        envvar="HEADWATER_GATEWAY",
        metavar="DIR",
        help=text,
    )(command)


def settings_of(folder: Path) -> GatewaySettings:
    """The settings in a gateway's folder; the environment has no say in who is let in and what counts."""
    from headwater.cli.settings import load_settings
    from headwater.gateway.composition import SETTINGS, GatewaySettings

    if not (folder / SETTINGS).exists():
        hint = "choose a new folder, or the one that the first start has made"
        raise UsageError("is no gateway's folder", where=Where(str(folder)), hint=hint)
    settings = load_settings(GatewaySettings, folder / SETTINGS, {})
    paths = {name: getattr(settings.relay, name) for name in _FILES}
    held: dict[str, Any] = {name: str(folder / path) for name, path in paths.items() if path}
    return replace(settings, relay=replace(settings.relay, **held)) if held else settings


def counting_of(folder: Path, settings: GatewaySettings, budgets: str | None = None) -> Counting:
    """Where and how a gateway counts; `budgets`: the store, in place of the setting."""
    from headwater.control import Counting

    settings = replace(settings, budgets=budgets or settings.budgets)
    return Counting(
        settings=settings.control,
        store=settings.budgets,
        folder=folder,
        durable=settings.redis_durable,
        alone=settings.alone,
    )


def casebook_of(folder: Path, settings: GatewaySettings) -> tuple[Path, Effects] | None:
    """The casebook whose steps count at a gateway, and what they do; None where there is none."""
    told = casebook_settings(folder, settings)
    return None if told is None else (folder / settings.casebook, told.effects)


def casebook_settings(folder: Path, settings: GatewaySettings) -> CasebookSettings | None:
    """The settings of the casebook whose steps count at a gateway; None where there is none."""
    from headwater.cli import casebooks

    return casebooks.settings_of(folder / settings.casebook) if settings.casebook else None


def imprint_key(key_file: Path | None) -> ImprintKey:
    """The key that imprints are made under: of the file, else of the environment; raises where there is none."""
    from headwater.keys import load_imprint_key

    key = load_imprint_key(key_file)
    if key is None:
        hint = "imprint_key_file in gateway.toml, or --key-file FILE; `headwater keys new FILE` makes one"
        raise UsageError("only imprints are to be kept, and there is no key to make them under", hint=hint)
    return key
