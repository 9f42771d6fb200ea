"""`headwater mark bench`: schemes by attacks, entropies and lengths, as one comparable table."""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

import click

from headwater.cli.options import PATH, as_json, manners
from headwater.cli.pages import page_place, write_page
from headwater.cli.terminal import Terminal, clean
from headwater.errors import ConfigurationError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwater.mark.bench import Plan, Rate, Row

FAULTS = 1
#: What is done where no attack is asked for; those on text where there is a tokenizer.
_TOKENS = ("none", "deletion", "substitution:share=0.1", "substitution:share=0.25", "substitution:share=0.5")
_MIXING = ("dilution", "copy-paste")
_TEXT = ("homoglyphs", "zero-width", "white-space", "lower-case", "reordering", "paraphrase")


@click.command()
@click.option(
    "--scheme",
    "schemes",
    multiple=True,
    metavar="NAME[:SETTING=VALUE,...]",
    help="A scheme that takes part (headwater mark schemes lists them; markllm/KGW is MarkLLM's); may be repeated.",
)
@click.option(
    "--keyring", type=PATH, metavar="FILE", help="Marks that take part under their own keys (TOML)."
)
@click.option(
    "--attack",
    "attacks",
    multiple=True,
    metavar="NAME[:SETTING=VALUE,...]",
    help=(
        "none, deletion, substitution, dilution, copy-paste; on text homoglyphs, zero-width, white-space, lower-case, "
        "reordering, synonyms, paraphrase. Default: all but synonyms; may be repeated."
    ),
)
@click.option("--laws", type=PATH, metavar="FILE", help="A small GPT or counts (.npz) that writes the texts.")
@click.option(
    "--tokenizer", type=PATH, metavar="FILE", help="Its tokenizer.json, which attacks on text need."
)
@click.option("--prompts", type=PATH, metavar="FILE", help="A text that prompts are cut from.")
@click.option(
    "--judge", type=PATH, metavar="FILE", help="A second model (.npz) that perplexity is taken under."
)
@click.option(
    "--entropy",
    "entropies",
    type=float,
    multiple=True,
    default=(0.7, 2.0),
    show_default=True,
    metavar="NATS",
    help="Nats a token that laws have; may be repeated.",
)
@click.option("--top-p", type=float, default=1.0, show_default=True, help="Cut each law to this share first.")
@click.option(
    "--tokens",
    "lengths",
    type=int,
    multiple=True,
    default=(50, 100, 200, 400),
    show_default=True,
    metavar="N",
    help="Length of the marked answers; may be repeated.",
)
@click.option(
    "--texts",
    type=int,
    default=50,
    show_default=True,
    metavar="N",
    help="Answers for each scheme, entropy and seed.",
)
@click.option(
    "--wrong-keys",
    type=int,
    default=10,
    show_default=True,
    metavar="N",
    help="Keys that nobody used, for each text.",
)
@click.option(
    "--seed",
    "seeds",
    type=int,
    multiple=True,
    default=(0,),
    show_default=True,
    metavar="N",
    help="May be repeated: seeds are taken together.",
)
@click.option(
    "--processes", type=click.IntRange(1, 256), default=1, show_default=True, help="How many work at once."
)
@click.option("-o", "--out", type=PATH, metavar="DIR", help="Where the table and its parts go.")
@click.option(
    "--check", is_flag=True, help="Check what the schemes promise instead, and exit with 1 for a fault."
)
@as_json
@manners
def command(
    terminal: Terminal,
    *,
    schemes: tuple[str, ...],
    keyring: Path | None,
    attacks: tuple[str, ...],
    laws: Path | None,
    tokenizer: Path | None,
    prompts: Path | None,
    judge: Path | None,
    entropies: tuple[float, ...],
    top_p: float,
    lengths: tuple[int, ...],
    texts: int,
    wrong_keys: int,
    seeds: tuple[int, ...],
    processes: int,
    out: Path | None,
    check: bool,
    as_json: bool,
) -> int:
    """Compare marks: how often they are found in texts of a length, and after what is done to texts.

    Without --laws texts are drawn from made laws, and nothing but NumPy is needed. Every answer has a key of its own;
    readers know no prompt. The same call gives the same table; after an interruption it goes on where it was.
    """
    from headwater.mark.bench import Material, Plan, spec

    if check:
        return _check(terminal, schemes, as_json=as_json)
    if out is None:
        raise UsageError("where the table goes isn't said", hint="-o FOLDER")
    if not all(map(isfinite, (*entropies, top_p))):
        raise UsageError("entropies and --top-p are numbers")
    usual = _TOKENS + _MIXING + (_TEXT if tokenizer else ())
    plan = Plan(
        tuple(map(spec, schemes)),
        tuple(map(spec, attacks or usual)),
        entropies,
        tuple(sorted(lengths)),
        Material(laws, tokenizer, prompts, judge, keyring, top_p),
        texts,
        wrong_keys,
        seeds,
    )
    rows = _run(terminal, plan, out, processes)
    if as_json:
        terminal.json([row.flat() for row in rows])
    else:
        _draw(terminal, rows, out)
    return 0


