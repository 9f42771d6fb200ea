"""`headwater audit`: whose a corpus is, what models left in it, which terms bind it; and what to do about it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headwater.cli.options import HELP, PATH, Group, as_json, manners, max_bad, too_many_bad
from headwater.cli.terminal import Terminal
from headwater.errors import UsageError

if TYPE_CHECKING:
    from headwater.provenance.audit import AuditSettings, Report
    from headwater.provenance.terms import Use

FOUND = 1
#: `--fail-on` → the verdicts, and the answers, that make the exit code 1.
FAILING: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "prohibited": ((), ("prohibited-by-contract",)),
    "restricted": ((), ("prohibited-by-contract", "restricted-to")),
    "bound": (("bound",), ()),
    "unknown": (("bound", "unknown"), ()),
    "never": ((), ()),
}
_USES = (
    "train",
    "train-competing",
    "train-internal",
    "train-classifier",
    "finetune-on-provider",
    "evaluate",
    "redistribute",
)
_ROW = "FILE:ROW"


class Audit(Group):
    """A group whose first argument may be a corpus instead of a command: then the corpus is audited."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """`headwater audit data/` is `headwater audit run data/`."""
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = ["run", *args]
        return super().parse_args(ctx, args)


@click.group(cls=Audit, context_settings=HELP)
def command() -> None:
    """Say whose a corpus is, what models left in it, and which terms bind it.

    `headwater audit CORPUS` audits a file or folder (JSON lines, JSON, Parquet, CSV, Arrow; .gz and .zst; a folder from
    Hugging Face); `headwater audit run --help` lists its options.
    """


@command.command(hidden=False)
@click.argument("corpus", type=PATH, metavar="CORPUS")
@click.option(
    "-o", "--out", type=PATH, default=Path("audit"), show_default=True, metavar="DIR", help="Where to write."
)
@click.option(
    "--use",
    type=click.Choice(_USES),
    default="train",
    show_default=True,
    help="What the rows are to be used for; terms answer on it.",
)
@click.option("--model-name", metavar="NAME", help="What the trained model will be called (some terms ask).")
@click.option("--non-commercial", is_flag=True, help="The use isn't commercial.")
@click.option(
    "--authorised", multiple=True, metavar="PROVIDER", help="A provider that authorised the use in writing."
)
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="COLUMN=ROLE",
    help="Take a column for: generator, licence, source, date, …; or for text, or nothing.",
)
@click.option(
    "--set",
    "constants",
    multiple=True,
    metavar="ROLE=VALUE",
    help="A claim for every row, for example provider=openai, account-type=api.",
)
@click.option("--text", "text", multiple=True, metavar="COLUMN", help="Search these columns only.")
@click.option("--terms", "terms", multiple=True, type=PATH, metavar="DIR", help="Terms files of your own.")
@click.option(
    "--rights", type=PATH, metavar="DIR", help="Saved robots.txt, tdmrep.json, rsl.xml: a folder a host."
)
@click.option(
    "--keyring", type=PATH, metavar="FILE", help="Read the marks of this keyring in every text (TOML)."
)
@click.option(
    "--verifier", "verifiers", multiple=True, metavar="NAME[=ARG]", help="A registry or detector to ask."
)
@click.option(
    "--sample",
    type=click.IntRange(0),
    default=4000,
    show_default=True,
    help="Rows to estimate from; 0: none.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Which rows are sampled.")
@click.option(
    "--processes", type=click.IntRange(1), metavar="N", help="How many work at once; all cores by default."
)
@click.option(
    "--fail-on",
    type=click.Choice(list(FAILING)),
    default="bound",
    show_default=True,
    help="Exit with 1 where a row's answer is at least this strict (bound: also duties).",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "github", "sarif"]),
    default="table",
    show_default=True,
    help="What to print.",
)
@max_bad
@as_json
@manners
def run(
    terminal: Terminal,
    *,
    corpus: Path,
    out: Path,
    fail_on: str,
    form: str,
    max_bad: int | None,
    as_json: bool,
    **asked: Any,
) -> int:
    """Audit CORPUS, a file or a folder; it is only read.

    Writes audit.html, audit.json, annotations (one row for each row, in Parquet) and, where rows could not be read,
    set_aside.jsonl into DIR. A run that was ended goes on when it is started again.
    """
    from headwater.provenance.audit import audit

    settings = _settings(**asked)
    with terminal.progress() as progress:
        report = audit(corpus, out, settings, asked_at=datetime.now(UTC).date(), progress=progress)
        progress("write the page", 0, None)
        page = write_page(report, out)
    _show(terminal, report, page, "json" if as_json else form)
    if code := too_many_bad(terminal, report.set_aside.total, max_bad):
        return code
    verdicts, answers = FAILING[fail_on]
    failing = any(report.verdicts[name] for name in verdicts) or any(report.answers[name] for name in answers)
    return FOUND if failing else 0


@command.command()
@click.argument("folder", type=PATH, metavar="DIR")
@click.argument("row", metavar=_ROW)
@as_json
@manners
def explain(terminal: Terminal, *, folder: Path, row: str, as_json: bool) -> int:
    """Say all that the audit in DIR knows of one row, counted from 1: data/train.jsonl:17."""
    from headwater.explain.audited import row_lines
    from headwater.provenance.audit import explain_row

    told = explain_row(folder, row)
    if as_json:
        terminal.json(told)
    else:
        from headwater.report import clean

        terminal.out("".join(clean(line) + "\n" for line in row_lines(told)))
    return 0


@command.command()
@click.argument("folder", type=PATH, metavar="DIR")
@click.option("--to", type=PATH, required=True, metavar="FOLDER", help="A new folder for the three parts.")
@click.option("--corpus", type=PATH, metavar="CORPUS", help="Where the corpus lies now, if it was moved.")
@as_json
@manners
def split(terminal: Terminal, *, folder: Path, to: Path, corpus: Path | None, as_json: bool) -> int:
    """Copy the audited corpus's clean, bound and unknown rows apart; the corpus stays as it is."""
    from headwater.explain import words
    from headwater.provenance.audit import split as part

    counts = part(folder, to, source=corpus)
    if as_json:
        terminal.json(counts)
    else:
        terminal.out("".join(f"{to / name}: {words.many(count, 'row')}\n" for name, count in counts.items()))
    return 0


