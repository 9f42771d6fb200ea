"""`headwater manifest`: publish what an audit found and a person confirmed, read what others published, check both."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headwater.cli.options import HELP, PATH, Group, as_json, manners
from headwater.cli.terminal import Terminal, clean
from headwater.errors import UsageError

if TYPE_CHECKING:
    from headwater.provenance.manifest import Check, Claims, Verification


@click.group(cls=Group, context_settings=HELP)
def command() -> None:
    """Write, read and check the manifests of a data set."""


@command.command()
@click.argument("audit", type=PATH, metavar="AUDIT")
@click.option(
    "-o", "--out", type=PATH, metavar="DIR", help="Where manifest.toml is written; else beside the audit."
)
@click.option(
    "--confirm", type=PATH, metavar="FILE", help="Answers that were given before, as a manifest.toml."
)
@manners
def new(terminal: Terminal, *, audit: Path, out: Path | None, confirm: Path | None) -> int:
    """Write manifest.toml: what the AUDIT found filled in, the rest for a person to confirm.

    AUDIT is the folder that `headwater audit` wrote, or its audit.json. What nobody knows stays "unknown".
    """
    from headwater.provenance.manifest import new

    folder = out or (audit if audit.is_dir() else audit.parent)
    made = new(audit, folder, confirm)
    terminal.out(f"{made.path}\n")
    for line in made.told:
        terminal.say(f"look again: {clean(line)}")
    where = shlex.quote(str(made.corpus)) if made.corpus else "FOLDER-OF-THE-DATA-SET"
    terminal.say(f"edit it, then: headwater manifest write {shlex.quote(str(folder))} --out {clean(where)}")
    return 0


@command.command()
@click.argument("folder", type=PATH, metavar="DIR")
@click.option(
    "--formats",
    metavar="LIST",
    help="Names with commas between them; else those that need no key, and the statement where it can be signed.",
)
@click.option("-o", "--out", type=PATH, metavar="DIR", help="Where manifests are written; else into DIR.")
@click.option("--data", type=PATH, metavar="FOLDER", help="The data set's folder, which C2PA and ISCC read.")
@click.option("--sign-with", type=PATH, metavar="FILE", help="The signing key of the statement.")
@click.option("--c2pa-chain", type=PATH, metavar="FILE", help="Certificates of the C2PA signer, PEM.")
@click.option("--c2pa-key", type=PATH, metavar="FILE", help="Private key of the C2PA signer, PEM.")
@click.option("--samples", is_flag=True, help="With iscc: a code for each row too.")
@manners
def write(terminal: Terminal, *, folder: Path, formats: str | None, out: Path | None, **rest: Any) -> int:
    """Write the manifests of the data set whose audit.json and manifest.toml lie in DIR.

    \b
    croissant   croissant.json (Croissant 1.1 with PROV-O, RAI keys, ODRL offer)
    card        README.md of the Hugging Face Hub; the rest of an existing one is left as it is
    dta         dta.json (D&TA Data Provenance Standards 1.0.0)
    statement   statement.dsse.json (in-toto Statement, signed; needs --sign-with); covers what is written with it
    c2pa        a sidecar for each file (needs --data, --c2pa-chain, --c2pa-key)
    c2pa-zip    a ZIP of the data that carries its manifest (likewise)
    iscc        iscc.json, codes of ISO 24138 (needs --data)
    eu          synthetic-data part of the EU's public summary of training content
    california  statement for California's AB 2013
    """
    from headwater.keys import load_certified_key, load_signing_key
    from headwater.provenance.manifest import DEFAULT_FORMATS, Keys, load_record, write

    signing, chain, key = rest["sign_with"], rest["c2pa_chain"], rest["c2pa_key"]
    if (chain is None) != (key is None):
        raise click.UsageError("--c2pa-chain and --c2pa-key go together")
    keys = Keys(
        load_signing_key(signing) if signing else None,
        load_certified_key(chain, key) if chain and key else None,
    )
    default = (*DEFAULT_FORMATS, "statement") if signing else DEFAULT_FORMATS
    chosen = [name.strip() for name in formats.split(",")] if formats else default
    made = write(
        load_record(folder), out or folder, chosen, data=rest["data"], keys=keys, samples=rest["samples"]
    )
    terminal.out("".join(f"{path}\n" for path in made.files))
    for name in made.missing:
        terminal.say(f"unknown, and left out: {clean(name)}")
    for line in made.told:
        terminal.say(f"look at this: {clean(line)}")
    return 0


@command.command()
@click.argument("place", type=PATH, metavar="FILE|DIR")
@as_json
@manners
def read(terminal: Terminal, *, place: Path, as_json: bool) -> int:
    """Show what a manifest, or all those in a data set's folder, claim.

    Claims are what somebody wrote; `headwater manifest verify` checks what can be checked.
    """
    from headwater.provenance.manifest import read_claims

    claims = read_claims(place)
    if not claims.found_in:
        for bad in claims.problems:
            terminal.say(clean(f"not read: {bad.where}: {bad.what}"))
        raise UsageError(
            f"{place} holds no manifest that can be read",
            hint="README.md, croissant.json, dta.json, statement.dsse.json and *.c2pa are looked for",
        )
    if as_json:
        terminal.json(claims)
    else:
        terminal.out("".join(f"{clean(line)}\n" for line in _claimed(claims)))
    return 0


def _claimed(claims: Claims) -> list[str]:
    told = [
        ("read", [f"{path} ({form})" for path, form in claims.found_in]),
        ("name", [claims.pretty_name or claims.name or ""]),
        ("licences", claims.licences),
        ("creators", claims.creators),
        ("holds text of models", [_holds(claims.synthetic, claims.row_synthetic)]),
        ("holds text of people", [_holds(claims.human, claims.row_human)]),
        ("generators of the whole", claims.generators),
        ("generators that rows name, by an audit", claims.row_generators),
        ("generator columns", claims.generator_columns),
        ("made from", claims.source_datasets),
        ("languages", claims.languages),
        ("tags", claims.tags),
        ("signals", [f"{one.form}: {one.name} {one.value}".rstrip() for one in claims.signals]),
        ("files", [f"{one.path} sha256:{one.sha256 or 'unknown'}" for one in claims.files]),
    ]
    lines = [f"{name}: {', '.join(values) or 'unknown'}" for name, values in told]
    return lines + [f"not read: {bad.where}: {bad.what}" for bad in claims.problems]


def _holds(whole: bool | None, rows: bool | None) -> str:
    yes = {True: "yes", False: "no", None: "unknown"}
    return yes[whole] if whole is not None or rows is None else f"{yes[rows]}, by claims of its rows"


@command.command()
@click.argument("folder", type=PATH, metavar="DIR")
@click.option("--data", type=PATH, metavar="FOLDER", help="Where the data files lie; else in DIR.")
@click.option(
    "--key", "keys", type=PATH, multiple=True, metavar="PEM", help="A public key that is trusted to sign."
)
@as_json
@manners
def verify(
    terminal: Terminal, *, folder: Path, data: Path | None, keys: tuple[Path, ...], as_json: bool
) -> int:
    """Check a data set against the manifests in DIR: digests, signatures, C2PA, ISCC.

    Exit code 0 where all that was checked holds, 1 where something is otherwise than a manifest says, 2 where
    nothing could be checked. What wasn't checked is said.
    """
    from headwater.provenance.manifest import verify

    found = verify(folder, data=data, keys=[_public(path) for path in keys])
    if as_json:
        terminal.json({"holds": found.holds, "checks": found.checks})
    else:
        terminal.out("".join(f"{clean(line)}\n" for line in _checked(found)))
    if found.holds:
        return 0
    return 1 if any(check.outcome in ("mismatch", "missing") for check in found.checks) else 2


def _checked(found: Verification) -> list[str]:
    order = ("mismatch", "missing", "not checked", "ok")
    checks = sorted(found.checks, key=lambda check: order.index(check.outcome))
    counts = {name: sum(check.outcome == name for check in checks) for name in reversed(order)}
    signed = [check for check in checks if check.what == "signature"]
    trusted = any(check.outcome == "ok" for check in signed)
    told = "by a key that you gave" if trusted else "unchecked or unfit" if signed else "none"
    summary = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    return [*map(_line, checks), f"in all: {summary}; signature: {told}"]


def _line(check: Check) -> str:
    what = f"{check.what} of {check.subject} ({check.manifest})" if check.manifest else check.subject
    return f"{check.outcome}: {what}" + (f": {check.why}" if check.why else "")


def _public(path: Path) -> bytes:
    from headwater.errors import ConfigurationError, Where, unreadable
    from headwater.proof import read_public_key

    try:
        with path.open("rb") as file:
            return read_public_key(file.read(65_536))
    except OSError as error:
        raise unreadable(path, error) from None
    except ValueError as error:
        hint = "give the public key that `headwater keys signing-new` printed"
        raise ConfigurationError(str(error), where=Where(str(path)), hint=hint) from None
