"""Binding a test of a student before it is done, and showing to a third party what was bound."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

import click

from headwater.cli.mark_student_inputs import (
    alpha_option,
    candidates_of,
    comparing,
    keyring_option,
    max_tokens_option,
    names_option,
    readers_of,
)
from headwater.cli.mark_student_log import into
from headwater.cli.options import PATH, manners
from headwater.cli.pages import new_place
from headwater.cli.terminal import Terminal, clean
from headwater.errors import UsageError, Where

COMMITMENT: Final = "commitment.json"


@click.command()
@keyring_option
@names_option
@click.option("--differences", type=PATH, metavar="FILE", help="Bind a test of these (student compare).")
@click.option(
    "--prompts", type=PATH, metavar="FILE", help="Bind a test by answers to these prompts (student ask)."
)
@click.option("--reference", type=PATH, metavar="MODEL", help="Bind a test of weights: its reference …")
@click.option("--texts", type=PATH, metavar="FILE", help="… and its texts, before they are compared.")
@click.option("--served", is_flag=True, help="Those texts are own answers that may carry the mark.")
@click.option("--tokenizer", type=PATH, metavar="FILE", help="A tokenizer.json, for texts without ids.")
@comparing
@max_tokens_option
@alpha_option
@click.option("--log", type=PATH, metavar="DIR", help="The casebook whose log takes the hash in.")
@click.option("-o", "--out", type=PATH, required=True, metavar="FILE", help="A new file; keep it private.")
@manners
def commit(
    terminal: Terminal,
    *,
    keyring: Path,
    names: tuple[str, ...],
    differences: Path | None,
    prompts: Path | None,
    reference: Path | None,
    texts: Path | None,
    served: bool,
    tokenizer: Path | None,
    window: int,
    kept: int,
    max_tokens: int,
    alpha: float,
    log: Path | None,
    out: Path,
) -> int:
    """Bind keys, settings, texts and level of a test before it is done, and publish a hash of them.

    Say what is tested by --differences, by --reference and --texts, or by --prompts. The file holds the salt: without
    it nobody learns anything from the hash.
    """
    from headwater.mark import load_keyring
    from headwater.mark.student import commitment, of_answers, of_weights

    new_place(out)
    ring = load_keyring(keyring)
    candidates, _ = candidates_of(ring, names)
    if (differences is not None) + (prompts is not None) + (reference is not None) != 1:
        hint = "give one of --differences, --prompts, or --reference with --texts"
        raise UsageError("it isn't said what is tested", hint=hint)
    if prompts is not None:
        from headwater.mark.student import prompts_digest, prompts_of

        mode, model, digest = "answers", "", prompts_digest(prompts_of(prompts))
        more = of_answers(readers_of(ring, candidates), max_tokens)
    elif differences is not None:
        from headwater.mark.student import load_differences, scored_of_differences

        found, about, sha256 = load_differences(differences)
        mode = "served" if about.served else "probe"
        model, digest = about.reference_digest, about.texts_digest
        scored = scored_of_differences(found, about)
        more = of_weights(about.kept, about.window_asked, scored, sha256)
    else:
        mode = "served" if served else "probe"
        model, digest, scored = _digests(reference, texts, tokenizer)
        more = of_weights(kept, window, scored)
    made = commitment(mode, candidates, alpha=alpha, reference_digest=model, texts_digest=digest, more=more)
    if log is not None:
        made = made.published(into(log))
    made.save(out)
    terminal.out(f"{made.sha256}\nwrote {clean(str(out))}\n")
    if log is None:
        terminal.warn("the hash is in no log: publish it yourself, or nobody can tell when it was made")
    return 0


@click.command()
@click.argument("commitment", type=PATH, metavar="COMMITMENT")
@click.option("--log", type=PATH, metavar="DIR", help="The casebook whose log holds its hash.")
@click.option("-o", "--out", type=PATH, required=True, metavar="FOLDER", help="A new folder.")
@manners
def reveal(terminal: Terminal, *, commitment: Path, log: Path | None, out: Path) -> int:
    """Show a commitment to a third party: what it bound, its salt, and the log's proof of when.

    The salt lets whoever has it try keys: a key that can be guessed is no secret any more. Do it after the test.
    """
    from headwater.cli.log_inputs import OpenLog
    from headwater.mark.student import load_commitment

    found = load_commitment(commitment)
    if log is not None and not found.entry:
        raise UsageError("the commitment isn't in a log", where=Where(str(commitment)))
    if out.exists():
        raise UsageError("is there already", where=Where(str(out)), hint="choose a new folder")
    out.mkdir(parents=True)
    if log is not None:
        with OpenLog(log) as opened:
            opened.prove(found.entry).write(out)
    found.save(out / COMMITMENT)
    terminal.out(f"wrote {clean(str(out))}\n")
    terminal.say(f"to check it: headwater mark student check {shlex.quote(str(out))}")
    return 0


def _digests(reference: Path | None, texts: Path | None, tokenizer: Path | None) -> tuple[str, str, str]:
    from headwater.cli.mark_student_inputs import tokenizer_of
    from headwater.mark.student import model_digest, read_texts, scored_of_texts, texts_digest

    if reference is None or texts is None:
        raise UsageError("--reference and --texts are given together")
    read = read_texts(texts, tokenizer_of(tokenizer, reference))
    return model_digest(reference), texts_digest(read), scored_of_texts(read)
