"""`headwater step`: propose what is proportionate, and decide on it; everything can be undone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headwater.cli.casebooks import (
    Names,
    at_casebook,
    by_person,
    draw,
    in_form,
    limit,
    names,
    now_us,
    opened,
    revealing,
    step_record,
    step_table,
    tell_aside,
    tell_known,
)
from headwater.cli.options import HELP, PATH, Group, manners
from headwater.cli.terminal import Terminal, clean

if TYPE_CHECKING:
    from headwater.casework import Acted, Batch, Kept, Unread

_STATES = ("proposed", "announced", "standing", "declined", "lapsed", "expired", "reversed")
#: Steps that an acting command shows by name.
_SHOWN = 5


@click.group(cls=Group, context_settings=HELP)
def command() -> None:
    """Propose steps for accounts, and decide on them."""


@command.command()
@click.argument("report", type=PATH, default=Path("report"), metavar="REPORT")
@click.option(
    "--accounts",
    type=PATH,
    multiple=True,
    metavar="FILE",
    help="What is known of accounts (CSV, JSON lines, Parquet).",
)
@at_casebook
@by_person
@in_form
@manners
def propose(
    terminal: Terminal,
    *,
    report: Path,
    accounts: tuple[Path, ...],
    folder: Path | None,
    by: str | None,
    form: str,
) -> int:
    """Propose a step for each account of a report's campaigns, as the casebook's policy says.

    REPORT is a report folder or its campaigns.json. Where the policy asks for no person, a step begins at once. The
    same report proposed again makes no second step.
    """
    from headwater.casework import read_known
    from headwater.exchange import SetAside
    from headwater.explain import load

    at_us = now_us()
    with opened(folder) as book:
        findings = load(report)
        aside = SetAside(keep=5)
        known = read_known(accounts, aside, at_us) if accounts else None
        batch = book.propose(findings, by or "", at_us, known.facts if known else None)
    if known:
        tell_known(terminal, known, aside)
    if form == "json":
        called = Names()
        told = {"batch": batch.id, "watched": batch.observed, "there_before": batch.known_before}
        terminal.json(
            {**told, "set_aside": aside.total, "steps": [step_record(k, called) for k in batch.steps]}
        )
    else:
        _proposed(terminal, batch)
    return 0


def _proposed(terminal: Terminal, batch: Batch) -> None:
    from collections import Counter

    from headwater.report import Column

    kinds = Counter(
        (k.campaign, k.step.rung, k.basis.decision.rule, k.step.terms.persons) for k in batch.steps
    )
    rows: list[list[Any]] = [
        [campaign, rung.word, rule, count, ("none: it began", "one", "two")[persons]]
        for (campaign, rung, rule, persons), count in sorted(kinds.items(), key=lambda one: -one[0][1])
    ]
    columns = [
        Column("campaign", "name"),
        Column("rung"),
        Column("rule", "name"),
        Column("steps", "number"),
        Column("persons that decide"),
    ]
    below = (
        [f"{batch.observed:,} accounts are watched, and nothing changes for them"] if batch.observed else []
    )
    if batch.known_before:
        below.append(f"{batch.known_before:,} steps were there before")
    waiting = next((k for k in batch.steps if k.step.terms.persons), None)
    if waiting:
        below.append(f"next: headwater step confirm {waiting.campaign} --by NAME (or step decline)")
    draw(
        terminal,
        columns,
        rows,
        above=[(f"{len(batch.steps):,} steps proposed ({batch.id})", "")],
        below=below,
        limit=0,
    )


@command.command("list")
@click.option(
    "--state", "states", type=click.Choice(_STATES), multiple=True, help="Only those in this state."
)
@click.option("--of", "name", metavar="NAME", help="Only those of this campaign, batch or account.")
@limit
@revealing
@at_casebook
@in_form
@manners
def list_(
    terminal: Terminal,
    *,
    states: tuple[str, ...],
    name: str | None,
    limit: int,
    reveal: bool,
    folder: Path | None,
    form: str,
) -> int:
    """List steps: those that stand or wait, or those in the states asked for, the highest rung first."""
    from headwater.control import ACTIVE, State

    wanted = tuple(map(State, states)) or (tuple(State) if name else ACTIVE)
    aside: list[Unread] = []
    with opened(folder) as book:
        found = book.steps(name, states=wanted, aside=aside)
        called = names(book, reveal)
    tell_aside(terminal, aside)
    if form == "json":
        terminal.json([step_record(kept, called) for kept in found])
        return 0
    shown = found[:limit] if limit else found
    more = [f"and {len(found) - len(shown):,} more: --limit 0 shows all"] if len(shown) < len(found) else []
    below = more if found else ["no steps; headwater step propose REPORT makes some"]
    columns, rows = step_table(shown, called)
    draw(terminal, columns, rows, below=below, limit=0)
    return 0


@command.command()
@click.argument("step", metavar="STEP|ACCOUNT")
@revealing
@at_casebook
@in_form
@manners
def show(terminal: Terminal, *, step: str, reveal: bool, folder: Path | None, form: str) -> int:
    """Show a step: what it rests on, what happened to it, and what it does."""
    with opened(folder) as book:
        kept = book.step(step)
        events = book.history(kept.id)
        verdict = book.verdict(kept.verdict)
        called = names(book, reveal)
        told = {
            **step_record(kept, called),
            "found": (verdict or {}).get("sentence"),
            "evidence": list(kept.basis.evidence),
            "requests": kept.basis.requests,
            "restrictions": book.restrictions(kept.step.account, now_us()),
            "appeals": [one.id for one in book.appeals(step=kept.id)],
            "notices": [one.kind for one in book.notices(kept.id)],
            "events": [
                {"what": e.what.value, "by": e.by, "at_us": e.at_us, "reason": e.reason} for e in events
            ],
        }
    if form == "json":
        terminal.json(told)
    else:
        _shown(terminal, kept, told)
    return 0


def _shown(terminal: Terminal, kept: Kept, told: dict[str, Any]) -> None:
    from headwater.casework import moment
    from headwater.cli.casebooks import when
    from headwater.policy import MEANING, REASON_CLASSES
    from headwater.report import Column

    basis, terms = kept.basis.decision, kept.step.terms
    above = [
        (f"{kept.id}: {terms.rung.word} for {told['account']}", f"{told['state']} {when(kept)}".strip()),
        (MEANING[terms.rung], ""),
        (f"found: {told['found'] or 'what was found has been erased'}", ""),
        (f"rule {basis.rule} of the pack {basis.pack} ({basis.pack_sha256[:12]}): {terms.reason}", ""),
        (f"the customer learns: {REASON_CLASSES.get(terms.reason_class, terms.reason_class)}", ""),
        (f"evidence: {', '.join(told['evidence']) or 'none'} · {told['requests']:,} requests", ""),
    ]
    columns = [Column("when"), Column("who", "name"), Column("what"), Column("why", "text")]
    rows = [[moment(e["at_us"]), e["by"], e["what"], e["reason"]] for e in told["events"]]
    below = [f"revision {told['revision']} (--seen {told['revision']} acts on nothing newer)"]
    below += [f"notices: {', '.join(told['notices'])}"] if told["notices"] else []
    below += [f"appeal: {name}" for name in told["appeals"]]
    draw(terminal, columns, rows, above=above, below=below, limit=0)


def _acting(name: str, says: str) -> None:
    """Add the command by which a person does to steps what the casebook's method of that name does."""

    @command.command(name, help=says, short_help=says.partition("\n")[0])
    @click.argument("which", metavar="STEP|BATCH|CAMPAIGN|ACCOUNT")
    @click.option("--reason", default="", metavar="TEXT", help="Why; kept with the step.")
    @click.option(
        "--seen", type=click.IntRange(1), metavar="N", help="The revision of the step that was seen."
    )
    @at_casebook
    @by_person
    @in_form
    @manners
    def acting(
        terminal: Terminal,
        *,
        which: str,
        reason: str,
        seen: int | None,
        folder: Path | None,
        by: str | None,
        form: str,
    ) -> int:
        with opened(folder) as book:
            acted: Acted = getattr(book, name)(which, by or "", now_us(), reason, seen=seen)
        _acted(terminal, acted, form)
        return 0


