"""`headwater mark student`: was a model trained on marked text?"""

from __future__ import annotations

import click

from headwater.cli.options import HELP, Group


@click.group(cls=Group, context_settings=HELP)
def command() -> None:
    """Test whether a model was trained on marked text: by its weights, its answers, or its likeness."""
