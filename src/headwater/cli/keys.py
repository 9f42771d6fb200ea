"""`headwater keys`: make the key that imprints are made under, and keys that sign manifests, logs, tickets."""

from __future__ import annotations

from pathlib import Path

import click

from headwater.cli.options import HELP, PATH, Group, manners
from headwater.cli.terminal import Terminal


@click.group(cls=Group, context_settings=HELP)
def command() -> None:
    """Make keys."""


@command.command()
@click.argument("file", type=PATH)
@click.option(
    "--version", type=click.IntRange(1), default=1, show_default=True, help="Generation of the key."
)
@manners
def new(terminal: Terminal, *, file: Path, version: int) -> int:
    """Make an imprint key and write it to FILE, which only its owner can read.

    Imprints of two logs can be compared only when both were made under the same key. Whoever holds the key
    can test whether a guessed text is in a log, so keep it like a password.
    """
    import secrets

    from headwater.keys import ImprintKey, save_imprint_key

    key = ImprintKey(secrets.token_bytes(32), version)
    save_imprint_key(key, file)
    terminal.out(f"{key.id}\n")
    terminal.say(f"wrote {file}; next: headwater investigate LOGS --key-file {file}")
    return 0


@command.command("signing-new")
@click.argument("file", type=PATH)
@click.option(
    "--for",
    "purpose",
    type=click.Choice(["manifest", "log", "witness"]),
    default="manifest",
    show_default=True,
    help="What the key signs.",
)
@click.option("--name", metavar="NAME", help="The log's or witness's name, such as example.com/log.")
@click.option(
    "--version", type=click.IntRange(1), default=1, show_default=True, help="Generation of the key."
)
@manners
def signing_new(terminal: Terminal, *, file: Path, purpose: str, name: str | None, version: int) -> int:
    """Make an Ed25519 key that signs and write it to FILE, which only its owner can read.

    Prints the key's id and the public key that others check signatures with: in PEM for manifests, as a verifier key
    (c2sp.org/signed-note) for a log or a witness.
    """
    import secrets

    from headwater.errors import UsageError
    from headwater.keys import SigningKey, save_signing_key
    from headwater.proof import COSIGNATURE, ED25519, Rejected, VerifierKey, public_key_pem

    key = SigningKey(secrets.token_bytes(32), purpose, version)
    if (name is None) != (purpose == "manifest"):
        raise UsageError(
            "a manifest's key has no name, a log's or witness's key needs one", hint="--name example.com/log"
        )
    try:
        public = (
            public_key_pem(key.public)
            if name is None
            else f"{VerifierKey(name, key.public, COSIGNATURE if purpose == 'witness' else ED25519).text()}\n"
        )
    except Rejected as error:
        raise UsageError(f"--name: {error}") from None
    save_signing_key(key, file)
    terminal.out(f"{key.id}\n{public}")
    after = {
        "manifest": f"next: headwater manifest write DIR --sign-with {file}",
        "log": "give the verifier key to whoever checks the log",
        "witness": f"next: headwater log cosign PLACE --key {file}",
    }
    terminal.say(f"wrote {file}; {after[purpose]}")
    return 0


@command.command("mark-new")
@click.argument("file", type=PATH)
@click.option(
    "--scheme",
    default="headwater-gumbel",
    show_default=True,
    metavar="NAME",
    help="The scheme it is for (`headwater mark schemes`), or accounts: a master key of accounts' keys.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="A setting of the scheme that its key depends on, such as vocab_size=32000.",
)
@click.option(
    "--version", type=click.IntRange(1), default=1, show_default=True, help="Generation of the key."
)
@manners
def mark_new(terminal: Terminal, *, file: Path, scheme: str, settings: tuple[str, ...], version: int) -> int:
    """Make the key of a mark and write it to FILE, which only its owner can read.

    A keyring names it with key_file. Who has it can read the mark, and write it; it is never shown.
    """
    from headwater.keys import save_mark_key
    from headwater.mark import new_key

    save_mark_key(new_key(scheme, dict(map(_setting, settings)), version=version), file)
    terminal.out(f"wrote {file}: a key for {scheme}, version {version}\n")
    terminal.say(f'next: key_file = "{file.name}" in a keyring')
    return 0


@command.command("mark-show")
@click.argument("file", type=PATH)
@manners
def mark_show(terminal: Terminal, *, file: Path) -> int:
    """Print the integers of the mark's key in FILE, as an engine is configured with them. Secret: keep them from logs.

    vLLM takes the one integer of vllm-gumbel as "key"; transformers takes SynthID's as `keys`.
    """
    from headwater.errors import Where
    from headwater.keys import MarkSecret, read_private

    written = read_private(file).decode("ascii", errors="replace")
    key = MarkSecret.parse(written, where=Where(str(file)))
    terminal.out(", ".join(map(str, key.numbers)) + "\n")
    return 0


@command.command("ticket-new")
@click.argument("file", type=PATH)
@click.option(
    "--version", type=click.IntRange(1), default=1, show_default=True, help="Generation of the key."
)
@manners
def ticket_new(terminal: Terminal, *, file: Path, version: int) -> int:
    """Make a key of tickets and write it to FILE, which only its owner can read.

    The gateway signs with it whose answer an engine is about to write and which mark it gets; engines check it. A file
    may hold the lines of several such keys: the newest signs, all are accepted.
    """
    import secrets

    from headwater.keys import TicketKey, save_ticket_key

    key = TicketKey(secrets.token_bytes(32), version)
    save_ticket_key(key, file)
    terminal.out(f"{key.id}\n")
    terminal.say(f'wrote {file}; next: key_file = "{file.name}" in [marks] of gateway.toml')
    return 0


def _setting(given: str) -> tuple[str, object]:
    """NAME=VALUE; the value as TOML has it, or as a word."""
    import tomllib

    from headwater.errors import UsageError

    name, equals, value = given.partition("=")
    if not (name and equals and value) or "\n" in given:
        raise UsageError("--set needs NAME=VALUE", hint="for example --set vocab_size=32000")
    try:
        return name, tomllib.loads(f"v = {value}")["v"]
    except tomllib.TOMLDecodeError:
        return name, value