def _acted(terminal: Terminal, acted: Acted, form: str) -> None:
    called = Names()
    if form == "json":
        over = [{"step": step, "why": why} for step, why in acted.passed_over]
        terminal.json({"steps": [step_record(k, called) for k in acted.steps], "passed_over": over})
        return
    for step, why in acted.passed_over[:_SHOWN]:
        terminal.warn(clean(f"passed over: {why}" if step in why else f"passed over {step}: {why}"))
    if len(acted.passed_over) > _SHOWN:
        terminal.warn(f"{len(acted.passed_over):,} steps were passed over in all")
    columns, rows = step_table(acted.steps[:_SHOWN], called)
    below = [_next(acted.steps[0])] if acted.steps else []
    more = [f"and {len(acted.steps) - _SHOWN:,} more"] if len(acted.steps) > _SHOWN else []
    draw(terminal, columns, rows, below=[*more, *below], limit=0)


def _next(kept: Kept) -> str:
    """What can be done next with a step."""
    from headwater.control import State

    step = kept.step
    if step.state is State.PROPOSED:
        missing = step.terms.persons - len(step.deciders)
        who = "another person" if step.deciders and missing else "a person"
        return f"next: {who} decides: headwater step confirm {kept.id} --by NAME"
    if step.ended:
        return f"to take that back: headwater step undo {kept.id} --by NAME --reason TEXT"
    return f"next: headwater step notice {kept.id} (what the customer is told)"