def _run(terminal: Terminal, plan: Plan, out: Path, processes: int) -> list[Row]:
    """The table, written to `out`."""
    from headwater.mark.bench import JSON_BEGINS, as_csv, as_json, run, table

    if out.exists():
        if not out.is_dir():
            raise UsageError("-o is a file, where a folder is needed", hint="name a folder")
        held = [path for path in vars(plan.material).values() if isinstance(path, Path)]
        page_place(out / "bench.json", held, what="a table", begins=(JSON_BEGINS,))
        page_place(out / "bench.csv", held, what="a table", begins=(b"scheme,exact,attack,",))
    try:
        with terminal.progress() as progress:
            rows = table(plan, run(plan, out / "parts", processes=processes, progress=progress))
    except ConfigurationError as error:
        if error.where.file is not None or error.where.field is None:
            raise
        raise UsageError(f"{error.where.field}: {error.what}", hint=error.hint) from None
    write_page(out / "bench.json", as_json(plan, rows).encode())
    write_page(out / "bench.csv", as_csv(rows).encode())
    return rows


def _draw(terminal: Terminal, rows: Sequence[Row], out: Path) -> None:
    """One table for each scheme and entropy, of the longest answers."""
    from headwater.report import Board, Column

    longest = max(row.tokens for row in rows)
    columns = [
        Column("attack", "name"),
        Column("at 10⁻²", "number"),
        Column("at 10⁻³", "number"),
        Column("ln p", "number"),
        Column("to 10⁻⁶", "number"),
        Column("false", "number"),
    ]
    judged = any(row.perplexity is not None for row in rows)
    columns += [Column("perplexity", "number", minor=True)] * judged
    groups: dict[tuple[str, float], list[Row]] = {}
    for row in rows:
        if row.tokens == longest:
            groups.setdefault((row.scheme, row.entropy_asked), []).append(row)
    for (scheme, _), some in groups.items():
        cells = [
            [
                row.attack,
                _between(row.tpr[0]),
                _between(row.tpr[1]),
                f"{row.median_log_p:.1f}",
                "–" if row.tokens_to_goal is None else f"{row.tokens_to_goal:,.0f}",
                f"{row.wrong_keys[0].rate:.1%}",
                *["–" if row.perplexity is None else f"{row.perplexity:.1f}"] * judged,
            ]
            for row in some
        ]
        told = f"{some[0].entropy:.2f} nats, {some[0].texts:,} answers of {longest:,} tokens"
        below = [] if some[0].exact else ["its p-values aren't exact: go by the false ones"]
        terminal.draw(Board([(scheme, told)], columns, cells, below))
        terminal.out("\n")
    terminal.out("shares of p-values at or below, with 95% intervals; false: under wrong keys, at 10⁻²\n")
    terminal.out(f"all lengths: {clean(str(out / 'bench.csv'))}\n")


def _between(rate: Rate) -> str:
    share, low, high = (_percent(each) for each in (rate.rate, *rate.interval))
    return f"{share}% ({low}–{high})"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}" if 0 < share < 0.1 else f"{100 * share:.0f}"


def _check(terminal: Terminal, schemes: tuple[str, ...], *, as_json: bool) -> int:
    """Each promise of each scheme."""
    from headwater.mark.bench import conformance, entrant, spec

    if not schemes:
        raise UsageError("no scheme is given", hint="--check --scheme NAME")
    told = {}
    for each in map(spec, schemes):
        scheme = entrant(each.name, each.settings, 4096).scheme
        told[each.label] = conformance(scheme)
    if as_json:
        terminal.json({name: [vars(one) for one in found] for name, found in told.items()})
    else:
        for name, found in told.items():
            terminal.out(f"{name}\n")
            for one in found:
                seen = f" ({one.seen})" if one.seen and not one.kept else ""
                terminal.out(f"  {'✓' if one.kept else '✗'} {one.promise}{seen}\n")
    return FAULTS if any(not one.kept for found in told.values() for one in found) else 0
