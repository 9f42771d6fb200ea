"""Checking, as a third party, what was bound before a test of a student: the hash, the log's proof, keys, a report."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headwater.cli.log_inputs import trust_of, trusted, when
from headwater.cli.mark_student_commit import COMMITMENT
from headwater.cli.mark_student_inputs import candidates_of
from headwater.cli.mark_student_log import KIND, InLog, in_report
from headwater.cli.options import PATH, as_json, manners
from headwater.cli.terminal import Terminal, clean
from headwater.errors import UnreadableInput, UsageError, Where

if TYPE_CHECKING:
    from headwater.mark.student import Commitment
    from headwater.proof import Trust

#: What a report and a commitment both say, where they say it: fields of `bound`.
_SAME = ("kept", "window", "scored_sha256", "differences_sha256", "max_tokens", "tokenizers")
_UNLOGGED = "the report's figures aren't checked: no digest of it was logged (student test --log)"
_UNTRUSTED = "the report's figures aren't checked: give the log's key (--key or --trust)"


@click.command()
@click.argument("folder", type=PATH, metavar="FOLDER")
@trusted
@click.option("--keyring", type=PATH, metavar="FILE", help="Keys that should be the ones that were bound.")
@click.option("--report", type=PATH, metavar="FILE", help="The test's JSON, which should be of this.")
@click.option(
    "--shown",
    type=PATH,
    multiple=True,
    metavar="FOLDER",
    help="What `reveal` wrote of another commitment in that log.",
)
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
    shown: tuple[Path, ...],
    as_json: bool,
) -> int:
    """Check what `reveal` wrote, as a third party: the hash, the log's proof, and keys or a report against it.

    A report's figures are checked where a digest of it was logged (test --log). Exit code 0 where all fits, 1 where
    something doesn't.
    """
    from headwater.mark.student import load_commitment

    told: dict[str, Any] = {"holds": False, "checked": []}
    whom = trust_of(key, trust) if key is not None or trust is not None else None
    if shown and whom is None:
        raise UsageError("--shown needs the log's key", hint="--key or --trust")
    try:
        found, entry = load_commitment(folder / COMMITMENT), None
        told["sha256"] = found.sha256
        told["checked"].append("the hash is of what the commitment says")
        if whom is not None:
            entry = _logged(found, folder, whom)
            told |= {"index": entry.index, "origin": entry.origin, "at_us": entry.record.at_us}
            told["checked"].append("the log took the hash in")
            told |= _others(entry, shown, whom)
        if keyring is not None:
            told["checked"].append(_keys(found, keyring))
        if report is not None:
            said = _read(report)
            told["checked"].append(_report(found, said, report))
            told |= _figures(found, entry, said, whom, Where(str(report)))
        told["holds"] = True
    except UsageError as error:
        told["why"] = str(error)
    if as_json:
        terminal.json(told)
    else:
        terminal.out("".join(f"{clean(line)}\n" for line in _lines(told)))
    return 0 if told["holds"] else 1


def _lines(told: Mapping[str, Any]) -> list[str]:
    lines = [*told["checked"]]
    if "figures" in told:
        lines.append(told["figures"])
    if "why" in told:
        lines.append(f"refused: {told['why']}")
    if "at_us" in told:
        lines.append(f"entry {told['index']:,} of {told['origin']}, {when(told['at_us'])}")
        if told["before"] is None:
            lines.append("the log doesn't say how many commitments it held before")
        else:
            many = f"{told['before']:,} commitment{'' if told['before'] == 1 else 's'}"
            lines.append(
                f"the log holds {many} before this one, {told['before_not_shown']:,} of them not shown"
            )
        if told.get("after"):
            lines.append(f"and {told['after']:,} after it, before the report")
    elif told["holds"]:
        lines.append("when it was made isn't shown: give the log's key (--key or --trust)")
    return lines


def _logged(found: Commitment, folder: Path, trust: Trust) -> InLog:
    from headwater.casework.log import check_disclosed
    from headwater.mark.student import COMMITMENT_FORMAT

    entry = check_disclosed(folder, trust)
    body = entry.record.body
    if entry.record.kind != KIND or (body.get("format"), body.get("sha256")) != (
        COMMITMENT_FORMAT,
        found.sha256,
    ):
        raise UsageError("the log's entry is of another commitment", where=Where(str(folder)))
    return InLog(entry.record, entry.index, entry.origin)


def _others(entry: InLog, shown: Sequence[Path], trust: Trust) -> dict[str, Any]:
    """How many commitments the log held before this one, by what it took in with it, and how many aren't shown."""
    from headwater.mark.student import load_commitment

    places = set()
    for folder in shown:
        other = _logged(load_commitment(folder / COMMITMENT), folder, trust)
        if other.origin == entry.origin and other.index < entry.index:
            places.add(other.index)
    before = entry.record.body.get("before")
    if type(before) is not int:
        return {"before": None, "before_not_shown": None}
    return {"before": before, "before_not_shown": max(0, before - len(places))}


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