@command.command()
@click.argument("step", metavar="STEP|ACCOUNT")
@at_casebook
@manners
def statement(terminal: Terminal, *, step: str, folder: Path | None) -> int:
    """Print the statement of reasons of a step, as JSON."""
    from headwater.errors import UsageError

    with opened(folder) as book:
        kept = book.step(step)
        found = book.statement(kept.id)
    if found is None:
        raise UsageError(
            f"{kept.id} has no statement of reasons",
            hint="one is made when a step that restricts something is told to the customer",
        )
    terminal.out(found.decode())
    return 0


@command.command()
@click.argument("step", metavar="STEP|ACCOUNT")
@click.option("--all", "every", is_flag=True, help="Every notice, oldest first; else the newest.")
@at_casebook
@in_form
@manners
def notice(terminal: Terminal, *, step: str, every: bool, folder: Path | None, form: str) -> int:
    """Print what the customer is told of a step, ready to be sent."""
    import dataclasses

    from headwater.errors import UsageError

    with opened(folder) as book:
        kept = book.step(step)
        found = book.notices(kept.id)
    if not found:
        raise UsageError(
            f"nothing was told to the customer of {kept.id}",
            hint="a step is told when it stands; shaping when it has lasted a while (headwater casebook tick)",
        )
    shown = found if every else found[-1:]
    if form == "json":
        terminal.json([dataclasses.asdict(one) for one in shown])
    else:
        parts = [f"Subject: {one.subject}\n\n{one.text}" for one in shown]
        terminal.out(clean_lines("\n----\n\n".join(parts)))
    return 0


def clean_lines(text: str) -> str:
    """Several lines that don't act on the screen."""
    from headwater.report import clean as cleaned

    return cleaned(text, lines=True)


for _name, _says in {
    "confirm": "Confirm steps: a person decides that they stand.\n\nBan and refer take two different persons.",
    "decline": "Decline proposals: nothing happens to the accounts.",
    "reverse": "End steps that stand; what lay under them shows again.",
    "undo": "Take back the last that happened to steps, whoever did it.",
}.items():
    _acting(_name, _says)
