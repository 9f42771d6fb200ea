"""`headwater diff`: which campaigns are new, gone, grown or the same between two investigations."""

from __future__ import annotations

from pathlib import Path

import click

from headwater.cli.options import PATH, as_json, manners
from headwater.cli.terminal import Terminal


@click.command()
@click.argument("old", type=PATH)
@click.argument("new", type=PATH)
@as_json
@manners
def command(terminal: Terminal, *, old: Path, new: Path, as_json: bool) -> int:
    """Compare two investigations.

    OLD and NEW are report folders, or their campaigns.json. A campaign is matched by its id and then by its
    accounts, so that one that was found again under another name isn't called new.
    """
    from headwater.explain import compare, load
    from headwater.report import clean

    before, after = load(old), load(new)
    if before.imprint_key_id != after.imprint_key_id:
        terminal.warn(
            "the two were made under different imprint keys: members at the edge of a ring may differ"
        )
    changes = compare(before, after)
    if as_json:
        terminal.json(changes)
    else:
        terminal.out(clean(changes.text(), lines=True))
    return 0
