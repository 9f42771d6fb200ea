"""The command `headwater`: a table of commands, each imported when it is called, and the exit code.

Nothing heavy may be imported here: `headwater --help` answers from this table alone.
"""

from __future__ import annotations

from importlib import import_module

import click

import headwater
from headwater.cli.signals import ended_by_signals

#: Command → its module and the line that the list of commands shows; the order is that of a first use.
COMMANDS = {
    "demo": "Investigate the bundled sample of real prompts.",
    "inspect": "Say what a log holds, what is missing, and which evidence that rules out.",
    "investigate": "Find campaigns in API logs; write the report.",
    "explain": "Say in sentences why an account or campaign was reported.",
    "diff": "Compare two investigations.",
    "audit": "Say whose a corpus is, what models left in it, and which terms bind it.",
    "mark": "Read marks in text; trace whose they were.",
    "terms": "Say what terms say about training on outputs.",
    "manifest": "Publish what a data set is made of; read and verify what others published.",
    "policy": "Check, test, compare and replay policies.",
    "casebook": "Keep a casebook: what was decided, told, appealed and logged.",
    "step": "Propose, decide, explain and undo steps.",
    "appeal": "Take in and decide appeals.",
    "log": "Publish, prove and check the log of all that was done.",
    "serve": "Serve a model with identity, budgets and a journal in front of it.",
    "budget": "Look after budgets: where what is left of them is kept.",
    "journal": "Make a gateway's journal Parquet.",
    "account": "Keep accounts: who may ask, at which tier, for which organisation.",
    "org": "Keep organisations: their accounts share a tier, a means of payment and a state.",
    "key": "Make, rotate and revoke customers' API keys.",
    "tier": "Say and change what each tier may use.",
    "admin": "Serve the admin API, and keep the keys of those who may ask it.",
    "ingest": "Convert logs to Headwater's own Parquet.",
    "simulate": "Write a labelled log from a scenario.",
    "keys": "Make Headwater's own secrets: what imprints, manifests and logs are made under.",
    "config": "Check a configuration file.",
}

EPILOG = """\b
Exit codes: 0 done · 1 findings (--fail-on) · 2 usage, configuration or unreadable input
3 done, but more rows were set aside than --max-bad
130 interrupted · 143 told to end (SIGTERM) · 129 its terminal has gone (SIGHUP)"""


class Doors(click.Group):
    """A group that knows its commands by name and imports the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in the table's order."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command in the module of its name, or None."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"headwater.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table, without importing a command."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=Doors,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(headwater.__version__, message="headwater %(version)s")
def app() -> None:
    """Find model-extraction campaigns in API logs, and stand behind what you found."""


def run(arguments: list[str]) -> int:
    """Run one command; every error is worded, and the exit code returned."""
    with ended_by_signals() as ended:
        try:
            code = app.main(arguments, prog_name="headwater", standalone_mode=False)
        except (Exception, KeyboardInterrupt) as error:
            ended.heard()
            from headwater.cli.faults import INTERRUPTED, show  # not for --help

            shown = show(error)
            return ended.code if shown == INTERRUPTED else shown
        return code if isinstance(code, int) else 0
