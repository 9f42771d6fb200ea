"""The page of an audit: verdict first, then whose rows they are, what was found, and what wasn't looked at."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.explain import words
from headwater.explain.audited import wording
from headwater.explain.audited.origins import BARS, ROWS, origins, rest, terms
from headwater.explain.audited.short import audit_verdict
from headwater.provenance.audit import Dispute, Finding, Report, artefact_kinds
from headwater.report import (
    Block,
    Bullets,
    Cell,
    Chart,
    Column,
    Facts,
    Fold,
    Note,
    Page,
    Section,
    Table,
    Text,
)

_FINDINGS = 60
_AGAINST = (
    "{} claim to be by people, or by another provider's model, and hold wording or a mark of a model. They are never "
    "counted as clean; see what was found."
)


def audit_page(report: Report, disputed: Sequence[Dispute] = ()) -> Page:
    """The whole report as plain records, for `headwater.report` to draw; `disputed` are the disputes about its rows."""
    return Page(
        title=f"Audit of {report.name}",
        verdict=audit_verdict(report),
        lead=[
            f"Asked: may these rows be used for {wording.use_in_words(report)}? Answers as of {report.asked_at}.",
            wording.prevalence_sentence(report.prevalence),
        ],
        sections=[
            origins(report),
            terms(report),
            _found(report),
            _looked(report),
            _corpus(report),
            *([_disputes(disputed)] if disputed else []),
            _next(report),
        ],
        notes=_notes(report),
        foot=[f"Headwater {report.headwater} · schema {report.schema_}", wording.NO_ADVICE],
    )


def _notes(report: Report) -> list[Note]:
    told = []
    if report.contradicted:
        told.append(
            Note(
                "Rows that speak against their own claim",
                [_AGAINST.format(words.many(report.contradicted, "row"))],
                tone="warn",
            )
        )
    if report.other_groups:
        told.append(
            Note(
                "More origins than are told",
                [f"{words.many(report.other_groups, 'row')} claim origins beyond those listed one by one."],
                tone="warn",
            )
        )
    return told


def _found(report: Report) -> Section:
    """Findings by kind, with places."""
    if not report.findings:
        return Section(
            "found", "What was found in the text", [Text("Nothing that was looked for.")], menu="Found"
        )
    shown = report.findings[:_FINDINGS]
    table = Table(
        "Findings",
        [
            Column("finding", "name"),
            Column("provider"),
            Column("language", minor=True),
            Column("rows", "number"),
            Column("against its claim", "number", minor=True),
            Column("first places"),
        ],
        [
            [
                wording.finding_title(one),
                one.provider or "",
                one.language or "",
                one.rows,
                one.contradicts,
                words.joined([f"{place.file}:{place.row}" for place in one.examples], limit=2),
            ]
            for one in shown
        ],
        note=rest(len(report.findings), _FINDINGS, "kind"),
        long=len(shown) > 20,
    )
    return Section(
        "found", "What was found in the text", [_kinds(shown), table, _meanings(shown)], menu="Found"
    )


def _kinds(findings: Sequence[Finding]) -> Chart:
    by_kind: dict[str, int] = {}
    for one in findings:
        name = wording.finding_title(one) + (f" ({one.provider})" if one.provider else "")
        by_kind[name] = by_kind.get(name, 0) + one.rows
    largest = sorted(by_kind.items(), key=lambda item: (-item[1], item[0]))[:BARS]
    bars = [
        {"order": at, "label": name, "role": "found", "start": 0, "end": rows, "rows": rows}
        for at, (name, rows) in enumerate(largest)
    ]
    ends = [
        {"order": at, "label": name, "end": rows, "figure": f"{rows:,}"}
        for at, (name, rows) in enumerate(largest)
    ]
    return Chart(
        "chart-findings",
        "bars",
        "Rows by finding",
        "A row counts once for each kind that was found in it, language by language.",
        {"bars": bars, "ends": ends},
        Table(
            "Rows by finding",
            [Column("finding", "name"), Column("rows", "number")],
            [[n, r] for n, r in largest],
        ),
    )


def _meanings(findings: Sequence[Finding]) -> Fold:
    kinds = artefact_kinds()
    met = dict.fromkeys(one.kind for one in findings if one.kind in kinds)
    return Fold(
        "What each kind means, and where it comes from innocently",
        [Bullets([f"{kinds[k].title}: {kinds[k].means} Innocent causes: {kinds[k].innocent}." for k in met])],
        key="kinds",
    )


def _looked(report: Report) -> Section:
    rows: list[list[Cell]] = [
        [wording.STAGES.get(stage.name, stage.name), "yes" if stage.ran else "no", stage.rows, stage.why]
        for stage in report.stages
    ]
    told = report.prevalence
    blocks: list[Block] = [
        Table(
            "Stages",
            [Column("stage", "name"), Column("ran"), Column("rows", "number"), Column("why not")],
            rows,
        ),
        Text(wording.prevalence_sentence(told)),
    ]
    if lines := wording.told_by_verifiers(report):
        blocks.append(Bullets(lines))
    if told is not None and told.method:
        blocks.append(Bullets([f"method: {told.method}", f"caution: {told.caution}"], tone="quiet"))
    return Section("stages", "What was looked at", blocks, menu="Stages")


def _corpus(report: Report) -> Section:
    """Files, columns, and rows that could not be read."""
    card = report.card
    facts: list[tuple[str, Cell]] = [
        ("rows", report.rows),
        ("characters", report.characters),
        ("files", len(report.files)),
        ("set aside", report.set_aside.total),
        ("licences of the whole", words.joined(card.license) or "none stated"),
        ("stated in", words.joined([f"{path} ({form})" for path, form in card.found_in]) or "nowhere"),
    ]
    files = Table(
        "Files",
        [
            Column("file", "name"),
            Column("kind"),
            Column("rows", "number"),
            Column("set aside", "number"),
            Column("SHA-256", minor=True),
        ],
        [[file.path, file.kind, file.rows, file.set_aside, file.sha256] for file in report.files[:ROWS]],
        note=rest(len(report.files), ROWS, "file"),
        long=len(report.files) > 20,
    )
    columns = Table(
        "Columns",
        [Column("column", "name"), Column("values"), Column("taken for"), Column("rows", "number")],
        [
            [column.name, column.type, column.role or "text or data", column.rows]
            for column in report.columns[:ROWS]
        ],
        note=rest(len(report.columns), ROWS, "column"),
        long=len(report.columns) > 20,
    )
    blocks: list[Block] = [Facts(facts), files, columns]
    if report.set_aside.reasons:
        blocks.append(
            Table(
                "Rows set aside",
                [Column("reason", "name"), Column("rows", "number")],
                [[wording.fault(reason), count] for reason, count in report.set_aside.reasons[:ROWS]],
                note="set_aside.jsonl holds each of them.",
            )
        )
    if card.problems:
        blocks.append(Bullets([f"not read: {what}" for what in card.problems[:20]], tone="warn"))
    if report.set_aside.notices:
        blocks.append(
            Bullets([f"{count:,} × {what}" for what, count in report.set_aside.notices[:20]], tone="quiet")
        )
    return Section("corpus", "The corpus", blocks, menu="Corpus")


def _next(report: Report) -> Section:
    place = next((e for one in report.findings for e in one.examples), None)
    row = f"{place.file}:{place.row}" if place else "FILE:ROW"
    return Section(
        "next",
        "What to do with it",
        [
            Bullets(
                [
                    "headwater audit split DIR --to FOLDER copies clean, bound and unknown rows apart.",
                    f"headwater audit explain DIR {row} says of one row all that is known.",
                    "headwater audit dispute DIR FILE:ROW --reason TEXT --by NAME records that a finding is wrong.",
                    "headwater manifest new DIR fills in what a manifest can say of this corpus.",
                ]
            )
        ],
        menu="Next",
    )


def _disputes(disputed: Sequence[Dispute]) -> Section:
    rows: list[list[Cell]] = [
        [f"{one.file}:{one.row}", one.decided or "open", one.reason, one.by, f"{one.at:%Y-%m-%d}"]
        for one in disputed[-ROWS:]
    ]
    table = Table(
        "Disputes",
        [Column("row", "name"), Column("decided"), Column("reason"), Column("by"), Column("on")],
        rows,
        note=rest(len(disputed), ROWS, "dispute"),
        long=len(rows) > 20,
    )
    sentence = (
        "The figures above are the audit's; split follows what a person decided, and counts open disputes as "
        "unknown."
    )
    return Section("disputes", "Disputed by people", [Text(sentence), table], menu="Disputes")
