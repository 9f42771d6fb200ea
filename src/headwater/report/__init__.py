"""One look for everything a person reads: page, charts, terminal table, and all escaping.

A caller builds a `Page` or a `Board` from plain records; `html`, `fragment` and `draw` show it. This room
never knows what the figures mean.
"""

from headwater.report.charts import chart_bundle, filled
from headwater.report.escape import clean, inert_json
from headwater.report.frame import fragment, html
from headwater.report.page import (
    Badge,
    Bar,
    Beside,
    Block,
    Board,
    Bullets,
    Cell,
    Chart,
    Column,
    Disc,
    Facts,
    Fold,
    Gap,
    Glance,
    Highlighted,
    Link,
    Map,
    Note,
    Page,
    Part,
    Pattern,
    Pulse,
    Section,
    Table,
    Text,
    Tie,
)
from headwater.report.terminal import draw, wants_colour

__all__ = [
    "Badge",
    "Bar",
    "Beside",
    "Block",
    "Board",
    "Bullets",
    "Cell",
    "Chart",
    "Column",
    "Disc",
    "Facts",
    "Fold",
    "Gap",
    "Glance",
    "Highlighted",
    "Link",
    "Map",
    "Note",
    "Page",
    "Part",
    "Pattern",
    "Pulse",
    "Section",
    "Table",
    "Text",
    "Tie",
    "chart_bundle",
    "clean",
    "draw",
    "filled",
    "fragment",
    "html",
    "inert_json",
    "wants_colour",
]