def _read(report: Path) -> dict[str, Any]:
    where = Where(str(report))
    try:
        said = json.loads(report.read_bytes())
    except OSError as error:
        raise UnreadableInput(f"cannot be read ({error.strerror})", where=where) from None
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise UsageError("is no report of a test that was committed to", where=where)
    return said


def _report(found: Commitment, said: Mapping[str, Any], report: Path) -> str:
    """That a report is of what was bound: mode, level, texts, reference, keys with their schemes and settings."""
    where, bound = Where(str(report)), found.bound
    try:
        keys = [{name: each[name] for name in each if name != "hmac_sha256"} for each in bound["keys"]]
        known = {(each["name"], each["account"], each["scheme"]) for each in keys}
        tested = {(each["name"], each["account"], each["scheme"]) for each in said["keys"]}
        names = {each["name"] for each in said["keys"]}
        names |= {each["name"] for each in said.get("not_tested", ())}
        differs = {
            "commitment": said["commitment"]["sha256"] != found.sha256,
            "mode": said["mode"] != bound["mode"],
            "alpha": repr(float(said["alpha"])) != bound["alpha"],
            "texts": said.get("texts_sha256", said.get("prompts_sha256")) != bound["texts_digest"],
            "reference": said.get("reference", {"sha256": ""})["sha256"] != bound["reference_digest"],
            "schemes or settings": said["candidates"] != keys or not tested <= known,
            "keys": names != {each["name"] for each in keys},
            **{name: name in bound and said.get(name) != bound[name] for name in _SAME},
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError("is no report of a test that was committed to", where=where) from None
    if wrong := [name for name, other in differs.items() if other]:
        what = f"the report is of another test than was committed to: {', '.join(wrong)}"
        raise UsageError(what, where=where)
    return "the report is of the test that was committed to"


def _figures(
    found: Commitment, entry: InLog | None, said: Mapping[str, Any], trust: Trust | None, where: Where
) -> dict[str, Any]:
    """Whether a report's figures are those of which the log holds a digest, and the log held the commitment before.

    Raises `UsageError` where they are others.
    """
    from headwater.casework.log import Record
    from headwater.mark.student import REPORT_FORMAT, report_digest
    from headwater.proof import Rejected

    logged = said.get("logged")
    if logged is None:
        return {"figures_checked": False, "figures": _UNLOGGED}
    try:
        held = in_report(logged, trust) if trust is not None else None
        record = held.record if held else Record.parse(logged["record"].encode())
        digest = report_digest(said)
    except (ValueError, KeyError, TypeError, AttributeError, Rejected):
        raise UsageError("the report's entry in the log is none", where=where) from None
    body = record.body
    if record.kind != KIND or body.get("format") != REPORT_FORMAT or body.get("sha256") != digest:
        raise UsageError("the report isn't the one of which the log holds a digest", where=where)
    if body.get("commitment") != found.sha256:
        raise UsageError("the log's entry is of a report of another commitment", where=where)
    if held is None or entry is None:
        return {"figures_checked": False, "figures": _UNTRUSTED}
    if held.origin != entry.origin or held.index <= entry.index:
        raise UsageError("the log doesn't hold the commitment before the report", where=where)
    return {
        "figures_checked": True,
        "figures": f"the report is the one of which the log holds a digest, entry {held.index:,}, after the commitment",
        "after": said["commitment"].get("after"),
    }