@command.command()
@click.argument("folder", type=PATH, metavar="DIR")
@click.argument("row", metavar=_ROW)
@click.option(
    "--reason", required=True, metavar="TEXT", help="Why the audit is wrong here, or why it is right."
)
@click.option("--by", required=True, metavar="NAME", help="Who says so.")
@click.option(
    "--decide",
    type=click.Choice(["clean", "bound", "unknown"]),
    help="A person's decision; without it the dispute is open, and split counts the row as unknown.",
)
@as_json
@manners
def dispute(
    terminal: Terminal, *, folder: Path, row: str, reason: str, by: str, decide: Any, as_json: bool
) -> int:
    """Record that a finding or verdict on a row is disputed, or a person's decision on it."""
    from headwater.explain.audited import row_lines
    from headwater.provenance.audit import dispute as record
    from headwater.provenance.audit import load_report
    from headwater.report import clean

    told = record(folder, row, reason=_whole(reason), by=_whole(by), at=datetime.now(UTC), decided=decide)
    write_page(load_report(folder), folder)
    if as_json:
        terminal.json(told)
    else:
        terminal.out("".join(clean(line) + "\n" for line in row_lines(told)))
    return 0


def write_page(report: Report, out: Path) -> Path:
    """Write the report's page; where it lies."""
    from headwater.explain.audited import audit_page
    from headwater.places import together
    from headwater.provenance.audit import disputes
    from headwater.report import html

    with together(out) as place:
        place("audit.html").write_bytes(html(audit_page(report, list(disputes(out)))))
    return out / "audit.html"


def _show(terminal: Terminal, report: Report, page: Path, form: str) -> None:
    from headwater.explain.audited import audit_board, audit_markdown, audit_sarif

    if form == "json":
        terminal.json(report)
    elif form == "github":
        terminal.out(audit_markdown(report))
    elif form == "sarif":
        terminal.json(audit_sarif(report))
    else:
        terminal.draw(audit_board(report, page=str(page)))


def _settings(
    *,
    use: str,
    model_name: str | None,
    non_commercial: bool,
    authorised: tuple[str, ...],
    columns: tuple[str, ...],
    constants: tuple[str, ...],
    text: tuple[str, ...],
    terms: tuple[Path, ...],
    rights: Path | None,
    keyring: Path | None,
    verifiers: tuple[str, ...],
    sample: int,
    seed: int,
    processes: int | None,
) -> AuditSettings:
    """The options as the audit takes them."""
    from headwater.engine import Resources
    from headwater.provenance.audit import COLUMN_NAMES, AuditSettings

    roles = {name: _role(role, COLUMN_NAMES) for name, role in _pairs("--column", columns)}
    claims: dict[Any, str] = {}
    for name, value in _pairs("--set", constants):
        role = _role(name, COLUMN_NAMES)
        if role is None:
            raise UsageError(
                f"--set {name}: no claim is called so", hint=f"claims: {', '.join(COLUMN_NAMES)}"
            )
        claims[role] = value
    return AuditSettings(
        use=_use(use, model_name, authorised, commercial=False if non_commercial else None),
        roles=roles,
        constants=claims,
        text=frozenset(text),
        terms=terms,
        rights=rights,
        verifiers=(*verifiers, *([f"marks={keyring}"] if keyring else [])),
        sample=sample,
        seed=seed,
        processes=processes or Resources().workers,
    )


def _use(name: str, model_name: str | None, authorised: tuple[str, ...], *, commercial: bool | None) -> Use:
    import msgspec

    from headwater.provenance.terms import USES

    use = USES[name]
    return msgspec.structs.replace(
        use,
        model_name=model_name if model_name is None else _whole(model_name),
        authorised=tuple(map(_whole, authorised)),
        commercial=use.commercial if commercial is None else commercial,
    )


def _whole(text: str) -> str:
    """Text of the command line; bytes that are no UTF-8 as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def _pairs(option: str, given: tuple[str, ...]) -> list[tuple[str, str]]:
    pairs = []
    for each in given:
        name, equals, value = each.partition("=")
        if not (name and equals and value):
            raise UsageError(f"{option} needs NAME=VALUE", hint=f"for example {option} provider=openai")
        pairs.append((_whole(name), _whole(value)))
    return pairs


def _role(name: str, known: Any) -> Any:
    """A role by its name; None for "text" and "nothing"."""
    if name in known:
        return name
    if name in ("text", "nothing", "none"):
        return None
    from difflib import get_close_matches

    near = get_close_matches(name, list(known), n=1)
    raise UsageError(
        f"no role is called {name[:40]!r}",
        hint=f"did you mean {near[0]}?" if near else f"roles: {', '.join(known)}, text",
    )
