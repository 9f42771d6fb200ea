"""`headwater log`: publish a casebook's log, show an entry, check both; as its operator, a witness, or a stranger."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headwater.cli.casebooks import now_us
from headwater.cli.log_inputs import (
    OpenLog,
    casebook,
    certificates,
    checked,
    content,
    fetch_of,
    trust_of,
    trusted,
    vkey,
    when,
)
from headwater.cli.options import HELP, PATH, PLACE, Group, as_json, manners
from headwater.cli.terminal import Terminal, clean
from headwater.errors import UsageError

if TYPE_CHECKING:
    from headwater.casework.log import Verified


@click.group(cls=Group, context_settings=HELP)
def command() -> None:
    """Publish, prove and verify the log of a casebook."""


@command.command()
@click.argument("place", type=PLACE, metavar="PLACE")
@trusted
@click.option(
    "--tsa-roots", type=PATH, metavar="PEM", help="Certificates of trusted time stamping authorities."
)
@as_json
@manners
def verify(
    terminal: Terminal,
    *,
    place: Path | str,
    key: str | None,
    trust: Path | None,
    tsa_roots: Path | None,
    as_json: bool,
) -> int:
    """Check a whole log: signature, cosignatures, every entry, every tile.

    PLACE is a folder, or the http(s) address that a log is served at. You need the log's key from its operator, or a
    file that says which logs and witnesses you trust. Exit code 0 where all fits, 1 where something doesn't.
    """
    from headwater.casework.log import verify_log

    believed = trust_of(key, trust)
    roots = certificates(tsa_roots) if tsa_roots else None
    fetch = fetch_of(place)
    with terminal.progress() as draw:
        try:
            found = verify_log(
                fetch, believed, tsa_roots=roots, told=lambda done, of: draw("entries", done, of)
            )
        except UsageError as error:
            return _refused(terminal, error, as_json)
    if as_json:
        terminal.json(_plain(found))
    else:
        terminal.out("".join(f"{clean(line)}\n" for line in _told(found)))
    return 0 if found.holds else 1


@command.command()
@click.argument("entry")
@casebook
@click.option(
    "-o", "--out", type=PATH, metavar="FOLDER", required=True, help="A new folder for what is shown."
)
@manners
def prove(terminal: Terminal, *, entry: str, folder: Path, out: Path) -> int:
    """Show one ENTRY (its index, or its id) to somebody: its record, and the proof that the log took it up.

    Of the other entries nothing is shown. What was erased can't be shown any more; when and why is said.
    """
    with OpenLog(folder) as log:
        made = log.prove(int(entry) if entry.isdecimal() and len(entry) < 20 and entry.isascii() else entry)
    for path in made.write(out):
        terminal.out(f"{path}\n")
    terminal.say(
        f"give the folder to whom it concerns; to check it: headwater log check {shlex.quote(str(out))}"
    )
    return 0


@command.command()
@click.argument("folder", type=PATH, metavar="FOLDER")
@trusted
@as_json
@manners
def check(terminal: Terminal, *, folder: Path, key: str | None, trust: Path | None, as_json: bool) -> int:
    """Check an entry that somebody showed you, offline, and print what it says.

    FOLDER is what `headwater log prove` wrote. Exit code 0 where it's proven, 1 where it isn't.
    """
    import json

    from headwater.casework.log import check_disclosed

    believed = trust_of(key, trust)
    try:
        found = check_disclosed(folder, believed)
    except UsageError as error:
        return _refused(terminal, error, as_json)
    record = found.record
    if as_json:
        terminal.json(
            {"holds": True, "index": found.index, "id": found.id, "origin": found.origin, "record": record}
        )
        return 0
    origin = clean(found.origin)
    terminal.out(f"proven: entry {found.index:,} of {origin}, which had {found.size:,} then\n")
    terminal.out(f"{clean(when(record.at_us))}: {clean(record.kind)} {clean(record.subject)}\n")
    for name, value in record.body.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        terminal.out(f"  {clean(name)}: {clean(text)}\n")
    return 0


@command.command()
@click.argument("place", type=PLACE, metavar="PLACE")
@click.option("--key", type=PATH, metavar="FILE", required=True, help="Your signing key, as a witness.")
@click.option(
    "--name", metavar="NAME", required=True, help="Your name as a witness, such as example.com/witness."
)
@click.option("--state", type=PATH, metavar="FILE", required=True, help="Where you remember what you saw.")
@click.option("--log", "log_key", metavar="VKEY", help="The log's public key; needed the first time.")
@click.option(
    "-o", "--out", type=PATH, metavar="FILE", help="Where the cosigned checkpoint goes; else stdout."
)
@manners
def cosign(
    terminal: Terminal,
    *,
    place: Path | str,
    key: Path,
    name: str,
    state: Path,
    log_key: str | None,
    out: Path | None,
) -> int:
    """Look at a log as a witness, and cosign it where it goes on from what you saw last.

    A log that shows less than before, or something else, is not cosigned: both of its checkpoints are printed. They
    are evidence, and the exit code is 1.
    """
    from headwater.casework.log import Evidence, cosign
    from headwater.keys import load_signing_key
    from headwater.proof import COSIGNATURE, NoteSigner, VerifierKey

    secret = load_signing_key(key, "witness")
    signer = NoteSigner(name, secret.public, secret.sign)
    public = checked(lambda: VerifierKey(name, secret.public, COSIGNATURE))
    known = vkey(log_key) if log_key else None
    found = cosign(fetch_of(place), signer, state, now_us() // 1_000_000, key=known)
    if isinstance(found, Evidence):
        terminal.out(f"not cosigned: {clean(found.why)}\n")
        for said, note in (("seen before", found.seen), ("shown now", found.shown)):
            terminal.out(f"\n{said}:\n{_note(note)}")
        return 1
    if out:
        out.write_bytes(found)
        terminal.out(f"{out}\n")
    else:
        terminal.out(found.decode("utf-8"))
    terminal.say(f"your public key, for the log's operator and whoever trusts you: {public.text()}")
    return 0


@command.command()
@casebook
@click.option("--cosigned", type=PATH, metavar="FILE", help="A checkpoint that a witness has cosigned.")
@click.option("--witness", "witnesses", metavar="VKEY", multiple=True, help="A witness's public key.")
@manners
def publish(terminal: Terminal, *, folder: Path, cosigned: Path | None, witnesses: tuple[str, ...]) -> int:
    """Publish what waits, and finish what a killed run left; with --cosigned, add what a witness gave you.

    The folder `log` in the casebook is what any web server can serve.
    """
    from headwater.casework.log import add_cosignatures

    with OpenLog(folder, sign=True) as log:
        if cosigned:
            names = add_cosignatures(log, content(cosigned), map(vkey, witnesses))
            terminal.say(f"cosigned by {clean(', '.join(names))}")
        done = log.drain(now_us(), wait_s=10)
    terminal.out(f"{done.size:,} entries, {done.entries:,} of them new\n")
    return 0


@command.command()
@casebook
@click.option("--tsa", metavar="URL", required=True, help="The authority's address.")
@click.option(
    "--tsa-roots", type=PATH, metavar="PEM", required=True, help="Certificates it must be signed under."
)
@manners
def stamp(terminal: Terminal, *, folder: Path, tsa: str, tsa_roots: Path) -> int:
    """Have a time stamping authority (RFC 3161) stamp the newest checkpoint, and publish its answer.

    The authority sees a hash. Afterwards its word stands for everything in the log having been there by then.
    """
    from headwater.casework.log import add_stamp
    from headwater.cli.web import ask

    roots = certificates(tsa_roots)
    with OpenLog(folder) as log:
        size, at_us = add_stamp(
            log, lambda body: ask(tsa, body, "application/timestamp-query", 100_000), roots
        )
    terminal.out(f"{size:,} entries stamped: {when(at_us)}\n")
    return 0


@command.command()
@casebook
@manners
def mend(terminal: Terminal, *, folder: Path) -> int:
    """Make files of the log again that are missing or torn, from the commitments in the store."""
    with OpenLog(folder) as log:
        terminal.out(f"{log.mend():,} files made again\n")
    return 0


@command.command()
@casebook
@manners
def recover(terminal: Terminal, *, folder: Path) -> int:
    """Go on after the store was damaged or restored from an older copy: take what it lacks from the published files.

    Only commitments can be taken: what the lost records said stays lost, and the log says so. Restore the newest
    copy that there is first.
    """
    from headwater.casework import VERIFIER_KEY
    from headwater.casework.log import recover

    with OpenLog(folder) as log:
        found = recover(log, vkey(str(folder / VERIFIER_KEY)), now_us())
    terminal.out(f"{found.missing:,} entries taken from what is published")
    terminal.out(f", {found.mended:,} that were damaged made whole\n" if found.mended else "\n")
    return 0


def _refused(terminal: Terminal, error: UsageError, as_json: bool) -> int:
    if as_json:
        terminal.json({"holds": False, "findings": [str(error)]})
    else:
        terminal.out(f"refused: {clean(str(error))}\n")
    return 1


def _note(note: bytes) -> str:
    return "".join(f"{clean(line)}\n" for line in note.decode("utf-8", "replace").splitlines())


def _plain(found: Verified) -> dict[str, Any]:
    checkpoint = found.checkpoint
    return {
        "holds": found.holds,
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": checkpoint.root.hex(),
        "entries": found.entries,
        "cosigned": [{"witness": name, "at_s": at_s} for name, at_s in found.cosigned],
        "stamped": [{"size": size, "at_us": at_us} for size, at_us in found.stamped],
        "findings": found.findings,
        "told": found.told,
    }


def _told(found: Verified) -> list[str]:
    checkpoint = found.checkpoint
    lines = [f"doesn't fit: {one}" for one in found.findings]
    lines += [f"not checked: {one}" for one in found.told]
    lines += [f"cosigned by {name}: {when(at_s * 1_000_000)}" for name, at_s in found.cosigned]
    lines += [f"stamped with {size:,} entries: {when(at_us)}" for size, at_us in found.stamped]
    many = len(found.findings)
    said = "holds" if found.holds else f"doesn't hold ({many:,} finding{'s' if many > 1 else ''})"
    return [
        *lines,
        f"{checkpoint.origin}, {checkpoint.size:,} entries, root {checkpoint.root.hex()[:16]}…: {said}",
    ]
