"""`headwater investigate`: logs in, campaigns and a report out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from headwater.cli.options import (
    PATH,
    PLACE,
    as_json,
    log_form,
    manners,
    max_bad,
    policy,
    reading,
    too_many_bad,
)
from headwater.cli.terminal import Terminal
from headwater.errors import UsageError

if TYPE_CHECKING:
    from headwater.detect import Findings
    from headwater.investigation import Settings

#: `--fail-on` → the words that make the exit code 1.
FAILING = {"likely": ("confirmed", "likely"), "possible": ("confirmed", "likely", "possible")}
FOUND = 1


@dataclass(frozen=True)
class Asked:
    """What the options of `investigate` ask for beyond the logs themselves."""

    output: Path
    accounts: Path | None = None
    known: Path | None = None
    policy: Path | None = None
    key_file: Path | None = None
    imprints_only: bool = False
    form: str | None = None
    mapping: Path | None = None
    constants: tuple[str, ...] = ()
    previous: Path | None = None
    labels_note: str | None = None
    settings: Path | None = None
    threads: int | None = None
    memory: int | None = None
    networks: Path | None = None
    mail_domains: Path | None = None
    outside: Path | None = None
    benchmark_items: tuple[Path, ...] = ()
    store: Path | str | None = None
    engine: str | None = None
    outcomes: Path | None = None


@click.command()
@click.argument("paths", nargs=-1, required=True, type=PLACE, metavar="LOGS...")
@click.option(
    "-o",
    "--output",
    type=PATH,
    default=Path("report"),
    show_default=True,
    metavar="DIR",
    help="Where to write.",
)
@click.option(
    "--accounts", type=PATH, metavar="FILE", help="What is known about accounts (Parquet, CSV, JSON lines)."
)
@click.option(
    "--known", type=PATH, metavar="FILE", help="TOML file of declared partners, red teams and evaluators."
)
@click.option(
    "--networks", type=PATH, metavar="FILE", help="Ranges of addresses that are proxies, carriers, … (CSV)."
)
@click.option("--mail-domains", type=PATH, metavar="FILE", help="Disposable and trusted mail domains (CSV).")
@click.option("--outside", type=PATH, metavar="FILE", help="TOML file of peers' indicators and of sightings.")
@click.option(
    "--benchmark-items", type=PATH, multiple=True, metavar="FILE", help="Prompts of public benchmarks."
)
@click.option(
    "--store", type=PLACE, metavar="DIR", help="Keep imprints here: what it holds of LOGS isn't read again."
)
@click.option(
    "--engine",
    metavar="MASTER",
    help="A Spark cluster to work on: spark://host:7077 (needs --store), or local[4] for this machine.",
)
@policy
@click.option(
    "--outcomes",
    type=PATH,
    metavar="FILE",
    help="What steps came to (casebook outcomes), shown on the cards.",
)
@click.option("--key-file", type=PATH, metavar="FILE", help="The imprint key; also HEADWATER_IMPRINT_KEY.")
@click.option("--imprints-only", is_flag=True, help="Keep no prompt in any output, only keyed imprints.")
@log_form
@click.option(
    "--previous", type=PATH, metavar="DIR", help="An earlier report: campaigns found again keep their names."
)
@click.option(
    "--labels-note",
    metavar="TEXT",
    help="How the labels of a constructed log were made; every page shows it.",
)
@click.option(
    "--fail-on", type=click.Choice(list(FAILING)), help="Exit with 1 if a campaign is at least this sure."
)
@max_bad
@click.option("--settings", type=PATH, metavar="FILE", help="Settings; ./headwater.toml where it exists.")
@click.option("--threads", type=click.IntRange(1), metavar="N", help="Worker threads.")
@click.option(
    "--memory",
    type=click.IntRange(256, 1 << 24),
    metavar="MIB",
    help="Memory for the engine, and half as much for what evidence keeps; beyond it, they spill.",
)
@as_json
@manners
def command(
    terminal: Terminal,
    *,
    paths: tuple[Path | str, ...],
    fail_on: str | None,
    max_bad: int | None,
    as_json: bool,
    **asked: object,
) -> int:
    """Find campaigns in API logs.

    LOGS are files or folders. What wrote them is recognised; where it isn't, --format, --mapping and --set
    help. Writes report.html, campaigns.json, accounts.parquet, exchanges.parquet and, where rows were set
    aside, set_aside.jsonl into DIR.
    """
    wanted = Asked(**asked)  # type: ignore[arg-type]
    findings = investigate(terminal, paths, wanted)
    show(terminal, findings, wanted.output, as_json=as_json)
    if code := too_many_bad(terminal, findings.log.set_aside, max_bad):
        return code
    rings = (*findings.campaigns, *findings.considered)
    if fail_on and any(ring.word in FAILING[fail_on] for ring in rings):
        return FOUND
    return 0


def investigate(terminal: Terminal, paths: tuple[Path | str, ...], asked: Asked) -> Findings:
    """Read, investigate and write the report folder."""
    from headwater.cli.arenas import one_arena

    one_arena()  # before NumPy is there, whose OpenBLAS begins threads when it is loaded
    from headwater import investigate as find
    from headwater.casework import load_outcomes
    from headwater.cli.whole import Whole
    from headwater.detect import Tables
    from headwater.explain import with_outcomes
    from headwater.keys import load_imprint_key
    from headwater.outcome import check_output
    from headwater.places import made

    key = load_imprint_key(asked.key_file)
    if asked.imprints_only and key is None:
        raise UsageError(
            "--imprints-only needs a key of your own: under the public one anybody can test a guessed text",
            hint="headwater keys new imprint.key, then --key-file imprint.key",
        )
    settings = settings_of(asked)
    own = (asked.key_file, asked.settings, asked.outcomes)
    check_output(asked.output, [path for path in own if path is not None])
    learned = load_outcomes(asked.outcomes) if asked.outcomes else []
    with (
        made(asked.output),
        terminal.progress(Whole()) as progress,
        find(
            paths,
            asked.accounts,
            key=key,
            known=asked.known,
            policy=asked.policy,
            settings=settings,
            previous=asked.previous,
            progress=progress,
            labels_note=asked.labels_note or constructed(paths),
            output=asked.output,
            store=asked.store,
            engine=asked.engine,
            tables=Tables(asked.networks, asked.mail_domains, asked.outside, asked.benchmark_items),
            **reading(asked.form, asked.mapping, asked.constants),
        ) as found,
    ):
        if learned:
            found.findings = with_outcomes(found.findings, learned)
        progress("write the report", 0, None)
        found.write(asked.output)
        elsewhere = found.elsewhere
    if elsewhere is not None:
        terminal.say(f"annotated exchanges: {elsewhere}")
    return found.findings


def constructed(paths: tuple[Path | str, ...]) -> str | None:
    """How the labels of a simulated log were made, where `headwater simulate` left its card beside it."""
    import msgspec

    for path in (path for path in paths if isinstance(path, Path)):
        card = (path if path.is_dir() else path.parent) / "_scenario.json"
        try:
            told = msgspec.json.decode(card.read_bytes(), type=dict[str, object])
        except (OSError, msgspec.DecodeError):
            continue
        if isinstance(note := told.get("constructed"), str):
            return note
    return None


def settings_of(asked: Asked) -> Settings:
    """Settings from file and environment, with the options on top."""
    from headwater.cli.settings import load_settings
    from headwater.investigation import Settings

    settings = load_settings(Settings, asked.settings)
    engine = settings.engine
    if asked.threads is not None:
        engine = replace(engine, threads=asked.threads)
    if asked.memory is not None:
        engine = replace(engine, memory_mb=asked.memory)
    read = replace(settings.read, imprints_only=True) if asked.imprints_only else settings.read
    return replace(settings, engine=engine, read=read)


def show(terminal: Terminal, findings: Findings, output: Path, *, as_json: bool) -> None:
    """Print the outcome to stdout: a table, or `campaigns.json`."""
    from headwater.explain import board, dumps
    from headwater.outcome import SET_ASIDE

    if as_json:
        terminal.out(dumps(findings).decode())
    else:
        terminal.draw(board(findings, report=str(output / "report.html"), set_aside=str(output / SET_ASIDE)))
