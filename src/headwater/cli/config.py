"""`headwater config`: check a settings file and show what is in force."""

from __future__ import annotations

from pathlib import Path

import click

from headwater.cli.options import HELP, PATH, Group, as_json, manners
from headwater.cli.terminal import Terminal


@click.group(cls=Group, context_settings=HELP)
def command() -> None:
    """Check a configuration file."""


@command.command()
@click.argument("file", type=PATH, required=False)
@as_json
@manners
def check(terminal: Terminal, *, file: Path | None, as_json: bool) -> int:
    """Check a settings file and print every setting as it is in force.

    Without FILE it is ./headwater.toml, where there is one. What the environment sets comes on top.
    """
    import msgspec

    from headwater.cli.settings import load_settings, paths_of
    from headwater.investigation import Settings

    made = load_settings(Settings, file)
    if as_json:
        terminal.json(made)
        return 0
    for path, _ in paths_of(Settings):
        value: object = made
        for name in path:
            value = getattr(value, name)
        terminal.out(f"{'.'.join(path)} = {msgspec.json.encode(value).decode()}\n")
    return 0
