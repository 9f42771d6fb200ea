"""`headwater appeal`: what customers say against a step, and the answer of a person who had no part in it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headwater.cli.casebooks import at_casebook, by_person, draw, in_form, limit, now_us, opened, tell_aside
from headwater.cli.options import HELP, PATH, Group, manners
from headwater.cli.terminal import Terminal, clean
from headwater.errors import UnreadableInput, UsageError, Where, unreadable

if TYPE_CHECKING:
    from headwater.casework import Appeal, Unread

_RUNGS = ("notice", "shape", "reduce", "step-up", "quarantine", "suspend", "ban")
#: Bytes of a file that are read: more than the longest text has, in any script.
_MOST_BYTES = 200_000


@click.group(cls=Group, context_settings=HELP)
def command() -> None:
    """File, review and decide appeals against steps."""


@command.command()
@click.argument("step", metavar="STEP|ACCOUNT")
@click.option("--text", metavar="TEXT", help="What the customer says.")
@click.option("--text-file", type=PATH, metavar="FILE", help="The same, from a file.")
@at_casebook
@by_person
@in_form
@manners
def file(
    terminal: Terminal,
    *,
    step: str,
    text: str | None,
    text_file: Path | None,
    folder: Path | None,
    by: str | None,
    form: str,
) -> int:
    """File an appeal against a step, by its account or for it; the clock begins to run.

    STEP is the reference that the customer's notice names; of an ACCOUNT it is the step in force.
    """
    said = _text(text, text_file)
    with opened(folder) as book:
        made = book.file(step, said, by or "", now_us())
    _told(
        terminal,
        made,
        form,
        [f"next: headwater appeal take {made.id} --by NAME (who had no part in the step)"],
    )
    return 0


@command.command("list")
@click.option("--all", "every", is_flag=True, help="Those that were answered, too.")
@click.option("--step", metavar="STEP", help="Only those against this step.")
@limit
@at_casebook
@in_form
@manners
def list_(
    terminal: Terminal, *, every: bool, step: str | None, limit: int, folder: Path | None, form: str
) -> int:
    """List appeals that wait for an answer, the most urgent first."""
    from headwater.report import Column

    at_us = now_us()
    aside: list[Unread] = []
    with opened(folder) as book:
        found = book.appeals(open_only=not every, step=step, aside=aside)
    tell_aside(terminal, aside)
    if form == "json":
        terminal.json([_record(one) for one in found])
        return 0
    columns = [
        Column("appeal", "name"),
        Column("step", "name"),
        Column("state"),
        Column("reviewer", "name"),
        Column("answer by"),
        Column("text", "text"),
    ]
    draw(terminal, columns, [_row(one, at_us) for one in found], below=_none(found), limit=limit)
    return 0


@command.command()
@click.argument("appeal", metavar="APPEAL|STEP|ACCOUNT")
@click.option("--instead-of", default="", metavar="NAME", help="Take it over from this reviewer.")
@at_casebook
@by_person
@in_form
@manners
def take(
    terminal: Terminal, *, appeal: str, instead_of: str, folder: Path | None, by: str | None, form: str
) -> int:
    """Take an appeal to review it; only a person who neither proposed the step nor decided on it can."""
    with opened(folder) as book:
        made = book.take(appeal, by or "", now_us(), instead_of=instead_of)
    decide = f"headwater appeal decide {made.id} upheld|reversed|lowered --by {made.reviewer} --reason TEXT"
    _told(terminal, made, form, [f"it says: {made.text}", f"next: {decide}"])
    return 0


@command.command()
@click.argument("appeal", metavar="APPEAL|STEP|ACCOUNT")
@click.argument("outcome", type=click.Choice(["upheld", "reversed", "lowered"]))
@click.option("--reason", default="", metavar="TEXT", help="Why; the customer reads it.")
@click.option("--to", type=click.Choice(_RUNGS), help="The milder rung, where it is lowered.")
@at_casebook
@by_person
@in_form
@manners
def decide(
    terminal: Terminal,
    *,
    appeal: str,
    outcome: str,
    reason: str,
    to: str | None,
    folder: Path | None,
    by: str | None,
    form: str,
) -> int:
    """Decide an appeal: the step is upheld, reversed, or lowered to a milder one.

    Where it is reversed or lowered, the account has what it had without the step, at once.
    """
    from headwater.casework import AppealState
    from headwater.policy import RUNGS

    if to and outcome != "lowered":
        raise UsageError(f"--to goes with lowered, not with {outcome}", hint="leave it out")
    rung = RUNGS[to] if to else None
    with opened(folder) as book:
        made, milder = book.decide(appeal, AppealState(outcome), by or "", reason, now_us(), to=rung)
    below = (
        [f"in its place: {milder.id} ({milder.step.rung.word}, {milder.step.state.value})"] if milder else []
    )
    _told(
        terminal, made, form, [*below, f"next: headwater step notice {made.step} (what the customer is told)"]
    )
    return 0


def _text(text: str | None, file: Path | None) -> str:
    if (text is None) == (file is None):
        raise UsageError("give what the customer says once", hint="--text TEXT or --text-file FILE")
    if file is None:
        return text or ""
    try:
        with file.open("rb") as source:
            data = source.read(_MOST_BYTES + 1)
            held = os.fstat(source.fileno()).st_size
    except OSError as error:
        raise unreadable(file, error) from None
    if len(data) > _MOST_BYTES:  # what isn't a file has no size beforehand
        size = f"{held:,}" if held > _MOST_BYTES else f"more than {_MOST_BYTES:,}"
        raise UsageError(
            f"a text of {size} bytes is too long",
            where=Where(str(file)),
            hint=f"at most {_most():,} characters",
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableInput(
            "isn't UTF-8, and what a customer says is kept as it was said",
            where=Where(str(file)),
            hint="convert it first: iconv -t UTF-8",
        ) from None


def _most() -> int:
    from headwater.casework import MOST_CHARACTERS

    return MOST_CHARACTERS


def _told(terminal: Terminal, made: Appeal, form: str, below: list[str]) -> None:
    if form == "json":
        terminal.json(_record(made))
        return
    from headwater.report import Board

    state, reference = _state(made, now_us()), f"against {made.step}"
    terminal.draw(
        Board(above=[(f"{made.id} {reference}", state)], columns=[], rows=[], below=list(map(clean, below)))
    )


def _state(made: Appeal, at_us: int) -> str:
    from headwater.casework import moment

    if not made.open:
        return f"{made.state.value} by {made.reviewer}" if made.reviewer else made.state.value
    late = "overdue since" if made.overdue(at_us) else "to be answered by"
    who = f"taken by {made.reviewer}, " if made.reviewer else ""
    return f"{who}{late} {moment(made.answer_by_us)}"


def _row(made: Appeal, at_us: int) -> list[Any]:
    from headwater.casework import moment

    late = "overdue: " if made.overdue(at_us) else ""
    text = made.text if len(made.text) <= 60 else f"{made.text[:59]}…"
    return [made.id, made.step, made.state.value, made.reviewer, f"{late}{moment(made.answer_by_us)}", text]


def _record(made: Appeal) -> dict[str, Any]:
    return {
        "appeal": made.id,
        "step": made.step,
        "state": made.state.value,
        "filed_us": made.filed_us,
        "answer_by_us": made.answer_by_us,
        "reviewer": made.reviewer,
        "text": made.text,
        "answer": made.answer,
    }


def _none(found: list[Appeal]) -> list[str]:
    return [] if found else ["no appeals"]
