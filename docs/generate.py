"""Writes the reference pages that the code already knows: commands, tables, settings, errors.

`python docs/generate.py` writes them, `--check` only says which are out of date (a house test asks the same),
`--demo` also runs the demo and shows its output in README and tutorial.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headwater.exchange import Column

ROOT = Path(__file__).resolve().parent.parent
MARK = "<!-- Written by docs/generate.py (make docs). Change the code, not this page. -->"


def page(title: str, *parts: str) -> str:
    """A page with its mark; `parts` are paragraphs or blocks."""
    return "\n\n".join([f"# {title}", MARK, *(part.strip("\n") for part in parts)]) + "\n"


def prose(*parts: str) -> str:
    """One paragraph, wrapped."""
    return textwrap.fill(" ".join(parts), 110, break_long_words=False, break_on_hyphens=False)


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table; pipes in cells are escaped."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def cli() -> str:
    """Every command's own help."""
    import click

    from headwater.cli.app import COMMANDS, app

    def helps(command: click.Command, path: str) -> Iterator[str]:
        context = click.Context(command, info_name=path, terminal_width=100, **app.context_settings)
        yield f"## {path}\n\n```text\n{command.get_help(context).rstrip()}\n```"
        if isinstance(command, click.Group) and command is not app:
            for name in command.list_commands(context):
                inner = command.get_command(context, name)
                assert inner is not None
                yield from helps(inner, f"{path} {name}")

    blocks = list(helps(app, "headwater"))
    for name in COMMANDS:
        command = app.get_command(click.Context(app, **app.context_settings), name)
        assert command is not None
        blocks += helps(command, f"headwater {name}")
    intro = prose(
        "Data goes to stdout, everything else to stderr. Progress is drawn only on a terminal. `--color`",
        "wins over `NO_COLOR`, and that over `CLICOLOR_FORCE` and `FORCE_COLOR`. `HEADWATER_DEBUG=1` shows",
        "the trace of a fault in Headwater itself; it may quote the log.",
    )
    return page("Command line", intro, *blocks)


def exchange() -> str:
    """The two tables, from the schemas."""
    from headwater.exchange import ACCOUNT_COLUMNS, EXCHANGE_COLUMNS, IMPRINT_TYPE
    from headwater.exchange.readers.clients import HEADERS
    from headwater.exchange.readers.otel_names import HEADER

    head = ("column", "Arrow type", "required", "meaning")
    imprint = [(f"`{field.name}`", f"`{_brief(field.type)}`") for field in IMPRINT_TYPE]
    return page(
        "Exchange and account",
        prose(
            "One row is one API call. Every reader produces these columns and everything above reads them. A",
            "column that a log does not have is absent or null; it is never invented. Of `prompt` and",
            "`imprint` one is required. Times are UTC with microseconds; units stand in the names.",
        ),
        "## Exchange",
        table(head, _columns(EXCHANGE_COLUMNS)),
        "## What identifies a client",
        prose(
            "`tls`, `ja4h`, `http2` and `header_order` are computed by an edge (CDN, load balancer), which hands",
            "them on in request headers. Readers find them there: in request/response pairs that keep headers,",
            f"in OpenTelemetry spans (`{HEADER}<name>`, where instrumentations are told to keep them),",
            "and in LiteLLM (`requester_custom_headers`: headers that begin with x-). Langfuse and Helicone keep",
            "no headers. See that the edge overwrites what a client itself sends under these names. Of several",
            "headers the first counts; a column of this name beside a pair, or `tls.client.ja4` and",
            "`tls.client.ja3` of a span, count before headers.",
        ),
        table(
            ("column", "headers"),
            [(f"`{c}`", ", ".join(f"`{n}`" for n in names)) for c, names in HEADERS.items()],
        ),
        prose(
            "`previous` is the newest answer among the messages of a request: every reader that finds messages fills",
            "it, a mapping file whose `prompt` names them included.",
        ),
        "## Account",
        prose(
            "Given with `--accounts`, as Parquet, CSV or JSON lines. An account that is not listed is still",
            "investigated.",
        ),
        table(head, _columns(ACCOUNT_COLUMNS)),
        "## Imprint",
        "A struct in the column `imprint`, made from the prompt under a key: see [the imprint](imprint.md).",
        table(("field", "Arrow type"), imprint),
    )


