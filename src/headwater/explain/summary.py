"""What the terminal shows when an investigation is done: a few lines, one table, what to do next."""

from __future__ import annotations

from headwater.detect import Campaign, Findings
from headwater.explain import words
from headwater.explain.alone import line
from headwater.explain.campaign import pack
from headwater.explain.section import badge
from headwater.report import Board, Cell, Column

_ROWS = 20
_REASONS = 3
_NOTES = 5


def _row(ring: Campaign) -> list[Cell]:
    most = max(ring.taken, key=lambda t: (t.exchanges, t.what), default=None)
    one_in = f"≥ {words.significant(1 / ring.chance)}" if 0 < ring.chance < 0.5 else "–"
    return [
        badge(ring),
        ring.id,
        len(ring.members),
        ring.exchanges,
        words.probability(ring.probability),
        one_in,
        most.what if most else "",
    ]


def _read(findings: Findings) -> str:
    log = findings.log
    told = [
        f"read {words.many(log.exchanges, 'exchange')}",
        words.many(log.accounts, "account"),
        words.span(log.first_at_us, log.last_at_us),
    ]
    if log.set_aside:
        told.append(f"{words.many(log.set_aside, 'row')} set aside")
    if log.duplicates:
        told.append(f"{words.many(log.duplicates, 'duplicate')} dropped")
    return " · ".join(told)


def _aside(findings: Findings, listed: str | None) -> list[str]:
    """Why rows were set aside, most frequent reasons first, and where they are listed."""
    log = findings.log
    if not log.set_aside:
        return []
    where = f", listed in {listed}" if listed else ""
    told = [f"{words.many(log.set_aside, 'row')} set aside{where}:"]
    told += [f"  {words.count(n)} × {reason}" for reason, n in log.set_aside_reasons[:_REASONS]]
    rest = len(log.set_aside_reasons) - _REASONS
    return [*told, f"  … and {words.many(rest, 'more reason')}"] if rest > 0 else told


def _notes(findings: Findings) -> list[str]:
    rest = len(findings.notes) - _NOTES
    told = [f"note: {note}" for note in findings.notes[:_NOTES]]
    return [*told, f"… and {words.many(rest, 'more note')} in campaigns.json"] if rest > 0 else told


def known(findings: Findings) -> list[str]:
    """What acts as one and was declared: it is no campaign, and it is said."""
    return [
        f"{ring.id}: {words.many(len(ring.members), 'account')} hang together and are declared "
        f"({words.sentence(ring.declared).rstrip('.')}); not reported"
        for ring in findings.considered
        if ring.declared
    ]


def proposed(findings: Findings) -> list[str]:
    """The measures that are proposed, for which campaigns, and by which policy pack."""
    names: dict[str, list[str]] = {}
    packs = []
    for ring in findings.campaigns:
        if ring.proposal is not None:
            names.setdefault(ring.proposal.rung, []).append(ring.id)
            packs.append(pack(ring.proposal))
    measures = [f"{rung} for {words.joined(rings, limit=3)}" for rung, rings in names.items()]
    return (
        [f"proposed by the policy pack {packs[0]}: {'; '.join(measures)}; a person decides"] if packs else []
    )


def board(findings: Findings, *, report: str | None = None, set_aside: str | None = None) -> Board:
    """The findings as a terminal shows them.

    `report` is the path of the report and `set_aside` that of the rows set aside, if they were written.
    """
    rings = findings.campaigns
    cost = (
        f"{words.duration(findings.seconds)} · {words.memory(findings.peak_bytes)}"
        if findings.peak_bytes
        else ""
    )
    below = [f"{ring.id}: {words.sentence(ring.sentence)}" for ring in rings[:3]]
    if len(rings) > _ROWS:
        below.insert(0, f"… and {words.many(len(rings) - _ROWS, 'more campaign')}")
    if not rings:
        below.append("no campaign reached the threshold; that is not proof that there is none")
    below += proposed(findings) + known(findings)
    if findings.considered:
        below.append(f"{words.many(len(findings.considered), 'group')} considered and not reported")
    below += line(findings)
    lost = [c for c in findings.coverage if not c.available]
    if lost:
        below.append(
            f"not in this log: {words.joined([c.title for c in lost])} "
            f"({len(lost)} of {words.many(len(findings.coverage), 'kind')} of evidence could not be checked)"
        )
    below += _aside(findings, set_aside) + _notes(findings)
    if findings.labels_note:
        below.append(f"labels: {words.sentence(findings.labels_note)}")
    after = [report] if report else []
    if rings:
        elsewhere = (
            f" --report {report.rpartition('/')[0]}" if report and not report.startswith("report/") else ""
        )
        after.append(f"next: headwater explain {rings[0].id}{elsewhere}")
    if after:
        below.append(" · ".join(after))
    found = words.many(len(rings), "campaign")
    if findings.chance_total > 0:
        found += f" (at most {words.significant(findings.chance_total)} expected by chance)"
    return Board(
        above=[(_read(findings), ""), (found, cost)],
        columns=[
            Column("", "text"),
            Column("campaign", "name"),
            Column("accounts", "number"),
            Column("exchanges", "number", minor=True),
            Column("sure", "number"),
            Column("chance 1 in", "number"),
            Column("what was taken", minor=True),
        ],
        rows=[_row(ring) for ring in rings[:_ROWS]],
        below=below,
    )
