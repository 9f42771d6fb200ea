"""`headwater terms`: what providers' terms and rights signals say of a use of outputs, and what changed."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headwater.cli.options import HELP, PATH, Group, as_json, manners
from headwater.cli.terminal import Terminal, clean
from headwater.errors import UsageError, unreadable

if TYPE_CHECKING:
    from headwater.provenance.terms import Answer, Clause, Origin, Registry, Signal, Terms, Use, Verdict
    from headwater.report import Board

_USES = (
    "train",
    "train-competing",
    "train-internal",
    "train-classifier",
    "finetune-on-provider",
    "evaluate",
    "redistribute",
)
_FAIL_ON: dict[str, Verdict] = {
    "duties": "allowed-with-duties",
    "unknown": "unknown",
    "restricted": "restricted-to",
    "prohibited": "prohibited-by-contract",
}
_MOST_BYTES = 1024 * 1024
#: Quotes that an answer shows in a terminal.
_MOST_QUOTES = 5
DAY = click.DateTime(formats=["%Y-%m-%d"])

own_terms = click.option(
    "--terms", "folders", type=PATH, multiple=True, metavar="DIR", help="A folder of terms of your own, too."
)


@click.group(cls=Group, context_settings=HELP)
def command() -> None:
    """Say what terms say about training on outputs."""


@command.command("list")
@click.argument("provider", required=False)
@own_terms
@as_json
@manners
def list_(terminal: Terminal, *, provider: str | None, folders: tuple[Path, ...], as_json: bool) -> int:
    """List the documents of the registry, or those of one PROVIDER."""
    registry = _registry(folders)
    slugs = _slugs(registry, provider) if provider else registry.documents()
    if as_json:
        terminal.json([_listed(slug, registry.versions(slug)) for slug in slugs])
        return 0
    from headwater.report import Board, Column

    rows: list[list[str | int]] = [
        [slug, len(v := registry.versions(slug)), _day(v[0].valid_from), _day(v[-1].last_seen)]
        for slug in slugs
    ]
    columns = [Column("document", "name"), Column("versions", "number"), Column("since"), Column("last seen")]
    terminal.draw(Board(above=[], columns=columns, rows=rows, below=[]))
    return 0


@command.command()
@click.argument("document", metavar="PROVIDER[/DOCUMENT]")
@click.option("--at", type=DAY, metavar="DATE", help="The day to show; without it every version.")
@own_terms
@as_json
@manners
def show(
    terminal: Terminal,
    *,
    document: str,
    at: datetime.datetime | None,
    folders: tuple[Path, ...],
    as_json: bool,
) -> int:
    """Show clauses: what they say, since when, in which words, and how sure the reading is."""
    registry = _registry(folders)
    day = at.date() if at else None
    shown: list[Terms] = []
    early: list[str] = []
    for slug in _slugs(registry, document):
        force = registry.in_force(slug, day) if day else None
        shown += force.versions if force else registry.versions(slug)
        early += [slug] if force and force.early else []
    if as_json:
        terminal.json([_version(terms) for terms in shown])
    else:
        _lines(terminal, _shown(shown))
    for slug in early:
        terminal.say(f"note: the first version of {slug} that is known begins later than {day}")
    return 0


@command.command()
@click.argument("document", metavar="PROVIDER[/DOCUMENT]")
@click.option("--from", "since", type=DAY, metavar="DATE", help="The earlier day.")
@click.option("--to", "until", type=DAY, metavar="DATE", help="The later day.")
@own_terms
@as_json
@manners
def diff(
    terminal: Terminal,
    *,
    document: str,
    since: datetime.datetime | None,
    until: datetime.datetime | None,
    folders: tuple[Path, ...],
    as_json: bool,
) -> int:
    """Say what changed between the versions of a document: clauses that came, went, or are worded anew."""
    registry = _registry(folders)
    if since and until and since > until:
        raise UsageError("--from is later than --to", hint="swap them")
    changes = [
        change
        for slug in _slugs(registry, document)
        for change in _changes(
            registry.versions(slug), since.date() if since else None, until.date() if until else None
        )
    ]
    if as_json:
        terminal.json(changes)
        return 0
    lines = [line for change in changes for line in _told(change)]
    _lines(terminal, lines or ["no version began in this time"])
    return 0


@command.command()
@click.option("--model", metavar="NAME", help="The model as a column or card names it.")
@click.option("--provider", metavar="SLUG", help="The provider, where no model is named.")
@click.option(
    "--product", metavar="SLUG", help="The product the outputs came from, as `terms list --json` names it."
)
@click.option(
    "--account-type", type=click.Choice(["consumer", "business", "api"]), help="The kind of account."
)
@click.option("--at", type=DAY, metavar="DATE", help="The day on which the outputs were generated.")
@click.option(
    "--router", metavar="NAME", help="A service that passed the request on (openrouter, bedrock, …)."
)
@click.option("--human", is_flag=True, help="The text is claimed to be people's own.")
@click.option(
    "--licence", "licences", multiple=True, metavar="ID", help="A licence of the data (may be repeated)."
)
@click.option("--robots", type=PATH, metavar="FILE", help="The robots.txt of the site that the text is from.")
@click.option("--rsl", type=PATH, metavar="FILE", help="Its RSL licence.")
@click.option("--tdmrep", type=PATH, metavar="FILE", help="Its tdmrep.json.")
@click.option("--path", metavar="PATH", default="/", show_default=True, help="The text's path on that site.")
@click.option("--content-usage", metavar="VALUE", help="The Content-Usage header that came with the text.")
@click.option(
    "--use", type=click.Choice(_USES), default="train", show_default=True, help="What is to be done."
)
@click.option("--model-name", metavar="NAME", help="What the trained model will be called.")
@click.option("--distributed/--internal", default=None, help="Whether the trained model is given to others.")
@click.option("--commercial/--non-commercial", default=None, help="Whether the use is commercial.")
@click.option(
    "--competing/--not-competing", default=None, help="Whether the trained model competes with the provider."
)
@click.option("--authorised", multiple=True, metavar="SLUG", help="A provider that authorised it in writing.")
@click.option(
    "--holder", type=click.Choice(["account-holder", "third-party"]), help="Who holds the text now."
)
@click.option(
    "--fail-on", type=click.Choice(list(_FAIL_ON)), help="Exit with 1 for this verdict or a stricter one."
)
@own_terms
@as_json
@manners
def check(
    terminal: Terminal, *, fail_on: str | None, folders: tuple[Path, ...], as_json: bool, **asked: Any
) -> int:
    """Say whether terms, licences and rights signals allow a use, and why.

    The answer is allowed, allowed-with-duties, unknown, restricted-to or prohibited-by-contract: what the strictest
    of the texts says. What isn't given is asked in every way. It is not legal advice.
    """
    from headwater.provenance.terms import CAUTION, ORDER

    if not (asked["model"] or asked["provider"] or asked["human"] or asked["licences"] or _has_signal(asked)):
        raise UsageError(
            "nothing says where the text came from",
            hint="give --model, --provider, --human, --licence or a signal",
        )
    registry = _registry(folders)
    origin, use = _origin(registry, asked), _use(asked)
    answer = registry.answer(origin, use)
    if as_json:
        terminal.json({"origin": origin, "use": use, "answer": answer, "caution": CAUTION})
    else:
        terminal.draw(_answered(answer, asked["use"]))
    if fail_on and ORDER.index(answer.verdict) >= ORDER.index(_FAIL_ON[fail_on]):
        return 1
    return 0


def _registry(folders: tuple[Path, ...]) -> Registry:
    from headwater.provenance.terms import load_registry

    return load_registry(*folders)


def _slugs(registry: Registry, name: str) -> tuple[str, ...]:
    """The documents of "provider" or "provider/document"; an error with the nearest name."""
    wanted = name.strip().lower()
    found = tuple(slug for slug in registry.documents() if wanted in (slug, slug.partition("/")[0]))
    if not found:
        from difflib import get_close_matches

        near = get_close_matches(wanted, [*registry.documents(), *registry.providers()], n=1)
        hint = f"did you mean {near[0]}?" if near else "`headwater terms list` names them"
        raise UsageError("the registry has no such provider or document", hint=hint)
    return found


def _known(what: str, name: str, names: Iterable[str]) -> None:
    """UsageError with the nearest name where the registry has none such."""
    if name not in names:
        from difflib import get_close_matches

        near = get_close_matches(name, sorted(names), n=1)
        hint = f"did you mean {near[0]}?" if near else "`headwater terms list --json` names them"
        raise UsageError(f"the registry has no {what} {name[:40]!r}", hint=hint)


def _day(day: datetime.date | None) -> str:
    return day.isoformat() if day else "–"


def _since(terms: Terms) -> str:
    """From when until when a version was in force, and on what that rests."""
    begin = f"{terms.valid_from} ({terms.valid_from_basis})" if terms.valid_from else "a day that isn't known"
    if terms.valid_to:
        return f"{begin} until {terms.valid_to}"
    return f"{begin}, last seen {_day(terms.last_seen)}"


def _listed(slug: str, versions: tuple[Terms, ...]) -> dict[str, Any]:
    last = versions[-1]
    products = sorted({f"{c.product}/{c.account_type}" for v in versions for c in v.covers})
    return {
        "document": slug,
        "name": last.document.name,
        "kind": last.document.kind,
        "url": last.document.url,
        "covers": products,
        "models": sorted({model for v in versions for model in v.models}),
        "versions": [v.version for v in versions],
        "last_seen": last.last_seen,
    }


def _version(terms: Terms) -> dict[str, Any]:
    return {
        "document": terms.slug,
        "version": terms.version,
        "uid": terms.uid,
        "name": terms.document.name,
        "valid_from": terms.valid_from,
        "valid_from_basis": terms.valid_from_basis,
        "valid_to": terms.valid_to,
        "last_seen": terms.last_seen,
        "silent": terms.silent,
        "clauses": [{"rule": kind, **_as_dict(clause)} for kind, clause in _clauses(terms)],
    }


def _as_dict(clause: Clause) -> dict[str, Any]:
    import msgspec

    return msgspec.structs.asdict(clause)


def _clauses(terms: Terms) -> list[tuple[str, Clause]]:
    from headwater.provenance.terms import clause_of

    if terms.silent:
        return [("silent", clause_of(terms, None))]
    return [(kind, clause_of(terms, rule)) for kind, rule in terms.rules()]


def _shown(versions: list[Terms]) -> list[str]:
    """Each version with its clauses, quotes and sources, in lines."""
    lines: list[str] = []
    for terms in versions:
        lines.append(f"{terms.slug} {terms.version}: {terms.document.name}, {_since(terms)}")
        for kind, clause in _clauses(terms):
            lines.append(f"  {kind}: {clause.says}")
            if clause.quote:
                lines.append(f"    “{clause.quote}”{f' ({clause.section})' if clause.section else ''}")
            commit = f" at {clause.commit[:12]}" if clause.commit else ""
            lines.append(f"    {clause.source or 'no source'}{commit}, confidence {clause.confidence}")
    return lines or ["no version is known for that day"]


def _lines(terminal: Terminal, lines: list[str]) -> None:
    """Write lines as wide as the terminal; what is broken keeps its indentation."""
    import shutil
    import textwrap

    width = shutil.get_terminal_size().columns
    for line in lines:
        told = clean(line.lstrip(" "))
        indent = " " * (len(line) - len(line.lstrip(" ")))
        terminal.out(
            textwrap.fill(told, width, initial_indent=indent, subsequent_indent=f"{indent}  ") + "\n"
        )


def _told(change: dict[str, Any]) -> list[str]:
    """A step from one version to the next, in lines."""
    signs = (("came", "+"), ("went", "-"), ("reworded", "~"))
    lines = [f"  {sign} {text}" for name, sign in signs for text in change[name]]
    return [
        f"{change['document']}: {change['from']} → {change['to']}",
        *(lines or ["  the rules and their words are the same"]),
    ]


def _changes(
    versions: tuple[Terms, ...], since: datetime.date | None, until: datetime.date | None
) -> list[dict[str, Any]]:
    """Each step from one version to the next that began after `since` and up to `until`."""
    changes = []
    for before, after in pairwise(versions):
        begins = after.valid_from or datetime.date.min
        if begins <= (since or datetime.date.min) or begins > (until or datetime.date.max):
            continue
        old = {_rule(kind, clause): clause for kind, clause in _clauses(before) if kind != "silent"}
        new = {_rule(kind, clause): clause for kind, clause in _clauses(after) if kind != "silent"}
        changes.append(
            {
                "document": after.slug,
                "from": before.version,
                "to": after.version,
                "came": [clause.says for key, clause in new.items() if key not in old],
                "went": [clause.says for key, clause in old.items() if key not in new],
                "reworded": [c.says for key, c in new.items() if key in old and c.quote != old[key].quote],
            }
        )
    return changes


def _rule(kind: str, clause: Clause) -> str:
    """What makes a clause the same one in two versions: its kind, action, constraints and duties."""
    return f"{kind} {clause.rule}"


def _has_signal(asked: dict[str, Any]) -> bool:
    return any(asked[name] for name in ("robots", "rsl", "tdmrep", "content_usage"))


def _origin(registry: Registry, asked: dict[str, Any]) -> Origin:
    from headwater.provenance.terms import Origin

    provider = asked["provider"]
    if provider and provider not in registry.providers():
        _slugs(registry, provider)
    covers = {c.product for slug in registry.documents() for v in registry.versions(slug) for c in v.covers}
    if asked["product"]:
        _known("product", asked["product"], covers)
    for authorised in asked["authorised"]:
        _known("provider", authorised, registry.providers())
    return Origin(
        model=asked["model"],
        provider=provider,
        product=asked["product"],
        account_type=asked["account_type"],
        router=asked["router"],
        at=asked["at"].date() if asked["at"] else None,
        licences=asked["licences"],
        signals=_signals(asked),
        human=True if asked["human"] else None,
        holder=asked["holder"],
    )


def _signals(asked: dict[str, Any]) -> tuple[Signal, ...]:
    from headwater.provenance.terms import read_content_usage, read_robots, read_rsl, read_tdmrep

    found: list[Signal] = []
    path = asked["path"]
    if asked["robots"]:
        found += read_robots(_bytes(asked["robots"]), path=path, where=str(asked["robots"]))
    if asked["rsl"]:
        found += read_rsl(_bytes(asked["rsl"]), path=path, where=str(asked["rsl"]))
    if asked["tdmrep"]:
        found += read_tdmrep(_bytes(asked["tdmrep"]), path=path, where=str(asked["tdmrep"]))
    if asked["content_usage"]:
        found.append(read_content_usage(asked["content_usage"]))
    return tuple(found)


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise unreadable(path, error) from None


def _use(asked: dict[str, Any]) -> Use:
    """The named use, with what the options say of it in place of what the name says."""
    import msgspec

    from headwater.provenance.terms import USES

    names = ("model_name", "distributed", "commercial", "competing")
    said = {name: asked[name] for name in names if asked[name] is not None}
    return msgspec.structs.replace(USES[asked["use"]], authorised=asked["authorised"], **said)


def _answered(answer: Answer, use: str) -> Board:
    """The verdict, the chain, what is asked in return, what isn't known, who is bound, and the caution."""
    from headwater.provenance.terms import CAUTION
    from headwater.report import Board, Column

    rows = [[link.kind, link.name, link.verdict, link.sentence] for link in answer.links]
    below = [f"only: {text}" for text in answer.conditions]
    below += [f"asked in return: {text}" for text in answer.duties]
    below += [f"not known: {text}" for text in answer.unknown]
    clauses = [c for link in answer.links if link.verdict == answer.verdict for c in link.clauses]
    quotes = {
        c.quote: f"{c.says} “{c.quote}” ({c.document}, {c.version}, confidence {c.confidence})"
        for c in clauses
        if c.quote
    }
    below += list(quotes.values())[:_MOST_QUOTES]
    if len(quotes) > _MOST_QUOTES:
        below.append(f"{len(quotes) - _MOST_QUOTES} more quotes: --json has them all")
    below += [f"who is bound: {answer.bound}", CAUTION]
    columns = [Column("link"), Column("whose", "name"), Column("verdict"), Column("what it says")]
    return Board(
        above=[(f"{answer.verdict}: {use}", ""), (answer.sentence, "")],
        columns=columns,
        rows=rows,
        below=below,
    )