def outputs() -> str:
    """The two tables of a report, from their columns."""
    from headwater.outcome import ACCOUNTS, EXCHANGES

    head = ("column", "Arrow type", "never null", "meaning")
    return page(
        "accounts.parquet and exchanges.parquet",
        prose(
            "`headwater investigate` writes both beside the report, for joining with tables of your own. In",
            "Python they are `found.accounts` and `found.exchanges()`. A *reported campaign* is one that the",
            "terminal and the report list (its word is likely, or confirmed by a person); groups that were",
            "only considered stand in a column of their own and are no findings.",
        ),
        "## accounts.parquet",
        "One row an account of the log, in order of name.",
        table(head, _columns(ACCOUNTS)),
        "## exchanges.parquet",
        "One row an exchange of the log in the order of reading, duplicates left out; no text of any.",
        table(head, _columns(EXCHANGES)),
    )


def _columns(columns: Iterable[Column]) -> list[tuple[str, ...]]:
    return [(f"`{c.name}`", f"`{_brief(c.type)}`", "yes" if c.required else "", c.meaning) for c in columns]


def _brief(kind: object) -> str:
    text = str(kind)
    return (
        "struct, see below"
        if text.startswith("struct")
        else text.replace(" not null", "").replace("item: ", "")
    )


RAISED = {"HeadwaterError", "UsageError", "ConfigurationError", "UnreadableInput", "BadRow"}
#: Shorthands that rooms use for one of them, by the name that is called.
SHORTHANDS = {"fault": "ConfigurationError", "bad": "BadRow"}


def messages() -> dict[str, list[tuple[str, str, str]]]:
    """Per kind of error: the texts it is raised with, their hints, and the room they come from."""
    found: dict[str, set[tuple[str, str, str]]] = {}
    for path in sorted((ROOT / "src/headwater").rglob("*.py")):
        room = path.relative_to(ROOT / "src/headwater").parts[0].removesuffix(".py")
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = {
            target.id: node.value
            for node in ast.walk(tree)
            if isinstance(node, (ast.Assign, ast.AnnAssign))
            and isinstance(node.value, (ast.Constant, ast.JoinedStr))
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            kind = SHORTHANDS.get(called, called)
            if kind not in RAISED:
                continue
            what = _literal(node.args[0], named)
            hint = next((_literal(k.value, named) for k in node.keywords if k.arg == "hint"), "")
            if what.strip("… "):
                found.setdefault(kind, set()).add((what, hint, room))
    return {kind: sorted(found[kind]) for kind in sorted(found)}


def _literal(node: ast.expr, named: dict[str, ast.expr]) -> str:
    """A text as written, with … where a value goes."""
    if isinstance(node, ast.Name) and node.id in named:
        return _literal(named[node.id], {})
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_literal(part, {}) if isinstance(part, ast.Constant) else "…" for part in node.values)
    if isinstance(node, ast.IfExp):
        return " / ".join(
            filter(None, (_literal(side, named).strip("…") for side in (node.body, node.orelse)))
        )
    return "…"


def errors() -> str:
    """Every message with a fixed text, by kind."""
    means = {
        "UsageError": "An option or argument cannot be used as given. Exit code 2.",
        "ConfigurationError": "A configuration file, policy pack or key cannot be used. Exit code 2.",
        "UnreadableInput": "A file or folder cannot be read at all. Exit code 2.",
        "BadRow": prose(
            "One row cannot be used: it is set aside and counted, and the others go on. More than",
            "`--max-bad` of them end in exit code 3.",
        ),
        "HeadwaterError": "Anything else that ends a command. Exit code 2.",
    }
    parts = []
    for kind, texts in messages().items():
        rows = [(what, "" if hint == "…" else hint, room) for what, hint, room in texts]
        parts += [f"## {kind}\n\n{means[kind]}", table(("text", "hint", "room"), rows)]
    return page(
        "Errors",
        prose(
            "An error says where (file, row, field), what, and what to do. It never quotes a prompt or a",
            "secret: values are described by their type and length. `…` stands for a value.",
        ),
        *parts,
    )


def settings() -> str:
    """Every setting with its default, variable and meaning."""
    from headwater.cli.settings import paths_of, variable
    from headwater.investigation import Settings

    rows = []
    for path, entry in paths_of(Settings):
        value: object = Settings()
        for name in path:
            value = getattr(value, name)
        about = [entry.metadata.get(key, "") for key in ("range", "doc")]
        rows.append((f"`{'.'.join(path)}`", f"`{value!r}`", about[0], f"`{variable(path)}`", about[1]))
    return page(
        "Settings",
        prose(
            "Settings come from `headwater.toml` in the working folder (or `--settings FILE`), then from the",
            "environment, then from options. `headwater config check` prints what is in force.",
        ),
        table(("setting", "default", "range", "environment", "meaning"), rows),
    )


