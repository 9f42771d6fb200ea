"""An audit in few words: the verdict, the terminal's table, a Markdown summary, and one row explained."""

from __future__ import annotations

from headwater.explain import words
from headwater.explain.audited import wording
from headwater.provenance.audit import Report, RowTold
from headwater.report import Badge, Board, Cell, Column

_GROUPS = 15
_FINDINGS = 8


def audit_verdict(report: Report) -> str:
    """The first sentence: how many rows are clean, bound and unknown, and by what they are bound."""
    counts, answers = report.verdicts, report.answers
    kinds = (
        ("prohibited-by-contract", "prohibited"),
        ("restricted-to", "restricted"),
        ("allowed-with-duties", "with duties"),
    )
    parts = [f"{answers[name]:,} {word}" for name, word in kinds if answers.get(name)]
    bound = f"{counts['bound']:,} bound by terms" + (f" ({', '.join(parts)})" if parts else "")
    are = "is" if counts["clean"] == 1 else "are"
    return (
        f"Of {words.many(report.rows, 'row')}, {counts['clean']:,} {are} clean, {bound} and "
        f"{counts['unknown']:,} unknown, for {wording.use_in_words(report)}."
    )


def audit_board(report: Report, *, page: str) -> Board:
    """The outcome as a terminal shows it; `page` is the path of the page."""
    above = [
        (f"{words.many(report.rows, 'row')} · {words.many(len(report.files), 'file')}", ""),
        (audit_verdict(report), ""),
    ]
    writers = wording.writers(report)
    rows: list[list[Cell]] = [
        [
            Badge(one.verdict, "plain", wording.GLYPHS[one.verdict]),
            one.label,
            one.rows,
            wording.answers_in_words(one.answers),
        ]
        for one in writers[:_GROUPS]
    ]
    below = []
    if len(writers) > _GROUPS:
        below.append(f"… and {words.many(len(writers) - _GROUPS, 'more origin')}")
    for one in report.findings[:_FINDINGS]:
        who = f" ({one.provider})" if one.provider else ""
        place = f", first {one.examples[0].file}:{one.examples[0].row}" if one.examples else ""
        below.append(f"{words.many(one.rows, 'row')}: {wording.finding_title(one)}{who}{place}")
    if len(report.findings) > _FINDINGS:
        below.append(f"… and {words.many(len(report.findings) - _FINDINGS, 'more kind')} of findings")
    if report.contradicted:
        hold = "holds" if report.contradicted == 1 else "hold"
        below.append(
            f"{words.many(report.contradicted, 'row')} {hold} wording or a mark that speaks against the row's own claim"
        )
    below.append(wording.prevalence_sentence(report.prevalence))
    below += wording.told_by_verifiers(report)
    below += [f"not run: {what}" for what in wording.not_run(report)]
    if report.set_aside.total:
        below.append(f"{words.many(report.set_aside.total, 'row')} set aside:")
        below += [f"  {count:,} × {wording.fault(reason)}" for reason, count in report.set_aside.reasons[:5]]
    below += [f"note: {count:,} × {what}" for what, count in report.set_aside.notices[:5]]
    if report.disputes:
        below.append(f"{words.many(report.disputes, 'dispute')} recorded; split follows what people decided")
    below.append(f"{page} · next: headwater audit explain, headwater audit split, headwater manifest new")
    columns = [Column(""), Column("written by", "name"), Column("rows", "number"), Column("terms say")]
    return Board(above, columns, rows, below)


def audit_markdown(report: Report) -> str:
    """A summary for a pull request or a job's page."""
    lines = [f"### Audit of {_md(report.name)}", "", _md(audit_verdict(report)), ""]
    lines += ["| written by | rows | terms say |", "|---|---:|---|"]
    writers = wording.writers(report)
    for one in writers[:_GROUPS]:
        lines.append(f"| {_md(one.label)} | {one.rows:,} | {wording.answers_in_words(one.answers)} |")
    if len(writers) > _GROUPS:
        lines.append(f"| … and {words.many(len(writers) - _GROUPS, 'more origin')} | | |")
    lines.append("")
    for found in report.findings:
        who = f" ({found.provider})" if found.provider else ""
        lines.append(f"- {words.many(found.rows, 'row')}: {_md(wording.finding_title(found) + who)}")
    if report.set_aside.total:
        lines.append(f"- {words.many(report.set_aside.total, 'row')} set aside")
    lines += [f"- {_md(wording.prevalence_sentence(report.prevalence))}", "", _md(wording.NO_ADVICE), ""]
    return "\n".join(lines)


def row_lines(told: RowTold) -> list[str]:
    """What is known of one row, line by line."""
    lines = [f"{told.place.file}:{told.place.row}" + (f" (id {told.id})" if told.id else "")]
    lines.append(
        f"verdict: {told.stands}" + ("" if told.stands == told.verdict else f" (audit: {told.verdict})")
    )
    for group in told.groups:
        lines.append(
            f"claimed: {wording.writer(group)} [{words.joined(group.basis) or 'no column or card says so'}]"
        )
        lines.append(f"  {group.answer.sentence}")
        for link in group.answer.links:
            lines.append(f"  {link.kind} {link.name}: {wording.ANSWERS[link.verdict]}. {link.sentence}")
            lines += [
                f"    “{c.quote}” ({c.document}, {c.valid_from or 'undated'})"
                for c in link.clauses
                if c.quote
            ]
        lines += [f"  duty: {duty}" for duty in group.answer.duties]
        lines += [f"  {group.answer.bound}"] if group.answer.bound else []
    for one in told.findings:
        who = f" of {one.provider}" if one.provider else ""
        lines.append(f"found: {one.kind}{who} in {one.field}, characters {one.start:,} to {one.end:,}")
    if told.contradicted:
        lines.append("what was found speaks against what the row claims")
    for each in told.disputes:
        ends = f"decided: {each.decided}" if each.decided else "open"
        lines.append(f"dispute of {each.at:%Y-%m-%d} by {each.by} ({ends}): {each.reason}")
    return lines


def _md(text: str) -> str:
    """Text that stays text in Markdown."""
    from headwater.report import clean

    return "".join(f"\\{c}" if c in "\\`*_{}[]<>()#|!&~" else c for c in clean(text))
