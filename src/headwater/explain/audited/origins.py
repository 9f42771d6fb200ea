"""The parts of an audit's page on origins: who is claimed to have written what, and what the terms say on it."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.explain import words
from headwater.explain.audited import wording
from headwater.provenance.audit import Group, Report
from headwater.provenance.terms import Clause
from headwater.report import Badge, Block, Bullets, Cell, Chart, Column, Fold, Section, Table, Text

#: Writers that get a bar, writers that get a row, and origins whose chain of terms is told.
BARS, ROWS, CHAINS = 12, 100, 30
#: Answers from the one that is drawn first.
_DRAWN = ("prohibited-by-contract", "restricted-to", "allowed-with-duties", "unknown", "allowed")


def rest(all_of_them: int, shown: int, what: str) -> str:
    """How many aren't shown."""
    return f"{words.many(all_of_them - shown, f'more {what}')} not shown here." if all_of_them > shown else ""


def origins(report: Report) -> Section:
    """Who is claimed to have written the rows, largest first."""
    writers = wording.writers(report)
    rows: list[list[Cell]] = [
        [
            Badge(one.verdict, wording.TONES[one.verdict], wording.GLYPHS[one.verdict]),  # type: ignore[arg-type]
            one.label,
            one.rows,
            wording.answers_in_words(one.answers),
            one.period,
            words.joined(one.basis, limit=3) or "nothing",
        ]
        for one in writers[:ROWS]
    ]
    table = Table(
        "Claimed origins",
        [
            Column("at most"),
            Column("written by", "name"),
            Column("rows", "number"),
            Column("terms say"),
            Column("generated", minor=True),
            Column("claimed by", minor=True),
        ],
        rows,
        note=rest(len(writers), ROWS, "origin"),
        long=len(rows) > 20,
    )
    legend = Bullets([f"{wording.GLYPHS[name]} {name}: {means}" for name, means in wording.VERDICTS.items()])
    blocks: list[Block] = [_bars(writers), table, legend]
    return Section("origins", "Who wrote it, as the data claim", blocks, menu="Origins")


def _bars(writers: Sequence[wording.Writer]) -> Chart:
    bars: list[dict[str, object]] = []
    ends: list[dict[str, object]] = []
    for at, one in enumerate(writers[:BARS]):
        start = 0
        for answer in _DRAWN:
            if rows := one.answers.get(answer, 0):
                place = {"order": at, "label": one.label, "start": start, "end": start + rows}
                bars.append({**place, "role": wording.ANSWERS[answer], "rows": rows})
                start += rows
        figure = f"{one.rows:,}: {wording.answers_in_words(one.answers)}"
        ends.append({"order": at, "label": one.label, "end": start, "figure": figure})
    return Chart(
        "chart-origins",
        "bars",
        "Rows by claimed origin, and what the terms say",
        f"The longest bar is the commonest claim. {rest(len(writers), BARS, 'origin')}".strip(),
        {"bars": bars, "ends": ends},
        Table(
            "Rows by claimed origin",
            [Column("written by", "name"), Column("terms say"), Column("rows", "number")],
            [[one.label, wording.answers_in_words(one.answers), one.rows] for one in writers[:BARS]],
        ),
    )


def terms(report: Report) -> Section:
    """What the terms say on each origin, link by link; eras with one answer are one."""
    parted: dict[tuple[str, str], list[Group]] = {}
    for group in report.groups:
        parted.setdefault((wording.writer(group), group.answer.sentence), []).append(group)
    told = sorted(parted.values(), key=lambda groups: -sum(group.rows for group in groups))
    blocks: list[Block] = [
        Text(
            "Of all that applies to a row, the most restrictive decides. Quotes are the documents' own words."
        ),
        *(_chain(groups, at) for at, groups in enumerate(told[:CHAINS])),
    ]
    if more := rest(len(told), CHAINS, "answer"):
        blocks.append(Text(f"{more} audit.json holds all.", tone="quiet"))
    return Section("terms", "What the terms say", blocks, menu="Terms")


def _chain(groups: Sequence[Group], at: int) -> Fold:
    group = groups[0]
    answer = group.answer
    blocks: list[Block] = [Text(answer.sentence)]
    if answer.duties:
        blocks.append(Bullets([f"duty: {duty}" for duty in answer.duties]))
    if answer.conditions:
        blocks.append(Bullets([f"only: {condition}" for condition in answer.conditions]))
    blocks.append(
        Table(
            "The chain",
            [Column("link"), Column("whose", "name"), Column("says"), Column("in words")],
            [[link.kind, link.name, wording.ANSWERS[link.verdict], link.sentence] for link in answer.links],
        )
    )
    clauses = list(
        dict.fromkeys(clause for each in groups for link in each.answer.links for clause in link.clauses)
    )
    if clauses:
        blocks.append(_clauses(clauses))
    if answer.bound:
        blocks.append(Text(answer.bound))
    if answer.unknown:
        blocks.append(Bullets([f"not known: {what}" for what in answer.unknown], tone="quiet"))
    rows = sum(each.rows for each in groups)
    held = f"{words.many(rows, 'row')}, {wording.days(groups)}"
    title = f"{wording.writer(group)}: {wording.ANSWERS[answer.verdict]} ({held})"
    return Fold(title, blocks, key=f"origin-{at + 1}")


def _clauses(clauses: Sequence[Clause]) -> Table:
    columns = [
        Column("document", "name"),
        Column("since"),
        Column("what it says"),
        Column("in its words"),
        Column("how sure"),
        Column("read at", minor=True),
    ]
    rows: list[list[Cell]] = [
        [
            f"{clause.document} {clause.section}".strip(),
            f"{clause.valid_from} ({clause.valid_from_basis})" if clause.valid_from else "not known",
            clause.says,
            f"“{clause.quote}”" if clause.quote else "could not be read",
            clause.confidence if clause.quote else f"{clause.confidence}, by report",
            " ".join(filter(None, (clause.source, clause.commit[:12]))),
        ]
        for clause in clauses
    ]
    return Table("Clauses", columns, rows)