def _in_company(name: str) -> str:
    """What is left of a piece beside others."""
    from headwater.detect.fusion import FUSED

    supports, against = (weights.get(name, 1.0) for weights in (FUSED.supports, FUSED.against))
    return f"{supports:g} of that for a campaign, {against:g} against one"


def evidence() -> str:
    """Every detector's card, word for word."""
    from headwater.detect import declarations, fold, load
    from headwater.detect.fusion import FUSION
    from headwater.detect.rates import false_positive
    from headwater.explain import words

    cards = {each.card.name: each.card for each in load()}
    cards |= {card.name: card for card in (declarations.ORGANISATION, declarations.DECLARED, FUSION)}
    parts = []
    for card in sorted(cards.values(), key=lambda card: (card.group, card.name)):
        needs = list(card.needs) + ([" or ".join(card.any_of)] if card.any_of else [])
        rows = [
            ("sees", card.sees),
            ("null model", card.null),
            ("false positives", false_positive(card)),
            ("innocent causes", "; ".join(card.innocent_causes) or "none known"),
            ("evading it costs", card.evasion_cost),
            (
                "weight",
                f"at most {card.cap_nats:g} nats for a single account; none in a ring's verdict"
                if card.alone
                else f"at most {card.cap_nats:g} nats for a campaign, {card.cap_against_nats:g} against one",
            ),
            (
                "in company",
                _in_company(card.name),
            ),
            ("needs", words.all_needed(needs) or "nothing beyond the required columns"),
            ("source", card.source or "our own"),
            (f"{fold.ATLAS_VERSION}", ", ".join(card.atlas) or "none"),
            (f"{fold.AISVS_VERSION}", ", ".join(card.aisvs) or "none"),
        ]
        parts += [f"## {card.title}\n\n`{card.name}`, group `{card.group}`.", table(("", ""), rows)]
    return page(
        "Evidence",
        prose(
            "Each kind of evidence is a log-likelihood ratio with a card. Within one group only the",
            "strongest piece counts, so that one trace seen twice isn't two. A nat is a natural logarithm:",
            "2.3 nats multiply the odds by ten. *In company* is the weight of a piece beside others, fitted on",
            "constructed worlds (see [detection](../explanation/detection.md#the-ledger)); 1 where it wasn't fitted.",
        ),
        *parts,
    )


def audit_schema() -> str:
    """The JSON Schema of audit.json, from the records."""
    import json

    import msgspec

    from headwater.provenance.audit import Report

    schema = msgspec.json.schema(Report)
    told = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:headwater:audit:1",
        **schema,
    }
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def audit_json() -> str:
    """What an audit writes: the document, record by record, and the annotations."""
    import inspect

    import msgspec

    from headwater.provenance.audit import ANNOTATIONS, Report, record_types

    blocks = []
    for kind in (Report, *record_types()):
        fields = ", ".join(f"`{field.encode_name}`" for field in msgspec.structs.fields(kind))
        said = " ".join(inspect.cleandoc(kind.__doc__ or "").split())
        name = "The document" if kind is Report else kind.__name__.removesuffix("Told")
        blocks += [f"## {name}", textwrap.fill(said, 110, break_long_words=False), f"Fields: {fields}."]
    columns = [(f"`{field.name}`", f"`{_brief(field.type)}`") for field in ANNOTATIONS]
    return page(
        "audit.json and annotations",
        prose(
            "`headwater audit` writes `audit.json` (UTF-8), `audit.html`, `annotations/part-*.parquet` and, where",
            "rows could not be read, `set_aside.jsonl`. [audit.schema.json](audit.schema.json) is the document's",
            "JSON Schema (2020-12), made from the program's own records. No text of a row stands in any of them.",
            "The same corpus and question give the same bytes, whatever the number of processes, also after a run",
            "that was killed.",
        ),
        *blocks,
        "## Annotations",
        prose(
            "One row for each row of the corpus that was read, in its order; found by `file` and `row` (counted",
            "from 1, in lines for JSON lines). `start` and `end` of a finding are characters within the field.",
        ),
        table(("column", "Arrow type"), columns),
    )


def policy() -> str:
    """What a policy pack may say, from the tables that it is read by."""
    sys.path.insert(0, str(ROOT / "docs"))
    from policy_reference import parts

    return page("Policy packs", *parts(table, prose))


def admin_api() -> str:
    """The admin API, from its OpenAPI document."""
    sys.path.insert(0, str(ROOT / "docs"))
    from admin_reference import parts

    return page("The admin API", *parts(table, prose))


