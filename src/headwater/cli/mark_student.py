"""`headwater mark student`: was a model trained on marked text? Here: its weights; the others are imported below."""

from __future__ import annotations

from pathlib import Path

import click

from headwater.cli.mark_student_answers import ask, lineage
from headwater.cli.mark_student_check import check
from headwater.cli.mark_student_commit import commit, reveal
from headwater.cli.mark_student_inputs import (
    candidates_of,
    comparing,
    keyring_option,
    left_out,
    names_option,
    show,
    tested,
    tokenizer_of,
)
from headwater.cli.mark_student_log import held
from headwater.cli.options import HELP, PATH, Group, as_json, manners
from headwater.cli.pages import new_place, page_place
from headwater.cli.terminal import Terminal, clean


@click.group(cls=Group, context_settings=HELP)
def command() -> None:
    """Test whether a model was trained on marked text: by its weights, its answers, or its likeness."""


for _each in (commit, ask, lineage, reveal, check):
    command.add_command(_each)


@command.command()
@click.argument("student", type=PATH, metavar="STUDENT")
@click.argument("reference", type=PATH, metavar="REFERENCE")
@click.argument("texts", type=PATH, metavar="TEXTS")
@click.option("--served", is_flag=True, help="The texts are own answers that may carry the mark.")
@click.option(
    "--tokenizer",
    type=PATH,
    metavar="FILE",
    help="A tokenizer.json, for texts without token ids; else the reference's.",
)
@comparing
@click.option("--device", default="cpu", show_default=True, help="Where torch computes, such as cuda.")
@click.option("-o", "--out", type=PATH, required=True, metavar="FILE", help="A new file (.npz).")
@manners
def compare(
    terminal: Terminal,
    *,
    student: Path,
    reference: Path,
    texts: Path,
    served: bool,
    tokenizer: Path | None,
    window: int,
    kept: int,
    device: str,
    out: Path,
) -> int:
    """Compute how STUDENT's next-token chances differ from REFERENCE's over TEXTS. No key is needed here.

    STUDENT and REFERENCE are model directories (safetensors), or small GPTs (.npz). TEXTS are JSON lines with `tokens`
    or `text` and, where there was one, `prompt`. Of each place the --kept tokens that differ most are written, after
    --window tokens at most. A run that was ended goes on where it stopped.
    """
    from headwater.mark.student import check_pair, compute, open_model, read_texts

    new_place(out)
    read = read_texts(texts, tokenizer_of(tokenizer, reference))
    first, second = (open_model(path, window=window, device=device) for path in (student, reference))
    terminal.say(check_pair(student, reference, first, second))
    with terminal.progress() as progress:
        found, _ = compute(first, second, read, out, served=served, window=window, kept=kept, told=progress)
    terminal.out(f"{found.places:,} places of {len(read):,} texts\nwrote {clean(str(out))}\n")
    return 0


@command.command()
@click.argument("differences", type=PATH, metavar="DIFFERENCES")
@keyring_option
@names_option
@tested
@as_json
@manners
def test(
    terminal: Terminal,
    *,
    differences: Path,
    keyring: Path,
    names: tuple[str, ...],
    alpha: float,
    commitment: Path | None,
    log: Path | None,
    shown: tuple[Path, ...],
    out: Path | None,
    fail_on: str,
    as_json: bool,
) -> int:
    """Hold keys against DIFFERENCES, the file that `compare` wrote: marked, not shown, or not enough evidence.

    Every key counts. Where texts and keys have accounts, each account's key is tested on its own texts.
    """
    from headwater.explain import student_record
    from headwater.mark import load_keyring
    from headwater.mark.student import bound, examine, load_differences, of_weights, scored_of_differences

    if out is not None:
        page_place(out, [differences, keyring, commitment])
    ring = load_keyring(keyring)
    candidates, revoked = candidates_of(ring, names)
    committed, said = held(commitment, log, shown)
    found, about, sha256 = load_differences(differences)
    scored = scored_of_differences(found, about)
    if committed is not None:
        of_file = sha256 if "differences_sha256" in committed.bound else ""
        committed.check(
            bound(
                "served" if about.served else "probe",
                candidates,
                alpha=alpha,
                reference_digest=about.reference_digest,
                texts_digest=about.texts_digest,
                salt=committed.salt,
                more=of_weights(about.kept, about.window_asked, scored, of_file),
            )
        )
    with terminal.progress() as progress:
        examined = examine(found, candidates, served=about.served, alpha=alpha, told=progress)
    record = student_record(
        examined,
        about,
        sha256,
        said,
        revoked,
        candidates=candidates,
        scored=scored,
        left_out=left_out(ring, candidates, names),
    )
    return show(terminal, record, out, as_json=as_json, fail_on=fail_on, log=log)
