"""The section of one campaign in the report, and what stands beside the map for it.

Composes the records that other modules make: sentences, waterfall, timeline, template, members.
"""

from __future__ import annotations

import re

from headwater.detect import A_KIND, Campaign, Findings, Slot, Template
from headwater.explain import campaign as told
from headwater.explain import timeline, waterfall, words
from headwater.report import (
    Badge,
    Bar,
    Beside,
    Block,
    Bullets,
    Cell,
    Column,
    Facts,
    Fold,
    Gap,
    Glance,
    Link,
    Note,
    Part,
    Pattern,
    Section,
    Table,
    Text,
)

MEMBERS = 50
TEMPLATES = 3
BRIDGES = 20
_PAIRS = 8
#: What a short view has no room for.
_BLANK_LINES = re.compile(r"\n\s*\n")
_TEXT_LENGTH = 1_200
_EXAMPLES = 4
_EXAMPLE_LENGTH = 160
_TONE = {"confirmed": "strong", "likely": "for", "possible": "warn"}


def badge(ring: Campaign) -> Badge:
    """The word of the closed scale with its glyph."""
    return Badge(ring.word, _TONE.get(ring.word, "quiet"), told.SCALE[ring.word][0])  # type: ignore[arg-type]


def pattern(template: Template, number: int, *, brief: bool = False) -> Pattern:
    """A template with its slots numbered; without texts where the log kept imprints only."""
    parts: list[str | Gap] = []
    texts = template.texts or ("",) * (len(template.slots) + 1)
    for index, text in enumerate(texts):
        if text:
            shown = words.short(text, _TEXT_LENGTH)
            parts.append(_BLANK_LINES.sub("\n", shown) if brief else shown)
        if index < len(template.slots):
            slot = template.slots[index]
            examples = tuple(words.clip(e, _EXAMPLE_LENGTH) for e in slot.examples[:_EXAMPLES])
            parts.append(Gap(index + 1, _seen(template, slot), examples))
    note = (
        f"Filled by {words.many(template.accounts, 'account')} in "
        f"{words.many(template.exchanges, 'exchange')} ({words.share(template.share)} of the campaign's)"
        + (f", {words.many(template.prompts, 'different prompt')}." if template.prompts else ".")
    )
    if not template.texts:
        note += " Its text is not shown: the log kept imprints only, or details are hidden."
    return Pattern(f"Template {number}", parts, note, brief=brief)


def _seen(template: Template, slot: Slot) -> str:
    """How many fillings a slot had, of how many prompts that were read."""
    read = len(template.fillings)
    told = words.many(slot.distinct, "filling")
    return f"{told} in {words.many(read, 'prompt')} read" if template.prompts > read > 0 else told


def _fillings(template: Template) -> Table | None:
    """Accounts beside each other with what they put into each slot: disjoint slices can be seen."""
    rows = [(account, values) for account, values in template.fillings if values][:_PAIRS]
    if len(rows) < 2:
        return None
    wide = min(max(len(values) for _, values in rows), 4)
    return Table(
        "The slots side by side: what the accounts filled in",
        [Column("Account", "name"), *(Column(f"Slot {i + 1}", minor=i > 1) for i in range(wide))],
        [
            [account, *(words.clip(values[i], 90) if i < len(values) else None for i in range(wide))]
            for account, values in rows
        ],
        note=f"{words.many(len(template.fillings) - len(rows), 'more prompt')} in campaigns.json."
        if len(template.fillings) > len(rows)
        else "",
        show_caption=True,
    )


def _templates(ring: Campaign) -> list[Block]:
    blocks: list[Block] = []
    for number, template in enumerate(ring.templates[:TEMPLATES], 1):
        blocks.append(pattern(template, number))
        side = _fillings(template)
        if side is not None:
            blocks.append(side)
    if len(ring.templates) > TEMPLATES:
        blocks.append(
            Text(
                f"{words.many(len(ring.templates) - TEMPLATES, 'more template')} in campaigns.json.", "quiet"
            )
        )
    return blocks


def _taken(ring: Campaign) -> Table:
    return Table(
        "What was harvested",
        [
            Column("Kind of request"),
            Column("Exchanges", "number"),
            Column("Share", "number"),
            Column("", "bar"),
        ],
        [
            [t.what, t.exchanges, words.share(t.share), Bar(0.0, min(max(t.share, 0.0), 1.0), tone="for")]
            for t in sorted(ring.taken, key=lambda t: (-t.exchanges, t.what))[:12]
        ],
    )