def tiers() -> str:
    """What each tier may use, as shipped, and what a key may be for."""
    from headwater.control.identity import SCOPES, TIERS, reference_rows

    return page(
        "Tiers",
        prose(
            "A tier says how well an account is known, and what it may use. These are the shipped figures; an",
            "operator's own are laid over them (`headwater tier adopt FILE`, `headwater tier change`), and",
            "`headwater tier list` shows what is in force. An account has its organisation's tier where that is higher",
            "than its own. A tier's limits are each account's upper bound: the budgets of its organisation, means of",
            "payment, address, network and campaign may leave less.",
        ),
        table(("tier", "what is known"), [(f"`{name}`", says) for name, says in TIERS.items()]),
        "## What each may use",
        table(("entry", "meaning", *TIERS), reference_rows()),
        prose(
            'In TOML a limit is a whole number or `"unlimited"`, and a feature `true` or `false`. Limits of tokens and',
            "spend hold for what a request may cost at most, until it has ended and its cost is known.",
        ),
        "## Scopes of a key",
        prose(
            "What a key may be used for is the less of its scopes and its account's tier. Without `--scope` it is",
            "everything but `admin:…`.",
        ),
        table(("scope", "what it allows"), [(f"`{name}`", says) for name, says in SCOPES.items()]),
    )


def gateway_settings() -> str:
    """What gateway.toml may say, from the classes that it is read by."""
    sys.path.insert(0, str(ROOT / "docs"))
    from settings_reference import gateway

    return page("gateway.toml", *gateway(table, prose))


def identity_settings() -> str:
    """What identity.toml may say, from the classes that it is read by."""
    sys.path.insert(0, str(ROOT / "docs"))
    from settings_reference import identity

    return page("identity.toml", *identity(table, prose))


def index() -> str:
    """The index as it is, with its lists of reference and explanation pages brought up to date."""
    text = (ROOT / "docs/index.md").read_text(encoding="utf-8")
    for folder in ("reference", "explanation"):
        pages = sorted((ROOT / "docs" / folder).glob("*.md")) + sorted(
            (ROOT / "docs" / folder).glob("*/index.md")
        )
        lines = [f"- [{_title(path)}]({path.relative_to(ROOT / 'docs')})" for path in pages]
        block = f"<!-- {folder}:begin -->\n{chr(10).join(lines)}\n<!-- {folder}:end -->"
        text = re.sub(
            f"<!-- {folder}:begin -->.*?<!-- {folder}:end -->", lambda _, b=block: b, text, flags=re.S
        )
    return text


def _title(path: Path) -> str:
    return path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")


#: Page, from the folder of the documentation → what writes it. The index comes last: it lists the others.
PAGES: dict[str, Callable[[], str]] = {
    "reference/admin-api.md": admin_api,
    "reference/audit.schema.json": audit_schema,
    "reference/audit-json.md": audit_json,
    "reference/cli.md": cli,
    "reference/errors.md": errors,
    "reference/evidence.md": evidence,
    "reference/exchange.md": exchange,
    "reference/gateway-settings.md": gateway_settings,
    "reference/identity-settings.md": identity_settings,
    "reference/outputs.md": outputs,
    "reference/policy.md": policy,
    "reference/settings.md": settings,
    "reference/tiers.md": tiers,
    "index.md": index,
}


def show_demo() -> None:
    """Run `headwater demo` and put what it prints between the marks of README and tutorial."""
    scratch = tempfile.mkdtemp()
    environment = {**os.environ, "COLUMNS": "88", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "headwater.cli", "demo", "--quiet"]
    done = subprocess.run(command, cwd=scratch, env=environment, capture_output=True, text=True, check=True)
    printed = "\n".join(line.rstrip() for line in done.stdout.strip("\n").splitlines())
    block = f"<!-- demo:begin -->\n```console\n$ headwater demo\n{printed}\n```\n<!-- demo:end -->"
    for path in (ROOT / "README.md", ROOT / "docs/tutorial/first-investigation.md"):
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"<!-- demo:begin -->.*?<!-- demo:end -->", lambda _: block, text, flags=re.S)
        path.write_text(text, encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Write all pages, or with `--check` name those that are out of date (exit code 1)."""
    if "--demo" in arguments:
        show_demo()
    stale = 0
    for name, write in PAGES.items():
        path = ROOT / "docs" / name
        text = write()
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        if "--check" in arguments:
            print(f"docs/{name} is out of date: make docs", file=sys.stderr)
            stale = 1
        else:
            path.write_text(text, encoding="utf-8")
            print(f"wrote docs/{name}", file=sys.stderr)
    return stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
