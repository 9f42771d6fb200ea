"""Options that several commands share, with one wording each."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from headwater.cli.terminal import Terminal

F = TypeVar("F", bound=Callable[..., Any])

#: A path as `pathlib.Path`; whether it exists is found out where it is read, with a better message.
PATH = click.Path(path_type=Path)

#: How help is asked for, said in each group, so that a command says it however it is reached.
HELP = {"help_option_names": ["-h", "--help"]}


#: Longer than any sentence of a help.
_WHOLE = 1000


class Group(click.Group):
    """A group that tells what its commands do in whole sentences."""

    group_class = type

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list; what doesn't fit into a line goes on in the next."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, one.get_short_help_str(_WHOLE)) for name, one in found if one and not one.hidden]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)


class _Place(click.Path):
    """A path, or the URI of an object store as it is given."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value if "://" in str(value) else super().convert(value, param, ctx)


PLACE = _Place(path_type=Path)


def manners(command: Callable[..., int]) -> Callable[..., int]:
    """Give `command` a `Terminal` as its first argument, made of --quiet, --no-progress and --color."""

    @click.option("-q", "--quiet", is_flag=True, help="Print results and errors only.")
    @click.option("--no-progress", is_flag=True, help="Draw no progress.")
    @click.option(
        "--color",
        type=click.Choice(["auto", "always", "never"]),
        default="auto",
        show_default=True,
        help="Colour in the output; wins over NO_COLOR and FORCE_COLOR.",
    )
    @wraps(command)
    def wrapped(*, quiet: bool, no_progress: bool, color: Any, **rest: Any) -> int:
        return command(Terminal(quiet, not no_progress, color), **rest)

    return wrapped


def as_json(command: F) -> F:
    """Add `--json`."""
    text = "Print the result as one JSON document."
    return click.option("--json", "as_json", is_flag=True, help=text)(command)


def log_form(command: F) -> F:
    """Add the options that say how foreign logs are read."""
    for option in reversed(
        (
            click.option("--format", "form", metavar="NAME", help="Read every file as this format."),
            click.option(
                "--mapping", type=PATH, metavar="FILE", help="A mapping file for a format of your own."
            ),
            click.option(
                "--set",
                "constants",
                multiple=True,
                metavar="COLUMN=VALUE",
                help="Fill a column that the log lacks (may be repeated).",
            ),
        )
    ):
        command = option(command)
    return command


def policy(command: F) -> F:
    """Add `--policy`."""
    text = "YAML file of a policy pack; without it, Headwater's own proposes."
    return click.option("--policy", type=PATH, metavar="FILE", help=text)(command)


def max_bad(command: F) -> F:
    """Add `--max-bad`."""
    text = "Exit with 3 if more rows than N are set aside."
    return click.option("--max-bad", type=click.IntRange(0), metavar="N", help=text)(command)


def too_many_bad(terminal: Terminal, set_aside: int, limit: int | None) -> int:
    """The exit code for `set_aside` rows under `--max-bad`, with a word on stderr where it isn't 0."""
    if limit is None or set_aside <= limit:
        return 0
    were = "row was" if set_aside == 1 else "rows were"
    terminal.warn(f"{set_aside:,} {were} set aside, more than --max-bad {limit:,}")
    return 3


def reading(form: str | None, mapping: Path | None, constants: tuple[str, ...]) -> dict[str, Any]:
    """The options of `log_form` as arguments of `headwater.exchange.read`."""
    return {"format": form or "auto", "mapping": mapping, "defaults": constants_of(constants)}


def constants_of(pairs: tuple[str, ...]) -> dict[str, str]:
    """`--set` as a mapping; `UsageError` where one has no equals sign."""
    from headwater.errors import UsageError

    constants = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(
                f"--set needs COLUMN=VALUE, not a text of {len(pair)} characters",
                hint="for example --set model=large-1",
            )
        constants[name] = value
    return constants
