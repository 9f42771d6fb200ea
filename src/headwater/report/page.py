"""What a page is made of: plain records that say nothing about what their figures mean.

Whoever has something to show builds a `Page` (or a `Board` for a terminal) from these; this room draws it
and does all escaping. Every string may be hostile. Keys and targets are the only strings that become part
of the page's structure, and must match `[a-z][a-z0-9-]*`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

#: Classes of colour. Each also has a sign, a pattern or a word of its own wherever it is used.
Tone = Literal["plain", "for", "against", "quiet", "strong", "warn"]


@dataclass(frozen=True)
class Badge:
    """A word with a glyph and a tone; the glyph says the same as the colour."""

    text: str
    tone: Tone = "plain"
    glyph: str = ""


@dataclass(frozen=True)
class Link:
    """A jump to the section or fold whose key is `target`."""

    text: str
    target: str


@dataclass(frozen=True)
class Bar:
    """A bar in a table cell: `start` and `end` are parts of the cell's width (0 to 1), `zero` a fine line."""

    start: float
    end: float
    text: str = ""
    tone: Tone = "plain"
    hollow: bool = False
    zero: float | None = None


Cell = str | int | Badge | Link | Bar | None


@dataclass(frozen=True)
class Column:
    """A column's title, how its cells are set, and (for a narrow screen) whether it may be left out."""

    title: str
    kind: Literal["text", "name", "number", "bar"] = "text"
    minor: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of cells under columns. `note` stands below it: what was left out, where the rest is."""

    kind: ClassVar[str] = "table"
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    note: str = ""
    #: a long table gets its own scroll area
    long: bool = False
    #: draw the caption for eyes too, not only for screen readers
    show_caption: bool = False


@dataclass(frozen=True)
class Text:
    """One paragraph."""

    kind: ClassVar[str] = "text"
    text: str
    tone: Tone = "plain"


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    kind: ClassVar[str] = "bullets"
    items: Sequence[str]
    tone: Tone = "plain"


@dataclass(frozen=True)
class Facts:
    """A few figures with their names."""

    kind: ClassVar[str] = "facts"
    items: Sequence[tuple[str, Cell]]


@dataclass(frozen=True)
class Chart:
    """A Vega-Lite spec kept in `charts/<spec>.json`, the named records that fill it, and the same numbers
    as a table. `sentence` says what to see.
    """

    kind: ClassVar[str] = "chart"
    key: str
    spec: str
    title: str
    sentence: str
    records: Mapping[str, Sequence[Mapping[str, object]]]
    table: Table


@dataclass(frozen=True)
class Pulse:
    """A small static picture of counts over time. `parts[i]` lies within `totals[i]`; `marks` are places
    from 0 to 1 with a short text each.
    """

    kind: ClassVar[str] = "pulse"
    title: str
    sentence: str
    totals: Sequence[float]
    parts: Sequence[float]
    first: str
    last: str
    marks: Sequence[tuple[float, str]] = ()


@dataclass(frozen=True)
class Gap:
    """A numbered moving place in a text, with what filled it."""

    number: int
    summary: str
    examples: Sequence[str] = ()


@dataclass(frozen=True)
class Pattern:
    """A text with moving places: fixed strings and gaps in reading order."""

    kind: ClassVar[str] = "pattern"
    title: str
    parts: Sequence[str | Gap]
    note: str = ""
    #: cut to a few lines, without the list of examples
    brief: bool = False


@dataclass(frozen=True)
class Highlighted:
    """A text in reading order, with runs that are set off: (text, number), and number 0 for what isn't.

    The numbers are those of `legend`, one line each from 1. A text of a million characters is no page; the caller cuts.
    """

    kind: ClassVar[str] = "highlighted"
    title: str
    parts: Sequence[tuple[str, int]]
    legend: Sequence[str]
    note: str = ""


@dataclass(frozen=True)
class Note:
    """A box set apart: a caution, a limit, a decision that is left to a person."""

    kind: ClassVar[str] = "note"
    title: str
    items: Sequence[str]
    tone: Tone = "plain"


@dataclass(frozen=True)
class Fold:
    """Blocks that are opened on demand, or by a link to `key`."""

    kind: ClassVar[str] = "fold"
    title: str
    blocks: Sequence[Block]
    key: str = ""


@dataclass(frozen=True)
class Beside:
    """Groups of blocks side by side where the screen is wide enough."""

    kind: ClassVar[str] = "beside"
    groups: Sequence[Sequence[Block]]


@dataclass(frozen=True)
class Part:
    """A heading of the third level with its blocks."""

    kind: ClassVar[str] = "part"
    title: str
    blocks: Sequence[Block]


Block = Text | Bullets | Facts | Table | Chart | Pulse | Pattern | Highlighted | Note | Fold | Beside | Part


@dataclass(frozen=True)
class Tie:
    """A line between two members of a disc, by their index, with a word on its kind."""

    a: int
    b: int
    weight: float
    label: str


@dataclass(frozen=True)
class Disc:
    """One group on the map: its members (strongest first), ties, and what each member shows side by side.

    `opens` is the section or fold that Enter opens, if it has one. A disc that isn't `solid` is drawn hollow.
    """

    name: str
    sentence: str
    members: Sequence[str]
    ties: Sequence[Tie] = ()
    values: Mapping[int, Sequence[str]] = field(default_factory=dict)
    opens: str | None = None
    solid: bool = True
    #: how many members it has in all, where not all of them are drawn
    total: int | None = None


@dataclass(frozen=True)
class Map:
    """Groups of dots in a pale field of `field` others. `bridges` are (disc, disc) pairs that were cut."""

    title: str
    sentence: str
    discs: Sequence[Disc]
    field: int
    field_word: str
    values_word: str
    bridges: Sequence[tuple[int, int]] = ()


@dataclass(frozen=True)
class Glance:
    """What stands beside the map for one group."""

    title: str
    badge: Badge
    sentence: str
    opens: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Section:
    """A heading of the second level, with a key to link to. `menu` is its name in the list of contents."""

    key: str
    title: str
    blocks: Sequence[Block]
    badge: Badge | None = None
    kicker: str = ""
    menu: str | None = None


@dataclass(frozen=True)
class Page:
    """A whole report. `verdict` is its first sentence, `lead` the sentences under it."""

    title: str
    verdict: str
    lead: Sequence[str]
    sections: Sequence[Section]
    summary: Table | None = None
    map: Map | None = None
    glances: Sequence[Glance] = ()
    notes: Sequence[Note] = ()
    foot: Sequence[str] = ()


@dataclass(frozen=True)
class Board:
    """What a terminal shows: lines (left, right), one table, lines.

    The first cell of a row may be a `Badge`, of which the glyph is shown.
    """

    above: Sequence[tuple[str, str]]
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    below: Sequence[str]
