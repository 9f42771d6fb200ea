"""`headwater demo`: investigate the sample that comes with Headwater."""

from __future__ import annotations

from pathlib import Path

import click

from headwater.cli.investigate import Asked, investigate, show
from headwater.cli.options import PATH, as_json, manners, policy
from headwater.cli.terminal import Terminal
from headwater.errors import UnreadableInput, Where


@click.command()
@click.option("-o", "--output", type=PATH, default=Path("report"), show_default=True, metavar="DIR")
@policy
@as_json
@manners
def command(terminal: Terminal, *, output: Path, policy: Path | None, as_json: bool) -> int:
    """Investigate the bundled sample of real prompts.

    Labels are constructed: the prompts are public texts, joined to accounts that never sent them.
    """
    folder = sample()
    asked = Asked(output, accounts=folder / "accounts.parquet", policy=policy)
    findings = investigate(terminal, (folder / "exchanges.parquet",), asked)
    show(terminal, findings, output, as_json=as_json)
    return 0


def sample() -> Path:
    """The folder of the sample: inside an installed package, or in the repository beside it."""
    import headwater

    package = Path(headwater.__file__).parent
    for folder in (package / "sample", package.parents[1] / "examples" / "sample"):
        if (folder / "exchanges.parquet").is_file():
            return folder
    raise UnreadableInput(
        "the sample is not in this installation",
        where=Where(file="examples/sample"),
        hint="take it from the repository, then: headwater investigate examples/sample/exchanges.parquet",
    )
