"""What every report says beside its campaigns: rings that were not reported, error rates, what could not be
seen, and how the numbers were made.
"""

from __future__ import annotations

from headwater.detect import Findings
from headwater.explain import campaign as told
from headwater.explain import waterfall, words
from headwater.explain.section import badge
from headwater.report import Badge, Block, Bullets, Column, Fold, Note, Section, Table, Text

ROWS = 100
#: Considered rings that say why they were not reported, beside those of which something is known.
OPENED = 5


def considered(findings: Findings) -> Section:
    """Rings that were proposed and stayed below the threshold."""
    rings = findings.considered
    if not rings:
        return Section(
            "considered",
            "Considered, not reported",
            [Text("No other group was tested.")],
            menu="Considered",
        )
    rest = len(rings) - ROWS
    table = Table(
        "Rings that stayed below the threshold, strongest first",
        [
            Column("Ring", "name"),
            Column("Verdict"),
            Column("Accounts", "number"),
            Column("Probability", "number"),
            Column("By chance", "number"),
            Column("Kind", minor=True),
            Column("What was seen"),
        ],
        [
            [
                r.id,
                badge(r),
                len(r.members),
                words.probability(r.probability),
                words.chance(r.chance),
                r.kind,
                words.short(r.sentence, 300),
            ]
            for r in rings[:ROWS]
        ],
        note=f"{words.many(rest, 'more ring')} in campaigns.json." if rest > 0 else "",
        long=len(rings) > 15,
    )
    blocks: list[Block] = [
        Text(
            "These groups were looked at and did not reach the threshold. They are not findings, and nothing "
            "follows from them."
        ),
        table,
    ]
    # What is known of a group is shown with what it outweighs, however far down that brings the group.
    opened = [*rings[:OPENED], *[r for r in rings[OPENED:ROWS] if told.declaration(r)]]
    for number, ring in enumerate(opened, 1):
        made = waterfall.steps(ring, findings.coverage)
        why = Bullets([told.verdict(ring)[0], *told.against(ring)])
        blocks.append(Fold(f"Why {ring.id} was not reported", [why, waterfall.table(made)], f"r{number}"))
    return Section("considered", "Considered, not reported", blocks, menu="Considered")


def errors(findings: Findings) -> Section:
    """The card of each kind of evidence: what it sees and how often it is wrong."""
    table = Table(
        "Each kind of evidence with its measured error",
        [
            Column("Evidence"),
            Column("In this log"),
            Column("Sees"),
            Column("False positives"),
            Column("Innocent causes", minor=True),
            Column("What evading it costs", minor=True),
        ],
        [
            [
                c.title,
                Badge("checked", "for", "✓") if c.available else Badge("not checked", "warn", "–"),
                c.sees,
                c.false_positive_rate,
                "; ".join(c.innocent_causes),
                c.evasion_cost,
            ]
            for c in findings.coverage
        ],
    )
    text = Text(
        "A verdict is only as good as its evidence. These are the figures on the evidence's own cards."
    )
    return Section("errors", "Error rates", [text, table], menu="Error rates")


def not_seen(findings: Findings) -> Section:
    """What the log could not show, and what was set aside."""
    lost = [c for c in findings.coverage if not c.available]
    log = findings.log
    first = (
        f"{len(lost)} of {words.many(len(findings.coverage), 'kind')} of evidence could not be checked, "
        "for want of columns."
        if lost
        else "Every kind of evidence that this version knows could be checked."
    )
    blocks: list[Block] = [Text(first)]
    if lost:
        blocks.append(
            Table(
                "Evidence lost for want of columns",
                [Column("Evidence"), Column("Missing columns", "name"), Column("Would have seen")],
                [[c.title, ", ".join(c.missing), c.sees] for c in lost],
            )
        )
    if log.missing:
        blocks.append(Text(f"Columns that the log does not have: {words.joined(log.missing, limit=40)}."))
    aside = [
        (
            f"{words.many(log.set_aside, 'row')} set aside as unreadable, "
            f"{words.many(log.duplicates, 'duplicate')} dropped."
            + (" The rows are listed in set_aside.jsonl." if log.set_aside else "")
        )
    ]
    aside += [
        f"{words.many(n, 'row')} of them: {words.sentence(reason)}"
        for reason, n in log.set_aside_reasons[:20]
    ]
    blocks.append(Bullets(aside))
    return Section("unseen", "What the log could not show", blocks, menu="Not in the log")


def method(findings: Findings) -> Section:
    """Null models, the scale of words, settings and versions."""
    models = sorted({r.null_model for r in (*findings.campaigns, *findings.considered)})
    log = findings.log
    blocks: list[Block] = [
        Bullets(
            [
                (
                    "Each piece of evidence is a log-likelihood ratio in nats (natural logarithm): how much "
                    "more likely the log is with one hand behind the accounts than without."
                ),
                (
                    "Pieces that could be traces of the same thing form a group, and only the strongest of a "
                    "group counts. Each piece is capped, and weighed by how far kinds of evidence overlap in "
                    "constructed logs. The verdict is the prior plus the pieces that count, taken to what such a sum "
                    "turned out to mean there (“taken together”)."
                ),
                "Rings are proposed on one half of each account's sessions and confirmed on the other half.",
                (
                    "“By chance” is the number of rings as strong as this that a log like this one would "
                    "show without any campaign; it is not the probability that the verdict is wrong."
                ),
                *(f"Null model: {words.sentence(m)}" for m in models[:10]),
            ]
        ),
        Table(
            "The scale of words",
            [Column("Word"), Column("Meaning")],
            [[Badge(word, "quiet", glyph), meaning] for word, (glyph, meaning) in told.SCALE.items()],
            show_caption=True,
        ),
        Table(
            "Settings and versions",
            [Column("Setting", "name"), Column("Value", "name")],
            [
                ["headwater", findings.version],
                ["imprint key", findings.imprint_key_id],
                ["read from", words.joined(log.sources, limit=20)],
                ["first exchange", words.when(log.first_at_us)],
                ["last exchange", words.when(log.last_at_us)],
                *(
                    [str(name), words.short(str(value), 200)]
                    for name, value in sorted(findings.settings.items())
                ),
            ],
            show_caption=True,
        ),
    ]
    if findings.labels_note:
        blocks.append(Note("About the labels", [words.sentence(findings.labels_note)], "warn"))
    return Section("method", "How the numbers were made", blocks, menu="Method")