def _members(ring: Campaign) -> Table:
    order = sorted(ring.members, key=lambda m: (-m.tie, m.account))
    rest = len(order) - MEMBERS
    return Table(
        f"Accounts of the ring, firmest tie first ({min(len(order), MEMBERS)} of {words.count(len(order))})",
        [
            Column("Account", "name"),
            Column("Organisation", "name", minor=True),
            Column("Exchanges", "number", minor=True),
            Column("Attributed", "number"),
            Column("Tie, nats", "number"),
            Column("Kinds of tie"),
            Column("First seen", minor=True),
        ],
        [
            [
                m.account,
                m.organisation,
                m.exchanges,
                m.attributed,
                words.significant(m.tie, 3),
                ", ".join([*m.ties, *(["hours"] if m.hours >= A_KIND else [])]),
                words.when(m.first_at_us),
            ]
            for m in order[:MEMBERS]
        ],
        note=f"{words.many(rest, 'more account')} in accounts.parquet." if rest > 0 else "",
        long=True,
    )


def _bridges(ring: Campaign) -> Table:
    order = sorted(ring.bridges, key=lambda b: (-b[2], b[0], b[1]))
    rest = len(order) - BRIDGES
    return Table(
        "Links that were cut, because they bridge two dense parts",
        [Column("Account", "name"), Column("Of another ring", "name"), Column("Weight, nats", "number")],
        [[a, b, words.nats(weight)] for a, b, weight in order[:BRIDGES]],
        note=f"{words.many(rest, 'more link')} in campaigns.json." if rest > 0 else "",
    )


def facts(ring: Campaign) -> Facts:
    """The campaign's figures."""
    items: list[tuple[str, Cell]] = [
        ("Accounts", words.count(len(ring.members))),
        ("Exchanges", words.count(ring.exchanges)),
        ("Probability", words.probability(ring.probability)),
        ("By chance", Link(words.chance(ring.chance), "method")),
        ("Active", words.span(ring.first_at_us, ring.last_at_us)),
    ]
    if ring.share_in_view is not None:
        items.append(("In view, at least", words.share(ring.share_in_view)))
    return Facts(items)


def section(ring: Campaign, findings: Findings, key: str) -> Section:
    """The whole section of a reported campaign."""
    made = waterfall.steps(ring, findings.coverage)
    over_time = timeline.chart(ring, findings.log, f"{key}-time")
    blocks: list[Block] = [
        Beside(
            [
                [Text(words.sentence(ring.sentence), "strong"), facts(ring)],
                [Bullets([*told.verdict(ring), told.chance(ring)[0]])],
            ]
        )
    ]
    if ring.declared:
        blocks.append(Note("Declared as known", [words.sentence(ring.declared)]))
    contra = Bullets([*told.against(ring), *told.innocent(ring, findings.coverage)])
    blocks.append(
        Beside(
            [
                [Part("Evidence for and against", [waterfall.chart(ring, made, f"{key}-why")])],
                [Part("Why", [Bullets(told.why(ring))]), Part("What speaks against", [contra])],
            ]
        )
    )
    templates = _templates(ring)
    if templates:
        blocks.append(Part("What they have in common", templates))
    if over_time is not None:
        blocks.append(Part("Over time", [over_time]))
    if ring.taken:
        blocks.append(Part("What was harvested", [_taken(ring)]))
    blocks.append(
        Beside(
            [
                [Part("What it doesn't prove", [Bullets(told.not_proved(ring))])],
                [
                    Part(
                        "What would be proportionate",
                        [Note("A person decides", told.proportionate(ring), "strong")],
                    )
                ],
            ]
        )
    )
    folded: list[Block] = [_members(ring)]
    if ring.bridges:
        folded.append(_bridges(ring))
    blocks.append(Fold(f"Accounts of the ring ({words.count(len(ring.members))})", folded))
    return Section(key, ring.id, blocks, badge(ring), kicker=ring.kind)


def glance(ring: Campaign, findings: Findings, key: str) -> Glance:
    """Template, timeline and waterfall in little, to stand beside the map."""
    made = waterfall.steps(ring, findings.coverage)
    blocks: list[Block] = []
    if ring.templates:
        blocks.append(pattern(ring.templates[0], 1, brief=True))
    over_time = timeline.pulse(ring, findings.log)
    if over_time is not None:
        blocks.append(over_time)
    blocks.append(waterfall.table(made, brief=True))
    return Glance(ring.id, badge(ring), words.sentence(ring.sentence), key, blocks)
