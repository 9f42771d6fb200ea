"""`headwater explain`: why an account or a campaign was reported, in sentences."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from headwater.cli.options import PATH, as_json, manners
from headwater.cli.terminal import Terminal


@click.command()
@click.argument("name", metavar="ACCOUNT|CAMPAIGN")
@click.option(
    "--report",
    type=PATH,
    default=Path("report"),
    show_default=True,
    metavar="DIR",
    help="The report folder, or its campaigns.json.",
)
@as_json
@manners
def command(terminal: Terminal, *, name: str, report: Path, as_json: bool) -> int:
    """Say in sentences why an account or campaign was reported, how often chance would make it, and what
    speaks against."""
    from difflib import get_close_matches

    from headwater.explain import explain_account, explain_campaign, explain_untied, load, rings_of, sent_by
    from headwater.report import clean

    findings = load(report)
    rings = [ring.id for ring in (*findings.campaigns, *findings.considered)]
    # A name that is neither is explained by the error of the kind that it is nearest to.
    campaign = name in rings or (not rings_of(findings, name) and get_close_matches(name, rings, n=1))
    sent = None if campaign or rings_of(findings, name) else sent_by(report, name)
    if sent is not None:
        story = explain_untied(findings, name, sent)
    else:
        story = explain_campaign(findings, name) if campaign else explain_account(findings, name)
    if as_json:
        terminal.json(story)
    else:
        width = min(100, shutil.get_terminal_size().columns)
        terminal.out(clean(story.text(width), lines=True))
    return 0
