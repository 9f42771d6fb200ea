"""Findings as a page: the whole report as plain records, for `headwater.report` to draw.

What is large is cut here, with the rest counted, so that a report stays one small file whatever the log
holds.
"""

from __future__ import annotations

from dataclasses import replace

from headwater.detect import Campaign, Findings
from headwater.explain import alone, appendix, words
from headwater.explain.ringmap import ring_map
from headwater.explain.section import badge, glance, section
from headwater.explain.summary import known
from headwater.report import Cell, Column, Link, Note, Page, Section, Table

#: Campaigns with a section of their own, with a place beside the map, and in the list of contents.
SECTIONS = 20
GLANCES = 12
MENU = 4
NOTES = 8
ROWS = 200


def verdict(findings: Findings) -> str:
    """The report's first sentence: how many campaigns among what, and how many chance would make."""
    log = findings.log
    among = (
        f"among {words.many(log.accounts, 'account')} and {words.many(log.exchanges, 'exchange')} "
        f"in {words.span(log.first_at_us, log.last_at_us)}"
    )
    n = len(findings.campaigns)
    found = f"{words.spelled(n).capitalize()} {'campaign' if n < 2 else 'campaigns'} {among}"
    if findings.chance_total <= 0:
        return f"{found}."
    return f"{found}, where chance alone would make at most {words.significant(findings.chance_total)}."


def _lead(findings: Findings) -> list[str]:
    log = findings.log
    held = len({m.account for r in findings.campaigns for m in r.members})
    told = []
    if findings.campaigns:
        exchanges = sum(r.exchanges for r in findings.campaigns)
        told.append(
            f"{words.many(held, 'account')} ({words.share(held / max(log.accounts, 1))}) and "
            f"{words.many(exchanges, 'exchange')} ({words.share(exchanges / max(log.exchanges, 1))}) "
            "are attributed."
        )
    else:
        told.append(
            "No campaign was found. That is not proof that there is none: read what the log could not show."
        )
    told += [words.sentence(line) for line in known(findings)]
    lost = [c.title for c in findings.coverage if not c.available]
    if lost:
        told.append(
            f"{len(lost)} of {words.many(len(findings.coverage), 'kind')} of evidence could not be checked "
            f"in this log: {words.joined(lost)}."
        )
    told.append("A verdict is a reading of evidence, with its error. A person decides what follows.")
    return told


def _row(ring: Campaign, key: str | None) -> list[Cell]:
    most = max(ring.taken, key=lambda t: (t.exchanges, t.what), default=None)
    return [
        Link(ring.id, key) if key else ring.id,
        badge(ring),
        len(ring.members),
        ring.exchanges,
        words.probability(ring.probability),
        Link(words.chance(ring.chance), "method"),
        most.what if most else "",
    ]


def _summary(findings: Findings, keys: dict[str, str]) -> Table | None:
    rings = findings.campaigns
    if not rings:
        return None
    rest = len(rings) - ROWS
    notes = []
    if len(rings) > SECTIONS:
        notes.append(f"The first {SECTIONS} have a section below.")
    if rest > 0:
        notes.append(f"{words.many(rest, 'more campaign')} in campaigns.json.")
    return Table(
        "Campaigns",
        [
            Column("Campaign", "name"),
            Column("Verdict"),
            Column("Accounts", "number"),
            Column("Exchanges", "number", minor=True),
            Column("Probability", "number", minor=True),
            Column("By chance", "number"),
            Column("Mostly taken", minor=True),
        ],
        [_row(ring, keys.get(ring.id)) for ring in rings[:ROWS]],
        note=" ".join(notes),
        long=len(rings) > 12,
    )


def _noted(findings: Findings) -> Note:
    """How the log was read, where that could mislead."""
    told = [words.sentence(note) for note in findings.notes[:NOTES]]
    if (rest := len(findings.notes) - NOTES) > 0:
        told.append(f"{words.many(rest, 'more note')} in campaigns.json.")
    return Note("How the log was read", told)


def page(findings: Findings) -> Page:
    """The whole report. `ValueError` where a campaign's pieces don't sum to its verdict."""
    shown = findings.campaigns[:SECTIONS]
    keys = {ring.id: f"c{i}" for i, ring in enumerate(shown, 1)}
    nearest = findings.considered[: appendix.OPENED]
    keys |= {ring.id: f"r{i}" for i, ring in enumerate(nearest, 1)}
    sections: list[Section] = [section(ring, findings, f"c{i}") for i, ring in enumerate(shown, 1)]
    sections[:MENU] = [replace(made, menu=words.clip(made.title, 24)) for made in sections[:MENU]]
    single = alone.alone(findings)
    sections += [
        *([single] if single else []),
        appendix.considered(findings),
        appendix.errors(findings),
        appendix.not_seen(findings),
        appendix.method(findings),
    ]
    notes = []
    if findings.labels_note:
        notes.append(Note("Constructed labels", [words.sentence(findings.labels_note)], "warn"))
    if findings.notes:
        notes.append(_noted(findings))
    log = findings.log
    return Page(
        title=f"Headwater report: {words.day(log.first_at_us)} to {words.day(log.last_at_us)}",
        verdict=verdict(findings),
        lead=_lead(findings),
        sections=sections,
        summary=_summary(findings, keys),
        map=ring_map(findings, keys),
        glances=[glance(ring, findings, keys[ring.id]) for ring in (*shown[:GLANCES], *nearest)],
        notes=notes,
        foot=[
            f"Made by headwater {findings.version} from {words.joined(log.sources, limit=3) or 'a log'}.",
            "This file is complete in itself: it loads nothing and sends nothing.",
        ],
    )
