"""`headwater simulate`: a labelled log from a scenario, in our own form or in another tool's."""

from __future__ import annotations

from pathlib import Path

import click

from headwater.cli.options import PATH, manners
from headwater.cli.terminal import Terminal

FORMS = ("own", "litellm", "otel", "langfuse", "helicone")


@click.command()
@click.argument("scenario", required=False)
@click.option("-o", "--output", type=PATH, default=Path("simulated"), show_default=True, metavar="DIR")
@click.option(
    "--scale",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    show_default=True,
    help="Size of the world.",
)
@click.option("--seed", type=int, help="Another world of the same kind; without it, the scenario's own.")
@click.option(
    "--form", type=click.Choice(FORMS), default="own", show_default=True, help="Whose log it looks like."
)
@click.option(
    "--camouflage",
    default="0",
    metavar="DIAL",
    help="How hard rings hide: 0 to 1, or parts (cover=0.5,paraphrase=1).",
)
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="PATH=VALUE",
    help="Change one setting: campaigns.0.accounts=50. Repeatable.",
)
@click.option("--corpora", type=PATH, metavar="DIR", help="Public corpora; also HEADWATER_CORPORA.")
@manners
def command(
    terminal: Terminal,
    *,
    scenario: str | None,
    output: Path,
    scale: float,
    seed: int | None,
    form: str,
    camouflage: str,
    changes: tuple[str, ...],
    corpora: Path | None,
) -> int:
    """Write a labelled log from a SCENARIO, a name or a TOML file. Without one, list those that come along.

    Labels are constructed: real prompts and rhythms, joined to accounts that never sent them. _scenario.json
    says how, and `headwater investigate` repeats it on every page.
    """
    from headwater.simulate import Corpora, load, names, settings, simulate, write

    if scenario is None:
        for name in names():
            terminal.out(f"{name}: {load(name).title}\n")
        return 0
    plan = load(scenario)
    world = simulate(
        plan,
        Corpora.find(corpora, plan.side),
        seed,
        scale,
        camouflage=camouflage,
        override=settings(changes),
    )
    log = write(world, output, form)[0]
    terminal.say(f"wrote {world.exchanges.num_rows:,} exchanges to {log}")
    terminal.say(f"next: headwater investigate {log} --accounts {output / 'accounts.parquet'}")
    return 0
