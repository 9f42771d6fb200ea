"""Binding a test of a student before it is done: commit, show to a third party, check as one."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from headwater.cli.casebooks import now_us
from headwater.cli.log_inputs import trust_of, trusted
from headwater.cli.mark_student_inputs import (
    alpha_option,
    candidates_of,
    comparing,
    keyring_option,
    names_option,
)
from headwater.cli.options import PATH, as_json, manners
from headwater.cli.pages import new_place
from headwater.cli.terminal import Terminal, clean
from headwater.errors import UnreadableInput, UsageError, Where

if TYPE_CHECKING:
    from headwater.mark.student import Commit, Commitment

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
    alpha: float,
    log: Path | None,
    out: Path,
) -> int:
    """Bind keys, settings, texts and level of a test before it is done, and publish a hash of them.

    Say what is tested by --differences, by --reference and --texts, or by --prompts. The file holds the salt: without
    it nobody learns anything from the hash.
    """
    from headwater.mark import load_keyring
    from headwater.mark.student import commitment, of_weights

    new_place(out)
    candidates, _ = candidates_of(load_keyring(keyring), names)
    if (differences is not None) + (prompts is not None) + (reference is not None) != 1:
        hint = "give one of --differences, --prompts, or --reference with --texts"
        raise UsageError("it isn't said what is tested", hint=hint)
    if prompts is not None:
        from headwater.mark.student import prompts_digest, prompts_of

        mode, model, digest = "answers", "", prompts_digest(prompts_of(prompts))
    elif differences is not None:
        from headwater.mark.student import load_differences

        _, about, _ = load_differences(differences)
        mode = "served" if about.served else "probe"
        model, digest = about.reference_digest, about.texts_digest
        kept, window = about.kept, about.window_asked
    else:
        mode = "served" if served else "probe"
        model, digest = _digests(reference, texts, tokenizer)
    more = {} if mode == "answers" else of_weights(kept, window)
    made = commitment(mode, candidates, alpha=alpha, reference_digest=model, texts_digest=digest, more=more)
    if log is not None:
        made = made.published(_into(log))
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


@click.command()
@click.argument("folder", type=PATH, metavar="FOLDER")
@trusted
@click.option("--keyring", type=PATH, metavar="FILE", help="Keys that should be the ones that were bound.")
@click.option("--report", type=PATH, metavar="FILE", help="The test's JSON, which should be of this.")
@as_json
@manners
def check(
    terminal: Terminal,
    *,
    folder: Path,
    key: str | None,
    trust: Path | None,
    keyring: Path | None,
    report: Path | None,
    as_json: bool,
) -> int:
    """Check what `reveal` wrote, as a third party: the hash, the log's proof, and keys or a report against it.

    Exit code 0 where all fits, 1 where something doesn't.
    """
    from headwater.mark.student import load_commitment

    told: dict[str, Any] = {"holds": False, "checked": []}
    try:
        found = load_commitment(folder / COMMITMENT)
        told["sha256"] = found.sha256
        told["checked"].append("the hash is of what the commitment says")
        if key is not None or trust is not None:
            told |= _logged(found, folder, key, trust)
            told["checked"].append("the log took the hash in")
        if keyring is not None:
            told["checked"].append(_keys(found, keyring))
        if report is not None:
            told["checked"].append(_report(found, report))
        told["holds"] = True
    except UsageError as error:
        told["why"] = str(error)
    if as_json:
        terminal.json(told)
    else:
        lines = [*told["checked"], *([f"refused: {told['why']}"] if "why" in told else [])]
        if "at_us" in told:
            lines.append(f"entry {told['index']:,} of {told['origin']}, {told['at_us']} µs after 1970 (UTC)")
        elif told["holds"]:
            lines.append("when it was made isn't shown: give the log's key (--key or --trust)")
        terminal.out("".join(f"{clean(line)}\n" for line in lines))
    return 0 if told["holds"] else 1


def _into(log: Path) -> Commit:
    """Puts a record into the log of a casebook and publishes it; gives its entry's id."""

    def commit(record: Mapping[str, Any]) -> str:
        from headwater.cli.log_inputs import OpenLog

        with OpenLog(log, sign=True) as opened:
            at_us = now_us()
            with opened.store.write() as tx:
                entry = opened.enter(tx, "commitment", "", dict(record), at_us)
            opened.drain(at_us, wait_s=10)
        return entry

    return commit


def _digests(reference: Path | None, texts: Path | None, tokenizer: Path | None) -> tuple[str, str]:
    from headwater.cli.mark_student_inputs import tokenizer_of
    from headwater.mark.student import model_digest, read_texts, texts_digest

    if reference is None or texts is None:
        raise UsageError("--reference and --texts are given together")
    read = read_texts(texts, tokenizer_of(tokenizer, reference))
    return model_digest(reference), texts_digest(read)


def _logged(found: Commitment, folder: Path, key: str | None, trust: Path | None) -> dict[str, Any]:
    from headwater.casework.log import check_disclosed

    entry = check_disclosed(folder, trust_of(key, trust))
    if entry.record.kind != "commitment" or entry.record.body.get("sha256") != found.sha256:
        raise UsageError("the log's entry is of another commitment", where=Where(str(folder)))
    return {"index": entry.index, "origin": entry.origin, "at_us": entry.record.at_us}


def _keys(found: Commitment, keyring: Path) -> str:
    """That every key that was bound is in the keyring."""
    from headwater.mark import load_keyring
    from headwater.mark.student import key_digest

    candidates, _ = candidates_of(load_keyring(keyring), ())
    known = {key_digest(each, found.salt) for each in candidates}
    bound = [each.get("hmac_sha256") for each in found.bound.get("keys", ())]
    if not bound or not set(bound) <= known:
        raise UsageError("the keys that were bound aren't those of the keyring", where=Where(str(keyring)))
    return f"{len(bound):,} keys are those that were bound"


def _report(found: Commitment, report: Path) -> str:
    where = Where(str(report))
    try:
        said = json.loads(report.read_bytes())
        held, bound = said["commitment"], found.bound
        names = [(each["name"], each["scheme"]) for each in said["keys"]]
        names += [(each["name"], None) for each in said.get("not_tested", ())]
        texts = said.get("texts_sha256", said.get("prompts_sha256"))
        fits = held["sha256"] == found.sha256 and said["mode"] == bound["mode"]
        fits &= repr(float(said["alpha"])) == bound["alpha"] and texts == bound["texts_digest"]
        fits &= said.get("reference", {"sha256": ""})["sha256"] == bound["reference_digest"]
        fits &= {name for name, _ in names} == {each["name"] for each in bound["keys"]}
    except OSError as error:
        raise UnreadableInput(f"cannot be read ({error.strerror})", where=where) from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UsageError("is no report of a test that was committed to", where=where) from None
    if not fits:
        raise UsageError("the report is of another test than was committed to", where=where)
    return "the report is of the test that was committed to"
